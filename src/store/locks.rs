//! Advisory locks of one session: they tell work that is being done from work whose executor died.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};
use sqlx::{ConnectOptions, Connection, PgConnection};
use tokio::sync::Mutex;

use super::{Result, Store};

/// A client of which nothing is heard for a minute is gone. On a Unix socket this says nothing.
const KEEPALIVES: &str = "SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; \
                          SET tcp_keepalives_count = 3";

/// Names one lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LockKey(i64);

impl LockKey {
    /// Advisory locks are numbers that the whole database shares; a hash keeps ours apart from
    /// others'.
    pub(super) fn of(parts: &[&[u8]]) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update(part);
        }
        let mut key = [0; 8];
        key.copy_from_slice(&hasher.finalize()[..8]);
        Self(i64::from_be_bytes(key))
    }

    /// As Postgres takes it.
    pub(super) const fn number(self) -> i64 {
        self.0
    }
}

/// The locks of what this process works on. They hang on one connection and fall with it, so that
/// whoever looks can tell. A pooler that shares sessions between clients breaks that promise; then
/// only the age of the work tells.
#[derive(Debug)]
pub struct SessionLocks {
    store: Store,
    session: Mutex<Session>,
}

#[derive(Debug, Default)]
struct Session {
    connection: Option<PgConnection>,
    held: BTreeSet<LockKey>,
}

impl SessionLocks {
    /// No lock held; the connection is made with the first one.
    pub fn new(store: Store) -> Self {
        Self {
            store,
            session: Mutex::default(),
        }
    }

    /// Takes a lock. False when somebody has it: here or in another executor.
    pub async fn take(&self, key: LockKey) -> Result<bool> {
        let mut session = self.session.lock().await;
        if session.held.contains(&key) || !session.try_lock(&self.store, key).await? {
            return Ok(false);
        }
        session.held.insert(key);
        Ok(true)
    }

    /// Makes sure of a lock of ours, which may have fallen with its connection. False when somebody has
    /// it by now; then it is ours no more.
    pub(super) async fn renew(&self, key: LockKey) -> Result<bool> {
        let mut session = self.session.lock().await;
        if let Some(connection) = session.connection.as_mut()
            && holds(connection, key).await.unwrap_or(false)
        {
            return Ok(true);
        }
        drop(session);
        self.release(key).await;
        self.take(key).await
    }

    /// Gives it back. When the connection is gone, so is the lock.
    pub async fn release(&self, key: LockKey) {
        let mut session = self.session.lock().await;
        session.held.remove(&key);
        let Some(connection) = session.connection.as_mut() else {
            return;
        };
        let unlocked = sqlx::query("SELECT pg_advisory_unlock($1)")
            .bind(key.0)
            .execute(connection)
            .await;
        if unlocked.is_err() {
            session.connection = None;
        }
    }
}

impl Session {
    async fn try_lock(&mut self, store: &Store, key: LockKey) -> Result<bool> {
        if let Some(connection) = self.connection.as_mut()
            && connection.ping().await.is_err()
        {
            self.connection = None;
        }
        if let Some(connection) = self.connection.as_mut() {
            return try_advisory_lock(connection, key).await;
        }
        let mut fresh = store.pool.connect_options().connect().await?;
        // A server that keeps the locks of a connection that broke unseen keeps everybody waiting.
        sqlx::raw_sql(KEEPALIVES).execute(&mut fresh).await?;
        // The locks of the work that still goes on fell with the old connection.
        for held in &self.held {
            try_advisory_lock(&mut fresh, *held).await?;
        }
        try_advisory_lock(self.connection.insert(fresh), key).await
    }
}

/// Whether this session has a lock.
async fn holds(connection: &mut PgConnection, key: LockKey) -> Result<bool> {
    Ok(sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
                          AND pid = pg_backend_pid() AND (classid::int8 << 32 | objid::int8) = $1)",
    )
    .bind(key.0)
    .fetch_one(connection)
    .await?)
}

async fn try_advisory_lock(connection: &mut PgConnection, key: LockKey) -> Result<bool> {
    Ok(sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
        .bind(key.0)
        .fetch_one(connection)
        .await?)
}
