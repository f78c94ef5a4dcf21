//! Retry: who may, once, and what a late answer changes.

use super::{ANSWERED, FAILED, WITH_AGENT, no_reply, replies, the_reply};
use crate::harness::client::Client;
use crate::harness::marks::marked;
use crate::harness::wait::eventually;
use crate::harness::world::World;

/// An agent that is a shell script; `$0` is the data folder.
async fn scripted(script: &str, settings: &str) -> World {
    let mut world = World::without_bridge().await;
    let folder = world.data_dir();
    let argv = serde_json::json!(["sh", "-c", script, folder]);
    world.configure(&format!(
        "{settings}\n[executor.agents.main]\nargv = {argv}\ntimeout_seconds = 60\n"
    ));
    world.start_bridge();
    world
}

#[tokio::test]
async fn an_operator_retries_and_whoever_is_slower_is_told() {
    let script = r#"if [ -e "$0/ready" ]; then echo "now it works"; else exit 3; fi"#;
    let world = scripted(script, "").await;
    let (zack, mallory) = (
        Client::open(&world, "zack").await,
        Client::open(&world, "mallory").await,
    );
    let dm = world.channel("dm-main");
    let question = zack.person.say(&dm, "does it work?").await;
    marked(&zack.person, &dm, &question, &[FAILED]).await;
    let reply = the_reply(&zack.person, &dm, &question).await;
    let answer = mallory.told(&mallory.press(&reply, "Retry").await).await;
    assert!(answer.says("only operators"), "{answer:#?}");

    // It fails again: the reply goes and comes, however soon.
    let answer = zack.told(&zack.press(&reply, "Retry").await).await;
    assert!(answer.says("on its way again"), "{answer:#?}");
    let second = eventually("another reply", || async {
        let replies = replies(&zack.person, &dm, &question).await;
        let other = replies.into_iter().find(|it| it.id != reply.id);
        other.ok_or("the old one or none")
    })
    .await;
    marked(&zack.person, &dm, &question, &[FAILED]).await;

    std::fs::write(world.data_dir().join("ready"), "").unwrap();
    let first = zack.press(&second, "Retry").await;
    zack.told(&first).await;
    marked(&zack.person, &dm, &question, &[ANSWERED]).await;
    no_reply(&zack.person, &dm, &question).await;
    zack.person
        .sees(&dm, "the answer", |seen| {
            seen.iter().any(|m| m.text.ends_with("now it works"))
        })
        .await;
}

#[tokio::test]
async fn two_clicks_are_one_turn() {
    let script =
        r#"echo turn >> "$0/turns"; if [ -e "$0/ready" ]; then sleep 1; echo yes; else exit 3; fi"#;
    let world = scripted(script, "").await;
    let zack = Client::open(&world, "zack").await;
    let dm = world.channel("dm-main");
    let question = zack.person.say(&dm, "does it work?").await;
    let reply = the_reply(&zack.person, &dm, &question).await;
    std::fs::write(world.data_dir().join("ready"), "").unwrap();
    let (first, second) = tokio::join!(zack.press(&reply, "Retry"), zack.press(&reply, "Retry"));
    let answers = [zack.told(&first).await, zack.told(&second).await];
    let again = answers.iter().filter(|it| it.says("on its way again"));
    let late = answers.iter().filter(|it| it.says("nothing to retry"));
    assert_eq!((again.count(), late.count()), (1, 1), "{answers:#?}");
    marked(&zack.person, &dm, &question, &[ANSWERED]).await;
    let turns = std::fs::read_to_string(world.data_dir().join("turns")).unwrap();
    assert_eq!(turns.lines().count(), 2, "one that failed, and one");
}

#[tokio::test]
async fn a_hung_agent_fails_in_time_and_its_late_answer_still_counts() {
    let script = r#"sleep 12; echo "better late""#;
    let world = scripted(script, "[delivery]\nwatchdog_seconds = 3\n").await;
    let (zack, dm) = (world.person("zack"), world.channel("dm-main"));
    let question = zack.say(&dm, "are you there?").await;
    marked(&zack, &dm, &question, &[WITH_AGENT]).await;
    marked(&zack, &dm, &question, &[FAILED]).await;
    let reply = the_reply(&zack, &dm, &question).await;
    assert!(reply.says("has not answered in time"), "{reply:#?}");
    assert_eq!(reply.live(), ["Retry"]);
    marked(&zack, &dm, &question, &[ANSWERED]).await;
    no_reply(&zack, &dm, &question).await;
    zack.sees(&dm, "the answer", |seen| {
        seen.iter().any(|m| m.text.ends_with("better late"))
    })
    .await;
}
