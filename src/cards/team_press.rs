//! What the controls of agents and skills say when they are used: like [`super::custom_id`], they name a row and
//! are never a permission, and only what we would have written ourselves is read.
//!
//! `v1:<what>[:<page or id>]`, at most 50 characters.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use super::custom_id::UnknownPress;

/// A press or a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TeamPress {
    /// Another page of the team.
    Agents {
        /// Counted from 0.
        page: u16,
    },
    /// The list of agents: whose row was chosen.
    Agent,
    /// Looks again how a request for an agent stands.
    Hire {
        /// The request.
        request: Uuid,
    },
    /// Tries a request that failed again.
    RetryHire {
        /// The request.
        request: Uuid,
    },
    /// Another page of the skills.
    Skills {
        /// Counted from 0.
        page: u16,
    },
    /// The list of skills: whose row was chosen.
    Skill,
    /// Has a skill looked at anew.
    CheckSkill {
        /// Its row.
        row: Uuid,
    },
}

impl TeamPress {
    /// Whether it is a list that was chosen from.
    pub fn is_list(self) -> bool {
        matches!(self, Self::Agent | Self::Skill)
    }
}

impl fmt::Display for TeamPress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agents { page } => write!(f, "v1:agents:{page}"),
            Self::Agent => f.write_str("v1:agent"),
            Self::Hire { request } => write!(f, "v1:hire:{}", request.simple()),
            Self::RetryHire { request } => write!(f, "v1:hire-retry:{}", request.simple()),
            Self::Skills { page } => write!(f, "v1:skills:{page}"),
            Self::Skill => f.write_str("v1:skill"),
            Self::CheckSkill { row } => write!(f, "v1:skill-check:{}", row.simple()),
        }
    }
}

impl FromStr for TeamPress {
    type Err = UnknownPress;

    fn from_str(text: &str) -> Result<Self, UnknownPress> {
        read(text)
            .filter(|it| it.to_string() == text)
            .ok_or(UnknownPress)
    }
}

fn read(text: &str) -> Option<TeamPress> {
    let (what, rest) = match text.strip_prefix("v1:")?.split_once(':') {
        Some((what, rest)) => (what, rest),
        None => (text.strip_prefix("v1:")?, ""),
    };
    let page = || rest.parse().ok();
    let id = || Uuid::try_parse(rest).ok();
    Some(match what {
        "agents" => TeamPress::Agents { page: page()? },
        "agent" => TeamPress::Agent,
        "hire" => TeamPress::Hire { request: id()? },
        "hire-retry" => TeamPress::RetryHire { request: id()? },
        "skills" => TeamPress::Skills { page: page()? },
        "skill" => TeamPress::Skill,
        "skill-check" => TeamPress::CheckSkill { row: id()? },
        _ => return None,
    })
}
