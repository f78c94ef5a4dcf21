//! Guilds, their members and roles.

use serde_json::{Value, json};

use super::error::{ApiError, ApiResult};
use super::request::{Call, no_content, ok};
use crate::state::permissions::bits;
use crate::state::{Role, State};

/// `GET /guilds/{guild_id}`.
pub(super) async fn get(call: Call) -> ApiResult {
    let (user, guild) = (call.user()?, call.id("guild_id")?);
    call.app.read(|state| {
        let mut json = state.guild_json(state.in_guild(user, guild)?);
        if call.flag("with_counts") {
            let count = state.members_of(guild).count();
            json["approximate_member_count"] = json!(count);
            json["approximate_presence_count"] = json!(count);
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
        let rest = state.members_of(guild).filter(|member| member.user > after);
        Ok(ok(rest
            .take(limit)
            .map(|member| state.member_json(member, true))
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
            .members_of(guild)
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
        match state.member(guild, wanted) {
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
        Ok(ok(state.roles_of(guild).map(Role::json).collect::<Value>()))
    })
}

/// `GET /guilds/{guild_id}/roles/{role_id}`.
pub(super) async fn role(call: Call) -> ApiResult {
    let (user, guild, role) = (call.user()?, call.id("guild_id")?, call.id("role_id")?);
    call.app.read(|state| {
        state.in_guild(user, guild)?;
        Ok(ok(state.role(guild, role)?.json()))
    })
}

/// `PATCH /guilds/{guild_id}/roles/{role_id}`: the permissions of a role below the caller's own, and no
/// more than the caller has.
pub(super) async fn change_role(call: Call) -> ApiResult {
    let (user, guild, role) = (call.user()?, call.id("guild_id")?, call.id("role_id")?);
    let body = call.json()?;
    call.app.write(|state| {
        let owner = state.need_in_guild(user, guild, bits::MANAGE_ROLES)?.owner == user;
        let mut role = state.role(guild, role)?.clone();
        let below = role.id == guild || state.is_below(user, &role);
        let permissions = permissions(&body["permissions"]).unwrap_or(role.permissions);
        let gained = permissions & !role.permissions & !state.guild_permissions(guild, user);
        if !owner && (!below || gained != 0) {
            return Err(ApiError::missing_permissions());
        }
        role.permissions = permissions;
        Ok(ok(state.change_role(role)))
    })
}

/// `DELETE /guilds/{guild_id}/roles/{role_id}`: a role below the caller's own, and none that came with a bot.
pub(super) async fn remove_role(call: Call) -> ApiResult {
    let (user, guild, role) = (call.user()?, call.id("guild_id")?, call.id("role_id")?);
    call.app.write(|state| {
        let owner = state.need_in_guild(user, guild, bits::MANAGE_ROLES)?.owner == user;
        let found = state.role(guild, role)?;
        if role == guild || found.bot.is_some() {
            return Err(ApiError::new(400, 50028, "Invalid Role"));
        }
        if !owner && !state.is_below(user, found) {
            return Err(ApiError::missing_permissions());
        }
        state.remove_role(guild, role);
        Ok(no_content())
    })
}

/// Permission bits as Discord's clients send them: a decimal string, or a number.
pub(super) fn permissions(value: &Value) -> Option<u64> {
    let given = match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    };
    given.map(|given| given & bits::ALL)
}

impl State {
    /// Whether a role stands below the highest one of a member.
    fn is_below(&self, user: u64, role: &Role) -> bool {
        let own = self.member(role.guild, user).into_iter();
        let own = own.flat_map(|member| &member.roles);
        let highest = own
            .filter_map(|id| Some(self.roles.get(id)?.position))
            .max();
        highest.is_some_and(|highest| role.position < highest)
    }

    /// A role of a guild: 404/10011 for others.
    fn role(&self, guild: u64, role: u64) -> ApiResult<&Role> {
        let found = self.roles.get(&role).filter(|role| role.guild == guild);
        found.ok_or_else(|| ApiError::unknown(10011, "Role"))
    }
}
