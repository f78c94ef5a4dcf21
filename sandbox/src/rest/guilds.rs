//! The guild, its members and roles.

use serde_json::{Value, json};

use super::error::{ApiError, ApiResult};
use super::request::{Call, ok};
use crate::state::Role;

/// `GET /guilds/{guild_id}`.
pub(super) async fn get(call: Call) -> ApiResult {
    let (user, guild) = (call.user()?, call.id("guild_id")?);
    call.app.read(|state| {
        state.in_guild(user, guild)?;
        let mut json = state.guild_json();
        if call.flag("with_counts") {
            json["approximate_member_count"] = json!(state.members.len());
            json["approximate_presence_count"] = json!(state.members.len());
        }
        Ok(ok(json))
    })
}

/// `GET /guilds/{guild_id}/members`: needs the members intent in the portal, as at Discord.
pub(super) async fn members(call: Call) -> ApiResult {
    let (user, guild) = (call.user()?, call.id("guild_id")?);
    let (limit, after) = (call.limit(1, 1000)?, call.query_id("after")?.unwrap_or(0));
    call.app.read(|state| {
        state.in_guild(user, guild)?;
        if state
            .application_of_bot(user)
            .is_some_and(|application| !application.intents.members)
        {
            return Err(ApiError::missing_access());
        }
        let page = state.members.range(after + 1..).take(limit);
        Ok(ok(page
            .map(|(_, member)| state.member_json(member, true))
            .collect()))
    })
}

/// `GET /guilds/{guild_id}/members/search`: by the beginning of the name.
pub(super) async fn search_members(call: Call) -> ApiResult {
    let (user, guild) = (call.user()?, call.id("guild_id")?);
    let limit = call.limit(1, 1000)?;
    let wanted = call.query("query").unwrap_or_default().to_lowercase();
    call.app.read(|state| {
        state.in_guild(user, guild)?;
        let named = |id: &u64| {
            state
                .users
                .get(id)
                .is_some_and(|user| user.name.to_lowercase().starts_with(&wanted))
        };
        let found = state
            .members
            .values()
            .filter(|member| named(&member.user))
            .take(limit);
        Ok(ok(found
            .map(|member| state.member_json(member, true))
            .collect()))
    })
}

/// `GET /guilds/{guild_id}/members/{user_id}` and `GET /users/@me/guilds/{guild_id}/member`.
pub(super) async fn member(call: Call) -> ApiResult {
    let (user, guild) = (call.user()?, call.id("guild_id")?);
    let wanted = if call.text("user_id").is_empty() {
        user
    } else {
        call.id("user_id")?
    };
    call.app.read(|state| {
        state.in_guild(user, guild)?;
        match state.members.get(&wanted) {
            Some(member) => Ok(ok(state.member_json(member, true))),
            None if state.users.contains_key(&wanted) => Err(ApiError::unknown(10007, "Member")),
            None => Err(ApiError::unknown(10013, "User")),
        }
    })
}

/// `GET /guilds/{guild_id}/roles`.
pub(super) async fn roles(call: Call) -> ApiResult {
    let (user, guild) = (call.user()?, call.id("guild_id")?);
    call.app.read(|state| {
        state.in_guild(user, guild)?;
        Ok(ok(state.roles.values().map(Role::json).collect::<Value>()))
    })
}

/// `GET /guilds/{guild_id}/roles/{role_id}`.
pub(super) async fn role(call: Call) -> ApiResult {
    let (user, guild, role) = (call.user()?, call.id("guild_id")?, call.id("role_id")?);
    call.app.read(|state| {
        state.in_guild(user, guild)?;
        let found = state
            .roles
            .get(&role)
            .ok_or_else(|| ApiError::unknown(10011, "Role"))?;
        Ok(ok(found.json()))
    })
}
