//! Polls.

use serde_json::{Value, json};

use super::{list, text};
use crate::limits;
use crate::rest::error::FormErrors;
use crate::state::{iso, now_ms};

/// Checks the `poll` of a message and returns it as Discord shows it, without votes.
pub(crate) fn check(form: &mut FormErrors, value: &Value) -> Option<Value> {
    if !value.is_object() {
        return None;
    }
    let question = text(form, "poll.question.text", &value["question"]["text"]).unwrap_or_default();
    form.between("poll.question.text", question, 1, limits::POLL_QUESTION);
    let given = list(
        form,
        "poll.answers",
        &value["answers"],
        limits::POLL_ANSWERS,
    )
    .unwrap_or_default();
    if given.is_empty() {
        form.required("poll.answers");
    }
    let mut answers = Vec::with_capacity(given.len());
    for (index, answer) in given.iter().enumerate() {
        let place = format!("poll.answers.{index}.poll_media.text");
        let found = text(form, &place, &answer["poll_media"]["text"]).unwrap_or_default();
        form.between(&place, found, 1, limits::POLL_ANSWER);
        answers.push(json!({ "answer_id": index + 1, "poll_media": answer["poll_media"] }));
    }
    let hours = value["duration"].as_u64().unwrap_or(24);
    if !(1..=limits::POLL_HOURS).contains(&hours) {
        form.add(
            "poll.duration",
            "NUMBER_TYPE_RANGE",
            "int value should be between 1 and 768.",
        );
    }
    let expiry_ms = now_ms().saturating_add(hours.min(limits::POLL_HOURS) * 3_600_000);
    Some(json!({
        "question": { "text": question },
        "answers": answers,
        "expiry": iso(expiry_ms),
        "allow_multiselect": value["allow_multiselect"].as_bool().unwrap_or(false),
        "layout_type": 1,
        "results": { "is_finalized": false, "answer_counts": [] },
    }))
}
