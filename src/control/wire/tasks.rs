//! What travels about tasks. The fields are `ClawdOS`'s; unknown ones are passed over.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// `POST /api/tasks/:id/events`: tell what happens in a task. Answered with [`Posted`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TaskEventRequest {
    /// `comment`, `agent_update`, `output_added` or `approval_request`.
    pub event_type: String,
    /// Who tells it; `dashboard` when absent (source: `ClawdOS`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// What is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// What belongs to it, an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
}

/// `GET /api/tasks/:id/events`: the newest events of a task, newest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TaskEvents {
    /// The events.
    pub events: Vec<TaskEvent>,
}

/// One of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TaskEvent {
    /// The row.
    pub id: Uuid,
    /// What kind of event.
    pub event_type: String,
    /// Who tells it.
    pub author: String,
    /// What is said.
    pub content: Option<String>,
    /// What belongs to it.
    pub metadata: Option<Value>,
    /// When, RFC 3339.
    pub created_at: String,
}

/// `GET /api/tasks`: those that changed last, first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tasks {
    /// The tasks.
    pub tasks: Vec<Task>,
}

/// `GET /api/tasks/assigned`: those of one agent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AssignedTasks {
    /// Always true; a failure is a refusal.
    pub ok: bool,
    /// The tasks.
    pub tasks: Vec<Task>,
}

/// One of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Task {
    /// The row.
    pub id: Uuid,
    /// Its title.
    pub title: String,
    /// Its status.
    pub status: String,
    /// Whose it is.
    pub assignee_agent_key: Option<String>,
    /// Whether an operator has to decide first.
    pub is_proposed: bool,
    /// What is to be done, its first 4,000 characters.
    pub description: Option<String>,
    /// When its row changed last, RFC 3339.
    pub updated_at: String,
    /// When it was made, RFC 3339.
    pub created_at: String,
}

/// `POST /api/tasks/propose`: make a task that an operator decides. Answered with the task's id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProposeRequest {
    /// Its title, 1 to 5,000 characters.
    pub title: String,
    /// Who proposes it; `dashboard` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// What is to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whose it is; the author's when absent, if that is an agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee_agent_key: Option<String>,
}

/// `POST /api/tasks/:id/status`: move a task.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StatusRequest {
    /// Where to.
    pub status: String,
    /// Who moves it; `dashboard` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// `POST /api/tasks/:id/assign`: give a task to an agent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AssignRequest {
    /// Its key; null for nobody.
    pub assignee_agent_key: Value,
    /// Who gives it; `dashboard` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
}

/// `POST /api/tasks/:id/stop`: give a task up. The body may be missing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StopRequest {
    /// Who gives it up; `dashboard` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// `POST /api/tasks/:id/outputs`: add what came out of a task. Answered with the event's id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OutputRequest {
    /// `summary`, `file`, `link`, `message` or `log_summary`.
    pub output_type: String,
    /// Its title, at most 5,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_text: Option<String>,
    /// Its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link_url: Option<String>,
    /// Who made it; `dashboard` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
}

/// `POST /api/tasks/:id/delete`: delete a task; its row stays. The body may be missing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeleteRequest {
    /// Who deletes it; `dashboard` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
}
