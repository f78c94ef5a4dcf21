//! Reads what a row says about a proposal. Strict: what is not understood is malformed, with the
//! path of the first field that is wrong.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::action::Action;
use super::{Malformed, Payload, ProposedTask, Reading, Risk, TASK_PROPOSAL};

/// Fields beside the action: what was proposed when and why, and what became of it.
const ENVELOPE: [&str; 19] = [
    "action_type",
    "approved_at",
    "approved_by",
    "author_name",
    "executed_at",
    "execution_result",
    "parameters",
    "proposed_at",
    "proposed_by",
    "reason",
    "rejected_at",
    "rejected_by",
    "rejected_reason",
    "reply_to",
    "requires_approval",
    "resolved_by_discord_id",
    "risk_level",
    "status",
    "summary",
];

/// A chat message of type `task_proposal` or `action_proposal`.
pub fn read_message(message_type: &str, metadata: &Value) -> Reading {
    let fields = object(metadata);
    let payload = fields.and_then(|fields| {
        let action = match fields.get("action_type") {
            None | Some(Value::Null) if message_type == TASK_PROPOSAL => "create_task",
            action => word("action_type", action)?,
        };
        if message_type == TASK_PROPOSAL && action != "create_task" {
            let reason = format!("a {TASK_PROPOSAL} can only create_task");
            return Err(malformed("action_type", reason));
        }
        check_envelope(fields)?;
        Action::read(action, parameters(fields))
            .unwrap_or_else(|| Err(unknown(action)))
            .map(Payload::Action)
    });
    reading(metadata, payload, reason(metadata))
}

/// A task's event of type `approval_request`. Its action may have a name that only the executor
/// knows.
pub fn read_event(content: Option<&str>, metadata: &Value) -> Reading {
    let fields = object(metadata);
    let payload = fields.and_then(|fields| {
        let action = word("action_type", fields.get("action_type"))?;
        check_risk(fields)?;
        match Action::read(action, parameters(fields)) {
            // Existing dashboards read only the name, the risk and the text.
            Some(_) if parameters(fields).as_object().is_some_and(Map::is_empty) => {
                Ok(free(action, fields))
            }
            Some(action) => action.map(Payload::Action),
            None => Ok(free(action, fields)),
        }
    });
    let reason = match reason(metadata) {
        written if written.is_empty() => content.unwrap_or_default().to_owned(),
        written => written,
    };
    reading(metadata, payload, reason)
}

/// A proposed task.
pub fn read_task(
    title: &str,
    description: Option<&str>,
    assignee: Option<&str>,
    snapshot: Option<&Value>,
) -> Reading {
    let from_message = snapshot
        .and_then(|snapshot| snapshot.get("chat_message_id"))
        .and_then(Value::as_str)
        .and_then(|id| Uuid::parse_str(id).ok());
    Reading {
        payload: Ok(Payload::Task(ProposedTask {
            title: title.to_owned(),
            description: description.unwrap_or_default().to_owned(),
            assignee: assignee.map(str::to_owned),
            from_message,
        })),
        risk: Risk::Low,
        reason: String::new(),
        raw: snapshot.cloned().unwrap_or_default(),
    }
}

fn reading(metadata: &Value, payload: Result<Payload, Malformed>, reason: String) -> Reading {
    let risk = metadata.as_object().map(check_risk);
    let (risk, payload) = match (risk, payload) {
        (Some(Ok(risk)), payload) => (risk, payload),
        (_, payload) => (Risk::High, payload),
    };
    Reading {
        payload,
        risk,
        reason,
        raw: metadata.clone(),
    }
}

fn object(metadata: &Value) -> Result<&Map<String, Value>, Malformed> {
    metadata
        .as_object()
        .ok_or_else(|| malformed("metadata", "must be an object"))
}

fn word<'a>(path: &str, value: Option<&'a Value>) -> Result<&'a str, Malformed> {
    match value {
        None | Some(Value::Null) => Err(malformed(path, "is missing")),
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(text),
        Some(_) => Err(malformed(path, "must be a text")),
    }
}

fn check_envelope(fields: &Map<String, Value>) -> Result<(), Malformed> {
    check_risk(fields)?;
    match fields.get("requires_approval") {
        // Whatever it says, nothing is ever approved by itself.
        None | Some(Value::Null | Value::Bool(_)) => {}
        Some(_) => return Err(malformed("requires_approval", "must be true or false")),
    }
    if !fields.contains_key("parameters") {
        return Ok(());
    }
    let stranger = fields
        .keys()
        .find(|name| !ENVELOPE.contains(&name.as_str()));
    stranger.map_or(Ok(()), |name| Err(malformed(name, "unknown field")))
}

fn check_risk(fields: &Map<String, Value>) -> Result<Risk, Malformed> {
    match fields.get("risk_level") {
        None | Some(Value::Null) => Ok(Risk::Med),
        Some(value) => [Risk::Low, Risk::Med, Risk::High]
            .into_iter()
            .find(|risk| value.as_str() == Some(risk.as_str()))
            .ok_or_else(|| malformed("risk_level", "must be low, med or high")),
    }
}

/// The parameters: in `parameters`, or beside the fields of the envelope.
fn parameters(fields: &Map<String, Value>) -> Value {
    fields.get("parameters").cloned().unwrap_or_else(|| {
        fields
            .iter()
            .filter(|(name, _)| !ENVELOPE.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    })
}

fn free(action: &str, fields: &Map<String, Value>) -> Payload {
    let details = fields
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "action_type" | "risk_level" | "status"))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    Payload::Free {
        name: action.to_owned(),
        details,
    }
}

fn reason(metadata: &Value) -> String {
    ["reason", "summary"]
        .iter()
        .find_map(|name| metadata.get(*name)?.as_str())
        .unwrap_or_default()
        .to_owned()
}

fn unknown(action: &str) -> Malformed {
    let action: String = action.chars().take(80).collect();
    let known = Action::NAMES.join(", ");
    malformed(
        "action_type",
        format!("unknown action {action:?}; known are {known}"),
    )
}

fn malformed(path: &str, reason: impl Into<String>) -> Malformed {
    Malformed {
        path: path.chars().take(80).collect(),
        reason: reason.into(),
    }
}
