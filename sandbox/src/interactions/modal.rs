//! Submitted modals.

use serde_json::{Value, json};

use super::invocation::Invocation;
use super::reply;
use super::store::{Inner, Modal};
use super::submit::Checked;
use crate::rest::error::{ApiError, ApiResult, FormErrors};
use crate::rest::validate::id;
use crate::state::State;

/// Longest value of a text input.
const TEXT_INPUT: u64 = 4000;

/// Checks that the modal was opened for this person and that the values fit its inputs.
pub(super) fn check(state: &State, inner: &Inner, by: &Invocation) -> ApiResult<Checked> {
    let modal = find(inner, by)?;
    let mut form = FormErrors::default();
    let inputs = inputs(&modal.components);
    let given = by.data["components"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let values = self::inputs(given);
    for input in &inputs {
        let value = values
            .iter()
            .find(|value| value["custom_id"] == input["custom_id"]);
        check_input(&mut form, input, value.copied().unwrap_or(&Value::Null));
    }
    for value in &values {
        if !inputs
            .iter()
            .any(|input| input["custom_id"] == value["custom_id"])
        {
            let text = "There is no such input in the modal";
            form.add("data.components", "COMPONENT_VALIDATION_FAILED", text);
        }
    }
    form.check()?;
    let mut metadata = json!({"triggering_interaction_metadata": modal.metadata});
    if let Some(source) = modal.source {
        metadata["interacted_message_id"] = json!(source.to_string());
    }
    let message = modal
        .source
        .and_then(|id| reply::look(state, inner, modal.channel, id).ok());
    Ok(Checked {
        data: json!({"custom_id": modal.custom_id, "components": given}),
        source: modal.source,
        message,
        metadata,
        context_menu: false,
    })
}

/// The open modal: by the id of the interaction that opened it, as Discord's client sends it, else the
/// newest with that custom id.
fn find<'a>(inner: &'a Inner, by: &Invocation) -> ApiResult<&'a Modal> {
    let theirs = |modal: &&Modal| {
        modal.person == by.person
            && modal.application == by.application
            && modal.channel == by.channel
            && by.data["custom_id"] == modal.custom_id.as_str()
    };
    let found = match id(&by.data["id"]) {
        Some(id) => inner.modals.get(&id).filter(theirs),
        None => inner
            .modals
            .values()
            .filter(theirs)
            .max_by_key(|modal| modal.opened),
    };
    found.ok_or_else(|| ApiError::unknown(10062, "interaction"))
}

/// The inputs of rows (`components`) and labels (`component`).
fn inputs(components: &[Value]) -> Vec<&Value> {
    components
        .iter()
        .flat_map(|part| {
            let row = part["components"]
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default();
            row.iter().chain(part.get("component"))
        })
        .collect()
}

fn check_input(form: &mut FormErrors, input: &Value, given: &Value) {
    let path = format!(
        "data.components.{}",
        input["custom_id"].as_str().unwrap_or_default()
    );
    let required = input["required"] != false;
    if input["type"].as_u64() != Some(4) {
        let empty =
            given["values"].as_array().is_none_or(Vec::is_empty) && given["value"].is_null();
        if required && empty {
            form.required(&path);
        }
        return;
    }
    let value = given["value"].as_str().unwrap_or_default();
    if value.is_empty() {
        if required {
            form.required(&path);
        }
        return;
    }
    let length = value.chars().count() as u64;
    let least = input["min_length"].as_u64().unwrap_or(0);
    let most = input["max_length"].as_u64().unwrap_or(TEXT_INPUT);
    if length < least || length > most {
        let text = format!("Must be between {least} and {most} in length.");
        form.add(&path, "BASE_TYPE_BAD_LENGTH", &text);
    }
}
