//! The uniform rule: directly while the executor is there, else the database keeps it. Never both.

use std::cell::RefCell;

use chrono::DateTime;
use clawdos_bridge::delivery::fallback::{Call, Route, Way};
use clawdos_bridge::mode::Nudge;
use clawdos_bridge::model::mode::{Mode, State};
use tokio::sync::watch;

fn route(mode: Option<Mode>) -> Route {
    let state = State {
        mode,
        reason: "The Control API did not answer".to_owned(),
        ..State::unknown(DateTime::UNIX_EPOCH)
    };
    Route::new(watch::channel(state).1, Nudge::default())
}

/// What was done, in order, when the executor would answer like this.
async fn done(mode: Option<Mode>, answer: Call<&str>) -> (Way<&str, String>, Vec<&'static str>) {
    let steps = RefCell::new(Vec::new());
    let way = route(mode)
        .execute_with_fallback(
            || async {
                steps.borrow_mut().push("call");
                answer
            },
            |done| {
                steps.borrow_mut().push("mirror");
                async move { done }
            },
            |reason| {
                steps.borrow_mut().push("queue");
                async move { reason }
            },
        )
        .await;
    (way, steps.into_inner())
}

#[tokio::test]
async fn while_live_the_executor_is_asked_and_the_database_told_of_it() {
    let (way, steps) = done(Some(Mode::Live), Call::Taken("done")).await;
    assert_eq!((way, steps), (Way::Direct("done"), vec!["call", "mirror"]));
}

#[tokio::test]
async fn what_surely_was_not_sent_is_queued_and_not_sent_again() {
    let refused = Call::NotSent("connection refused".to_owned());
    let (way, steps) = done(Some(Mode::Live), refused).await;
    let queued = Way::Backup("connection refused".to_owned());
    assert_eq!((way, steps), (queued, vec!["call", "queue"]));
}

#[tokio::test]
async fn while_it_is_not_live_nobody_is_called() {
    for mode in [None, Some(Mode::Backup), Some(Mode::Offline)] {
        let (way, steps) = done(mode, Call::Taken("done")).await;
        assert_eq!(steps, ["queue"]);
        let Way::Backup(reason) = way else {
            panic!("{mode:?}: {way:?}");
        };
        assert!(reason.contains("did not answer"), "{reason}");
    }
}
