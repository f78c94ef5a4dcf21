//! How guilds begin, and how bots and people come into them and go.

use serde_json::json;

use super::error::{ApiError, ApiResult, FormErrors};
use super::guilds::permissions;
use super::request::{Call, created, no_content, ok};
use super::validate::{id, text};
use crate::state::Actor;
use crate::state::permissions::bits;

/// Code points of a guild's name, at least and at most (Guild Resource, "Guild Object").
const GUILD_NAME: std::ops::RangeInclusive<usize> = 2..=100;

/// The person who asks; bots are refused.
fn person(call: &Call) -> ApiResult<u64> {
    match call.actor()? {
        Actor::Person { user } => Ok(user),
        Actor::Bot { .. } => Err(ApiError::new(403, 20001, "Bots cannot use this endpoint")),
    }
}

/// `POST /guilds`, as Discord's own client calls it. Whoever makes a guild owns it.
pub(super) async fn create(call: Call) -> ApiResult {
    let owner = person(&call)?;
    let mut errors = FormErrors::default();
    let name = text(&mut errors, "name", &call.json()?["name"]);
    let name = name.map(str::trim).unwrap_or_default();
    errors.between("name", name, *GUILD_NAME.start(), *GUILD_NAME.end());
    errors.check()?;
    call.app
        .write(|state| Ok(created(state.create_guild(name, owner))))
}

/// `POST /oauth2/authorize?client_id=…&scope=bot+applications.commands` with `{guild_id, permissions,
/// authorize}`: what the page of a bot's invitation sends. Asks for Manage Server there. A bot that is
/// invited again gets the permissions that are named now.
pub(super) async fn authorize(call: Call) -> ApiResult {
    let user = person(&call)?;
    let client = call.query_id("client_id")?.unwrap_or_default();
    let bot_scope = call
        .query("scope")
        .is_some_and(|scope| scope.split([' ', '+']).any(|scope| scope == "bot"));
    let body = call.json()?;
    if !bot_scope {
        let text = "The requested scope is invalid, unknown, or malformed.";
        return Err(ApiError::field("scope", "OAUTH2_INVALID_SCOPE", text));
    }
    call.app.write(|state| {
        let found = state.application(client);
        let bot = found
            .ok_or_else(|| ApiError::unknown(10002, "Application"))?
            .bot;
        let guild = id(&body["guild_id"]).ok_or_else(|| ApiError::unknown(10004, "Guild"))?;
        state.need_in_guild(user, guild, bits::MANAGE_GUILD)?;
        if body["authorize"] == true {
            let wanted = permissions(&body["permissions"]).unwrap_or_default();
            state.invite(guild, bot, wanted);
            return Ok(ok(
                json!({ "location": "https://discord.com/oauth2/authorized" }),
            ));
        }
        let location = "https://discord.com/oauth2/error?error=access_denied";
        Ok(ok(json!({ "location": location })))
    })
}

/// `DELETE /users/@me/guilds/{guild_id}`: the caller leaves, unless they own it.
pub(super) async fn leave(call: Call) -> ApiResult {
    let (user, guild) = (call.user()?, call.id("guild_id")?);
    call.app.write(|state| {
        if state.in_guild(user, guild)?.owner == user {
            return Err(ApiError::new(400, 50055, "Invalid Guild"));
        }
        state.leave_guild(guild, user);
        Ok(no_content())
    })
}

/// `DELETE /guilds/{guild_id}/members/{user_id}`: somebody with Kick Members removes somebody else.
pub(super) async fn kick(call: Call) -> ApiResult {
    let (user, guild, target) = (call.user()?, call.id("guild_id")?, call.id("user_id")?);
    call.app.write(|state| {
        let owner = state.need_in_guild(user, guild, bits::KICK_MEMBERS)?.owner;
        if target == owner {
            return Err(ApiError::missing_permissions());
        }
        if state.leave_guild(guild, target) {
            Ok(no_content())
        } else {
            Err(ApiError::unknown(10007, "Member"))
        }
    })
}
