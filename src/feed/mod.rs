//! The change feed: the database's publication, told as [`FeedEvent`]s.
//!
//! ```text
//! publication ──▶ transport (one connection, reconnecting by itself) ──▶ FeedEvent ──▶ mirror
//! ```
//!
//! The feed is for speed, the sweep is for truth: a transport may lose its connection at any time,
//! says so, and says when it is back. It never holds back WAL on the server and installs nothing
//! there.
//!
//! - [`replication`]: logical replication through a temporary slot; [`session`] is one connection
//!   of it and [`pgoutput`] reads its messages.
//! - [`mod@check`]: looks at the server and says in words what stands in the way ([`problem`]).
//! - [`settings`]: where to connect, out of the database URL.

pub mod check;
pub mod pgoutput;
pub mod problem;
pub mod replication;
pub mod session;
pub mod settings;

pub use check::check;
pub use problem::FeedProblem;
pub use replication::{Replication, Stream};
pub use settings::ReplicationSettings;

pub use crate::model::change::{Change, FeedEvent, Op, RowKey, Snapshot, Table, Xid};

/// The publication that Supabase Realtime reads and that our migrations fill.
pub const PUBLICATION: &str = "supabase_realtime";

/// Which transport carries the changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FeedKind {
    /// Logical replication ([`replication`]).
    #[default]
    Replication,
    /// None: the sweep alone finds changes.
    Off,
}

impl std::str::FromStr for FeedKind {
    type Err = UnknownFeed;

    fn from_str(name: &str) -> Result<Self, UnknownFeed> {
        match name {
            "replication" => Ok(Self::Replication),
            "off" => Ok(Self::Off),
            other => Err(UnknownFeed(other.to_owned())),
        }
    }
}

/// The name is not that of a transport.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no change feed named {0:?}: use replication or off")]
pub struct UnknownFeed(String);
