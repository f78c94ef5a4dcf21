//! The state of the whole system at one moment: what the card in `#status` tells.

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use super::AgentKey;
use super::bots::Bots;
use super::labs::Labs;
use super::mode::State;
use super::realtime::{FeedState, Gap};
use super::rights::Limits;

/// An agent, and when somebody last heard of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentSeen {
    /// Its key.
    pub key: AgentKey,
    /// The name people call it by.
    pub name: String,
    /// One emoji that stands for it.
    pub emoji: Option<String>,
    /// What it says it is doing: idle, working, blocked, sleeping.
    pub state: Option<String>,
    /// Its last activity or heartbeat, whichever is later.
    pub seen: Option<DateTime<Utc>>,
}

/// What the database knows of the state of the system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Deliveries that wait for somebody to take them.
    pub queued: i64,
    /// Since when the oldest of them waits.
    pub oldest_queued: Option<DateTime<Utc>>,
    /// Deliveries that were given up before anybody took them, and will be armed again when the
    /// executor comes back. They wait as well, as long as it is away.
    pub promised: i64,
    /// Since when the oldest of those waits.
    pub oldest_promised: Option<DateTime<Utc>>,
    /// Deliveries that somebody works on.
    pub in_work: i64,
    /// Proposals that wait for a decision.
    pub open_approvals: i64,
    /// Since when the oldest of them waits.
    pub oldest_approval: Option<DateTime<Utc>>,
    /// The agents, oldest first.
    pub agents: Vec<AgentSeen>,
    /// Tables whose changes are not announced.
    pub gaps: Vec<Gap>,
    /// Which features are on.
    pub labs: Labs,
}

/// How full the spool is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Level {
    /// Messages of people that were accepted and are not written to the database yet.
    pub held: usize,
    /// Why nothing can be kept, while that is so. Shown to whoever asks.
    pub trouble: Option<String>,
}

/// What only the running bridge knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vitals {
    /// The mode.
    pub mode: State,
    /// The change feed.
    pub feed: FeedState,
    /// What is held on disk until the database is back.
    pub spool: Level,
    /// The agents' own bots.
    pub bots: Bots,
    /// What the bot may not do in its server.
    pub limits: Limits,
}

/// Where a running bridge's vitals are read.
#[derive(Debug, Clone)]
pub struct Dials {
    /// The mode.
    pub mode: watch::Receiver<State>,
    /// The change feed.
    pub feed: watch::Receiver<FeedState>,
    /// What is held on disk.
    pub spool: watch::Receiver<Level>,
    /// The agents' own bots.
    pub bots: watch::Receiver<Bots>,
}

impl Dials {
    /// What they show now, beside what the layout knows: what the bot may not do.
    pub fn read(&self, limits: Limits) -> Vitals {
        Vitals {
            mode: self.mode.borrow().clone(),
            feed: self.feed.borrow().clone(),
            spool: self.spool.borrow().clone(),
            bots: self.bots.borrow().clone(),
            limits,
        }
    }

    /// Returns when one of them has changed. Whose source is gone changes no more.
    pub async fn changed(&mut self) {
        tokio::select! {
            () = moved(&mut self.mode) => {}
            () = moved(&mut self.feed) => {}
            () = moved(&mut self.spool) => {}
            () = moved(&mut self.bots) => {}
        }
    }
}

async fn moved<T>(dial: &mut watch::Receiver<T>) {
    if dial.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}
