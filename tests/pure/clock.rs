//! Tests of `clock`.

use chrono::DateTime;
use futures_util::FutureExt as _;
use std::time::Duration;

use clawdos_bridge::clock::*;

#[test]
fn a_manual_clock_moves_only_when_told_and_wakes_sleepers_exactly_at_their_time() {
    let start = DateTime::UNIX_EPOCH;
    let (clock, hands) = Clock::manual(start);
    let other = clock.clone();
    let mut sleeper = std::pin::pin!(other.sleep(Duration::from_mins(2)));
    assert!(sleeper.as_mut().now_or_never().is_none());
    hands.advance(Duration::from_secs(119));
    assert!(sleeper.as_mut().now_or_never().is_none());
    hands.advance(Duration::from_secs(1));
    assert!(sleeper.as_mut().now_or_never().is_some());
    assert_eq!(clock.now(), start + Duration::from_mins(2));
}

#[tokio::test]
async fn the_system_clock_sleeps_at_least_as_long_as_asked_and_not_at_all_for_the_past() {
    let clock = Clock::System;
    let before = clock.now();
    clock.sleep_until(before - Duration::from_mins(1)).await;
    clock.sleep(Duration::from_millis(20)).await;
    assert!(clock.now() >= before + Duration::from_millis(20));
}
