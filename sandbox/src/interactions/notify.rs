//! What a person's client is told about an interaction.

use serde_json::{Value, json};

use super::store::Interaction;
use crate::gateway::Audience;
use crate::state::State;

/// The text Discord's client shows when no answer came.
const FAILED: &str = "This interaction failed";

fn tell(state: &mut State, interaction: &Interaction, name: &'static str, more: Value) {
    let mut data = json!({"id": interaction.id.to_string(), "nonce": interaction.nonce});
    if let (Some(data), Value::Object(more)) = (data.as_object_mut(), more) {
        data.extend(more);
    }
    state.emit(name, data, Audience::Users(vec![interaction.person]));
}

/// The interaction reached Discord.
pub(super) fn created(state: &mut State, interaction: &Interaction) {
    tell(state, interaction, "INTERACTION_CREATE", json!({}));
}

/// The application answered.
pub(super) fn succeeded(state: &mut State, interaction: &Interaction) {
    tell(state, interaction, "INTERACTION_SUCCESS", json!({}));
}

/// The application did not answer in time.
pub(super) fn failed(state: &mut State, interaction: &Interaction) {
    let more = json!({"reason_code": 2, "message": FAILED});
    tell(state, interaction, "INTERACTION_FAILURE", more);
}

/// The application offers choices for an option.
pub(super) fn choices(state: &mut State, interaction: &Interaction, choices: &Value) {
    let name = "APPLICATION_COMMAND_AUTOCOMPLETE_RESPONSE";
    tell(state, interaction, name, json!({"choices": choices}));
}

/// The application opens a modal.
pub(super) fn modal(state: &mut State, interaction: &Interaction, modal: &Value) {
    let application = state
        .application(interaction.application)
        .map(|found| state.application_json(found, false));
    let more = json!({
        "channel_id": interaction.channel.to_string(),
        "guild_id": interaction.guild.map(|id| id.to_string()),
        "custom_id": modal["custom_id"],
        "title": modal["title"],
        "components": modal["components"],
        "application": application,
    });
    tell(state, interaction, "INTERACTION_MODAL_CREATE", more);
}
