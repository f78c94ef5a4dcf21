//! The framed part of a card, within Discord's limits by construction: what does not fit is not
//! taken, and whoever builds it is told.

use serde::Serialize;

use super::quote::{length, shortened};

/// Limits of one embed (source: Discord's Message page). Lengths are counted in UTF-16 units, which
/// are never fewer than whatever Discord counts.
pub const TITLE_LIMIT: usize = 256;
/// Longest description.
pub const DESCRIPTION_LIMIT: usize = 4096;
/// Most fields.
pub const FIELDS: usize = 25;
/// Longest name of a field.
pub const NAME_LIMIT: usize = 256;
/// Longest value of a field.
pub const VALUE_LIMIT: usize = 1024;
/// Longest text of all parts together.
pub const TOTAL_LIMIT: usize = 6000;

/// Room that fields leave for a description that is written last.
const DESCRIPTION_ROOM: usize = 400;

/// A framed text with a coloured edge. Serialised it is what Discord takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Embed {
    title: String,
    color: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    fields: Vec<Field>,
    footer: Footer,
}

/// A name and a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Field {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
    /// Whether it may stand beside others.
    pub inline: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Footer {
    text: String,
}

impl Embed {
    /// A frame with our own words above and below.
    pub fn new(title: &str, colour: u32, footer: &str) -> Self {
        Self {
            title: shortened(title, TITLE_LIMIT).into_owned(),
            color: colour,
            description: None,
            fields: Vec::new(),
            footer: Footer {
                text: shortened(footer, NAME_LIMIT).into_owned(),
            },
        }
    }

    /// The fields.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// How long the value of one more field of this name may be. A description of up to 400 always
    /// finds its place.
    pub fn room(&self, name: &str) -> usize {
        if self.fields.len() >= FIELDS || length(name) > NAME_LIMIT {
            return 0;
        }
        (TOTAL_LIMIT - DESCRIPTION_ROOM)
            .saturating_sub(self.size() + length(name))
            .min(VALUE_LIMIT)
    }

    /// One more field. False, and nothing is added, where there is no room for it.
    pub fn field(&mut self, name: &str, value: String, inline: bool) -> bool {
        let blank = name.trim().is_empty() || value.trim().is_empty();
        let fits = !blank && length(&value) <= self.room(name);
        if fits {
            self.fields.push(Field {
                name: name.to_owned(),
                value,
                inline,
            });
        }
        fits
    }

    /// The text below the title: our own words.
    pub fn describe(&mut self, text: &str) {
        let room = DESCRIPTION_ROOM.min(DESCRIPTION_LIMIT);
        self.description = (!text.is_empty()).then(|| shortened(text, room).into_owned());
    }

    fn size(&self) -> usize {
        let fields = self.fields.iter();
        let fields = fields.map(|field| length(&field.name) + length(&field.value));
        length(&self.title) + length(&self.footer.text) + fields.sum::<usize>()
    }
}
