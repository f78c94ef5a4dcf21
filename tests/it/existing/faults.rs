//! A Control API that misbehaves: what the queue says then, and how many turns ran.

use std::time::Duration;

use super::{RICKY, becomes, mode, replies, sees_answer, stage};
use crate::harness::existing::{Existing, Manner};
use crate::harness::wait::eventually;

fn texts(existing: &Existing) -> Vec<String> {
    existing.turns().into_iter().map(|turn| turn.text).collect()
}

#[tokio::test]
async fn one_that_hangs_fails_the_row_in_time_and_holds_up_no_other_agent() {
    let (world, existing) = stage("[delivery]\nwatchdog_seconds = 2\n").await;
    let zack = world.person("zack");
    let (main, ricky) = (world.channel("dm-main"), world.channel("dm-ricky"));
    existing.behave(Manner::Hanging);
    zack.say(&ricky, "are you stuck?").await;
    eventually("a turn", || async {
        let turns = existing.turns();
        (turns.len() == 1).then_some(()).ok_or(turns)
    })
    .await;
    existing.behave(Manner::Well);
    zack.say(&main, "and you?").await;
    becomes(&world, "and you?", "processed").await;
    let error = becomes(&world, "are you stuck?", "failed").await;
    assert_eq!(error.as_deref(), Some("stale_timeout"));
    assert_eq!(texts(&existing), ["are you stuck?", "and you?"]);
    assert_eq!(replies(&world, "are you stuck?").await, 0);
}

#[tokio::test]
async fn one_that_takes_its_time_is_waited_for() {
    let (world, existing) = stage("").await;
    existing.delay(RICKY, Duration::from_secs(6));
    let (zack, dm) = (world.person("zack"), world.channel("dm-ricky"));
    zack.say(&dm, "slowly").await;
    becomes(&world, "slowly", "delivered").await;
    assert_eq!(replies(&world, "slowly").await, 0);
    becomes(&world, "slowly", "processed").await;
    assert_eq!(replies(&world, "slowly").await, 1);
    assert_eq!(texts(&existing), ["slowly"]);
}

#[tokio::test]
async fn an_answer_that_is_lost_is_looked_for_among_the_replies_and_never_asked_for_again() {
    let (world, existing) = stage("").await;
    let (zack, dm) = (world.person("zack"), world.channel("dm-ricky"));
    // The reply is there: the turn has ended well.
    for (manner, text) in [(Manner::CutOff, "cut off"), (Manner::Garbage, "garbage")] {
        existing.behave(manner);
        zack.say(&dm, text).await;
        sees_answer(&zack, &dm, "Ricky", &format!("You said: {text}")).await;
        becomes(&world, text, "processed").await;
        assert_eq!(replies(&world, text).await, 1);
    }
    // It is not: nobody can know, and nobody but a person may ask again.
    for (manner, text) in [
        (Manner::CutOffWithoutReply, "cut off early"),
        (Manner::Failing, "failing"),
    ] {
        existing.behave(manner);
        zack.say(&dm, text).await;
        let error = becomes(&world, text, "failed").await;
        let told = error.as_deref().unwrap_or_default();
        assert!(told.contains("may have been processed"), "{text}: {told}");
    }
    existing.behave(Manner::Well);
    zack.say(&dm, "well again").await;
    becomes(&world, "well again", "processed").await;
    let expected = [
        "cut off",
        "garbage",
        "cut off early",
        "failing",
        "well again",
    ];
    assert_eq!(texts(&existing), expected, "each once");
}

#[tokio::test]
async fn one_that_goes_in_the_middle_of_a_turn_and_comes_back_is_not_asked_twice() {
    let (world, mut existing) = stage("").await;
    let (zack, dm) = (world.person("zack"), world.channel("dm-ricky"));
    existing.delay(RICKY, Duration::from_mins(1));
    zack.say(&dm, "interrupted").await;
    eventually("a turn", || async {
        let turns = existing.turns();
        (turns.len() == 1).then_some(()).ok_or(turns)
    })
    .await;
    existing.stop();
    let error = becomes(&world, "interrupted", "failed").await;
    let told = error.as_deref().unwrap_or_default();
    assert!(told.contains("may have been processed"), "{told}");

    // Connections are refused now: what is said surely was not sent, and waits.
    existing.delay(RICKY, Duration::ZERO);
    zack.say(&dm, "while it is away").await;
    becomes(&world, "while it is away", "queued").await;
    mode(&world, "backup").await;
    existing.restart().await;
    becomes(&world, "while it is away", "processed").await;
    assert_eq!(texts(&existing), ["interrupted", "while it is away"]);
}
