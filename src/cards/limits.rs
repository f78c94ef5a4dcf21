//! What the bot may not do, one by one, and what that means.

use super::quote;
use crate::model::ChannelId;
use crate::model::rights::{Limits, Permission};

/// So many channels are named in a line.
const CHANNELS: usize = 5;

/// Room for a line that tells that there is more.
const REST: usize = 60;

/// A line for each thing that is missing.
pub fn lines(limits: &Limits) -> Vec<String> {
    let mut lines = Vec::new();
    for what in &limits.everywhere {
        let effect = effect(*what);
        lines.push(format!(
            "⚠️ The bot lacks **{}** in this server: {effect}.",
            what.name()
        ));
    }
    for (what, channels) in &limits.in_channels {
        let (name, places) = (what.name(), places(channels));
        lines.push(match what {
            Permission::ViewChannels | Permission::SendMessages => {
                format!(
                    "⚠️ The bot may not write in {places}: **{name}** is missing there. What happens \
                     meanwhile is posted once it may."
                )
            }
            _ => format!("⚠️ The bot lacks **{name}** in {places}: {}.", effect(*what)),
        });
    }
    if !limits.unmade.is_empty() {
        let names = limits.unmade.iter().take(CHANNELS);
        let mut names: Vec<String> = names.map(|name| quote::name(name)).collect();
        names.extend(more(limits.unmade.len()));
        lines.push(format!("⚠️ Not made yet: {}.", names.join(", ")));
    }
    lines
}

/// The same in so many UTF-16 units; of what has no room it is said where it is told.
pub fn within(limits: &Limits, room: usize) -> Vec<String> {
    let all = lines(limits);
    let mut told = Vec::new();
    let mut left = room;
    for (at, line) in all.iter().enumerate() {
        let rest = all.len() - at;
        let length = quote::length(line) + 1;
        let needed = if rest > 1 { length + REST } else { length };
        if needed > left {
            if left >= REST {
                told.push(format!(
                    "⚠️ and {rest} more: `clawdos-bridge doctor` tells."
                ));
            }
            break;
        }
        left -= length;
        told.push(line.clone());
    }
    told
}

/// How to give the bot what it lacks.
pub fn remedy(invite: &str) -> String {
    format!("give the bot's role what it lacks, or invite the bot again: {invite}")
}

fn places(channels: &[ChannelId]) -> String {
    let named = channels.iter().take(CHANNELS);
    let mut named: Vec<String> = named.map(|id| format!("<#{id}>")).collect();
    named.extend(more(channels.len()));
    named.join(", ")
}

fn more(all: usize) -> Option<String> {
    let more = all.saturating_sub(CHANNELS);
    (more > 0).then(|| format!("and {more} more"))
}

/// What is not done for want of a permission.
pub fn effect(what: Permission) -> &'static str {
    match what {
        Permission::ViewChannels => "it sees no channel, and posts nothing",
        Permission::SendMessages => "nothing is posted until it may",
        Permission::ManageChannels => "channels are not made, moved or given topics",
        Permission::ManageWebhooks => {
            "agents speak as the bot, with their names before their words"
        }
        Permission::ManageMessages => "what people wrote stays when it is deleted elsewhere",
        Permission::EmbedLinks => "cards are plain text",
        Permission::AttachFiles => "long texts come shortened, without their file",
        Permission::ReadMessageHistory => {
            "what was written while the bridge was away is not read, and answers are no replies"
        }
        Permission::AddReactions => "messages get no marks",
        Permission::ManageThreads => {
            "threads of tasks that are gone stay, and those that people locked or opened are left alone"
        }
        Permission::CreatePublicThreads => "new tasks have cards without threads",
        Permission::SendMessagesInThreads => "nothing is posted in the threads of tasks",
        Permission::PinMessages => "the mission is not pinned",
    }
}
