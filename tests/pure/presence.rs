//! Whether an agent is there, from its row.

use chrono::{DateTime, TimeDelta, Utc};
use clawdos_bridge::model::presence::{Presence, presence};

#[test]
fn presence_is_what_the_dashboard_shows() {
    let now = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000);
    let ago = |minutes: i64| Some(now - TimeDelta::minutes(minutes));
    let cases = [
        (Some("working"), ago(29), Presence::Working),
        (Some("working"), None, Presence::Working),
        (Some("working"), ago(30), Presence::Offline),
        (Some("sleeping"), ago(0), Presence::Offline),
        (Some("idle"), ago(59), Presence::Idle),
        (Some("idle"), ago(60), Presence::Offline),
        (Some("idle"), None, Presence::Offline),
        (Some("blocked"), ago(1), Presence::Idle),
        (Some("on holiday"), ago(1), Presence::Idle),
        (None, ago(1), Presence::Idle),
        (None, None, Presence::Offline),
        // A clock that is ahead of ours.
        (Some("idle"), ago(-5), Presence::Idle),
    ];
    for (state, seen, expected) in cases {
        assert_eq!(presence(state, seen, now), expected, "{state:?} {seen:?}");
    }
}
