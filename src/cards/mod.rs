//! What people read: pure rendering from the model to message drafts. Every text that a person
//! sees is made in this room, in one voice.

pub mod answers;
pub mod archive;
pub mod ask;
pub mod bots;
pub mod button;
pub mod chat;
mod colour;
pub mod custom_id;
pub mod delivery;
pub mod digest;
pub mod draft;
pub mod embed;
pub mod files;
pub mod flood;
pub mod form;
pub mod gap;
pub mod labs;
pub mod links;
pub mod mode;
pub mod outage;
pub mod persona;
pub mod private;
pub mod proposal;
pub mod quote;
pub mod schedule;
pub mod status;
pub mod switches;
pub mod task;
pub mod task_answers;
pub mod task_controls;
pub mod task_press;
pub mod text;
pub mod timeline;
pub mod verdict;

pub use button::{Button, Choice, Modal, Row, Select, Style};
pub use draft::{Draft, File, Mark, Opening, Upkeep};
pub use embed::Embed;
pub use persona::{Persona, Personas};
