//! Buttons, lists to choose from, and the form that asks for a text. Serialised they are what Discord takes.

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};
use serde_json::json;

use super::quote::shortened;
use crate::model::operators::Kind;

/// Longest label (source: Discord's Components Reference).
pub const LABEL_LIMIT: usize = 80;

/// Discord's numbers for kinds of components (source: its Components Reference).
const ACTION_ROW: u8 = 1;
const BUTTON: u8 = 2;
const STRING_SELECT: u8 = 3;
const TEXT_INPUT: u8 = 4;
const USER_SELECT: u8 = 5;
const ROLE_SELECT: u8 = 6;

/// Longest name of a choice (source: the same).
pub const CHOICE_LIMIT: usize = 100;

/// Most choices of a list (source: the same).
pub const MOST_CHOICES: usize = 25;

/// Most buttons side by side (source: the same).
pub const ROW_LIMIT: usize = 5;

/// A text input of several lines.
const PARAGRAPH: u8 = 2;

/// A row below a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// Up to [`ROW_LIMIT`] buttons side by side.
    Buttons(Vec<Button>),
    /// A list to choose one from, which fills its row.
    Select(Select),
    /// The same list to choose several from, or none.
    Several(Select),
    /// Discord's own list of people or roles, to choose several from, or none.
    Pick(Pick),
}

impl Row {
    /// Its buttons; none in a list.
    pub fn buttons(&self) -> &[Button] {
        match self {
            Self::Buttons(buttons) => buttons,
            Self::Select(_) | Self::Several(_) | Self::Pick(_) => &[],
        }
    }
}

/// A list to choose one from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Select {
    /// What comes back with the choice, within [`super::custom_id::LIMIT`].
    pub custom_id: String,
    /// What stands there while nothing is chosen, at most 150 characters (source: Discord).
    pub placeholder: String,
    /// From 1 to [`MOST_CHOICES`], no value twice.
    pub choices: Vec<Choice>,
}

/// A list of the people or the roles of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pick {
    /// Which of the two.
    pub kind: Kind,
    /// What comes back with the choice, within [`super::custom_id::LIMIT`].
    pub custom_id: String,
    /// What stands there while nobody is chosen, at most 150 characters (source: Discord).
    pub placeholder: String,
    /// Who is chosen now, at most [`MOST_CHOICES`].
    pub chosen: Vec<u64>,
}

/// One of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What is read, from 1 to [`CHOICE_LIMIT`] characters.
    pub label: String,
    /// What comes back, the same.
    pub value: String,
    /// Whether it is what holds now.
    pub chosen: bool,
}

/// A button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Button {
    /// What stands on it.
    pub label: String,
    /// Its colour.
    pub style: Style,
    /// What comes back when it is pressed, within [`super::custom_id::LIMIT`].
    pub custom_id: String,
    /// Whether it can be pressed.
    pub enabled: bool,
}

/// The colour of a button.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Grey.
    Secondary = 2,
    /// Green.
    Success = 3,
    /// Red.
    Danger = 4,
}

impl Button {
    /// A button that can be pressed.
    pub fn new(label: &str, style: Style, press: &impl ToString) -> Self {
        Self {
            label: shortened(label, LABEL_LIMIT).into_owned(),
            style,
            custom_id: press.to_string(),
            enabled: true,
        }
    }

    /// The same button, for pressing only where that makes sense.
    #[must_use]
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }
}

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut row = to.serialize_struct("Row", 2)?;
        row.serialize_field("type", &ACTION_ROW)?;
        match self {
            Self::Buttons(buttons) => row.serialize_field("components", buttons)?,
            Self::Select(select) => row.serialize_field("components", &[select])?,
            Self::Several(select) => {
                let mut list = json!(select);
                list["min_values"] = 0.into();
                list["max_values"] = select.choices.len().into();
                row.serialize_field("components", &[list])?;
            }
            Self::Pick(pick) => row.serialize_field("components", &[pick])?,
        }
        row.end()
    }
}

impl Serialize for Select {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let choice =
            |it: &Choice| json!({ "label": it.label, "value": it.value, "default": it.chosen });
        let choices: Vec<_> = self.choices.iter().map(choice).collect();
        json!({
            "type": STRING_SELECT,
            "custom_id": self.custom_id,
            "placeholder": self.placeholder,
            "options": choices,
        })
        .serialize(to)
    }
}

impl Serialize for Pick {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let word = self.kind.as_str();
        let chosen = self.chosen.iter().take(MOST_CHOICES);
        let chosen: Vec<_> = chosen
            .map(|id| json!({ "id": id.to_string(), "type": word }))
            .collect();
        json!({
            "type": match self.kind {
                Kind::User => USER_SELECT,
                Kind::Role => ROLE_SELECT,
            },
            "custom_id": self.custom_id,
            "placeholder": self.placeholder,
            "default_values": chosen,
            "min_values": 0,
            "max_values": MOST_CHOICES,
        })
        .serialize(to)
    }
}

impl Serialize for Button {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut button = to.serialize_struct("Button", 5)?;
        button.serialize_field("type", &BUTTON)?;
        button.serialize_field("style", &(self.style as u8))?;
        button.serialize_field("label", &self.label)?;
        button.serialize_field("custom_id", &self.custom_id)?;
        button.serialize_field("disabled", &!self.enabled)?;
        button.end()
    }
}

/// A form with one text to fill in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Modal {
    /// Its title, at most 45 characters (source: Discord).
    pub title: &'static str,
    /// What comes back with the answer, within [`super::custom_id::LIMIT`].
    pub custom_id: String,
    /// What is asked for, at most 45 characters (source: Discord).
    pub label: &'static str,
    /// What stands in the empty field, at most 100 characters (source: Discord).
    pub placeholder: &'static str,
    /// Longest answer, at most 4,000 characters (source: Discord).
    pub longest: u16,
}

impl Modal {
    /// Names the text in the answer.
    pub const INPUT: &'static str = "text";
}

impl Serialize for Modal {
    /// As rows with a text input, which Discord still takes beside the newer labels: serenity reads
    /// answers of no other form.
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        json!({
            "title": self.title,
            "custom_id": self.custom_id,
            "components": [{ "type": ACTION_ROW, "components": [{
                "type": TEXT_INPUT,
                "style": PARAGRAPH,
                "custom_id": Self::INPUT,
                "label": self.label,
                "placeholder": self.placeholder,
                "min_length": 1,
                "max_length": self.longest,
                "required": true,
            }] }],
        })
        .serialize(to)
    }
}
