//! The data of one event, serialised once per distinct view instead of once per session.

use std::sync::Arc;

use serde_json::{Value, json};

/// What a viewer may not read in a message event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Hidden {
    /// The message's own content, embeds, attachments and components.
    pub message: bool,
    /// The same of the message it replies to.
    pub referenced: bool,
}

impl Hidden {
    fn index(self) -> usize {
        usize::from(self.message) | usize::from(self.referenced) << 1
    }
}

/// The lazily serialised views of an event's data.
pub(super) struct Payload<'a> {
    data: &'a Value,
    views: [Option<Arc<str>>; 4],
}

impl<'a> Payload<'a> {
    pub(super) fn new(data: &'a Value) -> Payload<'a> {
        Payload {
            data,
            views: [const { None }; 4],
        }
    }

    /// The serialised data with the hidden parts emptied.
    pub(super) fn view(&mut self, hidden: Hidden) -> Arc<str> {
        let view = &mut self.views[hidden.index()];
        view.get_or_insert_with(|| {
            if hidden == Hidden::default() {
                return Arc::from(self.data.to_string());
            }
            let mut data = self.data.clone();
            if hidden.message {
                strip(&mut data);
            }
            if hidden.referenced
                && let Some(referenced) = data.get_mut("referenced_message")
            {
                strip(referenced);
            }
            Arc::from(data.to_string())
        })
        .clone()
    }
}

/// Empties what the `MESSAGE_CONTENT` intent protects (Gateway, "Message Content Intent").
fn strip(message: &mut Value) {
    let Some(message) = message.as_object_mut() else {
        return;
    };
    if message.contains_key("content") {
        message.insert("content".into(), json!(""));
    }
    for list in ["embeds", "attachments", "components"] {
        if message.contains_key(list) {
            message.insert(list.into(), json!([]));
        }
    }
    message.remove("poll");
    message.remove("message_snapshots");
}
