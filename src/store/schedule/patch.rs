//! What a patch makes of a job.

use serde_json::{Map, Value};

use super::KeptJob;
use crate::model::schedule::JobText;

/// What a job is after a patch, and whether it runs by itself. Existing dashboards name the fields.
pub(super) fn patched(job: &KeptJob, patch: &Value) -> Result<(JobText, bool), String> {
    let Some(fields) = patch.as_object() else {
        return Err("The request holds no changes.".to_owned());
    };
    if let Some(seen) = word(fields, "expected")?
        && seen != job.text.version()
    {
        return Err(
            "Somebody has changed the job meanwhile. Look at it again, then repeat your change."
                .to_owned(),
        );
    }
    let mut text = job.text.clone();
    let mut known = false;
    let mut set = |name: &str, into: &mut String| -> Result<bool, String> {
        let value = word(fields, name)?;
        known |= value.is_some();
        Ok(value.map(|value| value.clone_into(into)).is_some())
    };
    set("name", &mut text.name)?;
    set("instructions", &mut text.instructions)?;
    let mut kind = String::new();
    let mut expr = String::new();
    let new_time = set("scheduleExpr", &mut expr)? || set("schedule", &mut expr)?;
    let new_kind = set("scheduleKind", &mut kind)?;
    if new_time {
        text.expr = expr;
        // Without a word for it, milliseconds and expressions tell themselves.
        text.kind = new_kind.then_some(kind);
    }
    for (name, into) in [
        ("tz", &mut text.tz),
        ("targetAgentKey", &mut text.agent),
        ("jobIntent", &mut text.intent),
    ] {
        let mut value = String::new();
        if set(name, &mut value)? {
            *into = Some(value).filter(|value| !value.trim().is_empty());
        }
    }
    let enabled = match fields.get("enabled") {
        None | Some(Value::Null) => None,
        Some(Value::Bool(on)) => Some(*on),
        Some(_) => return Err("enabled: it must be true or false.".to_owned()),
    };
    if !known && enabled.is_none() {
        return Err("The request changes nothing that is known.".to_owned());
    }
    Ok((text, enabled.unwrap_or(job.enabled)))
}

fn word<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, String> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("{name}: it must be a text.")),
    }
}
