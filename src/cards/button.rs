//! Buttons, and the form that asks for a reason. Serialised they are what Discord takes.

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};
use serde_json::json;

use super::quote::shortened;

/// Longest label (source: Discord's Components Reference).
pub const LABEL_LIMIT: usize = 80;

/// Discord's numbers for kinds of components (source: its Components Reference).
const ACTION_ROW: u8 = 1;
const BUTTON: u8 = 2;
const TEXT_INPUT: u8 = 4;

/// A text input of several lines.
const PARAGRAPH: u8 = 2;

/// Up to five buttons side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row(pub Vec<Button>);

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
        row.serialize_field("components", &self.0)?;
        row.end()
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
