//! Under which name a row's author speaks in Discord.

use std::collections::HashMap;

use super::{quote, text};
use crate::model::AgentKey;
use crate::model::agent::Agent;
use crate::model::message::{Author, ChatMessage};

/// Longest name of a webhook message (source: Discord's `OpenAPI` description).
const NAME_LIMIT: usize = 80;

/// A name on a webhook message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Persona {
    /// As Discord accepts it.
    pub name: String,
}

impl Persona {
    /// A persona with this name, made acceptable to Discord; `fallback` where nothing is left.
    pub fn new(name: &str, fallback: &str) -> Self {
        let name = acceptable(name)
            .or_else(|| acceptable(fallback))
            .unwrap_or_else(|| "Agent".to_owned());
        Self { name }
    }
}

/// Words under a name where no webhook speaks: the name stands before them.
pub fn named(persona: &Persona, words: &str) -> String {
    format!("{}{words}", heading(persona))
}

/// The parts of a text, of which so much of the first is taken. Of several the first has room for that line; a text that
/// just fits into one message stays one, without it.
pub fn spoken(taken: usize, persona: &Persona, words: &str) -> Vec<String> {
    let parts = text::parts_after(taken, words);
    if parts.len() < 2 {
        return parts;
    }
    text::parts_after(taken + quote::length(&heading(persona)), words)
}

/// The line before them.
fn heading(persona: &Persona) -> String {
    format!("**{}**\n", quote::name(&persona.name))
}

/// The words below such a line; none where there is none.
pub fn below_heading(text: &str) -> Option<&str> {
    let (first, rest) = text.split_once('\n')?;
    let name = first.strip_prefix("**")?.strip_suffix("**")?;
    (!name.is_empty()).then_some(rest)
}

/// The names of all agents of a project.
#[derive(Debug, Clone, Default)]
pub struct Personas {
    agents: HashMap<AgentKey, Persona>,
}

impl Personas {
    /// From the rows of `agents`.
    pub fn new(agents: &[Agent]) -> Self {
        let agents = agents
            .iter()
            .map(|agent| {
                let persona = Persona::new(&agent.name, agent.key.short());
                (agent.key.clone(), persona)
            })
            .collect();
        Self { agents }
    }

    /// The agents that have a name.
    pub fn agents(&self) -> impl Iterator<Item = &AgentKey> {
        self.agents.keys()
    }

    /// The persona of an agent; one that is not in the table speaks under its short id.
    pub fn agent(&self, key: &AgentKey) -> Persona {
        self.agents
            .get(key)
            .cloned()
            .unwrap_or_else(|| Persona::new(key.short(), "Agent"))
    }

    /// The persona of a message's author.
    pub fn author(&self, message: &ChatMessage) -> Persona {
        self.of(&message.author, message.author_name.as_deref())
    }

    /// The persona of an author, under the name that came with the row. Nobody but an agent gets a
    /// bare name: a person who wrote elsewhere is marked with where.
    pub fn of(&self, author: &Author, name: Option<&str>) -> Persona {
        match author {
            Author::Agent(key) => self.agent(key),
            Author::Operator => match name {
                Some(name) => {
                    Persona::new(&format!("{} (operator)", shortened(name, 60)), "Operator")
                }
                None => Persona::new("Operator (dashboard)", "Operator"),
            },
            Author::Member(user) => {
                let name = name.map_or_else(|| user.to_string(), str::to_owned);
                Persona::new(&format!("{} (member)", shortened(&name, 60)), "Member")
            }
            Author::Other(word) => {
                Persona::new(&format!("{} (service)", shortened(word, 60)), "Service")
            }
        }
    }
}

fn shortened(text: &str, limit: usize) -> String {
    text.chars().take(limit).collect()
}

/// Names that Discord refuses for webhooks: `clyde` and `discord` anywhere, `everyone` and `here`
/// as the whole name (source: its webhook page and reports of `USERNAME_INVALID`).
fn acceptable(name: &str) -> Option<String> {
    let visible: String = name
        .chars()
        .filter(|c| !is_invisible(*c))
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .collect();
    let mut name = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    for (word, instead) in [("discord", "disc0rd"), ("clyde", "c1yde")] {
        while let Some(at) = name.to_ascii_lowercase().find(word) {
            name.replace_range(at..at + word.len(), instead);
        }
    }
    if matches!(name.to_lowercase().as_str(), "everyone" | "here") {
        name.push_str(" (agent)");
    }
    let name: String = name.chars().take(NAME_LIMIT).collect();
    let name = name.trim_end().to_owned();
    (!name.is_empty()).then_some(name)
}

/// Control characters, zero-width characters and direction overrides: a name with them can look
/// like another name.
pub(super) fn is_invisible(c: char) -> bool {
    (c.is_control() && !c.is_whitespace())
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}
