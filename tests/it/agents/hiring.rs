//! `/agent new`: who may, what becomes of it, and what is refused.

use std::net::TcpListener;

use crate::harness::card::Card;
use crate::harness::client::{Act, Client};
use crate::harness::existing::Existing;
use crate::harness::wait::eventually;
use crate::harness::world::World;

/// Asks for an agent. What is told may change for a while.
async fn ask(zack: &Client, at: &str, options: &[(&str, &str)]) -> Act {
    let texts = options
        .iter()
        .map(|(name, value)| serde_json::json!({ "type": 3, "name": name, "value": value }));
    let below =
        serde_json::json!([{ "type": 1, "name": "new", "options": texts.collect::<Vec<_>>() }]);
    zack.slash_with(at, "agent", below).await
}

/// Waits until what is told says this.
async fn comes_to(zack: &Client, act: &Act, words: &str) -> Card {
    eventually(words, || async {
        let card = zack.told(act).await;
        if card.says(words) {
            Ok(card)
        } else {
            Err(card)
        }
    })
    .await
}

async fn requests(world: &World) -> Vec<(String, String)> {
    sqlx::query_as("SELECT agent_key, status FROM agent_provision_requests ORDER BY requested_at")
        .fetch_all(world.pool())
        .await
        .unwrap()
}

fn done(short: &str) -> (String, String) {
    (format!("agent:{short}:main"), "done".to_owned())
}

/// A world whose executor is a process of its own that is not there yet, and its port.
async fn without_executor() -> (World, u16) {
    let mut world = World::without_bridge().await;
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    world.set("CONTROL_API_URL", &format!("http://127.0.0.1:{port}"));
    world.set("CONTROL_API_TOKEN", "between-us");
    world.configure("[mode]\npoll_seconds = 1\n");
    world.start_bridge();
    (world, port)
}

/// The channel of an agent, once it is there.
async fn channel_of(world: &World, short: &str) -> String {
    let file = world.data_dir().join("run.json");
    eventually(&format!("the channel of {short}"), || async {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let run: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let id = run["discord"]["channels"][format!("dm-{short}")]
            .as_str()
            .map(str::to_owned);
        id.ok_or(run["discord"]["channels"].clone())
    })
    .await
}

#[tokio::test]
async fn an_operator_hires_and_talks_to_the_agent_also_after_a_restart() {
    let mut world = World::start().await;
    let zack = Client::open(&world, "zack").await;
    let at = world.channel("status");
    let act = ask(
        &zack,
        &at,
        &[
            ("name", "Nova"),
            ("short", "nova"),
            ("role", "Scout"),
            ("emoji", "🛰️"),
        ],
    )
    .await;
    let card = comes_to(&zack, &act, "is in the team").await;
    assert!(card.says("nova") && card.buttons.is_empty(), "{card:?}");
    let dm = channel_of(&world, "nova").await;
    comes_to(&zack, &act, &format!("<#{dm}>")).await;
    zack.person.say(&dm, "anybody home?").await;
    let heard = |seen: &[crate::harness::person::Seen]| {
        seen.iter()
            .any(|m| m.name == "Nova" && m.text.contains("Heard by nova"))
    };
    zack.person.sees(&dm, "Nova's answer", heard).await;
    assert_eq!(requests(&world).await, [done("nova")]);

    world.stop_bridge();
    world.start_bridge();
    zack.person.say(&dm, "and now?").await;
    zack.person
        .sees(&dm, "an answer after the restart", |seen| {
            seen.iter()
                .any(|m| m.name == "Nova" && m.text.contains("and now?"))
        })
        .await;
}

#[tokio::test]
async fn what_is_asked_for_without_an_executor_waits_and_is_carried_out_once() {
    let (world, port) = without_executor().await;
    let zack = Client::open(&world, "zack").await;
    let at = world.channel("status");
    let act = ask(&zack, &at, &[("name", "Nova"), ("short", "nova")]).await;
    let card = comes_to(&zack, &act, "Queued - ").await;
    let looked = zack.press(&card, "Look again").await;
    assert!(
        zack.told(&looked).await.says("Queued - "),
        "nobody has been there"
    );
    let again = ask(&zack, &at, &[("name", "Nova"), ("short", "nova")]).await;
    comes_to(&zack, &again, "asked for `nova` already").await;
    let team = zack.used(&at, "agents", &[]).await;
    assert!(team.says("Nova is asked for since"), "{team:?}");

    let _executor = world.start_executor(port);
    comes_to(&zack, &act, "is in the team").await;
    channel_of(&world, "nova").await;
    assert_eq!(requests(&world).await, [done("nova")]);
    let agents: i64 =
        sqlx::query_scalar("SELECT count(*) FROM agents WHERE agent_id_short = 'nova'")
            .fetch_one(world.pool())
            .await
            .unwrap();
    assert_eq!(agents, 1);
}

#[tokio::test]
async fn an_executor_that_runs_only_what_is_configured_says_so_and_retry_counts() {
    let mut world = World::without_bridge().await;
    world.configure(
        "[executor.agents.main]\npreset = \"demo\"\n[executor.agents.ricky]\npreset = \"demo\"\n",
    );
    world.start_bridge();
    let zack = Client::open(&world, "zack").await;
    let at = world.channel("status");
    let act = ask(&zack, &at, &[("name", "Nova"), ("short", "nova")]).await;
    let card = comes_to(&zack, &act, "could not be provisioned").await;
    assert!(card.says("[executor.agents.nova]"), "{card:?}");
    let team = zack.used(&at, "agents", &[]).await;
    assert!(
        team.says("❌ Nova") && team.live().contains(&"Retry Nova"),
        "{team:?}"
    );

    let mallory = Client::open(&world, "mallory").await;
    let seen = mallory.used(&at, "agents", &[]).await;
    let refused = mallory.press(&seen, "Retry Nova").await;
    assert!(mallory.told(&refused).await.says("Only operators"));

    world.stop_bridge();
    world.configure(
        "[executor.agents.nova]\npreset = \"demo\"\n[executor.agents.main]\npreset = \"demo\"\n",
    );
    world.start_bridge();
    let other = zack.used(&at, "agents", &[]).await;
    let pressed = zack.press(&card, "Retry").await;
    zack.told(&pressed).await;
    channel_of(&world, "nova").await;
    let late = zack.press(&other, "Retry Nova").await;
    assert!(zack.told(&late).await.says("has not failed"));
    assert_eq!(requests(&world).await, [done("nova")]);
}

#[tokio::test]
async fn bad_names_are_refused_in_words_and_nothing_is_filed() {
    let world = World::start().await;
    let zack = Client::open(&world, "zack").await;
    let at = world.channel("status");
    let long = "n".repeat(81);
    let cases: [(&[(&str, &str)], &str); 9] = [
        (&[("name", "Nova"), ("short", "no va")], "short id"),
        (&[("name", "Nova"), ("short", "-nova")], "short id"),
        (
            &[("name", "Nova"), ("short", "agent")],
            "means something else",
        ),
        (&[("name", "Nova"), ("short", "ricky")], "already"),
        (
            &[("name", "RICKY"), ("short", "nova")],
            "could not tell them apart",
        ),
        (&[("name", &long), ("short", "nova")], "81 characters"),
        (&[("name", "\u{200b}"), ("short", "nova")], "no letter"),
        (
            &[("name", "Nova"), ("short", "nova"), ("emoji", "🛰️🛰️")],
            "not one emoji",
        ),
        (
            &[("name", "Nova"), ("short", "nova"), ("emoji", "<:x:123>")],
            "not one emoji",
        ),
    ];
    for (options, why) in cases {
        let act = ask(&zack, &at, options).await;
        let told = zack.told(&act).await;
        assert!(told.says(why) && told.pings == 0, "{options:?}: {told:?}");
    }
    let mallory = Client::open(&world, "mallory").await;
    let act = ask(&mallory, &at, &[("name", "Nova"), ("short", "nova")]).await;
    assert!(mallory.told(&act).await.says("Only operators"));
    assert_eq!(requests(&world).await, []);
}

#[tokio::test]
async fn an_existing_executor_that_does_not_know_the_question_finds_it_in_its_queue() {
    let mut world = World::without_bridge().await;
    let existing = Existing::start(&world).await;
    world.configure("[mode]\npoll_seconds = 1\n");
    world.set("CONTROL_API_URL", &existing.url());
    world.start_bridge();
    let zack = Client::open(&world, "zack").await;
    let live = "SELECT lower(mode) FROM bridge.mode_log ORDER BY id DESC LIMIT 1";
    world.database_says(live, "live".to_owned()).await;
    let act = ask(
        &zack,
        &world.channel("status"),
        &[("name", "Nova $(id)"), ("short", "nova")],
    )
    .await;
    zack.told(&act).await;
    let name: String = sqlx::query_scalar("SELECT display_name FROM agent_provision_requests")
        .fetch_one(world.pool())
        .await
        .unwrap();
    assert!(!name.contains('$'), "no shell gets this: {name}");
    // Its worker says what it makes of it, in its own words.
    sqlx::query("UPDATE agent_provision_requests SET status = 'error', result = '\"openclaw: *no* such workspace\"'")
        .execute(world.pool())
        .await
        .unwrap();
    let card = comes_to(&zack, &act, "could not be provisioned").await;
    assert!(
        card.says("openclaw: *no* such workspace") && card.live() == ["Retry"],
        "{card:?}"
    );
}
