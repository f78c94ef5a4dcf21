//! Application commands.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::journal::Record;
use super::{Command, State, now_ms};
use crate::limits;
use crate::rest::error::{ApiError, ApiResult};

/// When new commands were made, per application and scope; a restart forgets it.
#[derive(Default)]
pub(super) struct Creates(HashMap<(u64, Option<u64>), Vec<u64>>);

impl State {
    /// Refuses more than 200 new commands a day in one scope (30034).
    pub(crate) fn count_command_creates(
        &mut self,
        application: u64,
        guild: Option<u64>,
        new: usize,
    ) -> ApiResult<()> {
        let now = now_ms();
        let made = self
            .command_creates
            .0
            .entry((application, guild))
            .or_default();
        made.retain(|at| now.saturating_sub(*at) < limits::COMMAND_CREATES_WINDOW_MS);
        if made.len() + new > limits::COMMAND_CREATES {
            let text = "Max number of daily application command creates has been reached (200)";
            return Err(ApiError::new(400, 30034, text));
        }
        made.extend(std::iter::repeat_n(now, new));
        Ok(())
    }

    /// The commands of a scope: global (`None`) or of a guild.
    pub(crate) fn commands_of(&self, application: u64, guild: Option<u64>) -> Vec<&Command> {
        let here =
            |command: &&Command| command.application == application && command.guild == guild;
        self.commands.values().filter(here).collect()
    }

    /// Adds a command, or replaces the one of the same name and type in its scope. True if it is new.
    pub(crate) fn put_command(
        &mut self,
        application: u64,
        guild: Option<u64>,
        form: &Map<String, Value>,
    ) -> (bool, Value) {
        let name = form
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let kind = form
            .get("type")
            .and_then(Value::as_u64)
            .and_then(|kind| u8::try_from(kind).ok());
        let kind = kind.unwrap_or(1);
        let existing = self
            .commands_of(application, guild)
            .into_iter()
            .find(|command| command.name == name && command.kind == kind)
            .map(|command| command.id);
        let id = existing.unwrap_or_else(|| self.snowflake());
        let version = self.snowflake();
        let body = body(id, version, application, guild, kind, form);
        let command = Command {
            id,
            application,
            guild,
            name,
            kind,
            body: body.clone(),
        };
        self.record(&Record::Command(Cow::Borrowed(&command)));
        self.commands.insert(id, command);
        (existing.is_none(), body)
    }

    /// Gives a command another name, so that the next [`State::put_command`] of that name keeps its id.
    pub(crate) fn rename_command(&mut self, id: u64, name: &str) {
        if let Some(command) = self.commands.get_mut(&id) {
            name.clone_into(&mut command.name);
        }
    }

    /// Deletes a command. False if there is none.
    pub(crate) fn remove_command(&mut self, id: u64) -> bool {
        let gone = self.commands.remove(&id).is_some();
        if gone {
            self.record(&Record::CommandGone(id));
        }
        gone
    }
}

fn body(
    id: u64,
    version: u64,
    application: u64,
    guild: Option<u64>,
    kind: u8,
    form: &Map<String, Value>,
) -> Value {
    let mut body = json!({
        "id": id.to_string(),
        "application_id": application.to_string(),
        "version": version.to_string(),
        "type": kind,
        "name": form.get("name"),
        "description": form.get("description").and_then(Value::as_str).unwrap_or_default(),
        "default_member_permissions": null,
        "dm_permission": true,
        "nsfw": false,
        "contexts": null,
        "integration_types": [0],
    });
    if let Some(guild) = guild {
        body["guild_id"] = json!(guild.to_string());
    }
    let taken = [
        "options",
        "default_member_permissions",
        "dm_permission",
        "nsfw",
        "contexts",
        "integration_types",
        "name_localizations",
        "description_localizations",
    ];
    for key in taken {
        if let Some(value) = form.get(key).filter(|value| !value.is_null()) {
            body[key] = value.clone();
        }
    }
    body
}
