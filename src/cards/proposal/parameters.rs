//! What a proposal would do: the action in our words, its parameters in the proposer's.

use serde_json::Value;

use crate::cards::quote;
use crate::model::proposal::action::{Action, ApiCall, Channel, SendMessage};
use crate::model::proposal::{Payload, Proposal, ProposedTask};

/// Longest name of a free detail.
const NAME_ROOM: usize = 100;

/// A parameter to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parameter {
    /// Its name, in our words.
    pub(super) name: String,
    /// Its value, in the proposer's.
    pub(super) value: String,
}

fn parameter(name: &str, value: impl Into<String>) -> Parameter {
    Parameter {
        name: name.to_owned(),
        value: value.into(),
    }
}

/// What would be done, in our words.
pub fn action_words(proposal: &Proposal) -> &'static str {
    match &proposal.reading.payload {
        Err(_) => "Malformed proposal",
        Ok(Payload::Task(_)) => "Begin a task",
        Ok(Payload::Free { .. }) => "Another action",
        Ok(Payload::Action(action)) => match action {
            Action::CreateTask(_) => "Create a task",
            Action::ScheduleJob(_) => "Schedule a job",
            Action::EditDoc(_) => "Edit a document",
            Action::SendMessage(_) => "Send a message",
            Action::ApiCall(_) => "Call an API",
            Action::FileWrite(_) => "Write a file",
        },
    }
}

/// The one thing that tells it from others of its kind, in the proposer's words.
pub fn summary(proposal: &Proposal) -> String {
    match &proposal.reading.payload {
        Err(malformed) => malformed.to_string(),
        Ok(Payload::Task(task)) => task.title.clone(),
        Ok(Payload::Free { name, .. }) => name.clone(),
        Ok(Payload::Action(action)) => match action {
            Action::CreateTask(it) => it.title.clone(),
            Action::ScheduleJob(it) => it.name.clone(),
            Action::EditDoc(it) => format!("{} of {}", it.doc_type, it.agent_key),
            Action::SendMessage(it) => format!("{}: {}", destination(it), it.content),
            Action::ApiCall(it) => format!("{} {}", it.method, it.url),
            Action::FileWrite(it) => it.path.clone(),
        },
    }
}

/// What an operator has to know before approving, beyond what is proposed.
pub(super) fn warning(proposal: &Proposal) -> Option<&'static str> {
    let missing = |content: &Option<String>| content.is_none();
    match proposal.reading.payload.as_ref().ok()? {
        Payload::Free { .. } => Some(
            "Only an executor that knows this action will carry it out; the built-in one does not.",
        ),
        Payload::Action(Action::EditDoc(it)) if missing(&it.content) => Some(NO_CONTENT),
        Payload::Action(Action::FileWrite(it)) if missing(&it.content) => Some(NO_CONTENT),
        Payload::Action(Action::ApiCall(it))
            if missing(&it.body) && !it.body_preview.is_empty() =>
        {
            Some("Only a preview of the body was given: the call would be made without a body.")
        }
        _ => None,
    }
}

const NO_CONTENT: &str =
    "Only a preview was given, not the content: approving this cannot carry it out.";

/// Every parameter, the most telling first.
pub(super) fn parameters(proposal: &Proposal) -> Vec<Parameter> {
    match &proposal.reading.payload {
        Err(malformed) => vec![
            parameter("Where", malformed.path.clone()),
            parameter("What is wrong", malformed.reason.clone()),
            parameter("As it was written", pretty(&proposal.reading.raw)),
        ],
        Ok(Payload::Task(task)) => proposed_task(task),
        Ok(Payload::Free { name, details }) => free(name, details),
        Ok(Payload::Action(action)) => of_action(action),
    }
}

fn of_action(action: &Action) -> Vec<Parameter> {
    let mut list = match action {
        Action::CreateTask(it) => {
            let assignee = it.assignee_agent_key.as_ref();
            let assignee = assignee.map_or("nobody", |key| key.as_str());
            vec![
                parameter("Title", it.title.clone()),
                parameter("Description", it.description.clone()),
                parameter("Assignee", assignee),
            ]
        }
        Action::ScheduleJob(it) => vec![
            parameter("Name", it.name.clone()),
            parameter("Schedule", it.schedule_expr.clone()),
            parameter("For", it.target_agent_key.as_str()),
            parameter("Instructions", it.instructions.clone()),
        ],
        Action::EditDoc(it) => {
            let mut list = vec![
                parameter("Document", it.doc_type.clone()),
                parameter("Of", it.agent_key.clone()),
            ];
            list.extend(written(
                "Content",
                it.content.as_deref(),
                &it.content_preview,
            ));
            list
        }
        Action::SendMessage(it) => vec![
            parameter("Where", destination(it)),
            parameter("To", it.recipient.clone()),
            parameter("Message", it.content.clone()),
        ],
        Action::ApiCall(it) => api_call(it),
        Action::FileWrite(it) => {
            let mut list = vec![parameter("File in the workspace", it.path.clone())];
            list.extend(written(
                "Content",
                it.content.as_deref(),
                &it.content_preview,
            ));
            list
        }
    };
    // An optional text that is empty says nothing. A content that is empty empties something.
    list.retain(|it| !it.value.is_empty() || it.name == "Content");
    list
}

fn api_call(it: &ApiCall) -> Vec<Parameter> {
    let headers: Vec<_> = it
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    let mut list = vec![
        parameter("Method", it.method.clone()),
        parameter("Address", it.url.clone()),
        parameter("Headers", headers.join("\n")),
    ];
    list.extend(written("Body", it.body.as_deref(), &it.body_preview));
    list
}

/// What would be written, and the proposer's preview where that says something else.
fn written(name: &str, content: Option<&str>, preview: &str) -> Vec<Parameter> {
    let Some(content) = content else {
        return vec![parameter(
            &format!("Preview of the {}", name.to_lowercase()),
            preview,
        )];
    };
    let mut list = vec![parameter(name, content)];
    if !content.starts_with(preview.trim_end_matches(['…', '.'])) {
        list.push(parameter("Preview, which says something else", preview));
    }
    list
}

fn destination(it: &SendMessage) -> String {
    match it.channel() {
        Some(Channel::Room) => "Team Room".to_owned(),
        Some(Channel::Dm) => format!("the direct thread of {}", it.recipient),
        Some(Channel::Thread(id)) => format!("thread {id}"),
        None => it.channel.clone(),
    }
}

fn proposed_task(task: &ProposedTask) -> Vec<Parameter> {
    let mut list = vec![
        parameter("Title", task.title.clone()),
        parameter("Description", task.description.clone()),
        parameter("Assignee", task.assignee.as_deref().unwrap_or("nobody")),
    ];
    list.retain(|it| !it.value.is_empty() || it.name == "Title");
    list
}

/// Details of an action that nobody here knows. Their names are the proposer's too, so they are
/// marked: one of them could be called like a field of ours.
fn free(name: &str, details: &Value) -> Vec<Parameter> {
    let mut list = vec![parameter("Name of the action", name)];
    match details.as_object() {
        Some(fields) => list.extend(fields.iter().map(|(name, value)| Parameter {
            name: format!("Detail: {}", quote::line(name, NAME_ROOM).markup),
            value: value.as_str().map_or_else(|| pretty(value), str::to_owned),
        })),
        None => list.push(parameter("Details", pretty(details))),
    }
    list
}

pub(super) fn pretty(value: &Value) -> String {
    // A value that was read from JSON can be written as JSON.
    serde_json::to_string_pretty(value).unwrap_or_default()
}
