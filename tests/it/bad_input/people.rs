//! What people write in Discord, as rows have it.

use reqwest::Method;

use crate::harness::wait::eventually;
use crate::harness::world::World;

/// The texts of all rows whose author is the operator, in the order in which they were said.
async fn rows(world: &World) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT message FROM project_chat_messages WHERE author = 'ui' ORDER BY created_at, id",
    )
    .fetch_all(world.pool())
    .await
    .expect("the database answers")
}

async fn rows_are(world: &World, wanted: &[String]) {
    eventually("rows of what was said", || async {
        let rows = rows(world).await;
        if rows == wanted { Ok(()) } else { Err(rows) }
    })
    .await;
}

#[tokio::test]
async fn every_markup_survives_into_the_row_and_mentions_are_names() {
    let world = World::start().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    let mallory = world.person("mallory").id;
    let said = [
        format!(
            "@everyone <@{mallory}> <#{room}> <:party:4> <t:0:R> [masked](https://example.org)"
        ),
        "**bold** *it* __under__ ~~gone~~ ||hidden|| `code` \\*plain\\* > not a quote".to_owned(),
        "# Heading\n> quote\n- item\n```sql\nSELECT 'it''s'; -- $1\n```".to_owned(),
        "'); DROP TABLE project_chat_messages; -- {\"json\": \"\\u0000\"}".to_owned(),
        "🧢 e\u{301} \u{1f469}\u{200d}\u{1f52c} مرحبا".to_owned(),
    ];
    for text in &said {
        zack.say(&room, text).await;
    }
    let mut wanted = said.to_vec();
    wanted[0] = "@everyone @mallory #team-room :party: 1970-01-01T00:00:00Z \
                 [masked](https://example.org)"
        .to_owned();
    rows_are(&world, &wanted).await;
}

#[tokio::test]
async fn two_thousand_characters_are_one_row() {
    let world = World::start().await;
    let room = world.channel("team-room");
    let text = "ß".repeat(2000);
    world.person("zack").say(&room, &text).await;
    rows_are(&world, &[text]).await;
}

#[tokio::test]
async fn files_without_a_word_are_a_row_that_says_what_and_where() {
    let world = World::start().await;
    let (zack, dm) = (world.person("zack"), world.channel("dm-ricky"));
    zack.upload(
        &dm,
        "",
        &[("plan.txt", "the whole plan"), ("notes.md", "# notes")],
    )
    .await;
    let row = eventually("the row", || async {
        let rows = rows(&world).await;
        if rows.len() == 1 {
            Ok(rows[0].clone())
        } else {
            Err(rows)
        }
    })
    .await;
    let lines: Vec<&str> = row.lines().collect();
    let kind = "bytes, text/plain; charset=utf-8)] http";
    assert!(
        lines[0].starts_with(&format!("[file: plan.txt (14 {kind}")),
        "{row}"
    );
    assert_eq!(lines[1..4], ["```txt", "the whole plan", "```"], "{row}");
    assert!(
        lines[4].starts_with(&format!("[file: notes.md (7 {kind}")),
        "{row}"
    );
    assert_eq!(lines[5..], ["```md", "# notes", "```"], "{row}");
    let address = lines[0].split_whitespace().last().unwrap();
    let content = reqwest::get(address).await.unwrap().text().await.unwrap();
    assert_eq!(content, "the whole plan");
    zack.sees(&dm, "the agent's answer", |seen| {
        seen.iter()
            .any(|m| m.name == "Ricky" && m.text.contains("plan.txt"))
    })
    .await;
}

#[tokio::test]
async fn what_is_no_message_of_a_person_is_no_row() {
    let world = World::start().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    let general = {
        let path = format!("/guilds/{}/channels", world.guild());
        let (_, list) = zack.call(Method::GET, &path, None).await;
        let channels = list.as_array().expect("a list").clone();
        let found = channels.iter().find(|channel| channel["name"] == "general");
        found.expect("a channel of somebody else")["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    zack.say(&general, "in a channel that is not ours").await;
    let status = world.channel("status");
    zack.say(&status, "where nobody is asked").await;
    let pinned = zack.say(&room, "a pin makes a system message").await;
    let (code, _) = zack
        .call(
            Method::PUT,
            &format!("/channels/{room}/messages/pins/{pinned}"),
            None,
        )
        .await;
    assert!(code.is_success());
    zack.say(&room, "last").await;
    rows_are(
        &world,
        &["a pin makes a system message".to_owned(), "last".to_owned()],
    )
    .await;
}
