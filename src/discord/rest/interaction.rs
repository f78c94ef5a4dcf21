//! The words of answers to interactions.

use serde::Serialize;
use serde_json::{Value, json};
use serenity::all::PartialChannel;

use crate::model::ChannelId;

/// Kinds of first answers (source: Discord, interaction callback types): a message,
pub const SAY: u8 = 4;
/// a message that comes later,
pub const SAY_LATER: u8 = 5;
/// a change of the message with the button that comes later, or never,
pub const CHANGE_LATER: u8 = 6;
/// a form.
pub const FORM: u8 = 9;

/// Message flag: only the person sees it.
pub const EPHEMERAL: u32 = 1 << 6;

/// As Discord takes a message that one person alone sees.
pub fn private(message: &impl Serialize) -> Value {
    let mut body = json!(message);
    body["flags"] = EPHEMERAL.into();
    body
}

/// The channel in which somebody does something, and what it lies in.
pub fn places(channel: serenity::all::ChannelId, told: Option<&PartialChannel>) -> Vec<ChannelId> {
    let parent = told.and_then(|it| it.parent_id);
    let places = [Some(channel), parent].into_iter().flatten();
    places.filter_map(|it| ChannelId::new(it.get())).collect()
}
