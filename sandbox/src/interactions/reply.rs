//! Messages that answer interactions, in a channel or for one person only.

use serde_json::Value;

use super::store::{Ephemeral, Inner, Interaction};
use crate::gateway::Audience;
use crate::rest::draft::{Draft, EPHEMERAL, ReferenceDraft};
use crate::rest::error::{ApiError, ApiResult};
use crate::state::{Author, Message, State};

/// `LOADING`: the message that says "thinking…".
pub(super) const LOADING: u64 = 1 << 7;
/// Message type `CONTEXT_MENU_COMMAND`.
const CONTEXT_MENU_COMMAND: u8 = 23;

/// What kind of message an answer becomes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form {
    pub ephemeral: bool,
    pub loading: bool,
    /// The message it replies to: the one with the component, or the original of a follow-up.
    pub replies_to: Option<u64>,
}

/// Writes a message and tells those who may see it. The result is its id and what the sender is
/// answered.
pub(super) fn create(
    state: &mut State,
    inner: &mut Inner,
    interaction: &Interaction,
    mut draft: Draft,
    form: Form,
) -> (u64, Value) {
    draft.reference = form
        .replies_to
        .filter(|target| state.message(interaction.channel, *target).is_some())
        .map(|message| ReferenceDraft {
            kind: 0,
            message,
            channel: None,
            must_exist: false,
        });
    // The application's own message is never pinged.
    draft.allowed.replied_user = false;
    let author = Author::Interaction {
        application: interaction.application,
        user: interaction.bot,
        metadata: interaction.metadata.clone(),
    };
    let mut message = state.compose(author, interaction.channel, draft);
    if interaction.context_menu && form.replies_to.is_none() {
        message.kind = CONTEXT_MENU_COMMAND;
    }
    message.flags &= !(EPHEMERAL | LOADING);
    if form.loading {
        message.flags |= LOADING;
    }
    let id = message.id;
    if !form.ephemeral {
        return (id, state.insert(message));
    }
    message.flags |= EPHEMERAL;
    let json = state.message_json(&message, None);
    let audience = Audience::Users(vec![interaction.person, interaction.bot]);
    state.emit("MESSAGE_CREATE", json.clone(), audience);
    inner.keep(Ephemeral {
        person: interaction.person,
        bot: interaction.bot,
        message,
    });
    (id, json)
}

/// Changes a message of an interaction; one that was promised ("thinking…") is there now.
pub(super) fn edit(
    state: &mut State,
    inner: &mut Inner,
    channel: u64,
    id: u64,
    draft: Draft,
) -> ApiResult<Value> {
    if let Some(kept) = inner.ephemeral.get_mut(&id) {
        let mut message = kept.message.clone();
        change(state, &mut message, draft)?;
        kept.message = message;
        let json = state.message_json(&kept.message, None);
        let audience = Audience::Users(vec![kept.person, kept.bot]);
        state.emit("MESSAGE_UPDATE", json.clone(), audience);
        return Ok(json);
    }
    let mut message = state.message(channel, id).cloned().ok_or_else(unknown)?;
    change(state, &mut message, draft)?;
    let json = state.message_json(&message, None);
    state.replace(message);
    Ok(json)
}

fn change(state: &State, message: &mut Message, draft: Draft) -> ApiResult<()> {
    state.apply_edit(message, draft)?;
    if message.flags & LOADING != 0 {
        message.flags &= !LOADING;
        message.edited_ms = None;
    }
    Ok(())
}

/// A message of an interaction as its application gets it.
pub(super) fn look(state: &State, inner: &Inner, channel: u64, id: u64) -> ApiResult<Value> {
    let kept = inner.ephemeral.get(&id).map(|kept| &kept.message);
    let message = kept
        .or_else(|| state.message(channel, id))
        .ok_or_else(unknown)?;
    Ok(state.message_json(message, None))
}

/// Deletes a message of an interaction.
pub(super) fn delete(state: &mut State, inner: &mut Inner, channel: u64, id: u64) -> ApiResult<()> {
    let Some(kept) = inner.ephemeral.remove(&id) else {
        return state.delete_message(channel, id);
    };
    let data = serde_json::json!({"id": id.to_string(), "channel_id": channel.to_string()});
    let audience = Audience::Users(vec![kept.person, kept.bot]);
    state.emit("MESSAGE_DELETE", data, audience);
    Ok(())
}

/// 404 for a message that is not there or not this interaction's.
pub(super) fn unknown() -> ApiError {
    ApiError::unknown(10008, "Message")
}
