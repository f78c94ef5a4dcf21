//! After a crash: what may have been on its way is looked for in Discord, never guessed.

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use super::read_back::{Channels, adopt};
use super::render::Renderer;
use crate::cards::{Draft, Mark};
use crate::model::view::{Entity, EntityKind, View, ViewKey};
use crate::model::{ChannelId, DiscordMessageId};
use crate::store::kept::Kept;
use crate::store::ledger::{Settled, SettledAs};

/// Settles every view that was begun, never confirmed, and is not in our hands: found in its
/// channel it is sent, else it is missing and the sweep makes it anew. Returns how many were found
/// and how many were not.
///
/// Not only at the start: a statement of a bridge that was killed while it waited for a lock is
/// carried out by Postgres all the same, after its successor has looked.
pub async fn recover(
    channels: &Channels,
    renderer: &Renderer,
    in_hand: impl Fn(Entity) -> bool,
) -> anyhow::Result<(usize, usize)> {
    let mut open = channels.store.unsettled_views().await?;
    open.retain(|view| !in_hand(view.key.entity));
    if open.is_empty() {
        return Ok((0, 0));
    }
    let drafts = drafts(channels, renderer, &open).await?;
    let mut by_channel: BTreeMap<ChannelId, Vec<View>> = BTreeMap::new();
    for view in open {
        by_channel.entry(view.channel).or_default().push(view);
    }
    let forum = renderer.forum();
    let (mut found_count, mut lost_count) = (0, 0);
    for (channel, views) in by_channel {
        // One channel that cannot be read must not hold up the others; the next sweep asks again.
        let settled = match settle_channel(channels, (channel, forum), views, &drafts).await {
            Ok(settled) => settled,
            Err(error) => {
                tracing::warn!(%channel, %error, "cannot read channel {channel} back: {error}");
                continue;
            }
        };
        let sent = settled
            .iter()
            .filter(|one| matches!(one.result, SettledAs::Sent { .. }))
            .count();
        found_count += sent;
        lost_count += settled.len() - sent;
        channels.store.settle_views(&settled).await?;
    }
    Ok((found_count, lost_count))
}

/// What each open view was to say, as the row is now: oldest row first, as they were sent.
async fn drafts(
    channels: &Channels,
    renderer: &Renderer,
    open: &[View],
) -> anyhow::Result<HashMap<ViewKey, (usize, Draft)>> {
    let mut ids: HashMap<EntityKind, Vec<Uuid>> = HashMap::new();
    for view in open {
        let entity = view.key.entity;
        let ids = ids.entry(entity.kind).or_default();
        if !ids.contains(&entity.id) {
            ids.push(entity.id);
        }
    }
    let mut drafts = HashMap::new();
    let mut on = Kept::new(&channels.store);
    for (kind, ids) in ids {
        let look = renderer.load(&channels.store, &mut on, kind, &ids).await?;
        for (order, loaded) in look.rows.into_iter().enumerate() {
            for wanted in loaded.wanted {
                for (part, draft) in (0_i16..).zip(wanted.drafts) {
                    let key = ViewKey {
                        entity: loaded.entity,
                        surface: wanted.surface.clone(),
                        part,
                    };
                    drafts.insert(key, (order, draft));
                }
            }
        }
    }
    Ok(drafts)
}

/// Where a message that was found is: a post of a forum is a channel of its own.
pub(super) fn place(
    channel: ChannelId,
    forum: Option<ChannelId>,
    message: DiscordMessageId,
) -> ChannelId {
    let post = ChannelId::new(message.get()).filter(|_| forum == Some(channel));
    post.unwrap_or(channel)
}

async fn settle_channel(
    channels: &Channels,
    (channel, forum): (ChannelId, Option<ChannelId>),
    mut views: Vec<View>,
    drafts: &HashMap<ViewKey, (usize, Draft)>,
) -> anyhow::Result<Vec<Settled>> {
    let since = views.iter().map(|view| view.since).min();
    let found = match since {
        Some(since) if forum == Some(channel) => channels.unclaimed_posts(channel, since).await,
        Some(since) => channels.unclaimed(channel, since).await,
        None => Ok(Vec::new()),
    };
    let found = match found {
        Ok(found) => found,
        // A channel that is gone has no messages; anything else has to be asked again.
        Err(error) => match error.downcast_ref::<crate::discord::rest::RestError>() {
            Some(rest) if rest.status() == Some(404) => Vec::new(),
            _ => return Err(error),
        },
    };
    views.sort_by_key(|view| {
        let order = drafts.get(&view.key);
        let order = order.map_or(usize::MAX, |(order, _)| *order);
        (order, view.key.part)
    });
    let wanted: Vec<Mark<'_>> = views
        .iter()
        .map(|view| drafts.get(&view.key))
        .map(|draft| draft.map_or(Mark::Whole(""), |(_, draft)| draft.mark()))
        .collect();
    let adopted = adopt(&wanted, &found);
    Ok(views
        .into_iter()
        .zip(adopted)
        .map(|(view, message)| {
            let result = match message {
                Some(message) => SettledAs::Sent {
                    channel: place(channel, forum, message),
                    message,
                    hash: view.hash.unwrap_or_default(),
                    row_version: view.row_version.unwrap_or_default(),
                    author: view.author,
                },
                None => SettledAs::Missing,
            };
            Settled {
                key: view.key,
                result,
            }
        })
        .collect())
}
