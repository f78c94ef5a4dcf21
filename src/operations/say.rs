//! Saying something: in the room, to agents, or about a task.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::comment::comment;
use super::edit::{edit, version};
use super::hand_over::HandOver;
use crate::cards::files::with_files;
use crate::model::delivery::in_reply;
use crate::model::file::File;
use crate::model::message::Author;
use crate::model::thread::Place;
use crate::model::view::Surface;
use crate::model::{AgentKey, ChannelId, DiscordMessageId, MessageId, RoleId, UserId};
use crate::operations::Desk;
use crate::store::Result;
use crate::store::chat::{Destination, NewMessage, PersonView, TEXT_TYPE};
use crate::store::edit::{Shown, VERSION_KEY};

/// A message that a person has written in one of our channels.
#[derive(Debug, Clone)]
pub struct Said {
    /// The message in Discord.
    pub message: DiscordMessageId,
    /// The channel.
    pub channel: ChannelId,
    /// What the channel is.
    pub surface: Surface,
    /// The agent whose channel it is; none in the room.
    pub agent: Option<AgentKey>,
    /// Who wrote it.
    pub user: UserId,
    /// Under which name.
    pub name: String,
    /// With which roles.
    pub roles: Vec<RoleId>,
    /// What, with mentions as names.
    pub text: String,
    /// Files that came with it.
    pub files: Vec<File>,
    /// What is in those that are small texts, each in its file's place.
    pub contents: Vec<Option<String>>,
    /// The agents that it names.
    pub named: Vec<AgentKey>,
    /// The message in Discord that it replies to.
    pub reply_to: Option<DiscordMessageId>,
    /// When its author changed it last.
    pub edited_at: Option<DateTime<Utc>>,
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

impl Said {
    /// The text of the row.
    pub(super) fn whole(&self) -> String {
        with_files(&self.text, &self.files, &self.contents)
    }

    /// The files as the metadata lists them; none where there are none.
    pub(super) fn listed(&self) -> Option<Value> {
        let file = |file: &File| {
            json!({
                "name": file.name,
                "size": file.size,
                "type": file.kind,
                "url": file.url,
                "expires_at": file.expires_at(),
            })
        };
        let listed: Vec<Value> = self.files.iter().map(file).collect();
        (!listed.is_empty()).then(|| listed.into())
    }

    pub(super) fn metadata(&self, reply_to: Option<&Shown>) -> Value {
        let mut metadata = json!({
            "author_name": self.name,
            "discord_user_id": self.user,
            "discord_message_id": self.message,
        });
        if let Some(shown) = reply_to {
            metadata["reply_to"] = json!(shown.id);
        }
        if let Some(files) = self.listed() {
            metadata["attachments"] = files;
        }
        if let Some(at) = self.edited_at {
            metadata[VERSION_KEY] = json!(version(at));
        }
        metadata
    }

    /// The agents that it is said to: whose channel it is, else whom it names and whose words it
    /// answers.
    fn addressed(&self, reply_to: Option<&Shown>) -> Vec<AgentKey> {
        if let Some(agent) = &self.agent {
            return vec![agent.clone()];
        }
        let mut addressed = self.named.clone();
        if let Some(Author::Agent(agent)) = reply_to.map(|shown| &shown.author)
            && !addressed.contains(agent)
        {
            addressed.push(agent.clone());
        }
        addressed
    }
}

/// Writes down what a person said, once, however often Discord tells it. Each agent that an operator
/// addresses gets a delivery of its own. A row that is there and says something older is made to follow.
/// In the thread of a task it is a comment.
pub async fn say(desk: &Desk, said: &Said) -> Result<()> {
    if let Surface::Task(task) = said.surface {
        return comment(desk, task, said).await;
    }
    let operator = desk.operators.includes(said.user, &said.roles);
    let reply_to = match said.reply_to {
        Some(message) => desk.store.shown_by(said.channel, message).await?,
        None => None,
    };
    let place = said.agent.clone().map_or(Place::Room, Place::Dm);
    let author = if operator {
        Author::Operator
    } else {
        Author::Member(said.user)
    };
    let mut addressed = said.addressed(reply_to.as_ref());
    if !(operator || desk.members_may_ask) {
        addressed.clear();
    }
    let target = match (&said.agent, addressed.as_slice()) {
        (Some(agent), _) | (None, [agent]) => Some(agent),
        _ => None,
    };
    let text = desk.shell.row_text(said.whole(), !addressed.is_empty());
    let metadata = said.metadata(reply_to.as_ref());
    let author = author.as_column();
    let message_id = MessageId::for_discord(said.message);
    let message = NewMessage {
        id: Some(message_id),
        destination: Destination::Place(place.clone()),
        author: &author,
        target,
        text: &text,
        message_type: TEXT_TYPE,
        metadata: Some(&metadata),
        created_at: Some(said.message.created_at()),
        mentions: &said.named,
    };
    let surface = said.surface.to_string();
    let view = PersonView {
        surface: &surface,
        channel: said.channel,
        message: said.message,
    };
    let deliveries = HandOver::to(desk, &place, &addressed, said.tried == Tried::Never);
    let births = deliveries.births();
    let written = desk.store.say(message, &births, Some(view)).await?;
    if written.created {
        match &reply_to {
            Some(shown) => {
                let told = in_reply(Some(&shown.name), &shown.text, &text);
                deliveries.written(desk, &written, &told);
            }
            None => deliveries.written(desk, &written, &text),
        }
        return Ok(());
    }
    if said.tried != Tried::Never {
        let unheard = said.tried == Tried::Failed;
        deliveries.again(desk, message_id, unheard).await?;
    }
    if said.edited_at.is_some() {
        edit(desk, said).await?;
    }
    Ok(())
}
