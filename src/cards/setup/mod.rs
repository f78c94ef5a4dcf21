//! `/setup`: which project a server shows, what the bot may do there, and who decides.

pub mod answers;
pub mod permissions;
pub mod press;

use std::fmt::Write as _;

use permissions::Permission;
use press::SetupPress;

use super::button::{CHOICE_LIMIT, MOST_CHOICES};
use super::colour::{BLUE, ORANGE};
use super::mode::{because, mark};
use super::quote::{self, length, shortened};
use super::text::CONTENT_LIMIT;
use super::{Button, Choice, Draft, Embed, Pick, Row, Select, Style};
use crate::model::labs::{Feature, Labs};
use crate::model::mode::State;
use crate::model::operators::{Chosen, Kind, Operators, version};
use crate::model::{ChannelId, ProjectId, RoleId};

/// Room for a list of names in one field; what is more is counted.
const NAMES: usize = 700;

/// Missing permissions that stand in one field.
const PER_FIELD: usize = 8;

/// Longest reason of a mode, in UTF-16 units.
const REASON: usize = 200;

/// A channel that the project should have here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What it is called.
    pub name: String,
    /// Where it is, or why it is not.
    pub state: PlaceState,
}

/// Whether a channel is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlaceState {
    /// It is.
    There(ChannelId),
    /// Not while these features are off.
    Off(Vec<Feature>),
    /// Not: the server takes no more channels.
    NoRoom,
    /// Not: the bot may not make it.
    NotAllowed,
    /// Not yet.
    Coming,
}

/// What the card of a home tells.
#[derive(Debug, Clone)]
pub struct Sight<'a> {
    /// The project.
    pub project: &'a ProjectId,
    /// Its name for people.
    pub name: &'a str,
    /// Its channels.
    pub places: &'a [Place],
    /// The mode.
    pub mode: &'a State,
    /// What the bot may do here; `None` where Discord does not say.
    pub permissions: Option<&'a [Permission]>,
    /// Where it is let in with all of them.
    pub invite: &'a str,
    /// The operators of the configuration.
    pub configured: &'a Operators,
    /// Who was chosen here.
    pub chosen: &'a Chosen,
    /// Chosen roles that this server does not have any more.
    pub gone: &'a [RoleId],
    /// The features.
    pub labs: Labs,
    /// Whether who looks may switch them.
    pub switches: bool,
}

/// The card of a project that is shown in this server. `note` says what has just happened.
pub fn card(sight: &Sight<'_>, note: Option<&str>) -> Draft {
    let mut content = format!(
        "**Setup**: this server shows **{}** (`{}`).\n{}",
        quote::name(sight.name),
        sight.project,
        mode(sight.mode)
    );
    if let Some(note) = note {
        content = format!("{note}\n\n{content}");
    }
    let missing = sight
        .permissions
        .map_or_else(Vec::new, permissions::missing);
    let colour = if missing.is_empty() { BLUE } else { ORANGE };
    let mut frame = Embed::new(
        "How it is set up",
        colour,
        "Nobody but you sees this. /setup can be used again at any time; every list is the whole list.",
    );
    let (there, others) = places(sight.places);
    frame.field("Channels", there, false);
    frame.field("Channels that are not there", others, false);
    frame.field("Operators", operators(sight), false);
    frame.field("Features", features(sight), false);
    let name = "What the bot may do here";
    frame.field(name, permissions::granted(sight.permissions), false);
    if !missing.is_empty() {
        // A field holds about ten of them.
        for some in missing.chunks(PER_FIELD) {
            frame.field("What it may not do", some.join("\n"), false);
        }
        let what = format!(
            "Give the bot's role what is missing (Server Settings, Roles), or let an administrator \
             invite it again: {}",
            sight.invite
        );
        frame.field("What to do about it", what, false);
    }
    Draft {
        embeds: vec![frame],
        components: controls(sight),
        ..Draft::text(shortened(&content, CONTENT_LIMIT).into_owned())
    }
}

fn mode(state: &State) -> String {
    let Some(mode) = state.mode else {
        return format!("{} Starting", mark(None));
    };
    let reason = because(&state.reason);
    format!(
        "{} **{mode}**: {}",
        mark(Some(mode)),
        shortened(&reason, REASON)
    )
}

/// Those that are there, and why the others are not.
fn places(places: &[Place]) -> (String, String) {
    let mut there = Vec::new();
    let mut others: Vec<(String, Vec<&str>)> = Vec::new();
    for place in places {
        let why = match &place.state {
            PlaceState::There(channel) => {
                there.push(format!("<#{channel}>"));
                continue;
            }
            PlaceState::Off(features) => {
                let flags: Vec<_> = features.iter().map(|it| format!("`{it}`")).collect();
                format!("switched off ({})", flags.join(", "))
            }
            PlaceState::NoRoom => "the server takes no more channels".to_owned(),
            PlaceState::NotAllowed => "the bot lacks a permission for it".to_owned(),
            PlaceState::Coming => "being made".to_owned(),
        };
        match others.iter_mut().find(|(known, _)| *known == why) {
            Some((_, names)) => names.push(&place.name),
            None => others.push((why, vec![&place.name])),
        }
    }
    let others: Vec<String> = others
        .into_iter()
        .map(|(why, names)| {
            let names: Vec<_> = names.iter().map(|it| format!("`#{it}`")).collect();
            format!("{}: {why}", some(&names, ", ", NAMES / 3))
        })
        .collect();
    let there = if there.is_empty() {
        "None yet.".to_owned()
    } else {
        some(&there, " ", NAMES)
    };
    (there, others.join("\n"))
}

/// As many as there is room for; how many more there are.
fn some(all: &[String], between: &str, room: usize) -> String {
    let mut text = String::new();
    for (at, one) in all.iter().enumerate() {
        if length(&text) + length(one) > room {
            let _ = write!(text, " and {} more", all.len() - at);
            break;
        }
        if at > 0 {
            text.push_str(between);
        }
        text.push_str(one);
    }
    text
}

fn operators(sight: &Sight<'_>) -> String {
    let of = |users: &mut dyn Iterator<Item = u64>, roles: &mut dyn Iterator<Item = u64>| {
        let users = users.map(|id| format!("<@{id}>"));
        let all: Vec<String> = users.chain(roles.map(|id| format!("<@&{id}>"))).collect();
        some(&all, " ", NAMES / 2)
    };
    let (configured, chosen) = (sight.configured, sight.chosen);
    let fixed = of(
        &mut sorted(configured.users.iter().map(|it| it.get())),
        &mut sorted(configured.roles.iter().map(|it| it.get())),
    );
    let here = of(
        &mut chosen.of(Kind::User).into_iter(),
        &mut chosen.of(Kind::Role).into_iter(),
    );
    let fixed = if configured.is_empty() {
        "The configuration names nobody, so one operator has to stay: the last one cannot be taken \
         out here, only replaced."
            .to_owned()
    } else {
        format!("From the configuration, not to be changed here: {fixed}")
    };
    match (here.is_empty(), configured.is_empty()) {
        (false, _) => format!("Chosen here: {here}\n{}{fixed}", gone(sight.gone.len())),
        (true, true) => {
            "⚠️ Nobody is an operator: nothing can be approved, and agents get no messages. Choose \
             people or roles below, yourself first."
                .to_owned()
        }
        (true, false) => format!("Nobody is chosen here yet.\n{fixed}"),
    }
}

/// What is said of chosen roles that are gone.
fn gone(roles: usize) -> String {
    match roles {
        0 => String::new(),
        1 => "⚠️ One of these roles is gone from this server. It is left out below, and goes from this \
              list with the next choice of roles.\n"
            .to_owned(),
        more => format!(
            "⚠️ {more} of these roles are gone from this server. They are left out below, and go from \
             this list with the next choice of roles.\n"
        ),
    }
}

fn sorted(ids: impl Iterator<Item = u64>) -> impl Iterator<Item = u64> {
    let mut ids: Vec<u64> = ids.collect();
    ids.sort_unstable();
    ids.into_iter()
}

fn features(sight: &Sight<'_>) -> String {
    if let Some(problem) = sight.labs.problem() {
        return super::labs::unreadable(problem);
    }
    let one = |feature: Feature| {
        let mark = if sight.labs.is_on(feature) {
            "🟢"
        } else {
            "⚪"
        };
        format!("{mark} `{feature}`")
    };
    let all: Vec<String> = Feature::ALL.into_iter().map(one).collect();
    let how = if sight.switches {
        "`/labs` says what each of them is."
    } else {
        "Operators switch them, and you are none: choose yourself above first."
    };
    format!("{}\n{how}", all.join(" · "))
}

/// Which features are on, a bit for each.
pub fn mask(labs: Labs) -> u8 {
    let all = Feature::ALL.into_iter().enumerate();
    all.filter(|(_, feature)| labs.is_on(*feature))
        .fold(0, |mask, (bit, _)| mask | 1 << bit)
}

fn controls(sight: &Sight<'_>) -> Vec<Row> {
    let pick = |kind: Kind, placeholder: &str| {
        let ids = sight.chosen.of(kind);
        // What is not there cannot be shown as chosen.
        let gone = |id: &u64| sight.gone.iter().any(|role| role.get() == *id);
        let there = |id: &u64| kind == Kind::User || !gone(id);
        Row::Pick(Pick {
            kind,
            custom_id: SetupPress::Choose(kind, sight.project.clone(), version(&ids)).to_string(),
            placeholder: placeholder.to_owned(),
            chosen: ids.into_iter().take(MOST_CHOICES).filter(there).collect(),
        })
    };
    let mut rows = vec![
        pick(Kind::User, "Operators: people"),
        pick(Kind::Role, "Operators: roles"),
    ];
    if sight.switches && sight.labs.problem().is_none() {
        let choice = |feature: Feature| Choice {
            label: feature.to_string(),
            value: feature.to_string(),
            chosen: sight.labs.is_on(feature),
        };
        rows.push(Row::Several(Select {
            custom_id: SetupPress::Labs(sight.project.clone(), mask(sight.labs)).to_string(),
            placeholder: "Features that are switched on".to_owned(),
            choices: Feature::ALL.into_iter().map(choice).collect(),
        }));
    }
    rows.push(again(sight.project));
    rows
}

/// The button that looks anew.
fn again(project: &ProjectId) -> Row {
    let look = SetupPress::Look(project.clone());
    Row::Buttons(vec![Button::new("Check again", Style::Secondary, &look)])
}

/// The list of projects that somebody may choose from, by id and name.
fn list(projects: &[&(ProjectId, String)], placeholder: &str) -> Row {
    let choice = |(project, name): &&(ProjectId, String)| Choice {
        label: choice(project, name),
        value: project.to_string(),
        chosen: false,
    };
    let choices = projects.iter().take(MOST_CHOICES).map(choice);
    Row::Select(Select {
        custom_id: SetupPress::Project.to_string(),
        placeholder: placeholder.to_owned(),
        choices: choices.collect(),
    })
}

/// A project in a list, by its name and its id.
pub fn choice(project: &ProjectId, name: &str) -> String {
    let name = quote::visible(name);
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let id = format!(" ({project})");
    let room = CHOICE_LIMIT.saturating_sub(length(&id));
    match shortened(&name, room) {
        name if name.is_empty() || room < 2 => {
            shortened(project.as_str(), CHOICE_LIMIT).into_owned()
        }
        name => format!("{name}{id}"),
    }
}
