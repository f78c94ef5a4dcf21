//! Commands: whether the person may use this one, and whether the options fit its declaration.

use serde_json::{Map, Value, json};

use super::invocation::{self, Invocation};
use super::store::Kind;
use super::submit::Checked;
use crate::rest::error::{ApiError, ApiResult, FormErrors};
use crate::rest::validate::id;
use crate::state::permissions::bits;
use crate::state::{Attachment, Command, State};

/// Longest text of an option (Application Commands, `max_length`).
const OPTION_TEXT: u64 = 6000;

/// Checks a use of a command (or, while it is typed, one of its options).
pub(super) fn check(state: &State, by: &Invocation) -> ApiResult<Checked> {
    let command = find(state, by)?;
    check_allowed(state, by, command)?;
    let mut walk = Walk {
        state,
        by,
        form: FormErrors::default(),
        resolved: Map::new(),
        complete: by.kind == Kind::Command,
    };
    let mut data = json!({
        "id": command.id.to_string(),
        "name": command.name,
        "type": command.kind,
    });
    if let Some(guild) = command.guild {
        data["guild_id"] = json!(guild.to_string());
    }
    let mut metadata = json!({});
    if command.kind == 1 {
        let options = walk.level(
            "data.options",
            &command.body["options"],
            &by.data["options"],
        );
        if !options.is_empty() {
            data["options"] = Value::Array(options);
        }
    } else {
        data["target_id"] = by.data["target_id"].clone();
        metadata = walk.target(command)?;
    }
    walk.form.check()?;
    if !walk.resolved.is_empty() || command.kind == 1 {
        data["resolved"] = Value::Object(walk.resolved);
    }
    Ok(Checked {
        data,
        source: None,
        message: None,
        metadata,
        context_menu: command.kind != 1,
    })
}

/// The command of the application with this id, or with this name when no id is sent.
fn find<'a>(state: &'a State, by: &Invocation) -> ApiResult<&'a Command> {
    let kind = by.data["type"].as_u64().unwrap_or(1);
    let here = |command: &&Command| {
        command.application == by.application
            && u64::from(command.kind) == kind
            && command.guild.is_none_or(|guild| by.guild == Some(guild))
    };
    let found = match id(&by.data["id"]) {
        Some(id) => state.commands.get(&id).filter(here),
        None => state
            .commands
            .values()
            .filter(here)
            .find(|command| by.data["name"] == command.name.as_str()),
    };
    let found = found.ok_or_else(|| ApiError::unknown(10063, "application command"))?;
    if !by.data["version"].is_null() && id(&by.data["version"]) != id(&found.body["version"]) {
        let text = "This command is outdated, please try again in a few minutes";
        return Err(ApiError::field(
            "data",
            "INTERACTION_APPLICATION_COMMAND_INVALID_VERSION",
            text,
        ));
    }
    Ok(found)
}

/// `contexts` and `default_member_permissions`, as Discord's client and server apply them.
fn check_allowed(state: &State, by: &Invocation, command: &Command) -> ApiResult<()> {
    let context = u64::from(by.guild.is_none());
    let contexts = command.body["contexts"].as_array();
    let outside =
        contexts.is_some_and(|list| list.iter().all(|item| item.as_u64() != Some(context)));
    let guild_only = command.body["dm_permission"] == Value::Bool(false) && by.guild.is_none();
    if outside || guild_only {
        return Err(ApiError::unknown(10063, "application command"));
    }
    let Some(needed) = command.body["default_member_permissions"].as_str() else {
        return Ok(());
    };
    // "0" means administrators only.
    let needed = needed.parse::<u64>().ok().filter(|bits| *bits != 0);
    let needed = needed.unwrap_or(bits::ADMINISTRATOR);
    if by.guild.is_some() && !state.may(by.person, by.channel, needed) {
        return Err(ApiError::missing_permissions());
    }
    Ok(())
}

/// Walks through options and collects what they name.
struct Walk<'a> {
    state: &'a State,
    by: &'a Invocation,
    form: FormErrors,
    resolved: Map<String, Value>,
    /// Whether everything must be there and fit (not while it is being typed).
    complete: bool,
}

impl Walk<'_> {
    fn level(&mut self, path: &str, declared: &Value, given: &Value) -> Vec<Value> {
        let declared = declared.as_array().map(Vec::as_slice).unwrap_or_default();
        let given = given.as_array().map(Vec::as_slice).unwrap_or_default();
        let nested = declared
            .iter()
            .any(|option| matches!(option["type"].as_u64(), Some(1 | 2)));
        if nested && given.len() != 1 {
            let text = "A subcommand is required";
            self.form
                .add(path, "APPLICATION_COMMAND_SUBCOMMAND_REQUIRED", text);
            return Vec::new();
        }
        for option in declared {
            let there = given.iter().any(|found| found["name"] == option["name"]);
            if !nested && self.complete && option["required"] == true && !there {
                let name = option["name"].as_str().unwrap_or_default();
                self.form.required(&format!("{path}.{name}"));
            }
        }
        let mut kept = Vec::new();
        for (index, found) in given.iter().enumerate() {
            let place = format!("{path}.{index}");
            let named = |option: &&Value| option["name"] == found["name"];
            if let Some(option) = declared.iter().find(named) {
                kept.extend(self.option(&place, option, found));
            } else {
                let text = "This option is not part of the command";
                self.form
                    .add(&place, "APPLICATION_COMMAND_OPTION_UNKNOWN", text);
            }
        }
        kept
    }

    fn option(&mut self, path: &str, declared: &Value, given: &Value) -> Option<Value> {
        let kind = declared["type"].as_u64().unwrap_or(3);
        if given["type"].as_u64().is_some_and(|found| found != kind) {
            self.form.add(
                &format!("{path}.type"),
                "APPLICATION_COMMAND_OPTION_TYPE_MISMATCH",
                "The type is not the declared one",
            );
            return None;
        }
        let mut kept = json!({"name": declared["name"], "type": kind});
        if matches!(kind, 1 | 2) {
            let place = format!("{path}.options");
            let options = self.level(&place, &declared["options"], &given["options"]);
            kept["options"] = Value::Array(options);
            return Some(kept);
        }
        let focused = given["focused"] == true && !self.complete;
        if !focused && self.complete {
            self.value(&format!("{path}.value"), kind, declared, &given["value"]);
        }
        kept["value"] = match self.file(kind, &given["value"]) {
            Some(file) => json!(file.id.to_string()),
            None => given["value"].clone(),
        };
        if focused {
            kept["focused"] = json!(true);
        }
        Some(kept)
    }

    fn value(&mut self, path: &str, kind: u64, declared: &Value, value: &Value) {
        let fits = match kind {
            3 => value.is_string(),
            // Integers are exact between -2^53 and 2^53 only.
            4 => value
                .as_i64()
                .is_some_and(|number| number.unsigned_abs() <= 1 << 53),
            5 => value.is_boolean(),
            6..=9 => id(value).is_some_and(|id| self.resolve(kind, id)),
            10 => value.is_number(),
            11 => self.attach(value),
            _ => false,
        };
        if !fits {
            let text = "The value does not fit the option's type";
            self.form
                .add(path, "APPLICATION_COMMAND_OPTION_VALUE_INVALID", text);
            return;
        }
        if let Some(text) = value.as_str().filter(|_| kind == 3) {
            let length = text.chars().count() as u64;
            let least = declared["min_length"].as_u64().unwrap_or(0);
            let most = declared["max_length"].as_u64().unwrap_or(OPTION_TEXT);
            if length < least || length > most {
                let text = format!("Must be between {least} and {most} in length.");
                self.form.add(path, "BASE_TYPE_BAD_LENGTH", &text);
            }
        }
        if let Some(number) = value.as_f64() {
            let low = declared["min_value"]
                .as_f64()
                .is_some_and(|least| number < least);
            let high = declared["max_value"]
                .as_f64()
                .is_some_and(|most| number > most);
            if low || high {
                self.form
                    .add(path, "NUMBER_TYPE_RANGE", "The number is out of range");
            }
        }
        let choices = declared["choices"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        if !choices.is_empty() && choices.iter().all(|choice| choice["value"] != *value) {
            let text = "Value must be one of the choices";
            self.form
                .add(path, "APPLICATION_COMMAND_OPTION_CHOICE_INVALID", text);
        }
    }

    /// Puts what an option names into `resolved`; `false` when there is no such thing here.
    fn resolve(&mut self, kind: u64, id: u64) -> bool {
        let state = self.state;
        if matches!(kind, 6 | 9) && state.users.contains_key(&id) {
            self.put("users", id, state.user_json(id));
            if let Some(member) = invocation::member(state, id, self.by.channel, false) {
                self.put("members", id, member);
            }
            return true;
        }
        if kind == 7
            && let Some(channel) = state.channels.get(&id)
            && state.guild_of(id) == self.by.guild
        {
            let mut json = state.channel_json(channel, None);
            json["permissions"] = json!(state.permissions(self.by.person, id).to_string());
            self.put("channels", id, json);
            return true;
        }
        if matches!(kind, 8 | 9)
            && let Some(role) = state.roles.get(&id)
            && Some(role.guild) == self.by.guild
        {
            self.put("roles", id, role.json());
            return true;
        }
        false
    }

    /// The file that an option names by the id it has among those of the request.
    fn file(&self, kind: u64, value: &Value) -> Option<&Attachment> {
        let slot = match value {
            Value::String(slot) => slot.clone(),
            Value::Number(slot) => slot.to_string(),
            _ => return None,
        };
        let mut files = self.by.files.iter().filter(|_| kind == 11);
        files.find(|(its, _)| *its == slot).map(|(_, file)| file)
    }

    /// Puts a file into `resolved`: nobody else sees it.
    fn attach(&mut self, value: &Value) -> bool {
        let Some(file) = self.file(11, value).cloned() else {
            return false;
        };
        let mut json = self.state.attachment_json(self.by.channel, &file);
        json["ephemeral"] = json!(true);
        self.put("attachments", file.id, json);
        true
    }

    fn put(&mut self, group: &str, id: u64, json: Value) {
        let group = self.resolved.entry(group).or_insert_with(|| json!({}));
        group[id.to_string()] = json;
    }

    /// The target of a context-menu command; the result is added to `interaction_metadata`.
    fn target(&mut self, command: &Command) -> ApiResult<Value> {
        let target = id(&self.by.data["target_id"]).ok_or_else(|| {
            ApiError::field(
                "data.target_id",
                "BASE_TYPE_REQUIRED",
                "This field is required",
            )
        })?;
        if command.kind == 2 {
            if !self.resolve(6, target) {
                return Err(ApiError::unknown(10013, "User"));
            }
            return Ok(json!({"target_user": self.state.user_json(target)}));
        }
        let message = self
            .state
            .message(self.by.channel, target)
            .ok_or_else(|| ApiError::unknown(10008, "Message"))?;
        // The content is there even without the MESSAGE_CONTENT intent.
        self.put("messages", target, self.state.message_json(message, None));
        Ok(json!({"target_message_id": target.to_string()}))
    }
}
