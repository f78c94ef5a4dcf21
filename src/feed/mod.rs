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
//! There are two transports, and what both do when a connection ends is in [`reconnect`]:
//!
//! - [`replication`]: logical replication through a temporary slot; [`session`] is one connection
//!   of it and [`pgoutput`] reads its messages.
//! - [`websocket`]: Supabase Realtime's Phoenix protocol.
//!
//! Besides:
//!
//! - [`mod@check`]: looks at the server and says in words what stands in the way ([`problem`]).
//! - [`settings`]: where to connect, out of the database URL.

pub mod check;
pub mod pgoutput;
pub mod problem;
pub mod reconnect;
pub mod replication;
pub mod session;
pub mod settings;
pub mod websocket;

pub use check::{check, check_visibility};
pub use problem::FeedProblem;
pub use reconnect::{Observer, Stream};
pub use replication::Replication;
pub use settings::ReplicationSettings;
pub use websocket::{Websocket, WebsocketSettings};

pub use crate::model::change::{Change, FeedEvent, Op, PUBLICATION, RowKey, Snapshot, Table, Xid};
