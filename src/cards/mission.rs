//! The mission in words: the banner, the topic, and the answers of `/mission`.

use super::docs::press::DocPress;
use super::labs::switch_on;
use super::persona::Personas;
use super::{Button, Draft, Row, Style, Upkeep, activity, quote};
use crate::model::labs::Feature;
use crate::model::mission::{LONGEST, Mission, NoMission};

/// The first line of the banner. It never changes: the message is known by it when the channel is read
/// back.
pub const TITLE: &str = "🎯 **Mission**";

/// Longest mission on the banner and in an answer: others than `/mission` may write longer ones.
const SHOWN: usize = 600;

/// Longest mission in a topic (source: Discord takes 1024).
const IN_TOPIC: usize = 500;

fn words(mission: &Mission, room: usize) -> String {
    let text = quote::plain_line(&mission.text, room);
    if mission.cut && !text.ends_with('…') {
        return format!("{text}…");
    }
    text
}

/// The message that is pinned in `#activity`.
pub fn banner(mission: &Mission) -> Draft {
    Draft {
        upkeep: Upkeep::Renewed,
        ..Draft::text(format!("{TITLE}\n> {}", words(mission, SHOWN)))
    }
}

/// The topic of `#team-room`.
pub fn topic(mission: &Mission) -> String {
    format!("🎯 {}", words(mission, IN_TOPIC))
}

/// The mission, for who asks. `shown` tells whether its feature is on; `problem` what Discord does not
/// let the banner do.
pub fn show(
    mission: Option<&Mission>,
    personas: &Personas,
    shown: bool,
    problem: Option<&str>,
) -> String {
    let mut lines = vec![match mission {
        Some(mission) => there(mission, personas),
        None => "There is no mission yet. Operators write one with `/mission set`.".to_owned(),
    }];
    if !shown {
        let switch = switch_on(Feature::MissionBanner);
        lines.push(format!(
            "-# It is shown nowhere else: an operator can switch that on with {switch}"
        ));
    } else if let Some(problem) = problem {
        lines.push(format!("⚠️ {problem}"));
    }
    lines.join("\n")
}

fn there(mission: &Mission, personas: &Personas) -> String {
    let by = match mission.by.as_deref() {
        Some(by) => format!(", by {}", activity::who(Some(by), personas)),
        None => String::new(),
    };
    let at = mission.at.timestamp();
    format!(
        "{TITLE}\n> {}\n-# Since <t:{at}:R>{by}",
        words(mission, SHOWN)
    )
}

/// The mission is another now, or was this one already.
pub fn saved(changed: bool, shown: bool) -> String {
    let saved = if changed {
        "This is the mission now."
    } else {
        "This was the mission already."
    };
    if shown {
        return saved.to_owned();
    }
    let switch = switch_on(Feature::MissionBanner);
    format!("{saved} Nobody sees it in a channel: {switch} shows it.")
}

/// Somebody else was quicker. The form shows what is there now.
pub fn taken(there: &Mission, personas: &Personas, wanted: &str) -> Draft {
    let text = format!(
        "Somebody else has just written another mission, and yours is not saved. It is now:\n{}\n\
         Yours was:\n> {}\nUse `/mission set` again to write over it.",
        self::there(there, personas),
        quote::plain_line(wanted, SHOWN)
    );
    let edit = Button::new("Edit the new one…", Style::Secondary, &DocPress::Mission);
    Draft {
        components: vec![Row::Buttons(vec![edit])],
        ..Draft::text(text)
    }
}

/// The executor did not take it.
pub fn not_taken(why: &str) -> String {
    let why = quote::plain_line(why, 300);
    format!("The executor has not written the mission: {why}\nNothing has changed.")
}

/// Why a text is no mission.
pub fn refused(why: NoMission) -> String {
    match why {
        NoMission::Empty => "A mission needs words. Nothing has changed.".to_owned(),
        NoMission::TooLong(count) => format!(
            "A mission has {LONGEST} characters at most, and this one has {count}. Nothing has changed."
        ),
        NoMission::Placeholder => {
            "A mission cannot begin with `_`: agents and dashboards would read it as none. Nothing has \
             changed."
                .to_owned()
        }
    }
}

/// Nobody but an operator writes it.
pub fn not_an_operator() -> String {
    "Only operators write the mission, and you are not one of them. Nothing has changed.".to_owned()
}

/// Nothing is known without the database.
pub fn database_away() -> String {
    "The database cannot be reached in time. Try again when `#status` says that it is back; \
     `/mission show` then says what the mission is."
        .to_owned()
}

/// The bot may not pin.
pub fn cannot_pin() -> String {
    "The mission stands in `#activity` and is not pinned: the bot lacks the permission Pin Messages \
     there."
        .to_owned()
}

/// The channel has as many pins as Discord takes.
pub fn too_many_pins() -> String {
    "The mission stands in `#activity` and is not pinned: the channel has 250 pins, and Discord takes \
     no more. Unpin one."
        .to_owned()
}

/// The bot may not change the channel.
pub fn cannot_set_topic() -> String {
    "The topic of `#team-room` does not show the mission: the bot lacks the permission Manage Channels \
     there."
        .to_owned()
}
