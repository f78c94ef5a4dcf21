//! An agent's answer, sorted: what becomes messages of the chat, and what is told of the task that its message
//! was about. Events are held to the same rules as those that come through the Control API; one that breaks
//! them is told in the timeline as such.

use chrono::Utc;
use serde_json::{Value, json};
use uuid::Uuid;

use super::output::Answer;
use super::question::Question;
use super::refusal::Refused;
use super::{proposal, told};
use crate::control::wire::TaskEventRequest;
use crate::model::task::TaskStatus;
use crate::store::task_write::{TaskNews, Told};
use crate::store::turn::Outgoing;

/// Characters of something unreadable that the timeline shows.
const EXCERPT: usize = 500;

/// What a turn leaves behind.
#[derive(Debug)]
pub(super) struct Sorted {
    /// What is said in the chat; the answer first.
    pub messages: Vec<Outgoing>,
    /// What is told of the task.
    pub news: Option<TaskNews>,
}

/// Sorts an answer.
pub(super) fn sort(question: &Question, answer: Answer) -> Sorted {
    let agent = &question.agent;
    let told = !answer.events.is_empty() || answer.status.is_some();
    let reply = match (&question.task, told) {
        (None, true) => Some(nowhere(answer.reply)),
        _ => answer.reply,
    };
    let news = question.task.filter(|_| told);
    let news = news.map(|task| news_of(task, answer.events, answer.status));
    let reply = reply.map(|text| Outgoing::reply(question.message_id, text));
    let proposals = answer.proposals.into_iter();
    let messages = reply
        .into_iter()
        .chain(proposals.map(|it| proposal::as_message(agent, it, Utc::now())));
    Sorted {
        messages: messages.collect(),
        news,
    }
}

/// There is no timeline to say it in.
fn nowhere(reply: Option<String>) -> String {
    let lost = "(The agent also told of a task, but the message that it answers is about none.)";
    reply.map_or_else(|| lost.to_owned(), |reply| format!("{reply}\n\n{lost}"))
}

fn news_of(task: Uuid, events: Vec<Value>, status: Option<Value>) -> TaskNews {
    let mut events: Vec<Told> = events
        .into_iter()
        .map(|event| event_of(event.clone()).unwrap_or_else(|why| unreadable(&event, &why)))
        .collect();
    let status = status.and_then(|word| match status_of(&word) {
        Ok(status) => Some(status),
        Err(why) => {
            events.push(unreadable(&json!({ "status": word }), &why));
            None
        }
    });
    TaskNews {
        task,
        events,
        status,
    }
}

fn event_of(event: Value) -> Result<Told, Refused> {
    if !event.is_object() {
        return Err(Refused::bad("An event must be an object."));
    }
    // Who tells it is known: what it says of an author counts for nothing.
    let event: TaskEventRequest =
        serde_json::from_value(event).map_err(|error| Refused::bad(format!("{error}.")))?;
    let content = event.content.as_deref();
    let metadata = told::check_event(&event.event_type, content, event.metadata)?;
    Ok(Told {
        id: Uuid::new_v4(),
        event_type: event.event_type,
        content: event.content,
        metadata,
        about_agent: false,
    })
}

fn status_of(word: &Value) -> Result<TaskStatus, Refused> {
    told::status(word.as_str().unwrap_or_default())
}

/// What the agent wanted to say must not vanish.
fn unreadable(event: &Value, why: &Refused) -> Told {
    let why = why.words();
    tracing::warn!(%why, "an agent told an event that cannot be read");
    let event: String = event.to_string().chars().take(EXCERPT).collect();
    Told {
        id: Uuid::new_v4(),
        event_type: "comment".to_owned(),
        content: Some(format!(
            "The agent told something that cannot be written down: {why}\n{event}"
        )),
        metadata: Some(json!({ "kind": "malformed_event" })),
        about_agent: true,
    }
}
