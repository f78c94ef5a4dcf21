//! What the controls of the schedule say when they are used: like [`crate::cards::custom_id`], they name a row and are
//! never a permission, and only what we would have written ourselves is read.
//!
//! `v1:job-<what>[:<id>[:<page, time or version>]]`, at most 66 characters.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::cards::custom_id::UnknownPress;
use crate::model::schedule::Ask;

/// A press, a choice or a form of the schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SchedulePress {
    /// Another page of the list.
    Page(u16),
    /// The list of a page: the job's row is what was chosen.
    Pick,
    /// Runs a job now.
    Run(Uuid),
    /// Lets it run no more by itself.
    Pause(Uuid),
    /// Lets it run again.
    Resume(Uuid),
    /// Opens the form that changes it.
    Edit(Uuid),
    /// That form, sent, with the version that it showed.
    Form(Uuid, u64),
    /// Asks whether it is really to be deleted.
    Delete(Uuid),
    /// Yes to that, until so many seconds after 1970.
    Confirm(Uuid, u32),
    /// Asks once more for what has failed.
    Again(Ask, Uuid),
}

impl SchedulePress {
    /// Whether it is a list that was chosen from.
    pub fn is_list(self) -> bool {
        self == Self::Pick
    }

    /// Whether it is a form that was sent.
    pub fn is_form(self) -> bool {
        matches!(self, Self::Form(..))
    }
}

impl fmt::Display for SchedulePress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Page(page) => write!(f, "v1:job-page:{page}"),
            Self::Pick => f.write_str("v1:job-pick"),
            Self::Run(id) => write!(f, "v1:job-run:{}", id.simple()),
            Self::Pause(id) => write!(f, "v1:job-pause:{}", id.simple()),
            Self::Resume(id) => write!(f, "v1:job-resume:{}", id.simple()),
            Self::Edit(id) => write!(f, "v1:job-edit:{}", id.simple()),
            Self::Form(id, version) => write!(f, "v1:job-form:{}:{version:016x}", id.simple()),
            Self::Delete(id) => write!(f, "v1:job-delete:{}", id.simple()),
            Self::Confirm(id, until) => write!(f, "v1:job-confirm:{}:{until:010}", id.simple()),
            Self::Again(ask, id) => write!(f, "v1:job-again-{}:{}", ask.as_str(), id.simple()),
        }
    }
}

impl FromStr for SchedulePress {
    type Err = UnknownPress;

    fn from_str(text: &str) -> Result<Self, UnknownPress> {
        read(text)
            .filter(|it| it.to_string() == text)
            .ok_or(UnknownPress)
    }
}

fn read(text: &str) -> Option<SchedulePress> {
    let mut parts = text.strip_prefix("v1:job-")?.split(':');
    let (what, first, last) = (parts.next()?, parts.next(), parts.next());
    match what {
        "page" => return Some(SchedulePress::Page(first?.parse().ok()?)),
        "pick" => return Some(SchedulePress::Pick),
        _ => {}
    }
    let id = Uuid::try_parse(first?).ok()?;
    Some(match what {
        "run" => SchedulePress::Run(id),
        "pause" => SchedulePress::Pause(id),
        "resume" => SchedulePress::Resume(id),
        "edit" => SchedulePress::Edit(id),
        "form" => SchedulePress::Form(id, u64::from_str_radix(last?, 16).ok()?),
        "delete" => SchedulePress::Delete(id),
        "confirm" => SchedulePress::Confirm(id, last?.parse().ok()?),
        other => {
            let ask = other.strip_prefix("again-")?;
            let ask = Ask::ALL.into_iter().find(|it| it.as_str() == ask)?;
            SchedulePress::Again(ask, id)
        }
    })
}
