//! The webhooks that speak for personas: found where they are ours, made where they are missing.

use std::collections::HashMap;

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

use super::{AUDIT_REASON, Builder, Layout};
use crate::discord::lanes::Class;
use crate::discord::rest::{Request, RestError, Route, WebhookKey};
use crate::model::{ApplicationId, ChannelId, WebhookId};

/// The name of our webhooks where people manage them; messages carry a persona's name.
const WEBHOOK_NAME: &str = "ClawdOS Mission Control";

#[derive(Deserialize)]
pub(super) struct ExistingWebhook {
    id: WebhookId,
    channel_id: Option<ChannelId>,
    application_id: Option<ApplicationId>,
    token: Option<SecretString>,
}

impl Builder {
    /// Gives every channel in which agents speak its webhook.
    pub(super) async fn attach_webhooks(
        &self,
        layout: &mut Layout,
        webhooks: Vec<ExistingWebhook>,
    ) -> Result<(), RestError> {
        let mut ours: HashMap<ChannelId, WebhookKey> = HashMap::new();
        for webhook in webhooks {
            if webhook.application_id == Some(self.application)
                && let (Some(channel), Some(token)) = (webhook.channel_id, webhook.token)
            {
                let key = WebhookKey::new(webhook.id.get(), channel.get(), token);
                ours.entry(channel).or_insert(key);
            }
        }
        let speaking = layout
            .channels
            .iter_mut()
            .filter(|(surface, _)| surface.has_personas());
        for (_, channel) in speaking {
            let webhook = match ours.remove(&channel.id) {
                Some(webhook) => webhook,
                None => self.create_webhook(channel.id).await?,
            };
            channel.webhook = Some(webhook);
        }
        for channel in layout.asleep.values_mut() {
            channel.webhook = ours.remove(&channel.id);
        }
        Ok(())
    }

    async fn create_webhook(&self, channel: ChannelId) -> Result<WebhookKey, RestError> {
        #[derive(Deserialize)]
        struct Created {
            id: WebhookId,
            token: SecretString,
        }
        let request = Request::new(Route::create_webhook(channel.get()))
            .json(&json!({ "name": WEBHOOK_NAME }))
            .audit_reason(AUDIT_REASON);
        let made: Created = self
            .lanes
            .submit(Class::Interactive, request)
            .await
            .json()
            .into_result()?;
        Ok(WebhookKey::new(made.id.get(), channel.get(), made.token))
    }
}
