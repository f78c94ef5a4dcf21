//! When jobs run, in words and by the clock.

use std::time::Duration;

use chrono::{DateTime, Utc};
use clawdos_bridge::model::schedule::{
    HEARTBEAT, Instructions, SAFETY, Schedule, headed, is_heartbeat, prompt, suggest,
};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn cron(expr: &str, tz: &str) -> Schedule {
    Schedule::read(Some("cron"), expr, Some(tz)).unwrap()
}

fn wrong(kind: &str, expr: &str, tz: &str) -> String {
    Schedule::read(Some(kind), expr, Some(tz))
        .unwrap_err()
        .to_string()
}

fn runs(schedule: &Schedule, from: &str, count: usize) -> Vec<String> {
    let mut after = at(from);
    let next = || {
        after = schedule.next(after).unwrap();
        after.format("%m-%d %H:%M").to_string()
    };
    std::iter::repeat_with(next).take(count).collect()
}

#[test]
fn an_impossible_expression_is_told_with_the_field_that_is_wrong() {
    for (expr, field) in [
        ("60 9 * * *", "schedule: the minute “60”"),
        ("0 25 * * *", "schedule: the hour “25”"),
        ("0 9 32 * *", "schedule: the day of month “32”"),
        ("0 9 * 13 *", "schedule: the month “13”"),
        ("0 9 * * MOO", "schedule: the day of week “MOO”"),
        (
            "0 0 30 2 *",
            "schedule: “0 0 30 2 *” names a day that never comes",
        ),
        ("0 9 * *", "schedule: “0 9 * *” is neither"),
        ("0 0 9 * * 1", "schedule: “0 0 9 * * 1” is neither"),
        ("", "schedule: “” is neither"),
        ("`; rm -rf / 1 2", "schedule: “; rm -rf / 1 2” is no cron"),
    ] {
        let told = wrong("cron", expr, "UTC");
        assert!(told.starts_with(field), "{expr}: {told}");
    }
    assert!(wrong("cron", &"1,".repeat(9000), "UTC").chars().count() < 150);
    assert!(wrong("whenever", "x", "UTC").contains("“whenever”"));
}

#[test]
fn a_zone_that_is_none_is_told_as_the_timezone() {
    for zone in ["Mars/Base", "EST5EDT7", "../etc", "🌍"] {
        assert!(
            wrong("cron", "0 9 * * *", zone).starts_with("timezone: "),
            "{zone}"
        );
    }
    assert_eq!(
        cron("0 9 * * *", "america/new_york").tz(),
        Some("America/New_York")
    );
    assert_eq!(cron("0 9 * * *", "New York").tz(), Some("America/New_York"));
    assert_eq!(suggest("new yo", 25), ["America/New_York"]);
    assert_eq!(suggest("", 25).len(), 25);
}

#[test]
fn a_time_between_two_runs_has_bounds() {
    let minutes = |minutes| Duration::from_mins(minutes);
    assert!(Schedule::every(Duration::from_secs(59)).is_err());
    assert!(Schedule::every(minutes(1)).is_ok());
    assert!(Schedule::every(Duration::from_hours(365 * 24)).is_ok());
    assert!(wrong("every", "31536000001", "").contains("1 year"));
    assert!(wrong("every", &"9".repeat(40), "").contains("1 year"));
    assert!(wrong("every", "soon", "").starts_with("schedule: “soon”"));
    assert!(
        Schedule::heartbeat(minutes(4))
            .unwrap_err()
            .to_string()
            .starts_with("interval: ")
    );
    assert!(Schedule::heartbeat(minutes(5)).is_ok() && Schedule::heartbeat(minutes(1440)).is_ok());
    assert!(Schedule::heartbeat(minutes(1441)).is_err());
    let read = Schedule::read(Some("interval"), "30m", None).unwrap();
    assert_eq!((read.kind(), read.expr().as_str()), ("every", "1800000"));
}

#[test]
fn a_schedule_is_told_in_words() {
    for (kind, expr, words) in [
        ("every", "1800000", "every 30 minutes"),
        ("every", "3600000", "every hour"),
        ("every", "5400000", "every 90 minutes"),
        ("every", "172800000", "every 2 days"),
        ("cron", "0 9 * * 1-5", "weekdays at 9:00 New York"),
        ("cron", "30 18 * * MON-FRI", "weekdays at 18:30 New York"),
        ("cron", "5 9 * * *", "daily at 9:05 New York"),
        ("cron", "0 9 * * 1", "Mondays at 9:00 New York"),
        (
            "cron",
            "0 9 * * 1,3,FRI",
            "Mondays, Wednesdays and Fridays at 9:00 New York",
        ),
        ("cron", "0 9 * * 0,6", "weekends at 9:00 New York"),
        ("cron", "0 9 1 * *", "monthly on day 1 at 9:00 New York"),
        ("cron", "*/15 * * * *", "every 15 minutes"),
        ("cron", "0 */6 * * *", "every 6 hours"),
        ("cron", "0 9 1-7 * 1", "`0 9 1-7 * 1` New York"),
    ] {
        let schedule = Schedule::read(Some(kind), expr, Some("America/New_York")).unwrap();
        assert_eq!(schedule.words(), words, "{expr}");
    }
    assert_eq!(
        Schedule::read(None, "0 9 * * *", None).unwrap().words(),
        "daily at 9:00"
    );
}

#[test]
fn a_person_types_words_or_an_expression() {
    for (typed, expr) in [
        ("every 30 minutes", "1800000"),
        ("2h", "7200000"),
        ("every day", "86400000"),
        ("weekdays at 9:00", "0 9 * * 1-5"),
        ("Monday at 7:30", "30 7 * * 1"),
        ("hourly", "0 * * * *"),
        ("0  9 * * 1-5 ", "0 9 * * 1-5"),
    ] {
        assert_eq!(
            Schedule::typed(typed, None).unwrap().expr(),
            expr,
            "{typed}"
        );
    }
    for typed in ["now and then", "weekdays at 25:00", "every 30 seconds", "5"] {
        let told = Schedule::typed(typed, None).unwrap_err().to_string();
        assert!(told.starts_with("schedule: "), "{typed}: {told}");
    }
}

#[test]
fn the_next_run_is_after_the_given_moment() {
    let morning = cron("0 9 * * 1-5", "America/New_York");
    // 2026-03-06 is a Friday; clocks go forward on the 8th.
    assert_eq!(
        runs(&morning, "2026-03-06T14:00:00Z", 2),
        ["03-09 13:00", "03-10 13:00"]
    );
    assert_eq!(
        morning.next(at("2026-03-06T13:59:59Z")),
        Some(at("2026-03-06T14:00:00Z"))
    );
    let every = Schedule::every(Duration::from_mins(5)).unwrap();
    assert_eq!(runs(&every, "2026-03-06T14:02:00Z", 1), ["03-06 14:07"]);
}

#[test]
fn a_skipped_hour_is_made_up_for_once_right_after() {
    let night = cron("30 2 * * *", "America/New_York");
    assert_eq!(
        runs(&night, "2026-03-07T08:00:00Z", 3),
        // 2:30 does not exist on the 8th: 3:00 there is 7:00 here.
        ["03-08 07:00", "03-09 06:30", "03-10 06:30"]
    );
    let twice = cron("0,30 2 * * *", "America/New_York");
    assert_eq!(
        runs(&twice, "2026-03-08T06:00:00Z", 2),
        ["03-08 07:00", "03-09 06:00"]
    );
}

#[test]
fn a_doubled_hour_runs_once_and_what_is_hourly_goes_on() {
    let night = cron("30 1 * * *", "America/New_York");
    assert_eq!(
        runs(&night, "2026-10-31T12:00:00Z", 2),
        ["11-01 05:30", "11-02 06:30"]
    );
    // In the second pass of that hour, the first one is long over.
    assert_eq!(
        night.next(at("2026-11-01T06:15:00Z")),
        Some(at("2026-11-02T06:30:00Z"))
    );
    let half_hourly = cron("*/30 * * * *", "America/New_York");
    assert_eq!(
        runs(&half_hourly, "2026-11-01T04:45:00Z", 6),
        [
            "11-01 05:00",
            "11-01 05:30",
            "11-01 06:00",
            "11-01 06:30",
            "11-01 07:00",
            "11-01 07:30"
        ]
    );
}

#[test]
fn a_heartbeat_is_known_by_every_signal() {
    let yes = [
        (Some("heartbeat"), Some("cron"), "x", None),
        (None, Some("every"), "x", None),
        (Some(" "), Some("every"), "x", None),
        (None, Some("interval"), "x", None),
        (None, Some("cron"), "heartbeat-main", None),
        (None, Some("cron"), "x", Some("heartbeat")),
    ];
    let no = [
        (None, Some("cron"), "x", None),
        (Some("task"), Some("every"), "x", None),
        (None, Some("every"), "x", Some("report")),
        (None, Some("cron"), "heartbeat- of the city", None),
    ];
    for (intent, kind, name, headed) in yes {
        assert!(
            is_heartbeat(intent, kind, name, headed),
            "{intent:?} {kind:?} {name} {headed:?}"
        );
    }
    for (intent, kind, name, headed) in no {
        assert!(
            !is_heartbeat(intent, kind, name, headed),
            "{intent:?} {kind:?} {name} {headed:?}"
        );
    }
}

#[test]
fn headers_are_for_the_scheduler_and_the_rest_for_the_agent() {
    let read = Instructions::read(
        "@agent:agent:agent:main:main\n@intent:heartbeat\n---\nLook.\n---\nAgain.",
    );
    assert_eq!(read.agent, Some("agent:main:main".parse().unwrap()));
    assert_eq!(read.intent.as_deref(), Some("heartbeat"));
    assert_eq!(read.body, "Look.\n---\nAgain.");
    let legacy = Instructions::read("@target:ricky\n---\nGo.");
    assert_eq!(legacy.agent, Some("agent:ricky:main".parse().unwrap()));
    // Without the line that ends them they are the text.
    let open = Instructions::read("@ricky: please look\nThanks.");
    assert_eq!(
        (open.agent, open.body.as_str()),
        (None, "@ricky: please look\nThanks.")
    );
    let written = headed(&"main".parse().unwrap(), HEARTBEAT, "Look.");
    assert_eq!(prompt(&written, true), format!("Look.\n\n{SAFETY}"));
    assert_eq!(prompt(&written, false), "Look.");
}
