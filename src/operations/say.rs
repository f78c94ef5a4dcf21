//! Saying something: in the room, or to an agent.

use serde_json::json;

use crate::delivery::Deliveries;
use crate::model::delivery::Claimed;
use crate::model::message::Author;
use crate::model::thread::Place;
use crate::model::view::Surface;
use crate::model::{AgentKey, ChannelId, DiscordMessageId, MessageId, RoleId, UserId};
use crate::operations::Desk;
use crate::store::Result;
use crate::store::chat::{Destination, NewMessage, PersonView, TEXT_TYPE};

/// A message that a person has written in one of our channels.
#[derive(Debug, Clone)]
pub struct Said {
    /// The message in Discord.
    pub message: DiscordMessageId,
    /// The channel.
    pub channel: ChannelId,
    /// What the channel is.
    pub surface: Surface,
    /// The agent whose channel it is.
    pub agent: Option<AgentKey>,
    /// Who wrote it.
    pub user: UserId,
    /// Under which name.
    pub name: String,
    /// With which roles.
    pub roles: Vec<RoleId>,
    /// What, as Discord has it.
    pub text: String,
    /// Files that came with it.
    pub files: Vec<File>,
    /// Whether it may be a row already.
    pub tried: Tried,
}

/// What is known of earlier tries to write a message down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tried {
    /// There was none.
    Never,
    /// This process has tried, and did not hear whether it worked.
    Failed,
    /// A process that is gone may have tried, and may have gone on from there.
    Perhaps,
}

/// A file in Discord.
#[derive(Debug, Clone)]
pub struct File {
    /// Its name.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Where it can be fetched for a while: Discord signs and ends these addresses.
    pub url: String,
}

/// Writes down what a person said, once, however often Discord tells it; what an operator said in
/// an agent's channel goes to that agent.
pub async fn say(desk: &Desk, said: Said) -> Result<()> {
    let operator = desk.operators.includes(said.user, &said.roles);
    let place = match (&said.surface, &said.agent) {
        (Surface::Dm(_) | Surface::BotDm { .. }, Some(agent)) => Place::Dm(agent.clone()),
        _ => Place::Room,
    };
    let author = if operator {
        Author::Operator
    } else {
        Author::Member(said.user)
    };
    let target = match &place {
        Place::Dm(agent) => Some(agent.clone()),
        Place::Room | Place::Elsewhere => None,
    };
    let addressed = target.clone().filter(|_| operator || desk.members_may_ask);
    let text = with_files(&said.text, &said.files);
    let text = desk.shell.row_text(text, addressed.is_some());
    let message_id = MessageId::for_discord(said.message);
    // A row that is born claimed is stuck if nobody hears that it was born.
    let mut slot = addressed
        .as_ref()
        .filter(|_| said.tried == Tried::Never)
        .and_then(|agent| desk.deliveries.slot(&place, agent));
    let author = author.as_column();
    let metadata = json!({
        "author_name": said.name,
        "discord_user_id": said.user,
        "discord_message_id": said.message,
    });
    let message = NewMessage {
        id: Some(message_id),
        destination: Destination::Place(place.clone()),
        author: &author,
        target: target.as_ref(),
        text: &text,
        message_type: TEXT_TYPE,
        metadata: Some(&metadata),
        created_at: Some(said.message.created_at()),
    };
    let status = Deliveries::birth(slot.as_ref());
    let deliveries: Vec<_> = addressed
        .iter()
        .map(|agent| (agent.clone(), status))
        .collect();
    let surface = said.surface.to_string();
    let view = PersonView {
        surface: &surface,
        channel: said.channel,
        message: said.message,
    };
    let written = desk.store.say(message, &deliveries, Some(view)).await?;
    if !written.created {
        return again(desk, message_id, addressed.as_ref(), said.tried).await;
    }
    for (id, agent, picked_up_at) in written.deliveries {
        match (slot.take(), picked_up_at) {
            (Some(slot), Some(picked_up_at)) => {
                let text = text.clone();
                let claimed = Claimed {
                    id,
                    message_id,
                    agent,
                    text,
                    picked_up_at,
                };
                desk.deliveries.begin(slot, claimed);
            }
            // Something of its thread was before it, or there was no slot.
            _ => desk.deliveries.pump(),
        }
    }
    Ok(())
}

/// The row was there before. What an earlier try of ours claimed and never handed over, because it
/// did not hear of its success, waits in the queue like any other.
async fn again(
    desk: &Desk,
    message: MessageId,
    addressed: Option<&AgentKey>,
    tried: Tried,
) -> Result<()> {
    if addressed.is_none() || tried == Tried::Never {
        return Ok(());
    }
    if tried == Tried::Failed {
        desk.store.release_newborn(message).await?;
    }
    desk.deliveries.pump();
    Ok(())
}

/// Agents read text: a file is its name, size and address.
fn with_files(text: &str, files: &[File]) -> String {
    let mut whole = text.to_owned();
    for file in files {
        if !whole.is_empty() {
            whole.push('\n');
        }
        let line = format!("[file: {} ({} bytes)] {}", file.name, file.size, file.url);
        whole.push_str(&line);
    }
    whole
}
