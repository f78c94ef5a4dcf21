//! What a person's client sends, and the `INTERACTION_CREATE` that the application gets for it.

use serde_json::{Value, json};

use super::store::{Interaction, Kind};
use crate::limits;
use crate::rest::error::{ApiError, ApiResult, FormErrors};
use crate::rest::validate::id;
use crate::state::permissions::bits;
use crate::state::{Attachment, State};

/// The body of `POST /interactions`.
#[derive(Debug)]
pub(super) struct Invocation {
    pub person: u64,
    pub kind: Kind,
    pub application: u64,
    pub bot: u64,
    pub channel: u64,
    pub guild: Option<u64>,
    pub nonce: Value,
    /// The message with the component.
    pub message: Option<u64>,
    pub data: Value,
    /// Files that came with a command, by the ids that its options name them by.
    pub files: Vec<(String, Attachment)>,
}

impl Invocation {
    /// Reads the body and checks that the person may act there.
    pub(super) fn parse(state: &State, person: u64, body: &Value) -> ApiResult<Invocation> {
        let mut form = FormErrors::default();
        let kind = body["type"].as_u64().and_then(Kind::from_number);
        if kind.is_none() {
            form.add(
                "type",
                "BASE_TYPE_CHOICES",
                "Value must be one of (2, 3, 4, 5).",
            );
        }
        for key in ["application_id", "channel_id"] {
            if id(&body[key]).is_none() {
                form.required(key);
            }
        }
        if !body["data"].is_object() {
            form.required("data");
        }
        form.check()?;
        let application = id(&body["application_id"]).and_then(|id| state.application(id));
        let application = application.ok_or_else(|| ApiError::unknown(10002, "Application"))?;
        let channel = id(&body["channel_id"]).unwrap_or_default();
        let invocation = Invocation {
            person,
            kind: kind.unwrap_or(Kind::Command),
            application: application.id,
            bot: application.bot,
            channel,
            guild: guild_of(state, person, channel, &body["guild_id"])?,
            nonce: body["nonce"].clone(),
            message: id(&body["message_id"]),
            data: body["data"].clone(),
            files: Vec::new(),
        };
        invocation.check_place(state)?;
        Ok(invocation)
    }

    /// Commands need the permission to use them and a channel that is not archived; the application
    /// must be where the person is.
    fn check_place(&self, state: &State) -> ApiResult<()> {
        let gone = |guild| state.member(guild, self.bot).is_none();
        if self.guild.is_some_and(gone)
            || state.permissions(self.bot, self.channel) == 0 && self.guild.is_none()
        {
            return Err(ApiError::missing_access());
        }
        if !matches!(self.kind, Kind::Command | Kind::Autocomplete) {
            return Ok(());
        }
        if !state.may(self.person, self.channel, bits::USE_APPLICATION_COMMANDS) {
            return Err(ApiError::missing_permissions());
        }
        let thread = state
            .channels
            .get(&self.channel)
            .and_then(|found| found.thread.as_ref());
        if thread.is_some_and(|thread| thread.archived) {
            return Err(ApiError::new(400, 50083, "Thread is archived"));
        }
        Ok(())
    }
}

fn guild_of(state: &State, person: u64, channel: u64, named: &Value) -> ApiResult<Option<u64>> {
    let found = state
        .channels
        .get(&channel)
        .ok_or_else(|| ApiError::unknown(10003, "Channel"))?;
    if state.permissions(person, channel) & bits::VIEW_CHANNEL == 0 {
        return Err(ApiError::missing_access());
    }
    let guild = state.guild_of(found.id);
    if !named.is_null() && id(named) != guild {
        return Err(ApiError::unknown(10004, "Guild"));
    }
    Ok(guild)
}

/// The member object of an interaction: complete, with the permissions in that channel.
pub(super) fn member(state: &State, user: u64, channel: u64, with_user: bool) -> Option<Value> {
    let member = state.member_in(channel, user)?;
    let mut json = state.member_json(member, with_user);
    json["permissions"] = json!(state.permissions(user, channel).to_string());
    Some(json)
}

/// Who installed the application here: the guild, or (key 0, value 0) the bot itself in its own
/// private channel (Receiving and Responding, "Authorizing Integration Owners Object").
pub(super) fn owners(guild: Option<u64>) -> Value {
    json!({"0": guild.map_or_else(|| "0".to_owned(), |id| id.to_string())})
}

/// The data of `INTERACTION_CREATE`.
pub(super) fn event(
    state: &State,
    interaction: &Interaction,
    data: &Value,
    message: Option<Value>,
) -> Value {
    let (person, channel) = (interaction.person, interaction.channel);
    let mut event = json!({
        "id": interaction.id.to_string(),
        "application_id": interaction.application.to_string(),
        "type": interaction.kind.number(),
        "token": interaction.token,
        "version": 1,
        "channel_id": channel.to_string(),
        "data": data,
        "locale": "en-US",
        "app_permissions": state.permissions(interaction.bot, channel).to_string(),
        "attachment_size_limit": limits::ATTACHMENT_BYTES,
        "authorizing_integration_owners": owners(interaction.guild),
        "entitlements": [],
        "entitlement_sku_ids": [],
        "context": u8::from(interaction.guild.is_none()),
    });
    if let Some(found) = state.channels.get(&channel) {
        let mut json = state.channel_json(found, None);
        json["permissions"] = json!(state.permissions(person, channel).to_string());
        event["channel"] = json;
    }
    match (interaction.guild, member(state, person, channel, true)) {
        (Some(guild), Some(member)) => {
            event["guild_id"] = json!(guild.to_string());
            event["guild_locale"] = json!("en-US");
            event["guild"] =
                json!({"id": guild.to_string(), "locale": "en-US", "features": ["COMMUNITY"]});
            event["member"] = member;
        }
        _ => event["user"] = state.user_json(person),
    }
    if let Some(message) = message {
        event["message"] = message;
    }
    event
}
