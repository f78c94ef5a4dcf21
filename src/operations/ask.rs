//! `/ask`: saying something to an agent from anywhere. It becomes a message of the agent's own thread.

use std::time::Duration;

use serde_json::json;

use super::Desk;
use super::decide::Presser;
use super::hand_over::HandOver;
use crate::cards::labs::switched_off;
use crate::cards::{Persona, ask as words};
use crate::discord::layout::Layout;
use crate::model::addressing::Roster;
use crate::model::message::Author;
use crate::model::thread::Place;
use crate::model::view::Surface;
use crate::model::{AgentKey, InteractionId, MessageId};
use crate::store::Result;
use crate::store::chat::{Destination, NewMessage, TEXT_TYPE};

/// How long the database may take: a command has to be answered within 3 s (source: Discord).
const PATIENCE: Duration = Duration::from_secs(2);

/// What somebody asks.
#[derive(Debug, Clone)]
pub struct Question {
    /// The interaction: the same one asks once, however often it is heard.
    pub interaction: InteractionId,
    /// Whom; whatever came back, since the choices are the client's alone.
    pub agent: String,
    /// What.
    pub message: String,
    /// Whether agents are reached directly now.
    pub live: bool,
}

/// Most agents that are offered, and the longest name of one, in characters (source: Discord).
const CHOICES: (usize, usize) = (25, 100);

/// The agents that what is typed so far may mean, as the name to show and the key to send: first those
/// whose name or short id begins with it.
pub fn suggest(roster: &Roster, typed: &str) -> Vec<(String, String)> {
    let typed = typed.trim().trim_start_matches('@').to_lowercase();
    let (most, longest) = CHOICES;
    let mut found: Vec<_> = roster
        .iter()
        .filter_map(|called| {
            let persona = Persona::new(&called.name, called.key.short());
            let words = [
                persona.name.to_lowercase(),
                called.key.short().to_lowercase(),
            ];
            let begins = words.iter().any(|word| word.starts_with(&typed));
            let has = words.iter().any(|word| word.contains(&typed));
            let name: String = persona.name.chars().take(longest).collect();
            has.then(|| (!begins, name, called.key.to_string()))
        })
        // A key that is too long for a choice cannot be chosen; it can still be typed as a name.
        .filter(|(_, _, key)| key.len() <= longest)
        .collect();
    found.sort_by_key(|(inside, ..)| *inside);
    found.truncate(most);
    found
        .into_iter()
        .map(|(_, name, key)| (name, key))
        .collect()
}

/// Writes the message into the agent's thread, with one delivery. Gives back what the person is told.
pub async fn ask(
    desk: &Desk,
    layout: &Layout,
    presser: &Presser,
    question: Question,
) -> anyhow::Result<String> {
    if desk.operators.is_empty() && !desk.members_may_ask {
        return Ok(words::nobody_is_an_operator());
    }
    let roles = presser.roles.as_deref();
    let operator = roles.is_some_and(|roles| desk.operators.includes(presser.user, roles));
    let may = operator || (desk.members_may_ask && roles.is_some());
    if presser.bot || !may {
        tracing::info!(user = %presser.user, "somebody who may not ask agents has tried to");
        return Ok(words::not_an_operator());
    }
    let Some(agent) = layout.roster().find(&question.agent) else {
        return Ok(words::unknown_agent(&question.agent));
    };
    let text = question.message.trim();
    if text.is_empty() {
        return Ok(words::nothing_said());
    }
    let surface = Surface::dm(&agent.key);
    let missing = layout.lacks(&surface);
    if !missing.is_empty() {
        return Ok(switched_off(&surface, &missing));
    }
    let author = if operator {
        Author::Operator
    } else {
        Author::Member(presser.user)
    };
    let writing = write(desk, presser, &agent.key, &question, (author, text));
    match tokio::time::timeout(PATIENCE, writing).await {
        Ok(Ok(())) if question.live => {
            let persona = Persona::new(&agent.name, agent.key.short());
            let channel = layout.channel(&surface).map(|channel| channel.id);
            Ok(words::sent(&persona, channel))
        }
        Ok(Ok(())) => Ok(words::queued()),
        Ok(Err(error)) if !error.is_outage() => Err(error.into()),
        Ok(Err(_)) | Err(_) => Ok(words::database_away()),
    }
}

async fn write(
    desk: &Desk,
    presser: &Presser,
    agent: &AgentKey,
    question: &Question,
    (author, text): (Author, &str),
) -> Result<()> {
    let (by, author) = (presser.decider(), author.as_column());
    let place = Place::Dm(agent.clone());
    let text = &desk.shell.row_text(text.to_owned(), true);
    let metadata = json!({
        "author_name": by.name,
        "discord_user_id": by.user,
        "discord_interaction_id": question.interaction,
    });
    let message = NewMessage {
        id: Some(MessageId::for_interaction(question.interaction)),
        destination: Destination::Place(place.clone()),
        author: &author,
        target: Some(agent),
        text,
        message_type: TEXT_TYPE,
        metadata: Some(&metadata),
        created_at: Some(question.interaction.created_at()),
        mentions: &[],
    };
    // Queued, and taken at once where the agent is free: nobody may hear of a birth that took too long.
    let deliveries = HandOver::to(desk, &place, std::slice::from_ref(agent), false);
    let births = deliveries.births();
    let written = desk.store.say(message, &births, None).await?;
    deliveries.written(desk, &written, text);
    Ok(())
}
