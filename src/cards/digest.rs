//! How many proposals wait, and which.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use super::proposal::{action_words, proposer, risk_words, summary};
use super::text::CONTENT_LIMIT;
use super::{Draft, Personas, Upkeep, quote};
use crate::model::proposal::Proposal;
use crate::model::{ChannelId, DiscordMessageId, GuildId};

/// Longest description of one proposal in the list.
const SUMMARY_ROOM: usize = 80;

/// Room for the last line, which counts what does not fit.
const REST_ROOM: usize = 60;

/// The line in `#approvals` that stays true. Its first line never changes: the message is known by
/// it when the channel is read back.
pub fn digest(count: i64, oldest: Option<DateTime<Utc>>) -> Draft {
    let line = match oldest.filter(|_| count > 0) {
        Some(oldest) => format!("{count} waiting, oldest <t:{}:R>", oldest.timestamp()),
        None => "Nothing is waiting.".to_owned(),
    };
    Draft {
        upkeep: Upkeep::Renewed,
        ..Draft::text(format!("**Proposals to decide**\n{line}"))
    }
}

/// An open proposal and where its card stands.
#[derive(Debug, Clone)]
pub struct Waiting<'a> {
    /// The proposal.
    pub proposal: &'a Proposal,
    /// The address of its card, where there is one.
    pub card: Option<String>,
}

/// The address of a message.
pub fn link(guild: GuildId, channel: ChannelId, message: DiscordMessageId) -> String {
    format!("https://discord.com/channels/{guild}/{channel}/{message}")
}

/// Everything that waits, oldest first; `total` counts also what is not in the list.
pub fn waiting(list: &[Waiting<'_>], total: usize, personas: &Personas) -> Draft {
    if list.is_empty() && total == 0 {
        return Draft::text("Nothing is waiting.");
    }
    let mut content = match total {
        1 => "**1 proposal waits for a decision**".to_owned(),
        _ => format!("**{total} proposals wait for a decision**, oldest first"),
    };
    let mut shown = 0;
    for one in list {
        let line = entry(one, personas);
        let length = quote::length(&content) + quote::length(&line) + 1;
        if length > CONTENT_LIMIT - REST_ROOM {
            break;
        }
        content.push('\n');
        content.push_str(&line);
        shown += 1;
    }
    if shown < total {
        // Writing to a String cannot fail.
        let _ = write!(content, "\n…and {} more.", total - shown);
    }
    Draft::text(content)
}

fn entry(one: &Waiting<'_>, personas: &Personas) -> String {
    let proposal = one.proposal;
    let at = proposal.proposed_at.timestamp();
    let action = match &one.card {
        Some(address) => format!("[{}](<{address}>)", action_words(proposal)),
        None => action_words(proposal).to_owned(),
    };
    let what = quote::line(&summary(proposal), SUMMARY_ROOM).markup;
    let who = proposer(proposal, personas);
    let risk = risk_words(proposal.reading.risk);
    format!("<t:{at}:R> {action} {what} by {who}, risk {risk}")
}
