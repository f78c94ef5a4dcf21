//! After a crash of the database: the ledger is written without waiting for the disk, so the last
//! things that it was told may be gone. What they were about is in Discord.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Duration, Utc};

use super::Mirror;
use super::plan::{Action, plan};
use super::read_back::{Found, adopt};
use super::recover::place;
use super::written::new_view;
use crate::cards::{Draft, Upkeep};
use crate::discord::rest::RestError;
use crate::model::view::Entity;
use crate::model::{ChannelId, DiscordMessageId};
use crate::store::ledger::{NewView, Settled, SettledAs};
use crate::store::look::ServerStart;

/// How long before the last thing that the ledger knows the first one may have begun that it does
/// not know: transactions do not end in the order in which they begin.
const MARGIN: Duration = Duration::minutes(1);

impl Mirror {
    /// Makes sure that the ledger knows what was sent, when the server is another than before.
    /// Gives back whether it was.
    pub(super) async fn reclaim(&mut self, server: ServerStart) -> anyhow::Result<bool> {
        if self.server == Some(server) {
            return Ok(false);
        }
        // What was sent before its feature was switched off was sent.
        let layout = self.deps.layout.borrow().awake();
        let mut missing = self.find(&layout, i64::MAX).await?;
        if !missing.is_empty() || self.has_sent().await? {
            missing.extend([Entity::DIGEST, Entity::STATUS]);
            missing.extend(self.cards_of_activity().await?);
        }
        missing.retain(|entity| !self.under_way.contains_key(entity));
        missing.sort_by_key(|entity| entity.kind);
        if !missing.is_empty() {
            let found = self.claim(&missing).await?;
            if found > 0 {
                tracing::info!(
                    found,
                    "the ledger had forgotten {found} messages that had been sent"
                );
            }
        }
        self.server = Some(server);
        Ok(true)
    }

    /// Whether the ledger remembers anything that was sent.
    async fn has_sent(&self) -> crate::store::Result<bool> {
        let store = &self.deps.channels.store;
        let since = store.mirror_since(self.deps.reach.first_link).await?;
        Ok(store.last_word().await? > since)
    }

    /// Looks for what these rows should show among the messages that the ledger does not know.
    async fn claim(&mut self, missing: &[Entity]) -> anyhow::Result<usize> {
        let channels = self.deps.channels.clone();
        let since = channels.store.last_word().await? - MARGIN;
        let mut unclaimed: HashMap<ChannelId, Vec<Found>> = HashMap::new();
        let mut found = 0;
        for rows in missing.chunk_by(|a, b| a.kind == b.kind) {
            for rows in rows.chunks(super::BATCH) {
                for (channel, lost) in self.should_be_there(rows).await? {
                    let there = match unclaimed.entry(channel) {
                        Entry::Occupied(known) => known.into_mut(),
                        Entry::Vacant(new) => match self.unclaimed(channel, since).await {
                            Ok(there) => new.insert(there),
                            // A channel that is gone has no messages.
                            Err(error) if gone(&error) => new.insert(Vec::new()),
                            Err(error) => return Err(error),
                        },
                    };
                    found += self.adopt_lost(channel, &lost, there).await?;
                }
            }
        }
        Ok(found)
    }

    async fn unclaimed(
        &self,
        channel: ChannelId,
        since: DateTime<Utc>,
    ) -> anyhow::Result<Vec<Found>> {
        let channels = &self.deps.channels;
        if self.renderer.forum() == Some(channel) {
            return channels.unclaimed_posts(channel, since).await;
        }
        channels.unclaimed(channel, since).await
    }

    /// Writes down which of the messages that are there show which row.
    async fn adopt_lost(
        &mut self,
        channel: ChannelId,
        lost: &[(NewView, Draft)],
        there: &mut Vec<Found>,
    ) -> anyhow::Result<usize> {
        let marks: Vec<_> = lost.iter().map(|(_, draft)| draft.mark()).collect();
        let forum = self.renderer.forum();
        let (views, settled): (Vec<_>, Vec<_>) = lost
            .iter()
            .zip(adopt(&marks, there))
            .filter_map(|((view, draft), message)| {
                // A card is known by its first line: what else it says nobody knows, so it is to be
                // made right by the next look.
                let (hash, row_version) = match draft.upkeep {
                    Upkeep::Said => (view.hash.clone(), view.row_version.clone()),
                    Upkeep::Quoting(_) | Upkeep::Card | Upkeep::Counted(_) | Upkeep::Renewed => {
                        Default::default()
                    }
                };
                let message = message?;
                let result = SettledAs::Sent {
                    channel: place(channel, forum, message),
                    message,
                    hash,
                    row_version,
                    author: view.author,
                };
                let key = view.key.clone();
                Some((view.clone(), Settled { key, result }))
            })
            .unzip();
        let adopted: HashSet<_> = settled.iter().filter_map(message).collect();
        there.retain(|found| !adopted.contains(&found.id));
        // Begun first: whoever has begun one of them in the meantime keeps it.
        let store = &self.deps.channels.store;
        let begun = store.begin_views(&mut self.kept, &views).await?;
        let mut ours = settled;
        ours.retain(|one| begun.contains(&one.key));
        store.settle_views(&ours).await?;
        Ok(ours.len())
    }

    /// The messages that these rows need, by channel and in the order of sending.
    async fn should_be_there(
        &mut self,
        rows: &[Entity],
    ) -> anyhow::Result<BTreeMap<ChannelId, Vec<(NewView, Draft)>>> {
        let store = self.deps.channels.store.clone();
        let layout = self.deps.layout.borrow().awake();
        let mut by_channel: BTreeMap<ChannelId, Vec<_>> = BTreeMap::new();
        let Some(kind) = rows.first().map(|row| row.kind) else {
            return Ok(by_channel);
        };
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        let look = self
            .renderer
            .load(&store, &mut self.kept, kind, &ids)
            .await?;
        for row in look.rows {
            for action in plan(row.entity, row.wanted, row.views, Utc::now()) {
                if let (Some(view), Action::Create { draft, .. }) =
                    (new_view(&action, &layout), action)
                {
                    by_channel
                        .entry(view.channel)
                        .or_default()
                        .push((view, draft));
                }
            }
        }
        Ok(by_channel)
    }
}

fn message(settled: &Settled) -> Option<DiscordMessageId> {
    match settled.result {
        SettledAs::Sent { message, .. } => Some(message),
        _ => None,
    }
}

fn gone(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<RestError>()
        .is_some_and(|error| error.status() == Some(404))
}
