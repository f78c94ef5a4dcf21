//! The webhooks that speak for personas: found where they are ours, made where they are missing.

use std::collections::HashMap;

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

use super::{AUDIT_REASON, Builder, Layout};
use crate::discord::lanes::Class;
use crate::discord::rest::{Request, RestError, Route, WebhookKey};
use crate::model::rights::Permission;
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
    /// The webhooks of the server; none where the bot may not manage them.
    pub(super) async fn own_webhooks(&self) -> Result<Option<Vec<ExistingWebhook>>, RestError> {
        match self.get(Route::guild_webhooks(self.guild.get())).await {
            Ok(webhooks) => Ok(Some(webhooks)),
            Err(error) if error.status() == Some(403) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives every channel in which agents speak its webhook, as far as the bot may.
    pub(super) async fn attach_webhooks(
        &self,
        layout: &mut Layout,
        webhooks: Option<Vec<ExistingWebhook>>,
    ) -> Result<(), RestError> {
        // Who cannot see which there are would make another one at each look.
        let Some(webhooks) = webhooks else {
            return Ok(());
        };
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
            channel.webhook = match ours.remove(&channel.id) {
                Some(webhook) => Some(webhook),
                None if !layout.rights.may_in(channel.id, Permission::ManageWebhooks) => None,
                None => match self.create_webhook(channel.id).await {
                    Ok(webhook) => Some(webhook),
                    Err(error) if error.status() == Some(403) => None,
                    Err(error) => return Err(error),
                },
            };
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
