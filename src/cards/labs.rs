//! The Labs in words: what each feature shows, whether it is on, and how to switch it.

use super::quote;
use crate::model::labs::{Feature, LABS_KEY, Labs, Unreadable};
use crate::model::view::Surface;

/// Characters of a word that is no flag, in the answer to it.
const WORD: usize = 80;

/// What a person types to switch a feature; Discord shows the two choices of `on` as True and False.
fn command(feature: Feature, on: bool) -> String {
    let on = if on { "True" } else { "False" };
    format!("`/labs flag:{feature} on:{on}`")
}

/// What switches a feature on.
pub(super) fn switch_on(feature: Feature) -> String {
    command(feature, true)
}

/// What a feature is, as one sentence.
fn about(feature: Feature) -> &'static str {
    match feature {
        Feature::TaskThreads => {
            "`#tasks`, where every task is a thread, with `/task` and `/output`."
        }
        Feature::TeamRoom => "`#team-room`, where agents and people talk.",
        Feature::OperatorChat => "The channel of the primary agent, where operators talk to it.",
        Feature::MultiDm => {
            "The channels of all other agents. It needs `operator_chat` as well: two flags."
        }
        Feature::HeartbeatUi => {
            "`/heartbeat`, and what the heartbeats of the agents find: a card per agent in `#activity`, \
             and a post for each finding."
        }
        Feature::MissionBanner => {
            "The mission, pinned in `#activity` and in the topic of `#team-room`."
        }
    }
}

/// A feature that is on and still shows nothing, because another one is off.
fn waits_for(feature: Feature, labs: Labs) -> Option<Feature> {
    let other = Feature::OperatorChat;
    (feature == Feature::MultiDm && labs.is_on(feature) && !labs.is_on(other)).then_some(other)
}

/// One feature: whether it is on, what it is, how to switch it.
pub fn one(feature: Feature, labs: Labs) -> String {
    let on = labs.is_on(feature);
    let (mark, state, other) = match (on, waits_for(feature, labs)) {
        (true, None) => ("🟢", "on", "off"),
        (true, Some(_)) => ("🟡", "on, without effect", "off"),
        (false, _) => ("⚪", "off", "on"),
    };
    let switch = command(feature, !on);
    format!(
        "{mark} **{feature}** is {state}. {} Switch it {other}: {switch}",
        about(feature)
    )
}

/// Every feature.
pub fn list(labs: Labs) -> String {
    let mut lines: Vec<String> = labs.problem().map(unreadable).into_iter().collect();
    lines.extend(Feature::ALL.into_iter().map(|feature| one(feature, labs)));
    lines.push(
        "Operators switch, everybody may look. Nothing that is there is ever deleted by it."
            .to_owned(),
    );
    lines.join("\n")
}

/// A feature was switched, or was so already.
pub fn switched(feature: Feature, labs: Labs, changed: bool) -> String {
    let state = match (labs.is_on(feature), changed) {
        (true, true) => "is on now",
        (true, false) => "was on already",
        (false, true) => "is off now; what is there stays, and nothing new appears",
        (false, false) => "was off already",
    };
    let chat = Feature::OperatorChat;
    let more = match waits_for(feature, labs) {
        Some(other) => {
            let switch = command(other, true);
            format!(" `{other}` is off: switch it on with {switch}")
        }
        None if feature == chat && !labs.is_on(chat) && labs.is_on(Feature::MultiDm) => {
            " The channels of all other agents are off with it.".to_owned()
        }
        None => String::new(),
    };
    format!("**{feature}** {state}. {}{more}", about(feature))
}

/// The word is none of the flags.
pub fn unknown(word: &str) -> String {
    let flags = Feature::ALL
        .map(|feature| format!("`{feature}`"))
        .join(", ");
    let word = quote::line(word, WORD).markup;
    format!("There is no flag {word}. The flags are {flags}. `/labs` tells what each of them is.")
}

/// `on` without `flag`.
pub fn which() -> String {
    "Which flag? `/labs` lists them, each with the command that switches it.".to_owned()
}

/// Nobody but an operator switches.
pub fn not_an_operator() -> String {
    "Only operators switch features, and you are not one of them. Nothing has changed.".to_owned()
}

/// Nobody can switch.
pub fn nobody_is_an_operator() -> String {
    "Nobody is an operator yet, so nothing can be switched. Whoever owns the bot chooses some with \
     `/setup`, or sets `discord.operators` (OPERATOR_IDS)."
        .to_owned()
}

/// What somebody wrote into the row is not ours to throw away.
pub fn unreadable(problem: Unreadable) -> String {
    format!(
        "⚠️ The setting `{LABS_KEY}` of this project cannot be read: {problem}. So every feature is \
         off, and nothing is switched here until somebody repairs it: the `value` of that row in \
         `project_settings` has to be a JSON object, such as `{{\"team_room\": true}}`."
    )
}

/// Nothing is known without the database.
pub fn database_away() -> String {
    "The database cannot be reached in time. When `#status` says that it is back, use `/labs` again: \
     it shows what is on."
        .to_owned()
}

/// Somebody has written where a feature is switched off. `missing` are the flags that are off.
pub fn switched_off(surface: &Surface, missing: &[Feature]) -> String {
    let what = match surface {
        Surface::Room => "The Team Room".to_owned(),
        other => format!("`#{}`", other.in_server()),
    };
    let switches: Vec<String> = missing.iter().map(|it| command(*it, true)).collect();
    format!(
        "{what} is switched off, so nobody gets this message. An operator can switch it on with {}.",
        switches.join(" and ")
    )
}

/// For who starts the bridge: there is nearly nothing to see.
pub fn all_off(labs: Labs) -> String {
    match labs.problem() {
        None => "no feature of the Labs is on: use /labs in Discord".to_owned(),
        Some(problem) => format!(
            "no feature of the Labs is on, because the setting {LABS_KEY} cannot be read: {problem}"
        ),
    }
}
