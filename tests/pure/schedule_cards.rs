//! The schedule on cards: within Discord's limits, true about its age, and its controls read to the letter.

use chrono::{DateTime, TimeDelta, Utc};
use clawdos_bridge::cards::schedule::press::SchedulePress;
use clawdos_bridge::cards::schedule::{Around, card, form, list};
use clawdos_bridge::model::addressing::Roster;
use clawdos_bridge::model::schedule::{Agenda, Ask, Job, JobText, Request};
use uuid::Uuid;

fn now() -> DateTime<Utc> {
    "2026-05-04T12:00:00Z".parse().unwrap()
}

fn job(number: u128, name: &str) -> Job {
    Job {
        row: Uuid::from_u128(number),
        id: format!("job-{number}"),
        text: JobText {
            name: name.to_owned(),
            kind: Some("cron".to_owned()),
            expr: "0 9 1-7 * 1".to_owned(),
            tz: Some("America/Argentina/ComodRivadavia".to_owned()),
            instructions: "*Look* `here` @everyone ".repeat(500),
            agent: Some("agent:main:main".to_owned()),
            intent: None,
        },
        enabled: true,
        next: Some(now() + TimeDelta::days(1)),
        last: Some(now() - TimeDelta::minutes(1)),
        status: Some("***very*** odd ".repeat(40)),
        duration_ms: Some(1_234),
    }
}

fn agenda(jobs: Vec<Job>, failed: usize) -> Agenda {
    let request = |number| Request {
        id: Uuid::from_u128(number),
        ask: Ask::Run,
        job: "x".repeat(200),
        job_id: Some("job-1".to_owned()),
        at: now(),
        running: false,
        error: Some("`why` ".repeat(100)),
    };
    Agenda {
        jobs,
        requests: (1..).take(failed).map(request).collect(),
        seen: Some(now()),
        ours: true,
    }
}

#[test]
fn every_page_and_card_fits_one_message_however_odd_its_jobs_are() {
    let roster = Roster::new(&[]);
    let around = Around {
        roster: &roster,
        live: false,
        now: now(),
    };
    for name in ["", "*", "a\nb", &"🧢".repeat(300), &"`*_~|>".repeat(50)] {
        let jobs: Vec<Job> = (1..=20).map(|number| job(number, name)).collect();
        let agenda = agenda(jobs, 20);
        for page in [0, 1, 2, 500] {
            let draft = list(&agenda, page, around);
            assert!(
                draft.content.encode_utf16().count() <= 2_000,
                "{}",
                draft.content
            );
            assert!(draft.components.len() <= 5);
        }
        let one = card(&agenda.jobs[0], &agenda.requests, Some("Paused."), around);
        assert!(
            one.content.encode_utf16().count() <= 2_000,
            "{}",
            one.content
        );
        assert!(!one.content.contains("\n@everyone"));
        for field in form(&agenda.jobs[0]).fields {
            assert!(
                field.value.chars().count() <= usize::from(field.longest) && field.longest <= 4_000
            );
        }
    }
}

#[test]
fn a_list_that_nobody_keeps_says_so() {
    let old = now() - TimeDelta::minutes(11);
    let mut agenda = agenda(vec![job(1, "Report")], 0);
    assert_eq!(agenda.stale_since(now()), None);
    agenda.seen = Some(old);
    assert_eq!(agenda.stale_since(now()), Some(old));
    // Existing keepers give no signs of life while nothing is due.
    agenda.ours = false;
    assert_eq!(agenda.stale_since(now()), None);
    agenda.jobs[0].next = Some(old);
    assert_eq!(agenda.stale_since(now()), Some(old));
    agenda.jobs[0].enabled = false;
    assert_eq!(agenda.stale_since(now()), None);
    agenda.seen = None;
    assert_eq!(agenda.stale_since(now()), None);
}

#[test]
fn a_control_is_read_only_to_the_letter() {
    let id = Uuid::from_u128(7);
    let all = [
        SchedulePress::Page(28),
        SchedulePress::Pick,
        SchedulePress::Run(id),
        SchedulePress::Pause(id),
        SchedulePress::Resume(id),
        SchedulePress::Edit(id),
        SchedulePress::Form(id, u64::MAX),
        SchedulePress::Delete(id),
        SchedulePress::Confirm(id, u32::MAX),
        SchedulePress::Again(Ask::Patch, id),
    ];
    for press in all {
        let text = press.to_string();
        assert!(text.len() <= 100);
        assert_eq!(text.parse(), Ok(press));
        for odd in [
            format!("{text}:"),
            format!(" {text}"),
            text.to_uppercase(),
            format!("{text}0"),
        ] {
            assert_ne!(odd.parse(), Ok(press), "{odd}");
        }
    }
    for odd in [
        "v1:job-run",
        "v1:job-page:-1",
        "v1:job-page:007",
        "v2:job-pick",
        "v1:job-again-all:7",
    ] {
        assert!(odd.parse::<SchedulePress>().is_err(), "{odd}");
    }
}
