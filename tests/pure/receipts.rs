//! Receipts: which mark a message has, and what its failure reads like.

use chrono::{DateTime, TimeDelta};
use clawdos_bridge::cards::{Personas, delivery};
use clawdos_bridge::model::DeliveryId;
use clawdos_bridge::model::delivery::{DeliveryStatus, STALE_ERROR};
use clawdos_bridge::model::receipt::{Mark, Marks, Progress, Step, mark};
use uuid::Uuid;

fn progress(status: DeliveryStatus) -> Progress {
    Progress {
        id: DeliveryId(Uuid::from_u128(7)),
        version: "1".to_owned(),
        agent: Some("agent:ricky:main".parse().unwrap()),
        status,
        error: None,
        picked_up: false,
        rearmed: false,
        ended_at: None,
        first: false,
    }
}

fn failed(error: &str, picked_up: bool, rearmed: bool) -> Progress {
    Progress {
        error: Some(error.to_owned()),
        picked_up,
        rearmed,
        ..progress(DeliveryStatus::Failed)
    }
}

#[test]
fn what_needs_a_person_comes_first_and_what_is_over_last() {
    use DeliveryStatus::{Delivered, Failed, Processed, Queued};
    let marked = |all: &[DeliveryStatus]| {
        let all: Vec<_> = all.iter().copied().map(progress).collect();
        mark(&all, Some(DateTime::UNIX_EPOCH))
    };
    assert_eq!(marked(&[]), None);
    assert_eq!(marked(&[Processed, Processed]), Some(Mark::Answered));
    assert_eq!(marked(&[Processed, Queued]), Some(Mark::Queued));
    assert_eq!(marked(&[Queued, Delivered]), Some(Mark::WithAgent));
    assert_eq!(marked(&[Delivered, Failed, Queued]), Some(Mark::Failed));
}

#[test]
fn what_nobody_took_waits_as_long_as_it_will_be_armed_again() {
    let live = Some(DateTime::UNIX_EPOCH + TimeDelta::minutes(5));
    let untouched = |minute| Progress {
        ended_at: Some(DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)),
        ..failed(STALE_ERROR, false, false)
    };
    assert_eq!(untouched(1).step(None), Step::Waits);
    assert_eq!(untouched(1).step(live), Step::Waits, "about to be");
    assert_eq!(untouched(9).step(live), Step::Failed);
    assert_eq!(failed(STALE_ERROR, false, true).step(None), Step::Failed);
    assert_eq!(failed(STALE_ERROR, true, false).step(None), Step::Failed);
    assert_eq!(failed("it broke", false, false).step(None), Step::Failed);
}

#[test]
fn marks_are_read_as_they_are_written() {
    for bits in 0..32_u8 {
        let marks: Marks = Mark::ALL
            .into_iter()
            .filter(|mark| bits & (1 << *mark as u8) != 0)
            .collect();
        assert_eq!(Marks::read(&marks.to_string()), marks);
        let twice = format!("{marks}{marks}?");
        assert_eq!(Marks::read(&twice), marks);
    }
}

#[test]
fn a_failure_says_why_in_words_and_its_reason_means_nothing_to_discord() {
    let says = |it: &Progress| delivery::failed(it, &Personas::default()).content;
    let untouched = says(&failed(STALE_ERROR, false, true));
    assert_eq!(
        untouched,
        "This did not reach **ricky**: nobody took it in time."
    );
    let late = says(&failed(STALE_ERROR, true, false));
    assert!(late.contains("has not answered in time") && late.contains("may have been processed"));
    let hostile = says(&failed(
        "**boom** `x` @everyone [pay](https://evil.example)",
        true,
        false,
    ));
    assert!(
        hostile.contains("The reason: ```\n**boom**") && hostile.ends_with("\n```"),
        "{hostile}"
    );
    let unknown = Progress {
        agent: None,
        ..failed("", true, false)
    };
    assert_eq!(
        says(&unknown),
        "**Somebody** did not answer this, and nobody said why."
    );
    let long = says(&failed(&"x".repeat(100_000), true, false));
    assert!(long.chars().count() < 2000);
}
