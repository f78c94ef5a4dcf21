//! What a person is told who does something about the schedule; only they see it.

use chrono::{DateTime, Utc};

use super::press::SchedulePress;
use crate::cards::labs::switch_on;
use crate::cards::{Button, Draft, Row, Style, quote};
use crate::model::labs::Feature;
use crate::model::schedule::{Job, Wrong};

/// Characters of a typed word in a sentence.
const WORD: usize = 80;

fn name(text: &str) -> String {
    quote::line(text, WORD).markup
}

/// What became of a request that the database keeps.
fn follows(live: bool) -> &'static str {
    if live {
        "The executor carries it out now."
    } else {
        "The executor is not there: it waits, and is carried out when it is back."
    }
}

/// A new job is asked for.
pub fn asked_new(job: &str, when: &str, live: bool) -> String {
    format!("Asked for the job {}, {when}. {}", name(job), follows(live))
}

/// A new heartbeat is asked for.
pub fn asked_heartbeat(agent: &str, when: &str, live: bool) -> String {
    format!(
        "Asked for a heartbeat of {}, {when}: a non-destructive periodic check. It reports to the activities, and \
         proposes what it would like to do. {}",
        quote::name(agent),
        follows(live)
    )
}

/// The same command was heard before.
pub fn asked_before() -> String {
    "This was asked for already. `/schedule list` shows what became of it.".to_owned()
}

/// Something is asked for.
pub fn asked(what: &str, live: bool) -> String {
    format!("{what}. {}", follows(live))
}

/// It was handed to the executor directly.
pub fn taken(what: &str) -> String {
    format!("{what}. The executor has it.")
}

/// The executor was asked and has not said what came of it.
pub fn no_answer(what: &str) -> String {
    format!(
        "{what}: the executor was asked, and has not answered yet. `/schedule show` tells what comes of it."
    )
}

/// The executor would not.
pub fn not_taken(why: &str) -> String {
    format!(
        "The executor refuses this: {}",
        quote::line(why, 300).markup
    )
}

/// What the buttons do, in words.
pub const RUN: &str = "Run now";
/// Pause.
pub const PAUSE: &str = "Paused";
/// Resume.
pub const RESUME: &str = "Resumed";
/// Edit.
pub const EDIT: &str = "Changed";
/// Delete.
pub const DELETE: &str = "Deletion asked for";
/// Retry.
pub const AGAIN: &str = "Asked once more";

/// A field cannot be.
pub fn wrong(wrong: &Wrong) -> String {
    format!("Nothing was asked for. {}: {}.", wrong.field, wrong.reason)
}

/// Nobody is called so.
pub fn unknown_agent(word: &str) -> String {
    format!("agent: there is no agent {} in this project.", name(word))
}

/// No job is called so.
pub fn unknown_job(word: &str) -> String {
    format!(
        "job: there is no job {}. `/schedule list` shows them all.",
        name(word)
    )
}

/// Several jobs are called so.
pub fn many_jobs(word: &str, count: usize) -> String {
    format!(
        "job: {count} jobs are called {}. Choose one from the list that is offered.",
        name(word)
    )
}

/// The job of a button is gone.
pub fn gone() -> String {
    "This job is gone.".to_owned()
}

/// Somebody was faster.
pub fn changed_meanwhile() -> String {
    "Somebody has changed this job since you opened the form, so yours was not saved. Look at it again, then \
     repeat your change."
        .to_owned()
}

/// A form that was sent as it was.
pub fn nothing_changed() -> String {
    "Nothing was changed.".to_owned()
}

/// A heartbeat has no times of the day.
pub fn heartbeat_is_an_interval() -> String {
    "interval: a heartbeat runs every so often. Write a time from 5m to 24h.".to_owned()
}

/// A request that waits or is done is not asked for again.
pub fn not_failed() -> String {
    "This request has not failed, or was asked for again already.".to_owned()
}

/// Asks before a job is deleted.
pub fn delete_question(job: &Job, until: DateTime<Utc>) -> Draft {
    let seconds = until.timestamp();
    let press = SchedulePress::Confirm(job.row, u32::try_from(seconds).unwrap_or_default());
    let button = Button::new("Yes, delete it", Style::Danger, &press);
    Draft {
        components: vec![Row::Buttons(vec![button])],
        ..Draft::text(format!(
            "Do you really want to delete the job {}? The question expires <t:{seconds}:R>; nothing happens if \
             you leave it.",
            name(&job.text.name)
        ))
    }
}

/// The answer to it came too late.
pub fn question_has_expired() -> String {
    "This question has expired and nothing was deleted. Open the job again with `/schedule show`."
        .to_owned()
}

/// Heartbeats are not switched on.
pub fn heartbeats_off() -> String {
    format!(
        "Heartbeats are switched off in this project. An operator can switch them on with {}.",
        switch_on(Feature::HeartbeatUi)
    )
}
