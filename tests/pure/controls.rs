//! What stands below tasks and questions keeps within Discord's limits, whatever somebody wrote.

use std::collections::HashSet;

use clawdos_bridge::cards::custom_id::LIMIT;
use clawdos_bridge::cards::task_answers::{self, Line};
use clawdos_bridge::cards::task_controls::{question_controls, task_controls};
use clawdos_bridge::cards::task_press::TaskPress;
use clawdos_bridge::cards::{Draft, Row};
use clawdos_bridge::model::attention::{OPTIONS, Question, question};
use clawdos_bridge::model::task::{TaskStatus, TimelineItem};
use insta::assert_snapshot;
use proptest::prelude::*;
use uuid::Uuid;

use crate::stage::{at, drawn};

const TASK: Uuid = Uuid::from_u128(0x5f0c_1d2e_3b4a_4c5d_8e9f_0001_0203_0405);

fn long(text: &str) -> usize {
    text.encode_utf16().count()
}

/// What Discord takes as components of a message.
fn fits(rows: &[Row]) -> Result<(), TestCaseError> {
    prop_assert!(rows.len() <= 5, "{} rows", rows.len());
    let mut ids = HashSet::new();
    for row in rows {
        let Row::Select(select) = row else {
            prop_assert!((1..=5).contains(&row.buttons().len()));
            for button in row.buttons() {
                prop_assert!(
                    (1..=80).contains(&long(&button.label)),
                    "{:?}",
                    button.label
                );
                prop_assert!((1..=LIMIT).contains(&button.custom_id.len()));
                prop_assert!(button.custom_id.parse::<TaskPress>().is_ok());
                prop_assert!(ids.insert(button.custom_id.clone()), "two are the same");
            }
            continue;
        };
        prop_assert!((1..=LIMIT).contains(&select.custom_id.len()));
        prop_assert!(select.custom_id.parse::<TaskPress>().is_ok());
        prop_assert!(
            (1..=150).contains(&long(&select.placeholder)),
            "{:?}",
            select.placeholder
        );
        prop_assert!((1..=25).contains(&select.choices.len()));
        let values: HashSet<_> = select.choices.iter().map(|it| &it.value).collect();
        prop_assert_eq!(values.len(), select.choices.len());
        prop_assert!(select.choices.iter().filter(|it| it.chosen).count() <= 1);
        for choice in &select.choices {
            prop_assert!(
                (1..=100).contains(&long(&choice.label)),
                "{:?}",
                choice.label
            );
            prop_assert!(
                (1..=100).contains(&long(&choice.value)),
                "{:?}",
                choice.value
            );
        }
    }
    Ok(())
}

fn below(components: Vec<Row>) -> String {
    drawn(&Draft {
        components,
        ..Draft::text("…")
    })
}

proptest! {
    #[test]
    fn a_question_has_a_button_per_option_and_one_more(
        texts in proptest::collection::vec("\\PC{1,400}", 2..40), answered: bool, event: bool
    ) {
        let mut comment = "NEEDS ATTENTION: which?".to_owned();
        for (letter, text) in ('A'..='Z').zip(&texts) {
            comment.extend(["\n", &letter.to_string(), ") ", text]);
        }
        let Some(asked) = question(&comment) else {
            // Options of blanks alone are none.
            return Ok(());
        };
        let item = if event { TimelineItem::Event(TASK) } else { TimelineItem::Comment(TASK) };
        let rows = question_controls(item, &asked, answered);
        fits(&rows)?;
        let buttons: Vec<_> = rows.iter().flat_map(Row::buttons).collect();
        prop_assert_eq!(buttons.len(), asked.options.len() + 1);
        prop_assert!(buttons.iter().all(|it| it.enabled != answered));
        for ((letter, _), button) in asked.options.iter().zip(&buttons) {
            prop_assert_eq!(button.custom_id.parse(), Ok(TaskPress::Answer { item, letter: *letter }));
        }
    }

    #[test]
    fn every_status_can_be_drawn(word in "\\PC{0,300}", known in 0..8_usize) {
        let status = TaskStatus::KNOWN.get(known).cloned();
        let status = status.unwrap_or_else(|| TaskStatus::parse(&word));
        let rows = task_controls(TASK, &status);
        fits(&rows)?;
        let stop = rows.iter().flat_map(Row::buttons).find(|it| it.label == "Stop…");
        prop_assert_eq!(stop.map(|it| it.enabled), Some(status != TaskStatus::Stopped));
    }

    #[test]
    fn a_task_can_be_offered_and_listed_whatever_it_is_called(
        title in "\\PC{0,600}", word in "\\PC{0,200}", count in 1..60_usize
    ) {
        let status = TaskStatus::parse(&word);
        let name = task_answers::choice(TASK, &title, &status);
        prop_assert!((1..=100).contains(&long(&name)), "{name:?}");
        prop_assert!(!name.trim().is_empty());
        let line = Line {
            id: TASK, title: &title, status: &status, is_proposed: false, assignee: None,
            at: at(0), thread: None,
        };
        let list = task_answers::list(&vec![line; count], None, false);
        prop_assert!(long(&list) <= 2_000, "{} in all", long(&list));
        prop_assert!(list.lines().count() >= 2, "{list}");
        for told in [
            task_answers::unknown_task(&title),
            task_answers::unknown_status(&title, &TaskStatus::KNOWN),
            task_answers::moved(&title, &status, &status),
            task_answers::answered_before(&title, &word),
            task_answers::bad_link(&title),
        ] {
            prop_assert!(long(&told) <= 2_000, "{told}");
        }
    }
}

#[test]
fn the_card_of_a_task_has_its_statuses_and_a_stop() {
    assert_snapshot!(below(task_controls(TASK, &TaskStatus::InProgress)));
}

#[test]
fn a_stopped_task_can_be_taken_up_again() {
    assert_snapshot!(below(task_controls(TASK, &TaskStatus::Stopped)));
}

#[test]
fn a_question_is_shown_with_its_answers() {
    let asked = Question {
        preamble: String::new(),
        options: vec![
            ('A', "Blue,\n  like the sky".to_owned()),
            ('C', "x".repeat(100)),
        ],
    };
    assert_snapshot!(below(question_controls(
        TimelineItem::Event(TASK),
        &asked,
        false
    )));
    let after = question_controls(TimelineItem::Event(TASK), &asked, true);
    assert!(
        below(after)
            .lines()
            .skip(1)
            .all(|line| line.ends_with("(off)"))
    );
}

#[test]
fn as_many_options_as_there_is_room_for() {
    let options: Vec<_> = ('A'..='Z')
        .take(OPTIONS)
        .map(|it| (it, "yes".to_owned()))
        .collect();
    let asked = Question {
        preamble: String::new(),
        options,
    };
    let rows = question_controls(TimelineItem::Comment(TASK), &asked, false);
    assert_eq!(
        rows.iter()
            .map(|row| row.buttons().len())
            .collect::<Vec<_>>(),
        [5; 5]
    );
}

#[test]
fn the_question_before_a_task_is_deleted_ends() {
    let question = task_answers::delete_question(TASK, "Sweep the `yard`", at(4_000));
    assert_snapshot!(drawn(&question));
    let press = question.components[0].buttons()[0].custom_id.parse();
    assert_eq!(
        press,
        Ok(TaskPress::Delete {
            task: TASK,
            until: 4_000
        })
    );
}
