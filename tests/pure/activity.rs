//! Which rows stand in one post, and how posts, heartbeats and missions are shown.

use chrono::{DateTime, Duration, Utc};
use clawdos_bridge::cards::activity::post;
use clawdos_bridge::cards::heartbeat::heartbeat_card;
use clawdos_bridge::cards::mission::{banner, topic};
use clawdos_bridge::cards::{Mark, Personas};
use clawdos_bridge::model::ChannelId;
use clawdos_bridge::model::activity::{
    FLOOD, Fresh, Heartbeats, Line, MIXED, Newest, Post, gather,
};
use clawdos_bridge::model::mission::{Mission, NewMission, NoMission};
use proptest::prelude::*;
use uuid::Uuid;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + Duration::seconds(second)
}

fn row(number: u128, kind: &str, second: i64) -> Fresh {
    Fresh {
        id: Uuid::from_u128(number),
        kind: kind.to_owned(),
        actor: Some("agent:ricky:main".to_owned()),
        at: at(second),
    }
}

fn newest(kind: Option<&str>, lines: usize) -> Newest {
    Newest {
        post: 7,
        common: kind.map(|kind| (kind.to_owned(), Some("agent:ricky:main".to_owned()))),
        last_at: at(1_000),
        opened_at: at(1_000),
        lines,
    }
}

#[test]
fn rows_of_the_same_kind_join_what_is_there_and_others_open_a_post() {
    let rows = [
        row(1, "a", 1_010),
        row(2, "a", 1_020),
        row(3, "b", 1_030),
        row(4, "a", 1_040),
    ];
    let sheets = gather(Some(newest(Some("a"), 1)), 1, &rows, at(1_050));
    let shape: Vec<_> = sheets.iter().map(|it| (it.post, it.rows.len())).collect();
    assert_eq!(shape, [(Some(7), 2), (None, 1), (None, 1)]);
}

#[test]
fn what_is_far_apart_or_too_old_to_be_edited_does_not_join() {
    let late = [row(1, "a", 1_000 + 601)];
    assert_eq!(
        gather(Some(newest(Some("a"), 1)), 1, &late, at(1_700))[0].post,
        None
    );
    let soon = [row(1, "a", 1_010)];
    let old = at(1_000 + 51 * 60);
    assert_eq!(
        gather(Some(newest(Some("a"), 1)), 0, &soon, old)[0].post,
        None
    );
}

#[test]
fn a_flood_of_many_kinds_is_put_together_and_a_run_of_one_kind_stays_one_post() {
    let kinds = ["a", "b", "c"];
    let rows: Vec<_> = (0..200)
        .map(|n| row(n, kinds[(n % 3) as usize], 1_000))
        .collect();
    let sheets = gather(None, 0, &rows, at(1_000));
    assert!(sheets.len() <= FLOOD + 200 / MIXED + 1, "{}", sheets.len());
    assert!(sheets[0].common.is_some() && sheets[FLOOD].common.is_none());
    let run: Vec<_> = (0..500).map(|n| row(n, "same", 1_000)).collect();
    let sheets = gather(Some(newest(None, 3)), FLOOD + 1, &run, at(1_000));
    // The end of a run is no run any more.
    assert!(
        sheets.len() <= 2 && sheets[0].rows.len() > 470,
        "{sheets:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn every_row_stands_in_one_post_and_posts_are_few(
        rows in proptest::collection::vec((0_u8..6, -2_000_i64..2_000), 0..300),
        opened in 0_usize..9,
    ) {
        let rows: Vec<_> = (0..).zip(&rows).map(|(n, (kind, s))| row(n, &kind.to_string(), *s)).collect();
        let sheets = gather(None, opened, &rows, at(0));
        let placed: Vec<Uuid> = sheets.iter().flat_map(|it| it.rows.clone()).collect();
        let all: Vec<Uuid> = rows.iter().map(|it| it.id).collect();
        prop_assert_eq!(placed, all);
        prop_assert!(sheets.len() <= FLOOD + 1 + rows.len() / (MIXED / 4).max(1));
    }

    #[test]
    fn a_post_fits_whatever_is_in_it(
        texts in proptest::collection::vec(".{0,300}", 1..21),
        kind in ".{0,100}",
        mixed in any::<bool>(),
        more in 0_usize..2_000,
    ) {
        let lines: Vec<Line> = texts.iter().map(|text| line(&kind, text)).collect();
        let shown = Post {
            common: (!mixed).then(|| (kind.clone(), Some(kind.clone()))),
            first_at: at(5),
            count: lines.len() + more,
            lines,
        };
        let draft = post(&shown, &Personas::default(), |_| ChannelId::new(u64::MAX >> 1));
        prop_assert!(draft.content.encode_utf16().count() <= 2_000);
        prop_assert!(!draft.content.contains("<@") && !draft.content.contains("```"));
    }
}

fn line(kind: &str, text: &str) -> Line {
    Line {
        kind: kind.to_owned(),
        actor: Some("agent:ricky:main".to_owned()),
        message: text.to_owned(),
        task: Some(Uuid::nil()),
        at: at(60),
    }
}

#[test]
fn a_post_is_known_by_what_does_not_change_while_it_grows() {
    let one = Post {
        common: Some(("task_moved".to_owned(), None)),
        first_at: at(5),
        count: 1,
        lines: vec![line("task_moved", "to review")],
    };
    let many = Post {
        count: 30,
        lines: vec![line("task_moved", "to review"); 20],
        ..one.clone()
    };
    let shown = |it: &Post| post(it, &Personas::default(), |_| None);
    let (one, many) = (shown(&one), shown(&many));
    assert_eq!(
        one.content,
        "🔀 Nobody in particular · <t:5:R> · **task moved**\n> to review"
    );
    assert!(
        many.content
            .contains("**30 × task moved**\n-# 20 before these\n- to review · <t:60:t>"),
        "{many:?}"
    );
    assert_eq!(one.mark(), many.mark());
    assert!(matches!(one.mark(), Mark::Beginning(it) if it.ends_with(" · ")));
    assert!(one.silent, "no phone rings");
}

#[test]
fn a_card_of_heartbeats_says_when_how_often_and_what_was_found() {
    let mut beats = Heartbeats {
        agent: "agent:ricky:main".to_owned(),
        last: (at(7), "Nothing to *report*.".to_owned()),
        today: 3,
        finding: None,
    };
    let card = heartbeat_card(&beats, &Personas::default());
    let expected = "💓 **Heartbeat of ricky**\nLast heartbeat <t:7:R>, 3 since midnight (UTC)\n\
                    > Nothing to \\*report\\*.\nNothing found so far";
    assert_eq!(card.content, expected);
    beats.finding = Some((at(3), "<@1>".to_owned()));
    let card = heartbeat_card(&beats, &Personas::default());
    assert!(
        card.content.ends_with("Last finding <t:3:R>: \\<\\@1\\>"),
        "{card:?}"
    );
}

#[test]
fn a_mission_is_one_to_two_hundred_characters() {
    assert_eq!(
        NewMission::new("  x ").map(|it| it.as_str().to_owned()),
        Ok("x".to_owned())
    );
    assert!(NewMission::new(&"🚀".repeat(200)).is_ok());
    assert_eq!(
        NewMission::new(&"🚀".repeat(201)),
        Err(NoMission::TooLong(201))
    );
    assert_eq!(NewMission::new(" \n"), Err(NoMission::Empty));
    assert_eq!(NewMission::new("_none_"), Err(NoMission::Placeholder));
    let read = |text: &str| Mission::read(text, false, None, at(0));
    assert_eq!(read(" _No mission yet_"), None);
    assert_eq!(read("  "), None);
    let long = read(&"*".repeat(2_000)).expect("a mission");
    assert!(banner(&long).content.chars().count() <= 2_000);
    assert!(topic(&long).chars().count() <= 1_024, "{}", topic(&long));
}
