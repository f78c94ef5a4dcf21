//! What a line gives to the spool: messages while the database is away, and what became of them.

use super::Listener;
use crate::discord::inbound::line::Entry;
use crate::discord::inbound::words::Why;
use crate::operations::say::Tried;
use crate::spool::{Excess, Held, Kept, Offer};

impl Listener {
    /// What has changed of what the spool keeps, is kept so. Nobody waits for it but those behind.
    async fn amend(&mut self) {
        let amended = self.line.iter().filter(|entry| entry.amended);
        let changed: Vec<Held> = amended.filter_map(Entry::held).cloned().collect();
        if changed.is_empty() && self.line.deleted.is_empty() {
            return;
        }
        if self.spool.amend(&changed, &self.line.deleted).await {
            self.line.deleted.clear();
            self.line.retain(|entry| {
                entry.amended = false;
                true
            });
        }
    }

    /// While the database is away, whatever is in line goes to the spool.
    pub(super) async fn keep(&mut self) {
        self.amend().await;
        if self.is_away() {
            self.hold().await;
        }
    }

    /// The line ends here. What is in it goes on from the disk, with whoever listens next.
    pub(super) async fn leave(mut self) {
        self.amend().await;
        self.hold().await;
    }

    async fn hold(&mut self) {
        let on_its_way = self.trying_since.is_some();
        let unkept = self.line.iter().enumerate().filter(|(_, it)| !it.kept);
        let offers: Vec<Offer> = unkept
            .filter_map(|(at, entry)| {
                // It may be a row already, and we have not heard.
                let perhaps = entry.tried != Tried::Never || (at == 0 && on_its_way);
                let excess = match (&entry.read_back, perhaps) {
                    (Some(_), _) => Excess::Wait,
                    (None, true) => Excess::Keep,
                    (None, false) => Excess::Refuse,
                };
                let held = entry.held()?.clone();
                Some(Offer { held, excess })
            })
            .collect();
        if offers.is_empty() {
            return;
        }
        let channel = self.channel;
        let mut kept = self.spool.hold(offers).await.into_iter();
        let mut refused = Vec::new();
        self.line.retain(|entry| {
            let Some((user, message)) = entry.held().map(|held| (held.user, held.message)) else {
                return true;
            };
            if entry.kept {
                return true;
            }
            match kept.next() {
                Some(Kept::Yes) => {
                    entry.kept = true;
                    // The reader may go on.
                    entry.read_back = None;
                    self.receipts.held(channel, message, user);
                    true
                }
                Some(Kept::Refused) => {
                    self.receipts.refused(channel, message, user);
                    refused.push((user, message));
                    false
                }
                Some(Kept::NotNow) | None => true,
            }
        });
        for (user, message) in refused {
            tracing::warn!(%message, %user, "message {message} is not kept: there is no room for it");
            self.words.tell(Why::NotKept, user, message);
        }
    }
}
