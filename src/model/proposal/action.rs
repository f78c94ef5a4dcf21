//! The actions that the built-in executor knows, strictly typed. To add one: a struct, a variant, a
//! line in the macro; then `executor/actions/` carries it out and `cards/proposal/` shows it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;
use uuid::Uuid;

use super::Malformed;
use crate::model::AgentKey;

/// Kinds of documents that the database takes (source: `ClawdOS`, `brain_docs_doc_type_check`).
pub const DOC_TYPES: [&str; 10] = [
    "soul",
    "agents",
    "user",
    "memory_long",
    "memory_today",
    "mission",
    "project_overview",
    "capabilities",
    "project_mission",
    "project_rules",
];

/// Methods of an `api_call`.
pub const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// An action with its parameters.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Action { $($(#[$doc])* $variant($variant),)* }

        impl Action {
            /// The names of all actions.
            pub const NAMES: &'static [&'static str] = &[$($name,)*];

            /// Its name, as in `action_type`.
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)* }
            }

            /// Its parameters, an object.
            pub fn parameters(&self) -> Value {
                let json = match self { $(Self::$variant(it) => serde_json::to_value(it),)* };
                // Plain structs of texts: nothing in them can fail to be written.
                json.unwrap_or_default()
            }

            /// Reads the parameters of a named action; `None` is a name that nobody knows.
            pub fn read(name: &str, parameters: Value) -> Option<Result<Self, Malformed>> {
                Some(match name {
                    $($name => typed(parameters).map(Self::$variant),)*
                    _ => return None,
                }.and_then(Self::checked))
            }
        }
    };
}

actions! {
    /// Makes a task.
    CreateTask = "create_task",
    /// Files a request for a scheduled job.
    ScheduleJob = "schedule_job",
    /// Writes a document of an agent or of the project.
    EditDoc = "edit_doc",
    /// Says something, to an agent or in the room.
    SendMessage = "send_message",
    /// Calls somebody's HTTP interface.
    ApiCall = "api_call",
    /// Writes a file in the executor's workspace.
    FileWrite = "file_write",
}

/// Parameters of `create_task`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateTask {
    /// The title.
    pub title: String,
    /// The description.
    #[serde(default)]
    pub description: String,
    /// Whose task it will be.
    #[serde(default)]
    pub assignee_agent_key: Option<AgentKey>,
}

/// Parameters of `schedule_job`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleJob {
    /// The job's name.
    pub name: String,
    /// When: a cron expression, or milliseconds between two runs.
    pub schedule_expr: String,
    /// What to do.
    pub instructions: String,
    /// Who does it.
    pub target_agent_key: AgentKey,
}

/// Parameters of `edit_doc`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EditDoc {
    /// Which document, one of [`DOC_TYPES`].
    pub doc_type: String,
    /// Whose: an agent key, or `project`.
    pub agent_key: String,
    /// The beginning of it.
    #[serde(default)]
    pub content_preview: String,
    /// All of it; without it the edit cannot be carried out.
    #[serde(default)]
    pub content: Option<String>,
}

/// Parameters of `send_message`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SendMessage {
    /// `team-room`, `dm` or the id of a thread.
    pub channel: String,
    /// For whom: an agent key makes it a delivery; in the room it may be anybody or empty.
    #[serde(default)]
    pub recipient: String,
    /// What is said.
    pub content: String,
}

/// Where a `send_message` goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// The Team Room.
    Room,
    /// The thread with the recipient, who is an agent.
    Dm,
    /// A thread.
    Thread(Uuid),
}

impl SendMessage {
    /// Where it goes; `None` for a channel that nobody knows.
    pub fn channel(&self) -> Option<Channel> {
        match self.channel.as_str() {
            "team-room" => Some(Channel::Room),
            "dm" => Some(Channel::Dm),
            other => Uuid::parse_str(other).ok().map(Channel::Thread),
        }
    }

    /// The agent that it is for, if it is for one.
    pub fn agent(&self) -> Option<AgentKey> {
        self.recipient.parse().ok()
    }
}

/// Parameters of `api_call`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiCall {
    /// The address, `http` or `https`.
    pub url: String,
    /// One of [`METHODS`].
    pub method: String,
    /// The beginning of the body.
    #[serde(default)]
    pub body_preview: String,
    /// Headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body.
    #[serde(default)]
    pub body: Option<String>,
}

/// Parameters of `file_write`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileWrite {
    /// The file, relative to the workspace.
    pub path: String,
    /// The beginning of it.
    #[serde(default)]
    pub content_preview: String,
    /// All of it; without it nothing can be written.
    #[serde(default)]
    pub content: Option<String>,
}

fn typed<T: serde::de::DeserializeOwned>(parameters: Value) -> Result<T, Malformed> {
    serde_path_to_error::deserialize(parameters).map_err(|error| {
        let path = match error.path().to_string() {
            whole if whole == "." => "parameters".to_owned(),
            field => format!("parameters.{field}"),
        };
        Malformed {
            path,
            reason: error.into_inner().to_string(),
        }
    })
}

impl Action {
    /// What types alone cannot say.
    fn checked(self) -> Result<Self, Malformed> {
        match &self {
            Self::CreateTask(it) => filled("title", &it.title)?,
            Self::ScheduleJob(it) => {
                filled("name", &it.name)?;
                filled("schedule_expr", &it.schedule_expr)?;
                filled("instructions", &it.instructions)?;
            }
            Self::EditDoc(it) => {
                if !DOC_TYPES.contains(&it.doc_type.as_str()) {
                    return Err(wrong(
                        "doc_type",
                        format!("must be one of {}", DOC_TYPES.join(", ")),
                    ));
                }
                if it.agent_key != "project" && it.agent_key.parse::<AgentKey>().is_err() {
                    return Err(wrong("agent_key", "must be an agent key or `project`"));
                }
            }
            Self::SendMessage(it) => {
                filled("content", &it.content)?;
                let channel = it.channel().ok_or_else(|| {
                    wrong("channel", "must be `team-room`, `dm` or the id of a thread")
                })?;
                if channel == Channel::Dm && it.agent().is_none() {
                    return Err(wrong("recipient", "must be an agent key for channel `dm`"));
                }
            }
            Self::ApiCall(it) => {
                let url = Url::parse(&it.url).map_err(|error| wrong("url", error.to_string()))?;
                if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
                    return Err(wrong("url", "must be an http or https address"));
                }
                if !url.username().is_empty() || url.password().is_some() {
                    return Err(wrong("url", "must not carry a name or password"));
                }
                if !METHODS.contains(&it.method.as_str()) {
                    return Err(wrong(
                        "method",
                        format!("must be one of {}", METHODS.join(", ")),
                    ));
                }
            }
            Self::FileWrite(it) => filled("path", &it.path)?,
        }
        Ok(self)
    }
}

fn filled(field: &str, text: &str) -> Result<(), Malformed> {
    if text.trim().is_empty() {
        return Err(wrong(field, "must not be empty"));
    }
    Ok(())
}

fn wrong(field: &str, reason: impl Into<String>) -> Malformed {
    Malformed {
        path: format!("parameters.{field}"),
        reason: reason.into(),
    }
}
