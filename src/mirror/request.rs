//! The requests that make, change and remove views.

use std::borrow::Cow;

use axum::body::Bytes;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::cards::text::CONTENT_LIMIT;
use crate::cards::{Draft, Embed, Row, Upkeep, persona};
use crate::discord::layout::Layout;
use crate::discord::layout::threads::Forum;
use crate::discord::rest::{FilePart, Request, Route, WebhookKey};
use crate::model::rights::Permission;
use crate::model::view::{EntityKind, Surface, ViewAuthor, ViewKey};
use crate::model::{ChannelId, DiscordMessageId};

/// A message that makes no phone ring (source: Discord, message flags).
const SUPPRESS_NOTIFICATIONS: u64 = 1 << 12;

/// A thread leaves the list of its channel after so many minutes without a message: a week, Discord's
/// longest.
pub(super) const ARCHIVE_AFTER: u32 = 10_080;

/// MIME type of the files of cards.
const PLAIN_TEXT: &str = "text/plain; charset=utf-8";

#[derive(Default, Serialize)]
struct Body<'a> {
    content: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    embeds: Option<&'a [Embed]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    components: Option<&'a [Row]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attachments: Option<Vec<Attachment<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flags: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enforce_nonce: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_reference: Option<Reference>,
}

/// The message that another one replies to, if it is still there.
#[derive(Serialize)]
struct Reference {
    message_id: DiscordMessageId,
    fail_if_not_exists: bool,
}

/// A file of the same request, by its number there.
#[derive(Serialize)]
struct Attachment<'a> {
    id: usize,
    filename: &'a str,
}

/// What whoever sends a message can do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Means<'a> {
    /// Whether it says who speaks: nobody does it for it.
    names: bool,
    /// Where the bot's permissions are asked; nowhere for a webhook, and in private.
    place: Option<(&'a Layout, ChannelId)>,
}

impl<'a> Means<'a> {
    /// Those of a webhook.
    const WEBHOOK: Self = Self {
        names: false,
        place: None,
    };

    /// Those of the bot itself, for a view of this channel.
    pub(super) fn of_bot(layout: &'a Layout, key: &ViewKey, channel: ChannelId) -> Self {
        let public = !key.surface.is_private();
        Self {
            // With its own bot an agent has its own name; a later part follows the first one.
            names: public && key.part == 0,
            place: public.then_some((layout, channel)),
        }
    }

    fn may(self, what: Permission) -> bool {
        let place = self.place;
        place.is_none_or(|(layout, channel)| layout.may(channel, what))
    }

    /// As much of a draft as these means allow.
    pub(super) fn fit(self, draft: &Draft) -> &Draft {
        let instead = draft.instead.as_deref();
        let instead = instead.filter(|_| !self.may(Permission::AttachFiles));
        instead.unwrap_or(draft)
    }

    fn content(self, draft: &Draft) -> Cow<'_, str> {
        let spoken = draft.persona.as_ref().filter(|_| self.names);
        let named = spoken.map(|persona| persona::named(persona, &draft.content));
        let fits = |text: &String| text.chars().count() <= CONTENT_LIMIT;
        named
            .filter(fits)
            .map_or(Cow::Borrowed(&draft.content), Cow::Owned)
    }
}

impl<'a> Body<'a> {
    /// A new message: what it does not have need not be named.
    fn new(draft: &'a Draft, means: Means<'_>) -> Self {
        Self {
            content: means.content(draft),
            embeds: (means.may(Permission::EmbedLinks) && !draft.embeds.is_empty())
                .then_some(&draft.embeds),
            components: (!draft.components.is_empty()).then_some(&draft.components),
            attachments: (!draft.files.is_empty()).then(|| attachments(draft)),
            // Posted anew for its age alone, it is no news.
            flags: (draft.upkeep == Upkeep::Renewed || draft.silent)
                .then_some(SUPPRESS_NOTIFICATIONS),
            ..Self::default()
        }
    }

    /// A change: only what is named is cleared, and files that are named stay alone.
    fn change(draft: &'a Draft, means: Means<'_>, with_files: bool) -> Self {
        Self {
            content: means.content(draft),
            embeds: means.may(Permission::EmbedLinks).then_some(&draft.embeds),
            components: Some(&draft.components),
            attachments: with_files.then(|| attachments(draft)),
            ..Self::default()
        }
    }
}

fn attachments(draft: &Draft) -> Vec<Attachment<'_>> {
    let names = draft.files.iter().map(|file| file.name.as_str());
    names
        .enumerate()
        .map(|(id, filename)| Attachment { id, filename })
        .collect()
}

fn with_files(request: Request, draft: &Draft) -> Request {
    if draft.files.is_empty() {
        return request;
    }
    let files = draft.files.iter().map(|file| FilePart {
        name: file.name.clone(),
        content_type: Some(PLAIN_TEXT.to_owned()),
        data: Bytes::copy_from_slice(file.text.as_bytes()),
    });
    request.files(files.collect())
}

/// Makes a view; with it come the channel that it goes to and who will be its author. None where the layout has no
/// place for it.
pub(super) fn create(
    layout: &Layout,
    surface: &Surface,
    key: &ViewKey,
    draft: &Draft,
    row_version: &str,
) -> Option<(ChannelId, ViewAuthor, Request)> {
    let channel = layout.at(surface).filter(|_| layout.takes(surface))?;
    let means = Means::of_bot(layout, key, channel.id);
    if let (Surface::Tasks, Some(forum)) = (surface, layout.forum()) {
        return Some((
            channel.id,
            ViewAuthor::Bot,
            post(forum, channel.id, draft, means),
        ));
    }
    if let (Some(persona), Some(webhook)) = (&draft.persona, &channel.webhook) {
        let thread = thread_of(webhook, channel.id);
        let request = Request::new(Route::execute_webhook(webhook, thread)).json(&Body {
            username: Some(&persona.name),
            ..Body::new(draft, Means::WEBHOOK)
        });
        return Some((channel.id, ViewAuthor::Webhook, with_files(request, draft)));
    }
    let request = Request::new(Route::create_message(channel.id.get())).json(&Body {
        nonce: Some(nonce(key, row_version, channel.id)),
        enforce_nonce: Some(true),
        message_reference: draft
            .under
            .filter(|_| means.may(Permission::ReadMessageHistory))
            .map(|message_id| Reference {
                message_id,
                fail_if_not_exists: false,
            }),
        ..Body::new(draft, means)
    });
    Some((channel.id, ViewAuthor::Bot, with_files(request, draft)))
}

/// Starts a post in the forum of tasks, with its card as the first message.
fn post(forum: &Forum, channel: ChannelId, draft: &Draft, means: Means<'_>) -> Request {
    let opening = draft.thread.as_ref();
    let tag = opening.and_then(|opening| forum.tag(&opening.tag));
    let tags: Vec<String> = tag.iter().map(u64::to_string).collect();
    let request = Request::new(Route::create_forum_post(channel.get())).json(&json!({
        "name": opening.map_or("Task", |opening| &opening.name),
        "auto_archive_duration": ARCHIVE_AFTER,
        "applied_tags": tags,
        "message": Body::new(draft, means),
    }));
    with_files(request, draft)
}

/// The thread of a webhook's channel that a message goes to, if it goes to one.
fn thread_of(webhook: &WebhookKey, channel: ChannelId) -> Option<u64> {
    (webhook.channel() != channel.get()).then(|| channel.get())
}

/// Changes a message: as the webhook that wrote it, else as the bot. `sent` is the hash of what it says now: files that
/// it has already are not sent again. `means` are the bot's.
pub(super) fn edit(
    webhook: Option<&WebhookKey>,
    (channel, message): (ChannelId, DiscordMessageId),
    draft: &Draft,
    sent: Option<&[u8]>,
    means: Means<'_>,
) -> Request {
    let means = webhook.map_or(means, |_| Means::WEBHOOK);
    let route = match webhook {
        Some(webhook) => {
            Route::edit_webhook_message(webhook, message.get(), thread_of(webhook, channel))
        }
        None => Route::edit_message(channel.get(), message.get()),
    };
    let other_files = !draft.has_files_of(sent);
    let request = Request::new(route).json(&Body::change(draft, means, other_files));
    if other_files {
        with_files(request, draft)
    } else {
        request
    }
}

/// Removes a message: as the webhook that wrote it, else as the bot.
pub(super) fn delete(
    webhook: Option<&WebhookKey>,
    channel: ChannelId,
    message: DiscordMessageId,
) -> Request {
    Request::new(match webhook {
        Some(webhook) => {
            Route::delete_webhook_message(webhook, message.get(), thread_of(webhook, channel))
        }
        None => Route::delete_message(channel.get(), message.get()),
    })
}

/// At most 25 characters (source: Discord), the same for every try of one view and another for every other view:
/// Discord takes a nonce twice for one message, whatever the channel. Cards without a row of their own are called the same
/// in every project, and a project may move.
///
/// What is said under a delivery comes and goes with each try of that, within minutes.
fn nonce(key: &ViewKey, row_version: &str, channel: ChannelId) -> String {
    let mut hasher = Sha256::new();
    if key.entity.kind == EntityKind::Delivery {
        hasher.update(row_version);
    }
    hasher.update(key.entity.kind.as_str());
    hasher.update(key.entity.id.as_bytes());
    hasher.update(key.part.to_be_bytes());
    hasher.update(key.surface.to_string());
    hasher.update(channel.get().to_be_bytes());
    let digest = hasher.finalize();
    let mut number = [0; 16];
    number[4..].copy_from_slice(&digest[..12]);
    format!("{:024x}", u128::from_be_bytes(number))
}
