//! Choices that an application offers while an option is typed.

use serde_json::Value;

use crate::limits;
use crate::rest::error::FormErrors;

/// Longest name and longest text value of a choice (Application Commands, "Option Choice").
const CHOICE: usize = 100;

/// Checks `data` of an autocomplete answer and returns the choices.
pub(super) fn check(form: &mut FormErrors, data: &Value) -> Value {
    let Some(choices) = data["choices"].as_array() else {
        form.required("data.choices");
        return Value::Null;
    };
    if choices.len() > limits::OPTIONS {
        let text = format!("Must be {} or fewer in length.", limits::OPTIONS);
        form.add("data.choices", "BASE_TYPE_MAX_LENGTH", &text);
    }
    for (index, choice) in choices.iter().enumerate() {
        let path = format!("data.choices.{index}");
        match choice["name"].as_str() {
            Some(name) => form.between(&format!("{path}.name"), name, 1, CHOICE),
            None => form.required(&format!("{path}.name")),
        }
        match &choice["value"] {
            Value::String(value) => form.between(&format!("{path}.value"), value, 1, CHOICE),
            Value::Number(_) => {}
            _ => form.required(&format!("{path}.value")),
        }
    }
    data["choices"].clone()
}
