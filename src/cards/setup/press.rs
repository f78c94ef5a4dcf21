//! What the controls of `/setup` say when they are used: like [`crate::cards::custom_id`], they name a project and what
//! was on the card, they are never a permission, and only what we would have written ourselves is read.
//!
//! `setup:<what>[:<project>[:<what was shown>]]`, at most 97 characters.

use std::fmt;
use std::str::FromStr;

use crate::cards::custom_id::UnknownPress;
use crate::model::operators::Kind;
use crate::model::{GuildId, ProjectId};

/// What stands before everything: these go where there may be no project yet.
pub const PREFIX: &str = "setup:";

/// Longest id of a project that fits, in characters.
pub const LONGEST_ID: usize = 64;

/// A press, a choice or a form of `/setup`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SetupPress {
    /// Looks anew.
    Look(ProjectId),
    /// People or roles were chosen, by who has seen this version of the list.
    Choose(Kind, ProjectId, u64),
    /// Features were chosen, by who has seen these switched on: a bit for each, in the order of `Feature::ALL`.
    Labs(ProjectId, u8),
    /// The list of projects: which one is what was chosen.
    Project,
    /// Shows the project in this server, by who has seen it in that one, or in none.
    Show(ProjectId, Option<GuildId>),
    /// Asks for the name of a project that is to be made.
    Create(ProjectId),
    /// That form, sent.
    Named(ProjectId),
}

impl SetupPress {
    /// Whether it is a list that was chosen from; nothing chosen is a choice as well.
    pub fn is_list(&self) -> bool {
        matches!(self, Self::Choose(..) | Self::Labs(..) | Self::Project)
    }

    /// Whether it is a form that was sent.
    pub fn is_form(&self) -> bool {
        matches!(self, Self::Named(_))
    }
}

impl fmt::Display for SetupPress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Look(project) => write!(f, "{PREFIX}look:{project}"),
            Self::Choose(kind, project, version) => {
                write!(f, "{PREFIX}{}:{project}:{version:016x}", kind.as_str())
            }
            Self::Labs(project, shown) => write!(f, "{PREFIX}labs:{project}:{shown:02x}"),
            Self::Project => write!(f, "{PREFIX}project"),
            Self::Show(project, from) => {
                write!(f, "{PREFIX}show:{project}:{}", from.map_or(0, GuildId::get))
            }
            Self::Create(project) => write!(f, "{PREFIX}create:{project}"),
            Self::Named(project) => write!(f, "{PREFIX}named:{project}"),
        }
    }
}

impl FromStr for SetupPress {
    type Err = UnknownPress;

    fn from_str(text: &str) -> Result<Self, UnknownPress> {
        read(text)
            .filter(|it| it.to_string() == text)
            .ok_or(UnknownPress)
    }
}

fn read(text: &str) -> Option<SetupPress> {
    let mut parts = text.strip_prefix(PREFIX)?.split(':');
    let what = parts.next()?;
    if what == "project" {
        return Some(SetupPress::Project);
    }
    let project: ProjectId = parts.next()?.parse().ok()?;
    if project.as_str().len() > LONGEST_ID {
        return None;
    }
    let shown = parts.next();
    Some(match what {
        "look" => SetupPress::Look(project),
        "user" => SetupPress::Choose(Kind::User, project, hexadecimal(shown?)?),
        "role" => SetupPress::Choose(Kind::Role, project, hexadecimal(shown?)?),
        "labs" => SetupPress::Labs(project, u8::try_from(hexadecimal(shown?)?).ok()?),
        "show" => {
            let from: u64 = shown?.parse().ok()?;
            let guild = GuildId::new(from);
            if guild.is_none() && from != 0 {
                return None;
            }
            SetupPress::Show(project, guild)
        }
        "create" => SetupPress::Create(project),
        "named" => SetupPress::Named(project),
        _ => return None,
    })
}

fn hexadecimal(text: &str) -> Option<u64> {
    u64::from_str_radix(text, 16).ok()
}
