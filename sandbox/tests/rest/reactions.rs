//! Reactions and pins.

use anyhow::Result;
use reqwest::Method;
use serde_json::json;

use crate::world::World;

/// Percent-encodes an emoji as clients do.
fn encoded(emoji: &str) -> String {
    percent_encoding::utf8_percent_encode(emoji, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[tokio::test]
async fn a_message_takes_20_different_emoji() -> Result<()> {
    let world = World::start().await?;
    let path = format!(
        "/channels/{}/messages/{}",
        world.general,
        world.say("react").await?
    );
    let emoji: Vec<char> = ('\u{1F600}'..).take(21).collect();
    for (n, emoji) in emoji.iter().enumerate() {
        let route = format!("{path}/reactions/{}/@me", encoded(&emoji.to_string()));
        let answer = world.bot(Method::PUT, &route, None).await?;
        if n < 20 {
            answer.is(204);
        } else {
            answer.refuses(400, 30010);
        }
    }
    let message = world.bot(Method::GET, &path, None).await?.is(200);
    let first = &message["reactions"][0];
    assert_eq!(
        (first["count"].as_u64(), first["me"].as_bool()),
        (Some(1), Some(true))
    );
    assert_eq!(first["burst_colors"], json!([]));
    Ok(())
}

#[tokio::test]
async fn reactions_are_counted_listed_and_taken_back() -> Result<()> {
    let world = World::start().await?;
    let path = format!(
        "/channels/{}/messages/{}",
        world.general,
        world.say("react").await?
    );
    let own = format!("{path}/reactions/{}/@me", encoded("✅"));
    world.bot(Method::PUT, &own, None).await?.is(204);
    world.bot(Method::PUT, &own, None).await?.is(204);
    world.zack(Method::PUT, &own, None).await?.is(204);
    let who = world
        .bot(
            Method::GET,
            &format!("{path}/reactions/{}", encoded("✅")),
            None,
        )
        .await?
        .is(200);
    assert_eq!(who.as_array().map(Vec::len), Some(2));
    world.zack(Method::DELETE, &own, None).await?.is(204);
    let message = world.zack(Method::GET, &path, None).await?.is(200);
    assert_eq!(
        (
            message["reactions"][0]["count"].as_u64(),
            &message["reactions"][0]["me"]
        ),
        (Some(1), &json!(false))
    );
    let bot = message["author"]["id"].as_str().unwrap_or_default();
    let of_bot = format!("{path}/reactions/{}/{bot}", encoded("✅"));
    world
        .mallory(Method::DELETE, &of_bot, None)
        .await?
        .refuses(403, 50013);
    world.zack(Method::DELETE, &of_bot, None).await?.is(204);
    Ok(())
}

#[tokio::test]
async fn what_is_no_emoji_is_unknown() -> Result<()> {
    let world = World::start().await?;
    let path = format!(
        "/channels/{}/messages/{}",
        world.general,
        world.say("react").await?
    );
    for text in ["check", "%3Acheck%3A", "party%3A123", "5"] {
        let answer = world
            .bot(Method::PUT, &format!("{path}/reactions/{text}/@me"), None)
            .await?;
        answer.refuses(404, 10014);
    }
    Ok(())
}

#[tokio::test]
async fn a_channel_pins_250_messages_by_either_route() -> Result<()> {
    let world = World::start().await?;
    let mut last = String::new();
    for n in 0..251 {
        last = world.say(&n.to_string()).await?;
        let route = if n % 2 == 0 { "pins" } else { "messages/pins" };
        let path = format!("/channels/{}/{route}/{last}", world.general);
        let answer = world.bot(Method::PUT, &path, None).await?;
        if n < 250 {
            answer.is(204);
        } else {
            answer.refuses(400, 30003);
        }
    }
    let paged = world
        .bot(
            Method::GET,
            &format!("/channels/{}/messages/pins", world.general),
            None,
        )
        .await?
        .is(200);
    assert_eq!(paged["has_more"], true);
    assert_eq!(paged["items"].as_array().map(Vec::len), Some(50));
    assert_eq!(paged["items"][0]["message"]["content"], "249");
    let old = world
        .bot(
            Method::GET,
            &format!("/channels/{}/pins", world.general),
            None,
        )
        .await?
        .is(200);
    assert_eq!(old.as_array().map(Vec::len), Some(50));
    // MANAGE_MESSAGES alone does not pin any more.
    let without_pin = 1 << 10 | 1 << 11 | 1 << 13 | 1 << 16;
    world.allow(without_pin).await?;
    let path = format!("/channels/{}/messages/pins/{last}", world.general);
    world
        .bot(Method::PUT, &path, None)
        .await?
        .refuses(403, 50013);
    Ok(())
}
