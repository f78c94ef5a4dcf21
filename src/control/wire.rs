//! What travels between the bridge and an executor. Strict in what we write; tolerant in what an
//! existing executor answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::model::{AgentKey, MessageId, ThreadId};

mod docs;
mod tasks;
mod team;

pub use self::docs::{DocSave, Meta, Overview, OverviewSave, Writer};

pub use self::tasks::{
    AssignRequest, AssignedTasks, DeleteRequest, OutputRequest, ProposeRequest, StatusRequest,
    StopRequest, Task, TaskEvent, TaskEventRequest, TaskEvents, Tasks,
};

pub use self::team::{HireItem, HireRequest, Hired};

/// Header that names the project (source: `ClawdOS`; missing means the executor's own).
pub const PROJECT_HEADER: &str = "x-clawdos-project";

/// What our executor calls itself in `binary`; an existing one gives the path of its program.
pub const BUILT_IN_BINARY: &str = env!("CARGO_PKG_NAME");

/// `POST /api/chat/deliver`: run an agent's turn on a message. Answered after the whole turn.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeliverRequest {
    /// The message, a row of `project_chat_messages`.
    pub message_id: MessageId,
    /// The agent.
    pub target_agent_key: AgentKey,
    /// What the agent is told.
    pub message: String,
}

/// `POST /api/chat/post`: store a message, deliver it to nobody.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PostRequest {
    /// What is said.
    pub message: String,
    /// Who says it; `dashboard` when absent (source: `ClawdOS`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Where; the Team Room when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<ThreadId>,
    /// The agent it is meant for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_agent_key: Option<AgentKey>,
    /// `text`, `task_proposal` or `action_proposal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_type: Option<String>,
    /// What belongs to it, an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
}

/// The answer to a `POST`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Posted {
    /// Always true; a failure is a [`Refusal`].
    pub ok: bool,
    /// The row that was written: by a post, or as the agent's reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
}

/// Every answer that is not a success.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Refusal {
    /// Always false.
    #[serde(default)]
    pub ok: bool,
    /// What is wrong, in words.
    #[serde(default)]
    pub error: Option<String>,
    /// Whether an agent has worked on the message. Only our executor says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ran: Option<bool>,
    /// What to do instead, where `error` is a code (source: `ClawdOS`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The words that would have been right, where one of a few has to stand (source: `ClawdOS`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<String>,
}

/// `GET /api/executor-check`. Answered with 200 even when everything is broken (source: `ClawdOS`).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExecutorCheck {
    /// The program that runs agents; absent when it was not found.
    #[serde(default)]
    pub binary: Option<String>,
    /// Its version.
    #[serde(default)]
    pub version: Option<String>,
    /// What was looked at, by name.
    pub checks: BTreeMap<String, Check>,
}

/// One check.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Check {
    /// Whether it passed.
    pub ok: bool,
    /// What was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// What is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Value>,
}

/// `GET /api/chat/recent`: the newest messages, newest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Recent {
    /// The messages.
    pub messages: Vec<RecentMessage>,
}

/// One of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecentMessage {
    /// The row.
    pub id: Uuid,
    /// Who said it.
    pub author: String,
    /// What was said.
    pub message: String,
    /// Where.
    pub thread_id: Option<Uuid>,
    /// When, RFC 3339.
    pub created_at: String,
}

/// `GET /healthz`: the executor is there. Only ours has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Health {
    /// Always true.
    pub ok: bool,
}
