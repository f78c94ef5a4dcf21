//! Webhooks.

use std::borrow::Cow;

use serde_json::json;

use super::journal::Record;
use super::{State, Webhook};

impl State {
    /// Adds or changes a webhook and tells the channel's viewers that something changed.
    pub(crate) fn put_webhook(&mut self, webhook: Webhook) {
        self.record(&Record::Webhook(Cow::Borrowed(&webhook)));
        let before = self.webhooks.get(&webhook.id).map(|old| old.channel);
        let channel = webhook.channel;
        self.webhooks.insert(webhook.id, webhook);
        if let Some(before) = before.filter(|before| *before != channel) {
            self.webhooks_changed(before);
        }
        self.webhooks_changed(channel);
    }

    /// Deletes a webhook; its messages stay.
    pub(crate) fn remove_webhook(&mut self, id: u64) -> Option<Webhook> {
        let gone = self.webhooks.remove(&id)?;
        self.record(&Record::WebhookGone(id));
        self.webhooks_changed(gone.channel);
        Some(gone)
    }

    fn webhooks_changed(&mut self, channel: u64) {
        let data = json!({
            "guild_id": self.guild_text(channel),
            "channel_id": channel.to_string(),
        });
        self.emit_in(channel, "WEBHOOKS_UPDATE", data);
    }
}
