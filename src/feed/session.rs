//! One connection of the feed: login, a look at the server, a temporary slot, the stream.
//!
//! Everything happens on one session, so what was looked at is the server that then streams. The
//! slot belongs to the session and is gone with it: nothing to clean up, no WAL held back for us.

use std::time::Duration;

use pgwire_replication::{PgWireError, ReplicationClient, ReplicationConfig, ReplicationEvent};
use tokio::time::timeout;

use super::{problem::FeedProblem, settings::ReplicationSettings};

/// How long the server may take to accept a connection and answer a first question.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// How long a slot may take: it waits for every transaction that is open when it is asked for. The
/// server gives up by itself, so that an abandoned attempt does not stay behind.
const SLOT_LIMIT: Duration = Duration::from_mins(5);

/// What the server is asked to keep to on this session: it asks whether we live after half of this
/// in silence. (Its default is a minute; a dead line should not go unnoticed for that long.)
const SERVER_TIMEOUT: Duration = Duration::from_secs(20);

/// Silence after which the line is dead: the server's keepalives come at least every 20 s, see
/// [`SERVER_TIMEOUT`] and [`STATUS_INTERVAL`].
const SILENCE_LIMIT: Duration = Duration::from_secs(45);

/// How often the position is acknowledged while there is traffic; keepalives are answered at once.
const STATUS_INTERVAL: Duration = Duration::from_secs(10);

/// An unasked status would keep the server from sending the keepalives that prove the line alive:
/// never send one.
const NO_IDLE_STATUS: Duration = Duration::from_hours(24);

/// Messages between the socket and the decoder. Rows can be large, so few: beyond these the socket
/// waits.
const BUFFERED_MESSAGES: usize = 64;

/// Largest message that is read. A bigger row costs a new connection and a sweep instead of the
/// memory.
const MESSAGE_LIMIT: usize = 64 << 20;

/// An open session. Dropping it closes the connection, which drops the slot.
pub struct Session {
    client: ReplicationClient,
    user: String,
    publication: String,
}

impl Session {
    /// Connects and streams from the current position.
    pub async fn open(settings: &ReplicationSettings) -> Result<Self, FeedProblem> {
        let slot = slot_name();
        let mut session = Self::connect(settings, &slot).await?;
        session.prepare().await?;
        session.create_slot(&slot).await?;
        match timeout(CONNECT_LIMIT, session.start()).await {
            Ok(started) => started.map_err(|error| session.problem(&error))?,
            Err(_) => return Err(FeedProblem::Silent(CONNECT_LIMIT.as_secs())),
        }
        Ok(session)
    }

    /// Whether a session can be opened at all: the replication protocol answers at the other end.
    pub(super) async fn probe(settings: &ReplicationSettings) -> Result<(), FeedProblem> {
        let mut session = Self::connect(settings, &slot_name()).await?;
        let answer = timeout(CONNECT_LIMIT, session.client.identify_system()).await;
        match answer {
            Ok(answer) => answer.map(drop).map_err(|error| session.problem(&error)),
            Err(_) => Err(no_answer()),
        }
    }

    /// The next event of the stream.
    pub async fn next(&mut self) -> Result<ReplicationEvent, FeedProblem> {
        match timeout(SILENCE_LIMIT, self.client.recv()).await {
            Ok(Ok(Some(event))) => Ok(event),
            Ok(Ok(None)) => Err(FeedProblem::Unreachable(
                "the server ended the stream".to_owned(),
            )),
            Ok(Err(error)) => Err(self.problem(&error)),
            Err(_) => Err(FeedProblem::Silent(SILENCE_LIMIT.as_secs())),
        }
    }

    /// Tells the server that everything up to here was read. Cheap: sent every ten seconds at most.
    pub fn acknowledge(&self, position: pgwire_replication::Lsn) {
        self.client.update_applied_lsn(position);
    }

    async fn connect(settings: &ReplicationSettings, slot: &str) -> Result<Self, FeedProblem> {
        let config: ReplicationConfig = settings
            .connection(slot)?
            .with_application_name("clawdos-bridge feed")
            .with_status_interval(STATUS_INTERVAL)
            .with_wakeup_interval(NO_IDLE_STATUS)
            .with_buffer_size(BUFFERED_MESSAGES)
            .with_max_message_size(MESSAGE_LIMIT);
        let (user, publication) = (config.user.clone(), settings.publication.clone());
        match ReplicationClient::connect_gated(config).await {
            Ok(client) => Ok(Self {
                client,
                user,
                publication,
            }),
            Err(error) => Err(FeedProblem::from_connection(&error, &user, &publication)),
        }
    }

    /// Sets the session's limits and looks at what a slot cannot tell: a missing publication shows
    /// only when the first change is sent.
    async fn prepare(&mut self) -> Result<(), FeedProblem> {
        let sql = format!(
            "SET wal_sender_timeout = {}; SET statement_timeout = {}; \
             SELECT current_setting('wal_level'), \
                    EXISTS (SELECT FROM pg_publication WHERE pubname = '{}')",
            SERVER_TIMEOUT.as_millis(),
            SLOT_LIMIT.as_millis(),
            self.publication.replace('\'', "''"),
        );
        let rows = match timeout(CONNECT_LIMIT, self.client.simple_query(&sql)).await {
            Ok(rows) => rows.map_err(|error| self.problem(&error))?,
            Err(_) => return Err(no_answer()),
        };
        let column = |position: usize| rows.last()?.get(position)?.as_deref();
        if column(0) != Some(b"logical") {
            let found = String::from_utf8_lossy(column(0).unwrap_or(b"unknown"));
            return Err(FeedProblem::WalLevel(found.into_owned()));
        }
        if column(1) != Some(b"t") {
            return Err(FeedProblem::NoPublication(self.publication.clone()));
        }
        // If we go while the slot waits, the server should notice. (Windows servers cannot.)
        let notice = self
            .client
            .simple_query("SET client_connection_check_interval = '5s'");
        match timeout(CONNECT_LIMIT, notice).await {
            Ok(Ok(_) | Err(PgWireError::Server(_))) => Ok(()),
            Ok(Err(error)) => Err(self.problem(&error)),
            Err(_) => Err(no_answer()),
        }
    }

    /// The SQL function and not the replication command: it keeps to `statement_timeout`.
    async fn create_slot(&mut self, slot: &str) -> Result<(), FeedProblem> {
        let sql = format!("SELECT pg_create_logical_replication_slot('{slot}', 'pgoutput', true)");
        match timeout(SLOT_LIMIT + CONNECT_LIMIT, self.client.simple_query(&sql)).await {
            Ok(Ok(_)) => Ok(()),
            // query_canceled: the statement time-out.
            Ok(Err(PgWireError::Server(text))) if text.contains("57014") => {
                Err(FeedProblem::OpenTransactions(SLOT_LIMIT.as_secs()))
            }
            Ok(Err(error)) => Err(self.problem(&error)),
            Err(_) => Err(FeedProblem::Silent(SLOT_LIMIT.as_secs())),
        }
    }

    async fn start(&mut self) -> Result<(), PgWireError> {
        self.client.start().await?;
        self.client.wait_started().await
    }

    fn problem(&self, error: &PgWireError) -> FeedProblem {
        FeedProblem::from_connection(error, &self.user, &self.publication)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // The connection lives in a task of its own, which would otherwise see a long wait through.
        self.client.abort();
    }
}

fn no_answer() -> FeedProblem {
    FeedProblem::Unreachable(format!(
        "no answer within {} seconds",
        CONNECT_LIMIT.as_secs()
    ))
}

/// Unique on the server: two bridges on one machine, and the old connection of one that reconnects,
/// do not meet.
fn slot_name() -> String {
    format!(
        "clawdos_bridge_{}_{:08x}",
        std::process::id(),
        rand::random::<u32>()
    )
}
