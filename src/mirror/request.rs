//! The requests that make, change and remove views.

use serde::Serialize;

use crate::cards::Draft;
use crate::discord::layout::Layout;
use crate::discord::rest::{Request, Route, WebhookKey};
use crate::model::view::{Surface, ViewAuthor, ViewKey};
use crate::model::{ChannelId, DiscordMessageId};

#[derive(Default, Serialize)]
struct Body<'a> {
    content: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enforce_nonce: Option<bool>,
}

/// Makes a view; with it come the channel that it goes to and who will be its author. None where the layout has no
/// place for it.
pub(super) fn create(
    layout: &Layout,
    surface: &Surface,
    key: &ViewKey,
    draft: &Draft,
) -> Option<(ChannelId, ViewAuthor, Request)> {
    let channel = layout.channel(surface)?;
    let content = draft.content.as_str();
    if let (Some(persona), Some(webhook)) = (&draft.persona, &channel.webhook) {
        let request = Request::new(Route::execute_webhook(webhook, None)).json(&Body {
            content,
            username: Some(&persona.name),
            ..Body::default()
        });
        return Some((channel.id, ViewAuthor::Webhook, request));
    }
    let request = Request::new(Route::create_message(channel.id.get())).json(&Body {
        content,
        nonce: Some(nonce(key)),
        enforce_nonce: Some(true),
        ..Body::default()
    });
    Some((channel.id, ViewAuthor::Bot, request))
}

/// Changes a message: as the webhook that wrote it, else as the bot.
pub(super) fn edit(
    webhook: Option<&WebhookKey>,
    channel: ChannelId,
    message: DiscordMessageId,
    draft: &Draft,
) -> Request {
    let route = match webhook {
        Some(webhook) => Route::edit_webhook_message(webhook, message.get(), None),
        None => Route::edit_message(channel.get(), message.get()),
    };
    Request::new(route).json(&Body {
        content: &draft.content,
        ..Body::default()
    })
}

/// Removes a message: as the webhook that wrote it, else as the bot.
pub(super) fn delete(
    webhook: Option<&WebhookKey>,
    channel: ChannelId,
    message: DiscordMessageId,
) -> Request {
    Request::new(match webhook {
        Some(webhook) => Route::delete_webhook_message(webhook, message.get(), None),
        None => Route::delete_message(channel.get(), message.get()),
    })
}

/// At most 25 characters (source: Discord), the same for every try of one view.
fn nonce(key: &ViewKey) -> String {
    let id = key.entity.id.as_u128();
    let folded = (id >> 64) ^ (id & u128::from(u64::MAX));
    format!("{folded:016x}-{:x}", key.part)
}
