//! The state of the whole system in one place: the mode, the card in `#status`, realtime gaps.

mod gaps;
mod storm;

use serde_json::Value;

use crate::harness::client::Client;
use crate::harness::outage::{accept_connections, end_connections};
use crate::harness::person::{Person, Seen};
use crate::harness::process::Process;
use crate::harness::status::{TITLE, card, posts};
use crate::harness::world::World;

/// A world that looks at everything often, so that a test does not have to wait.
async fn quick() -> World {
    let world = World::without_bridge().await;
    world.configure("[mode]\npoll_seconds = 1\n[mirror]\nsweep_seconds = 2\n");
    world
        .fault(serde_json::json!({ "rate_limits": "off" }))
        .await;
    world
}

/// The same with an executor of its own, which is not there yet. Returns its port.
async fn with_executor() -> (World, u16) {
    let mut world = quick().await;
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a port is free")
        .port();
    world.set("CONTROL_API_URL", &format!("http://127.0.0.1:{port}"));
    world.set("CONTROL_API_TOKEN", "between-us");
    (world, port)
}

async fn card_says(world: &World, zack: &Person, words: &str) -> Vec<Seen> {
    let status = world.channel("status");
    zack.sees(&status, words, |seen| card(seen).contains(words))
        .await
}

async fn post_says(world: &World, zack: &Person, words: &str) -> Vec<Seen> {
    let status = world.channel("status");
    let found = |seen: &[Seen]| posts(seen).iter().any(|post| post.contains(words));
    zack.sees(&status, words, found).await
}

fn stop(mut executor: Process) {
    let status = executor.stop();
    assert!(status.success(), "{status}:\n{}", executor.log());
}

#[tokio::test]
async fn one_card_is_kept_true_and_only_the_mode_makes_new_posts() {
    let mut world = quick().await;
    world.start_bridge();
    let zack = world.person("zack");
    let seen = card_says(&world, &zack, "🟢 **Live**").await;
    let first = seen
        .iter()
        .find(|m| m.text.starts_with(TITLE))
        .map(|m| m.id.clone());
    let quiet = card(&seen);
    for words in [
        "Queue: nothing waits",
        "Approvals: none open",
        "Realtime: no gaps",
        "🧢 Trunks, not seen yet",
    ] {
        assert!(quiet.contains(words), "{words}: {quiet}");
    }
    sqlx::raw_sql(
        "INSERT INTO agent_status (project_id, agent_key, state, last_activity_at) \
           VALUES ('front-office', 'agent:main:main', 'working', '2026-01-01 00:00:00Z'); \
         INSERT INTO tasks (project_id, title, is_proposed) \
           VALUES ('front-office', 'Tidy up', true)",
    )
    .execute(world.pool())
    .await
    .expect("the database takes rows");
    card_says(&world, &zack, "Trunks, working, seen <t:1767225600:R>").await;
    let seen = card_says(&world, &zack, "Approvals: 1 open, the oldest since").await;
    let last = seen
        .iter()
        .find(|m| m.text.starts_with(TITLE))
        .map(|m| m.id.clone());
    assert_eq!(first, last, "the card is edited, not posted anew");
    let posts = posts(&seen);
    assert!(
        matches!(posts.as_slice(), [live] if live.starts_with("🟢 **Live** since")),
        "{posts:#?}"
    );
}

#[tokio::test]
async fn what_waited_while_the_executor_was_away_is_counted_in_the_posts() {
    let (mut world, port) = with_executor().await;
    let executor = world.start_executor(port);
    world.start_bridge();
    let (zack, dm) = (world.person("zack"), world.channel("dm-main"));
    post_says(&world, &zack, "🟢 **Live** since").await;
    zack.say(&dm, "before it all").await;
    zack.sees(&dm, "an answer", |seen| {
        seen.iter().any(|m| m.name == "Trunks")
    })
    .await;

    stop(executor);
    let seen = post_says(&world, &zack, "🟡 **Backup** since").await;
    assert!(
        posts(&seen)
            .last()
            .is_some_and(|post| post.contains("0 messages queued")),
        "{seen:#?}"
    );
    for n in 0..3 {
        zack.say(&dm, &format!("meanwhile {n}")).await;
    }
    post_says(&world, &zack, "3 messages queued").await;
    card_says(&world, &zack, "Queue: 3 messages waiting, the oldest since").await;

    let _executor = world.start_executor(port);
    let seen = post_says(&world, &zack, ": 3 delivered, 0 waiting.").await;
    let posts = posts(&seen);
    assert!(
        matches!(posts.as_slice(), [live, backup, again]
        if live.starts_with("🟢 **Live** since")
            && backup.contains("did not answer") && backup.contains("3 messages queued")
            && again.starts_with("🟢 **Live** again after ")),
        "{posts:#?}"
    );
    card_says(&world, &zack, "Queue: nothing waits").await;
}

#[tokio::test]
async fn a_bridge_that_was_started_anew_goes_on_with_the_story() {
    let (mut world, port) = with_executor().await;
    world.start_bridge();
    let (zack, dm) = (world.person("zack"), world.channel("dm-ricky"));
    zack.say(&dm, "is anybody there?").await;
    post_says(&world, &zack, "1 message queued").await;
    world.kill_bridge();
    // Once while the executor is still away, and once more when it is back.
    world.start_bridge();
    card_says(&world, &zack, "Queue: 1 message waiting").await;
    world.kill_bridge();
    let _executor = world.start_executor(port);
    world.start_bridge();
    let seen = post_says(&world, &zack, ": 1 delivered, 0 waiting.").await;
    assert_eq!(posts(&seen).len(), 2, "{seen:#?}");
    card_says(&world, &zack, "🟢 **Live**").await;
}

#[tokio::test]
async fn without_a_database_the_card_says_so_and_comes_back() {
    let mut world = quick().await;
    world.start_bridge();
    let zack = world.person("zack");
    card_says(&world, &zack, "🟢 **Live**").await;
    accept_connections(world.database(), false).await;
    end_connections(world.database()).await;
    post_says(&world, &zack, "🔴 **Offline** since").await;
    let seen = card_says(&world, &zack, "🔴 **Offline**").await;
    assert!(card(&seen).contains("cannot be asked"), "{seen:#?}");
    let client = Client::open(&world, "zack").await;
    let act = client.slash(&world.channel("team-room"), "status").await;
    let told = client.told(&act).await;
    assert!(told.content.contains("🔴 **Offline**"), "{told:#?}");

    accept_connections(world.database(), true).await;
    post_says(&world, &zack, "🟢 **Live** again after ").await;
    let seen = card_says(&world, &zack, "🟢 **Live**").await;
    assert!(card(&seen).contains("Queue: nothing waits"), "{seen:#?}");
}

#[tokio::test]
async fn the_dot_beside_the_bots_name_shows_the_mode() {
    let (mut world, port) = with_executor().await;
    let client = Client::open(&world, "zack").await;
    let executor = world.start_executor(port);
    world.start_bridge();
    client.sees_presence("online").await;
    stop(executor);
    client.sees_presence("idle").await;
    // A new session begins as the mode is, not as online.
    world
        .fault(serde_json::json!({ "invalid_session": true }))
        .await;
    let client = Client::open(&world, "zack").await;
    client.sees_presence("idle").await;
    accept_connections(world.database(), false).await;
    end_connections(world.database()).await;
    client.sees_presence("dnd").await;
    accept_connections(world.database(), true).await;
    let _executor = world.start_executor(port);
    client.sees_presence("online").await;
}

#[tokio::test]
async fn whoever_asks_is_shown_the_same_card_alone() {
    let mut world = quick().await;
    world.start_bridge();
    let zack = world.person("zack");
    // The last that changes on a card at the start.
    let seen = card_says(&world, &zack, "Realtime: no gaps").await;
    let public = card(&seen).to_owned();
    assert!(public.contains("🟢 **Live**"), "{public}");
    for name in ["zack", "mallory"] {
        let client = Client::open(&world, name).await;
        let act = client.slash(&world.channel("team-room"), "status").await;
        let told = client.told(&act).await;
        assert_eq!(told.content, public, "{name}");
    }
    let room = zack.read(&world.channel("team-room")).await;
    assert!(room.iter().all(|m| !m.text.contains(TITLE)), "{room:#?}");
}

/// A number among the metrics.
async fn metric(world: &World, line: &str) -> Option<f64> {
    let health = world.run()["health"]["url"].as_str().expect("an address");
    let page = reqwest::get(format!("{health}/metrics"))
        .await
        .expect("an answer");
    let page = page.text().await.expect("a body");
    page.lines()
        .find_map(|it| it.strip_prefix(line)?.trim().parse().ok())
}

/// Whether a request posted something into a channel.
fn posted(request: &Value, words: &str) -> bool {
    request["body"]["content"]
        .as_str()
        .is_some_and(|text| text.contains(words))
}

#[tokio::test]
async fn an_outage_of_the_database_that_a_bridge_did_not_survive_is_told_to_be_over() {
    let mut world = quick().await;
    world.start_bridge();
    let zack = world.person("zack");
    post_says(&world, &zack, "🟢 **Live** since").await;
    accept_connections(world.database(), false).await;
    end_connections(world.database()).await;
    post_says(&world, &zack, "🔴 **Offline** since").await;
    world.kill_bridge();
    accept_connections(world.database(), true).await;
    for _ in 0..2 {
        world.start_bridge();
        let seen = post_says(&world, &zack, "🟢 **Live** again after").await;
        assert_eq!(posts(&seen).len(), 3, "once: {seen:#?}");
        card_says(&world, &zack, "🟢 **Live**").await;
        world.stop_bridge();
    }
}

#[tokio::test]
async fn the_card_says_what_is_wrong_now_and_not_what_was_wrong_first() {
    let (mut world, port) = with_executor().await;
    world.set("CONTROL_API_TOKEN", "not-the-one");
    world.start_bridge();
    let zack = world.person("zack");
    card_says(&world, &zack, "did not answer: Connection refused").await;
    // The executor is there now, and the bridge's token for it is wrong.
    let _executor = world.start_executor(port);
    let seen = card_says(&world, &zack, "answered 401").await;
    let backups = posts(&seen)
        .into_iter()
        .filter(|it| it.contains("**Backup**"));
    assert_eq!(backups.count(), 1, "{seen:#?}");
}
