//! What people read: pure rendering from the model to message drafts. Every text that a person
//! sees is made in this room, in one voice.

pub mod chat;
pub mod links;
pub mod mode;
pub mod persona;
pub mod status;
pub mod text;

use sha2::{Digest, Sha256};

pub use persona::{Persona, Personas};

/// One Discord message as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Under whose name; none is the bot itself.
    pub persona: Option<Persona>,
    /// The text, within [`text::CONTENT_LIMIT`].
    pub content: String,
}

impl Draft {
    /// What a draft says, in 16 bytes: equal hashes need no edit.
    pub fn hash(&self) -> Vec<u8> {
        let mut hasher = Sha256::new();
        if let Some(persona) = &self.persona {
            hasher.update(persona.name.as_bytes());
        }
        hasher.update([0]);
        hasher.update(self.content.as_bytes());
        hasher.finalize()[..16].to_vec()
    }
}
