//! Application commands as they are registered.

use std::collections::HashSet;

use serde_json::Value;

use super::text;
use crate::limits;
use crate::rest::error::FormErrors;

/// Checks one command; `path` is its place in the request (empty for a single one).
pub(crate) fn check(form: &mut FormErrors, path: &str, command: &Value) {
    let path = if path.is_empty() {
        String::new()
    } else {
        format!("{path}.")
    };
    let kind = command["type"].as_u64().unwrap_or(1);
    if !(1..=4).contains(&kind) {
        form.add(
            &format!("{path}type"),
            "BASE_TYPE_CHOICES",
            "Value must be one of (1, 2, 3, 4).",
        );
    }
    let chat = kind == 1;
    check_name(form, &format!("{path}name"), &command["name"], chat);
    match text(form, &format!("{path}description"), &command["description"]) {
        Some(found) if chat => form.between(&format!("{path}description"), found, 1, 100),
        Some(found) if !found.is_empty() => {
            let message = "Context menu commands cannot have description";
            form.add(
                &format!("{path}description"),
                "APPLICATION_COMMAND_DESCRIPTION_NOT_ALLOWED",
                message,
            );
        }
        None if chat => form.required(&format!("{path}description")),
        _ => {}
    }
    if let Some(options) = command["options"].as_array() {
        check_options(form, &format!("{path}options"), options, 0);
    }
    if characters(command) > limits::COMMAND_CHARACTERS {
        let message = "Command exceeds maximum size (8000)";
        form.add(
            path.trim_end_matches('.'),
            "APPLICATION_COMMAND_TOO_LARGE",
            message,
        );
    }
}

/// Notes two commands of the same name and type.
pub(crate) fn check_unique(form: &mut FormErrors, commands: &[Value]) {
    let mut seen = HashSet::new();
    for (index, command) in commands.iter().enumerate() {
        let key = (
            command["type"].as_u64().unwrap_or(1),
            command["name"].as_str().unwrap_or_default(),
        );
        if !seen.insert(key) {
            let message = "Application command names must be unique";
            form.add(
                &format!("{index}.name"),
                "APPLICATION_COMMANDS_DUPLICATE_NAME",
                message,
            );
        }
    }
}

fn check_name(form: &mut FormErrors, path: &str, value: &Value, chat: bool) {
    let Some(name) = text(form, path, value) else {
        form.required(path);
        return;
    };
    form.between(path, name, 1, 32);
    // ^[-_'\p{L}\p{N}]{1,32}$ and lower case; the names of context menus may have spaces and capitals.
    let fits = |sign: char| {
        sign.is_alphanumeric() || matches!(sign, '-' | '_' | '\'') || !chat && sign == ' '
    };
    if !name.chars().all(fits) || chat && name.to_lowercase() != name {
        let message = "Command name is invalid";
        form.add(path, "APPLICATION_COMMAND_INVALID_NAME", message);
    }
}

fn check_options(form: &mut FormErrors, path: &str, options: &[Value], depth: usize) {
    if options.len() > limits::OPTIONS {
        form.add(
            path,
            "BASE_TYPE_MAX_LENGTH",
            "Must be 25 or fewer in length.",
        );
    }
    let mut names = HashSet::new();
    let mut optional_seen = false;
    for (index, option) in options.iter().enumerate() {
        let path = format!("{path}.{index}");
        check_name(form, &format!("{path}.name"), &option["name"], true);
        match text(form, &format!("{path}.description"), &option["description"]) {
            Some(found) => form.between(&format!("{path}.description"), found, 1, 100),
            None => form.required(&format!("{path}.description")),
        }
        if !names.insert(option["name"].as_str().unwrap_or_default()) {
            let message = "Option names must be unique";
            form.add(
                &format!("{path}.name"),
                "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS",
                message,
            );
        }
        let nested = option["options"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        match option["type"].as_u64() {
            Some(1) if depth < 2 => check_options(form, &format!("{path}.options"), nested, 2),
            Some(2) if depth == 0 => check_options(form, &format!("{path}.options"), nested, 1),
            Some(3..=11) => {
                let required = option["required"].as_bool().unwrap_or(false);
                if required && optional_seen {
                    let message = "Required options must be placed before non-required options";
                    form.add(
                        &path,
                        "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
                        message,
                    );
                }
                optional_seen |= !required;
                check_choices(form, &path, option);
            }
            _ => {
                let message = "Sub-command option type not allowed at this level";
                form.add(
                    &format!("{path}.type"),
                    "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
                    message,
                );
            }
        }
    }
}

fn check_choices(form: &mut FormErrors, path: &str, option: &Value) {
    let choices = option["choices"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    if choices.len() > limits::OPTIONS {
        form.add(
            &format!("{path}.choices"),
            "BASE_TYPE_MAX_LENGTH",
            "Must be 25 or fewer in length.",
        );
    }
    if !choices.is_empty() && option["autocomplete"] == true {
        let message = "Autocomplete options cannot have choices";
        form.add(
            &format!("{path}.autocomplete"),
            "APPLICATION_COMMAND_AUTOCOMPLETE_CHOICES",
            message,
        );
    }
    for (index, choice) in choices.iter().enumerate() {
        let place = format!("{path}.choices.{index}");
        match text(form, &format!("{place}.name"), &choice["name"]) {
            Some(name) => form.between(&format!("{place}.name"), name, 1, 100),
            None => form.required(&format!("{place}.name")),
        }
        if let Some(value) = choice["value"].as_str() {
            form.at_most(&format!("{place}.value"), value, 100);
        }
    }
}

/// Names, descriptions and string values of a command with all its options.
fn characters(item: &Value) -> usize {
    let length = |key: &str| item[key].as_str().map_or(0, |found| found.chars().count());
    let nested = |key: &str| {
        item[key]
            .as_array()
            .into_iter()
            .flatten()
            .map(characters)
            .sum::<usize>()
    };
    length("name") + length("description") + length("value") + nested("options") + nested("choices")
}
