//! Embeds and components of a message, kept as JSON text.
//!
//! Tens of thousands of messages lie in memory and few of them are looked at again; as text they take a
//! tenth of what a tree of maps takes.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

/// A list of JSON objects.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Parts(Option<Box<RawValue>>);

impl Parts {
    /// Whether there is nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The objects.
    pub(crate) fn list(&self) -> Vec<Value> {
        let text = self.0.as_ref().map(|raw| raw.get());
        text.and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default()
    }
}

impl From<Vec<Value>> for Parts {
    fn from(list: Vec<Value>) -> Self {
        if list.is_empty() {
            Self(None)
        } else {
            Self(to_raw_value(&list).ok())
        }
    }
}

impl PartialEq for Parts {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_ref().map(|raw| raw.get()) == other.0.as_ref().map(|raw| raw.get())
    }
}
