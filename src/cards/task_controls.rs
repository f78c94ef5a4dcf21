//! What can be done about a task or a question in it, below its card.

use uuid::Uuid;

use super::button::{CHOICE_LIMIT, ROW_LIMIT};
use super::quote::{shortened, visible};
use super::task::status_words;
use super::task_press::TaskPress;
use super::{Button, Choice, Row, Select, Style};
use crate::model::attention::Question;
use crate::model::task::{TaskStatus, TimelineItem};

/// What a person may choose. Stopping has its own button, because it asks for a reason.
pub const CHOOSABLE: [TaskStatus; 6] = [
    TaskStatus::Inbox,
    TaskStatus::Assigned,
    TaskStatus::InProgress,
    TaskStatus::Review,
    TaskStatus::Blocked,
    TaskStatus::Done,
];

/// Below the card of a task that is no proposal: its status to choose, and a button that stops it.
pub fn task_controls(task: Uuid, status: &TaskStatus) -> Vec<Row> {
    let choice = |it: &TaskStatus| Choice {
        label: status_words(it),
        value: it.as_str().to_owned(),
        chosen: it == status,
    };
    let select = Select {
        custom_id: TaskPress::Status { task }.to_string(),
        placeholder: shortened(&visible(&status_words(status)), CHOICE_LIMIT).into_owned(),
        choices: CHOOSABLE.iter().map(choice).collect(),
    };
    let stop = Button::new("Stop…", Style::Danger, &TaskPress::Stop { task });
    let stop = stop.enabled(*status != TaskStatus::Stopped);
    vec![Row::Select(select), Row::Buttons(vec![stop])]
}

/// Below a question: a button per option and one for another answer. Once it is answered none of them
/// can be pressed.
pub fn question_controls(item: TimelineItem, question: &Question, answered: bool) -> Vec<Row> {
    let option = |(letter, text): &(char, String)| {
        let press = TaskPress::Answer {
            item,
            letter: *letter,
        };
        let words: Vec<_> = text.split_whitespace().collect();
        let label = format!("{letter}) {}", visible(&words.join(" ")));
        Button::new(&label, Style::Secondary, &press)
    };
    let custom = TaskPress::AnswerFreely { item };
    let custom = Button::new("Custom…", Style::Secondary, &custom);
    let buttons: Vec<Button> = question
        .options
        .iter()
        .map(option)
        .chain([custom])
        .map(|button| button.enabled(!answered))
        .collect();
    let rows = buttons.chunks(ROW_LIMIT);
    rows.map(|row| Row::Buttons(row.to_vec())).collect()
}
