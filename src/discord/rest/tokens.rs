//! The endpoints whose path holds a token: webhooks and interactions. The bot token is not sent to them.

use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};

use super::route::{Access, BodyRule, LaneKey, Route, percent_encode};

/// Write access to a channel under any name: a webhook's id, its channel and its token.
#[derive(Debug, Clone)]
pub struct WebhookKey {
    id: u64,
    channel: u64,
    token: SecretString,
}

impl WebhookKey {
    /// Of the webhook `id`, which posts to `channel` (the parent, for threads).
    pub fn new(id: u64, channel: u64, token: SecretString) -> Self {
        Self { id, channel, token }
    }

    /// The webhook's id.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The channel it posts to.
    pub fn channel(&self) -> u64 {
        self.channel
    }

    /// Its token.
    pub fn token(&self) -> &SecretString {
        &self.token
    }

    fn lane(&self) -> LaneKey {
        LaneKey::Webhook {
            id: self.id,
            channel: self.channel,
        }
    }

    fn route(&self, method: Method, template: &'static str, rest: &str) -> Route {
        let token = percent_encode(self.token.expose_secret());
        let path = format!("/webhooks/{}/{token}{rest}", self.id);
        Route::new(method, template, self.lane(), path)
            .with_access(Access::Open)
            .hiding(&token)
    }

    fn message(
        &self,
        method: Method,
        template: &'static str,
        message: u64,
        thread: Option<u64>,
    ) -> Route {
        let rest = match thread {
            None => format!("/messages/{message}"),
            Some(thread) => format!("/messages/{message}?thread_id={thread}"),
        };
        self.route(method, template, &rest)
    }
}

/// Template of the endpoint that the hidden limit per channel is about.
pub(crate) const EXECUTE_WEBHOOK: &str = "POST /webhooks/{webhook_id}/{webhook_token}";

/// Webhooks.
impl Route {
    /// Posts as a persona, into a thread of the channel if one is named, and waits for the message: without `wait`
    /// Discord reports neither the id nor that a message was not saved. The body becomes a message.
    pub fn execute_webhook(webhook: &WebhookKey, thread: Option<u64>) -> Self {
        let rest = match thread {
            None => "?wait=true".to_owned(),
            Some(thread) => format!("?wait=true&thread_id={thread}"),
        };
        webhook
            .route(Method::POST, EXECUTE_WEBHOOK, &rest)
            .with_rule(BodyRule::Message)
    }

    /// Reads a message of this webhook; `thread` if it is in one.
    pub fn get_webhook_message(webhook: &WebhookKey, message: u64, thread: Option<u64>) -> Self {
        const TEMPLATE: &str = "GET /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}";
        webhook.message(Method::GET, TEMPLATE, message, thread)
    }

    /// Changes a message of this webhook; `thread` if it is in one. The body becomes a message.
    pub fn edit_webhook_message(webhook: &WebhookKey, message: u64, thread: Option<u64>) -> Self {
        const TEMPLATE: &str = "PATCH /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}";
        webhook
            .message(Method::PATCH, TEMPLATE, message, thread)
            .with_rule(BodyRule::Message)
    }

    /// Deletes a message of this webhook; `thread` if it is in one.
    pub fn delete_webhook_message(webhook: &WebhookKey, message: u64, thread: Option<u64>) -> Self {
        const TEMPLATE: &str =
            "DELETE /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}";
        webhook.message(Method::DELETE, TEMPLATE, message, thread)
    }

    /// Reads a webhook by its own token; 10015 or 50027 when it is gone.
    pub fn get_webhook(webhook: &WebhookKey) -> Self {
        const TEMPLATE: &str = "GET /webhooks/{webhook_id}/{webhook_token}";
        webhook.route(Method::GET, TEMPLATE, "")
    }

    /// Changes a webhook as the bot, so that it may also be moved to another channel.
    pub fn modify_webhook(webhook: &WebhookKey) -> Self {
        bot_webhook(Method::PATCH, "PATCH /webhooks/{webhook_id}", webhook)
    }

    /// Deletes a webhook as the bot.
    pub fn delete_webhook(webhook: &WebhookKey) -> Self {
        bot_webhook(Method::DELETE, "DELETE /webhooks/{webhook_id}", webhook)
    }
}

fn bot_webhook(method: Method, template: &'static str, webhook: &WebhookKey) -> Route {
    let path = format!("/webhooks/{}", webhook.id);
    Route::new(method, template, webhook.lane(), path)
}

/// `path` is given the token as it may stand in a path.
fn interaction(
    method: Method,
    template: &'static str,
    token: &str,
    path: impl FnOnce(&str) -> String,
) -> Route {
    let encoded = percent_encode(token);
    Route::new(
        method,
        template,
        LaneKey::interaction(token),
        path(&encoded),
    )
    .with_access(Access::Interaction)
    .hiding(&encoded)
}

fn original(method: Method, template: &'static str, application: u64, token: &str) -> Route {
    interaction(method, template, token, |token| {
        format!("/webhooks/{application}/{token}/messages/@original")
    })
}

/// Interactions. Their tokens live 15 minutes.
impl Route {
    /// The first answer to an interaction, due within 3 seconds of the event.
    pub fn interaction_callback(interaction_id: u64, token: &str) -> Self {
        const TEMPLATE: &str = "POST /interactions/{interaction_id}/{interaction_token}/callback";
        interaction(Method::POST, TEMPLATE, token, |token| {
            format!("/interactions/{interaction_id}/{token}/callback")
        })
        .with_rule(BodyRule::Callback)
    }

    /// Reads the first answer.
    pub fn get_original(application_id: u64, token: &str) -> Self {
        const TEMPLATE: &str = "GET /webhooks/{webhook_id}/{webhook_token}/messages/@original";
        original(Method::GET, TEMPLATE, application_id, token)
    }

    /// Changes the first answer, or completes a deferred one. The body becomes a message.
    pub fn edit_original(application_id: u64, token: &str) -> Self {
        const TEMPLATE: &str = "PATCH /webhooks/{webhook_id}/{webhook_token}/messages/@original";
        original(Method::PATCH, TEMPLATE, application_id, token).with_rule(BodyRule::Message)
    }

    /// Deletes the first answer.
    pub fn delete_original(application_id: u64, token: &str) -> Self {
        const TEMPLATE: &str = "DELETE /webhooks/{webhook_id}/{webhook_token}/messages/@original";
        original(Method::DELETE, TEMPLATE, application_id, token)
    }

    /// A further answer. The body becomes a message.
    pub fn create_followup(application_id: u64, token: &str) -> Self {
        interaction(Method::POST, EXECUTE_WEBHOOK, token, |token| {
            format!("/webhooks/{application_id}/{token}?wait=true")
        })
        .with_rule(BodyRule::Message)
    }

    /// Changes a further answer. The body becomes a message.
    pub fn edit_followup(application_id: u64, token: &str, message: u64) -> Self {
        const TEMPLATE: &str = "PATCH /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}";
        interaction(Method::PATCH, TEMPLATE, token, |token| {
            format!("/webhooks/{application_id}/{token}/messages/{message}")
        })
        .with_rule(BodyRule::Message)
    }

    /// Deletes a further answer.
    pub fn delete_followup(application_id: u64, token: &str, message: u64) -> Self {
        const TEMPLATE: &str =
            "DELETE /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}";
        interaction(Method::DELETE, TEMPLATE, token, |token| {
            format!("/webhooks/{application_id}/{token}/messages/{message}")
        })
    }
}
