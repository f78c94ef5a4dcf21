//! Presses of buttons and choices in select menus.

use serde_json::{Map, Value, json};

use super::invocation::{self, Invocation};
use super::reply;
use super::store::Inner;
use super::submit::Checked;
use crate::rest::error::{ApiError, ApiResult};
use crate::rest::validate::id;
use crate::state::{Message, State};

/// Component type of a button.
const BUTTON: u64 = 2;
/// Component type of a select menu with the application's own options.
const STRING_SELECT: u64 = 3;

/// Checks that the message is there for this person and carries the component.
pub(super) fn check(state: &State, inner: &Inner, by: &Invocation) -> ApiResult<Checked> {
    let target = by.message.ok_or_else(|| {
        ApiError::field("message_id", "BASE_TYPE_REQUIRED", "This field is required")
    })?;
    let message = visible(state, inner, by, target)?;
    if message.author != by.bot && message.application != Some(by.application) {
        return Err(invalid());
    }
    let custom_id = by.data["custom_id"].as_str().unwrap_or_default();
    let components = message.components.list();
    let component = find(&components, custom_id).ok_or_else(invalid)?;
    let kind = component["type"].as_u64().unwrap_or_default();
    let said = by.data["component_type"]
        .as_u64()
        .or_else(|| by.data["type"].as_u64());
    if component["disabled"] == true || said.is_some_and(|said| said != kind) {
        return Err(invalid());
    }
    let mut data = json!({"custom_id": custom_id, "component_type": kind});
    if let Some(number) = component["id"].as_u64() {
        data["id"] = json!(number);
    }
    if kind != BUTTON {
        let (values, resolved) = selected(state, by, component)?;
        data["values"] = values;
        if kind != STRING_SELECT {
            data["resolved"] = Value::Object(resolved);
        }
    }
    Ok(Checked {
        data,
        source: Some(target),
        message: Some(state.message_json(message, None)),
        metadata: json!({"interacted_message_id": target.to_string()}),
        context_menu: false,
    })
}

/// The message, if this person can see it: ephemeral ones belong to one person.
fn visible<'a>(
    state: &'a State,
    inner: &'a Inner,
    by: &Invocation,
    id: u64,
) -> ApiResult<&'a Message> {
    match inner.ephemeral.get(&id) {
        Some(kept) if kept.person == by.person && kept.message.channel == by.channel => {
            Ok(&kept.message)
        }
        Some(_) => Err(reply::unknown()),
        None => state.message(by.channel, id).ok_or_else(reply::unknown),
    }
}

/// The component with this custom id, however deep it lies.
fn find<'a>(components: &'a [Value], custom_id: &str) -> Option<&'a Value> {
    components.iter().find_map(|component| {
        if component["custom_id"] == custom_id && !custom_id.is_empty() {
            return Some(component);
        }
        let children = component["components"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        find(children, custom_id)
            .or_else(|| find(std::slice::from_ref(component.get("accessory")?), custom_id))
    })
}

fn selected(
    state: &State,
    by: &Invocation,
    select: &Value,
) -> ApiResult<(Value, Map<String, Value>)> {
    let values: Vec<&str> = by.data["values"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let bound = |key: &str| usize::try_from(select[key].as_u64().unwrap_or(1)).unwrap_or(1);
    let repeated = values
        .iter()
        .enumerate()
        .any(|(at, value)| values[..at].contains(value));
    if values.len() < bound("min_values") || values.len() > bound("max_values") || repeated {
        return Err(invalid());
    }
    let mut resolved = Map::new();
    for value in &values {
        let known = if select["type"].as_u64() == Some(STRING_SELECT) {
            let options = select["options"].as_array();
            options.is_some_and(|list| list.iter().any(|option| option["value"] == *value))
        } else {
            resolve(
                state,
                by,
                select["type"].as_u64().unwrap_or_default(),
                value,
                &mut resolved,
            )
        };
        if !known {
            return Err(invalid());
        }
    }
    Ok((json!(values), resolved))
}

/// Types 5 to 8: user, role, mentionable (user or role) and channel.
fn resolve(
    state: &State,
    by: &Invocation,
    kind: u64,
    value: &str,
    resolved: &mut Map<String, Value>,
) -> bool {
    let Some(id) = id(&json!(value)) else {
        return false;
    };
    let mut put = |group: &str, json: Value| {
        resolved.entry(group).or_insert_with(|| json!({}))[value] = json;
    };
    if matches!(kind, 5 | 7) && state.users.contains_key(&id) {
        put("users", state.user_json(id));
        if let Some(member) = invocation::member(state, id, by.channel, false) {
            put("members", member);
        }
        return true;
    }
    if matches!(kind, 6 | 7)
        && let Some(role) = state.roles.get(&id)
        && Some(role.guild) == by.guild
    {
        put("roles", role.json());
        return true;
    }
    if kind == 8
        && let Some(channel) = state.channels.get(&id)
        && state.guild_of(id) == by.guild
    {
        let mut json = state.channel_json(channel, None);
        json["permissions"] = json!(state.permissions(by.person, id).to_string());
        put("channels", json);
        return true;
    }
    false
}

/// Discord's answer to a component that is not there, disabled, or given values it does not offer.
fn invalid() -> ApiError {
    ApiError::field(
        "data",
        "COMPONENT_VALIDATION_FAILED",
        "Component validation failed",
    )
}
