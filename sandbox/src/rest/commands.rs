//! Application commands, global and of the guild.

use axum::response::Response;
use serde_json::{Map, Value, json};

use super::error::{ApiError, ApiResult, FormErrors};
use super::request::{Call, created, no_content, ok};
use super::validate::commands;
use crate::limits;
use crate::state::{Actor, State};

/// Which commands a request is about.
#[derive(Clone, Copy)]
struct Scope {
    application: u64,
    guild: Option<u64>,
}

fn scope(call: &Call) -> ApiResult<Scope> {
    let application = call.id("application_id")?;
    match call.actor()? {
        Actor::Bot {
            application: own, ..
        } if own == application => {}
        Actor::Bot { .. } => {
            let text = "You are not authorized to perform this action on this application";
            return Err(ApiError::new(403, 20012, text));
        }
        Actor::Person { .. } => return Err(ApiError::unauthorized()),
    }
    let guild = if call.text("guild_id").is_empty() {
        None
    } else {
        Some(call.id("guild_id")?)
    };
    let bot = call.user()?;
    let known = guild.is_none_or(|guild| call.app.read(|state| state.member(guild, bot).is_some()));
    if known {
        Ok(Scope { application, guild })
    } else {
        Err(ApiError::missing_access())
    }
}

/// `GET …/commands`.
pub(super) async fn list(call: Call) -> ApiResult {
    let scope = scope(&call)?;
    call.app.read(|state| Ok(ok(bodies(state, scope))))
}

fn bodies(state: &State, scope: Scope) -> Value {
    state
        .commands_of(scope.application, scope.guild)
        .iter()
        .map(|command| command.body.clone())
        .collect()
}

/// `PUT …/commands`: the list replaces all commands of the scope, context menus included.
pub(super) async fn replace(call: Call) -> ApiResult {
    let scope = scope(&call)?;
    let Value::Array(forms) = call.json()? else {
        let text = "Only iterables may be used in a ListType";
        return Err(ApiError::field("", "LIST_TYPE_CONVERT", text));
    };
    let mut errors = FormErrors::default();
    for (index, form) in forms.iter().enumerate() {
        commands::check(&mut errors, &index.to_string(), form);
    }
    commands::check_unique(&mut errors, forms);
    errors.check()?;
    room(&forms.iter().map(kind).collect::<Vec<_>>())?;
    call.app.write(|state| {
        let known = |form: &Value| {
            form["name"]
                .as_str()
                .map(|name| (name.to_owned(), kind(form)))
        };
        let wanted: Vec<_> = forms.iter().filter_map(known).collect();
        let old = state.commands_of(scope.application, scope.guild);
        let is_new = |(name, kind): &&(String, u64)| {
            !old.iter()
                .any(|old| old.name == *name && u64::from(old.kind) == *kind)
        };
        let new = wanted.iter().filter(is_new).count();
        state.count_command_creates(scope.application, scope.guild, new)?;
        let gone: Vec<u64> = state
            .commands_of(scope.application, scope.guild)
            .iter()
            .filter(|old| !wanted.contains(&(old.name.clone(), u64::from(old.kind))))
            .map(|old| old.id)
            .collect();
        for id in gone {
            state.remove_command(id);
        }
        for form in forms.iter().filter_map(Value::as_object) {
            state.put_command(scope.application, scope.guild, form);
        }
        Ok(ok(bodies(state, scope)))
    })
}

fn kind(form: &Value) -> u64 {
    form["type"].as_u64().unwrap_or(1)
}

/// 100 chat-input, 15 user and 15 message commands per scope.
fn room(kinds: &[u64]) -> ApiResult<()> {
    for (wanted, most) in [
        (1, limits::CHAT_COMMANDS),
        (2, limits::CONTEXT_COMMANDS),
        (3, limits::CONTEXT_COMMANDS),
    ] {
        if kinds.iter().filter(|kind| **kind == wanted).count() > most {
            let text = format!("Maximum number of application commands reached ({most})");
            return Err(ApiError::new(400, 30032, &text));
        }
    }
    Ok(())
}

/// `POST …/commands`: 201 for a new command, 200 when one of that name and type was replaced.
pub(super) async fn create(call: Call) -> ApiResult {
    let scope = scope(&call)?;
    let form = checked(call.json()?)?;
    call.app.write(|state| {
        let same = |old: &&&crate::state::Command| {
            form["name"] == old.name.as_str()
                && u64::from(old.kind) == form.get("type").and_then(Value::as_u64).unwrap_or(1)
        };
        let existing = state.commands_of(scope.application, scope.guild);
        let replaces = existing.iter().find(same).is_some();
        let new = (!replaces).then(|| form.get("type").and_then(Value::as_u64).unwrap_or(1));
        let kinds: Vec<u64> = existing
            .iter()
            .map(|old| u64::from(old.kind))
            .chain(new)
            .collect();
        room(&kinds)?;
        state.count_command_creates(scope.application, scope.guild, usize::from(!replaces))?;
        let (new, body) = state.put_command(scope.application, scope.guild, &form);
        Ok(if new { created(body) } else { ok(body) })
    })
}

fn checked(form: &Value) -> ApiResult<Map<String, Value>> {
    let mut errors = FormErrors::default();
    commands::check(&mut errors, "", form);
    errors.check()?;
    form.as_object()
        .cloned()
        .ok_or_else(|| ApiError::new(400, 50035, "Invalid Form Body"))
}

fn find(call: &Call, state: &State, scope: Scope) -> ApiResult<Value> {
    let wanted = call.id("command_id")?;
    state
        .commands_of(scope.application, scope.guild)
        .into_iter()
        .find(|command| command.id == wanted)
        .map(|command| command.body.clone())
        .ok_or_else(|| ApiError::unknown(10063, "application command"))
}

/// `GET …/commands/{command_id}`.
pub(super) async fn get(call: Call) -> ApiResult {
    let scope = scope(&call)?;
    call.app.read(|state| find(&call, state, scope).map(ok))
}

/// `PATCH …/commands/{command_id}`.
pub(super) async fn patch(call: Call) -> ApiResult {
    let scope = scope(&call)?;
    let changes = call.json()?;
    call.app.write(|state| {
        let mut form = find(&call, state, scope)?;
        for (key, value) in changes
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(key, _)| *key != "type")
        {
            form[key] = value.clone();
        }
        let form = checked(&form)?;
        if let Some(old) = state.commands.get(&call.id("command_id")?).cloned()
            && form
                .get("name")
                .and_then(Value::as_str)
                .is_some_and(|name| name != old.name)
        {
            state.rename_command(
                old.id,
                form.get("name").and_then(Value::as_str).unwrap_or_default(),
            );
        }
        Ok(ok(state
            .put_command(scope.application, scope.guild, &form)
            .1))
    })
}

/// `DELETE …/commands/{command_id}`.
pub(super) async fn delete(call: Call) -> ApiResult<Response> {
    let scope = scope(&call)?;
    call.app.write(|state| {
        find(&call, state, scope)?;
        state.remove_command(call.id("command_id")?);
        Ok(no_content())
    })
}

/// `GET /applications/{application_id}/guilds/{guild_id}/commands/permissions`: nobody set any.
pub(super) async fn permissions(call: Call) -> ApiResult {
    scope(&call)?;
    Ok(ok(json!([])))
}
