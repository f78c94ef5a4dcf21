//! What the change feed tells: which row of which table changed, never what is in it.
//!
//! A [`Change`] is a hint. Whoever gets one loads the row as it is now, so the order of two changes
//! of one row, or the same change told twice, makes no difference.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// The publication that Supabase Realtime reads and that our migrations fill.
pub const PUBLICATION: &str = "supabase_realtime";

/// One variant per published table, with its name in schema `public`.
macro_rules! tables {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// A table of schema `public` that the bridge or the dashboard subscribes to.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Table { $($(#[$doc])* $variant,)* }

        impl Table {
            /// Every table that has to be in the publication.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The table's name in schema `public`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }

        impl FromStr for Table {
            type Err = UnknownTable;

            fn from_str(name: &str) -> Result<Self, UnknownTable> {
                match name {
                    $($name => Ok(Self::$variant),)*
                    _ => Err(UnknownTable(name.to_owned())),
                }
            }
        }
    };
}

tables! {
    /// What happened, for people: the activity stream.
    Activities = "activities",
    /// Requests to set up a new agent.
    AgentProvisionRequests = "agent_provision_requests",
    /// Idle, working, blocked or sleeping, and the last heartbeat.
    AgentStatus = "agent_status",
    /// The agents of a project.
    Agents = "agents",
    /// Knowledge and missions, by agent.
    BrainDocs = "brain_docs",
    /// Deliveries of chat messages to agents.
    ChatDeliveryQueue = "chat_delivery_queue",
    /// Requests to create a scheduled job.
    CronCreateRequests = "cron_create_requests",
    /// Requests to delete a scheduled job.
    CronDeleteRequests = "cron_delete_requests",
    /// Requests to change a scheduled job.
    CronJobPatchRequests = "cron_job_patch_requests",
    /// The scheduled jobs as the executor last reported them.
    CronMirror = "cron_mirror",
    /// Requests to run a scheduled job now.
    CronRunRequests = "cron_run_requests",
    /// Messages of the Team Room and of direct threads.
    ProjectChatMessages = "project_chat_messages",
    /// The threads that messages belong to.
    ProjectChatThreads = "project_chat_threads",
    /// Settings of a project, labs flags among them.
    ProjectSettings = "project_settings",
    /// The skills as the executor last reported them.
    SkillsMirror = "skills_mirror",
    /// Comments on tasks.
    TaskComments = "task_comments",
    /// The timeline of tasks, proposals among its events.
    TaskEvents = "task_events",
    /// What tasks produced.
    TaskOutputs = "task_outputs",
    /// The tasks.
    Tasks = "tasks",
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The name is not that of a table the bridge subscribes to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the bridge does not subscribe to a table named {0}")]
pub struct UnknownTable(String);

/// What was done to the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    /// The row is new.
    Insert,
    /// The row was rewritten, perhaps with the same values.
    Update,
    /// The row is gone.
    Delete,
}

/// The primary key of a row, as Postgres prints it.
///
/// Nearly all keys are uuids: those take no allocation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RowKey {
    /// A key of type uuid.
    Uuid(Uuid),
    /// Any other key. Several columns are joined by [`RowKey::SEPARATOR`].
    Text(Box<str>),
}

impl RowKey {
    /// Stands between the columns of a composite key: the unit separator, which text people write
    /// does not contain.
    pub const SEPARATOR: char = '\u{1f}';

    /// The key, if it is a uuid.
    pub const fn as_uuid(&self) -> Option<Uuid> {
        match self {
            Self::Uuid(id) => Some(*id),
            Self::Text(_) => None,
        }
    }
}

impl From<&str> for RowKey {
    fn from(text: &str) -> Self {
        // A text key that only looks like a uuid (capitals, braces) has to come back exactly as it
        // was.
        let mut printed = Uuid::encode_buffer();
        match Uuid::try_parse(text) {
            Ok(id) if id.hyphenated().encode_lower(&mut printed) == text => Self::Uuid(id),
            _ => Self::Text(text.into()),
        }
    }
}

impl From<Uuid> for RowKey {
    fn from(id: Uuid) -> Self {
        Self::Uuid(id)
    }
}

impl fmt::Display for RowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uuid(id) => id.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// One row changed in a committed transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The table of the row.
    pub table: Table,
    /// What was done to it.
    pub op: Op,
    /// Which row.
    pub key: RowKey,
    /// When the transaction was committed, by the database's clock. `None` where the transport does
    /// not tell.
    pub commit_at: Option<DateTime<Utc>>,
    /// The transaction. Whoever loads the row has to see it ([`Snapshot::sees`]): Postgres tells a
    /// commit to replication a moment before others see its rows. `None` where the transport does
    /// not tell.
    pub xid: Option<Xid>,
}

/// A transaction, by the 32 bits that the replication stream and `xmin` show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Xid(pub u32);

/// Which transactions a query sees: what `SELECT pg_current_snapshot()::text` says in that query, as
/// in `1000:1005:1000,1003`.
///
/// Measured: on a busy machine one event in 150 came before its row could be seen, up to 23 ms
/// early. A row that is loaded in such a moment is missing or old, and only the next sweep would
/// notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The oldest transaction still in progress.
    oldest: u64,
    /// The first transaction not yet begun.
    next: u64,
    in_progress: Vec<u64>,
}

impl Snapshot {
    /// Whether what a committed transaction did is visible. `false` means: load the row again in a
    /// millisecond.
    pub fn sees(&self, xid: Xid) -> bool {
        let xid = self.full(xid);
        xid < self.oldest || (xid < self.next && !self.in_progress.contains(&xid))
    }

    /// The 64-bit number whose lower half is `xid`: the one within two thousand million of now.
    const fn full(&self, xid: Xid) -> u64 {
        const ROUND: u64 = 1 << 32;
        let same_round = self.next - self.next % ROUND + xid.0 as u64;
        if same_round > self.next + ROUND / 2 {
            same_round.saturating_sub(ROUND)
        } else if same_round + ROUND / 2 < self.next {
            same_round + ROUND
        } else {
            same_round
        }
    }
}

impl FromStr for Snapshot {
    type Err = UnreadableSnapshot;

    fn from_str(text: &str) -> Result<Self, UnreadableSnapshot> {
        let read = || {
            let mut parts = text.split(':');
            let (oldest, next, list) = (parts.next()?, parts.next()?, parts.next()?);
            let in_progress = list
                .split(',')
                .filter(|xid| !xid.is_empty())
                .map(str::parse);
            Some(Self {
                oldest: oldest.parse().ok()?,
                next: next.parse().ok()?,
                in_progress: in_progress.collect::<Result<_, _>>().ok()?,
            })
        };
        read().ok_or_else(|| UnreadableSnapshot(text.to_owned()))
    }
}

/// The text is not what `pg_current_snapshot()` prints.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no snapshot as pg_current_snapshot() prints it")]
pub struct UnreadableSnapshot(String);

/// What the feed tells its reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedEvent {
    /// The stream (re)connected. Everything committed from now on will be told; what was committed
    /// before, perhaps while nobody listened, only a sweep finds. The reader must sweep now.
    Connected,
    /// The watched changes of one transaction in the order they were made. A very large transaction
    /// comes in several of these, one after the other. Never empty.
    Changes(Vec<Change>),
    /// Rows changed that the feed cannot name (a TRUNCATE, a message that could not be read). The
    /// reader must sweep.
    Sweep {
        /// What happened, as a sentence.
        reason: String,
    },
    /// The stream is down. It reconnects by itself; until [`FeedEvent::Connected`] only sweeps find
    /// changes. Told again when the reason changes.
    Disconnected {
        /// Why, as a sentence that names the fix where there is one.
        reason: String,
    },
}
