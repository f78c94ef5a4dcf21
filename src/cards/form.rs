//! A form with several fields, some of them filled in already.

use serde::Serialize;
use serde::ser::Serializer;
use serde_json::{Value, json};

/// Discord's numbers for a row and a text input, and for inputs of one line and of several (source: its Components
/// Reference).
const ACTION_ROW: u8 = 1;
const TEXT_INPUT: u8 = 4;
const SHORT: u8 = 1;
const PARAGRAPH: u8 = 2;

/// A form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// Its title, at most 45 characters (source: Discord).
    pub title: &'static str,
    /// What comes back with the answer, within [`super::custom_id::LIMIT`].
    pub custom_id: String,
    /// From 1 to 5 (source: Discord).
    pub fields: Vec<Field>,
}

/// A text to fill in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Names it in the answer.
    pub name: &'static str,
    /// What is asked for, at most 45 characters (source: Discord).
    pub label: &'static str,
    /// What stands in it already, within `longest`.
    pub value: String,
    /// Longest text, at most 4,000 characters (source: Discord).
    pub longest: u16,
    /// Whether it has several lines.
    pub long: bool,
    /// Whether it must not be empty.
    pub required: bool,
}

impl Serialize for Form {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let row = |field: &Field| -> Value {
            let mut input = json!({
                "type": TEXT_INPUT,
                "style": if field.long { PARAGRAPH } else { SHORT },
                "custom_id": field.name,
                "label": field.label,
                "max_length": field.longest,
                "required": field.required,
            });
            if !field.value.is_empty() {
                input["value"] = field.value.clone().into();
            }
            json!({ "type": ACTION_ROW, "components": [input] })
        };
        json!({
            "title": self.title,
            "custom_id": self.custom_id,
            "components": self.fields.iter().map(row).collect::<Vec<_>>(),
        })
        .serialize(to)
    }
}
