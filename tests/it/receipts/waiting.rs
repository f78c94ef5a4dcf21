//! Messages that wait for an executor: told once per channel, and kept.

use super::{ANSWERED, QUEUED, free_port, no_reply, replies};
use crate::harness::marks::marked;
use crate::harness::wait::eventually;
use crate::harness::world::World;

#[tokio::test]
async fn what_waits_is_marked_told_once_a_channel_and_answered_by_itself() {
    let mut world = World::without_bridge().await;
    let port = free_port();
    world.set("CONTROL_API_URL", &format!("http://127.0.0.1:{port}"));
    world.set("CONTROL_API_TOKEN", "between-us");
    // So that the watchdog has been there as well when the executor comes.
    world.configure("[delivery]\nwatchdog_seconds = 2\n[mode]\npoll_seconds = 1\n");
    world.start_bridge();
    let zack = world.person("zack");
    let (main, ricky) = (world.channel("dm-main"), world.channel("dm-ricky"));
    let first = zack.say(&main, "anybody there?").await;
    let second = zack.say(&main, "hello?").await;
    let other = zack.say(&ricky, "and you?").await;
    for (channel, message) in [(&main, &first), (&main, &second), (&ricky, &other)] {
        marked(&zack, channel, message, &[QUEUED]).await;
    }
    for (channel, message) in [(&main, &first), (&ricky, &other)] {
        eventually("the promise", || async {
            let replies = replies(&zack, channel, message).await;
            match replies.as_slice() {
                [one] if one.content == "Will be delivered when agent comes online." => Ok(()),
                _ => Err(replies),
            }
        })
        .await;
    }
    world
        .database_says(
            "SELECT count(*) FROM chat_delivery_queue WHERE status = 'failed' \
             AND result->>'error' = 'stale_timeout'",
            3_i64,
        )
        .await;
    assert_eq!(replies(&zack, &main, &second).await, [], "told once");
    marked(&zack, &main, &first, &[QUEUED]).await;

    let _executor = world.start_executor(port);
    for (channel, message) in [(&main, &first), (&main, &second), (&ricky, &other)] {
        marked(&zack, channel, message, &[ANSWERED]).await;
    }
    for (channel, message) in [(&main, &first), (&ricky, &other)] {
        no_reply(&zack, channel, message).await;
    }
}
