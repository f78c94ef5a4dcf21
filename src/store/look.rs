//! How the mirror looks at rows: as they are now, with their views.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use uuid::Uuid;

use super::kept::Kept;
use super::ledger::ViewRow;
use super::{Result, Store, readable};
use crate::model::change::Snapshot;
use crate::model::message::{Author, ChatMessage, Quoted};
use crate::model::proposal::{ACTION_PROPOSAL, TASK_PROPOSAL};
use crate::model::thread::Place;
use crate::model::view::{Entity, EntityKind, View};
use crate::model::{ChannelId, DiscordMessageId, MessageId, ThreadId};

/// A row as it is now, with its version and everything Discord shows of it.
#[derive(Debug)]
pub struct Loaded<T> {
    /// Which row.
    pub entity: Entity,
    /// The row and its version (`xmin`); none when it is gone.
    pub row: Option<(T, String)>,
    /// Its views.
    pub views: Vec<View>,
}

/// What a look has found, and what it could see.
pub type Looked<T> = (Option<Sight>, Vec<Loaded<T>>);

/// What a look at the database could see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// The transactions.
    pub snapshot: Option<Snapshot>,
    /// The server, by its last start. Another one may have forgotten what the ledger was told last.
    pub server: ServerStart,
}

/// When the database server was started, in microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerStart(i64);

impl ServerStart {
    /// From its column.
    pub(super) fn at(microseconds: i64) -> Self {
        Self(microseconds)
    }
}

#[derive(FromRow)]
struct LoadedRow {
    snapshot: String,
    server: i64,
    wanted_id: Uuid,
    id: Option<Uuid>,
    version: Option<String>,
    thread_id: Option<Uuid>,
    title: Option<String>,
    author: Option<String>,
    author_name: Option<String>,
    target_agent_key: Option<String>,
    message: Option<String>,
    message_type: Option<String>,
    deleted: Option<bool>,
    at: Option<DateTime<Utc>>,
    #[sqlx(flatten)]
    quoted: OptionalQuote,
    #[sqlx(flatten)]
    view: OptionalView,
}

/// The message that another one answers, and its places as `surface channel message` lines.
#[derive(FromRow)]
struct OptionalQuote {
    #[sqlx(rename = "quoted_id")]
    id: Option<Uuid>,
    #[sqlx(rename = "quoted_author")]
    author: Option<String>,
    #[sqlx(rename = "quoted_name")]
    name: Option<String>,
    #[sqlx(rename = "quoted_text")]
    text: Option<String>,
    #[sqlx(rename = "quoted_at")]
    at: Option<String>,
}

impl OptionalQuote {
    fn take(&mut self) -> Option<Quoted> {
        let author = Author::parse(&self.author.take()?);
        let places = self.at.take().unwrap_or_default();
        let place = |line: &str| {
            let mut words = line.split(' ');
            let surface = words.next()?.parse().ok()?;
            let channel = ChannelId::from_i64(words.next()?.parse().ok()?)?;
            let message = DiscordMessageId::from_i64(words.next()?.parse().ok()?)?;
            Some((surface, channel, message))
        };
        Some(Quoted {
            id: MessageId(self.id?),
            author,
            author_name: self.name.take(),
            text: self.text.take()?,
            at: places.lines().filter_map(place).collect(),
        })
    }
}

#[derive(FromRow)]
pub(super) struct OptionalView {
    surface: Option<String>,
    part: Option<i16>,
    channel_id: Option<i64>,
    message_id: Option<i64>,
    author_kind: Option<String>,
    hash: Option<Vec<u8>>,
    row_xmin: Option<String>,
    state: Option<String>,
    updated_at: Option<DateTime<Utc>>,
}

impl OptionalView {
    fn into_view(self, entity: Entity) -> Option<Result<View>> {
        let row = ViewRow {
            kind: entity.kind.as_str().to_owned(),
            entity_id: entity.id.to_string(),
            surface: self.surface?,
            part: self.part?,
            channel_id: self.channel_id?,
            message_id: self.message_id,
            author_kind: self.author_kind,
            hash: self.hash,
            row_xmin: self.row_xmin,
            state: self.state?,
            updated_at: self.updated_at?,
        };
        Some(View::try_from(row))
    }
}

impl LookRow for LoadedRow {
    type Read = ChatMessage;

    fn wanted(&self) -> Uuid {
        self.wanted_id
    }

    fn sight(&self) -> (&str, i64) {
        (&self.snapshot, self.server)
    }

    fn into_view(self) -> OptionalView {
        self.view
    }

    fn read(&mut self) -> Option<(ChatMessage, String)> {
        let id = MessageId(self.id?);
        let place = match (self.thread_id, self.title.as_deref()) {
            // A thread without a title is none of ours.
            (Some(_), None) => Place::Elsewhere,
            (_, title) => Place::from_title(title),
        };
        let message = ChatMessage {
            id,
            thread: self.thread_id.map(ThreadId),
            place,
            author: Author::parse(self.author.as_deref()?),
            author_name: self.author_name.take(),
            // A target that is no agent key cannot be an agent: shown without one.
            target: self
                .target_agent_key
                .take()
                .and_then(|key| key.parse().ok()),
            text: self.message.take()?,
            quotes: self.quoted.take(),
            is_deleted: self.deleted.unwrap_or(false),
            is_proposal: matches!(
                self.message_type.as_deref(),
                Some(TASK_PROPOSAL | ACTION_PROPOSAL)
            ),
            created_at: self.at?,
        };
        Some((message, self.version.take()?))
    }
}

/// SQL for the id of the message that a message `m` answers. Our executor says which; others do not,
/// and then it is the one that the agent was asked last, unless that has its answer (source:
/// `ClawdOS` links a reply to its question by nothing but thread, author and time).
macro_rules! quoted_id {
    () => {
        "SELECT CASE \
             WHEN m.metadata ->> 'reply_to' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' \
             THEN (m.metadata ->> 'reply_to')::uuid \
             WHEN m.author LIKE 'agent:%' THEN (\
                 SELECT d.message_id FROM (\
                     SELECT * FROM chat_delivery_queue b \
                     WHERE b.project_id = $1 AND b.target_agent_key = m.author \
                       AND b.picked_up_at <= m.created_at \
                       AND b.picked_up_at > m.created_at - interval '15 minutes' OFFSET 0) d \
                 JOIN LATERAL (SELECT a.thread_id FROM project_chat_messages a \
                               WHERE a.id = d.message_id OFFSET 0) k ON true \
                 WHERE (d.status <> 'failed' OR d.result ->> 'error' = 'stale_timeout' \
                        OR d.result ->> 'error' LIKE '%It may have been processed.') \
                   AND k.thread_id IS NOT DISTINCT FROM m.thread_id \
                   AND coalesce(d.result ->> 'reply_message_id' = m.id::text, NOT EXISTS (\
                       SELECT FROM project_chat_messages e \
                       WHERE e.project_id = $1 AND e.thread_id IS NOT DISTINCT FROM m.thread_id \
                         AND e.author = m.author AND e.created_at >= d.picked_up_at \
                         AND (e.created_at, e.id) < (m.created_at, m.id))) \
                 ORDER BY d.picked_up_at DESC LIMIT 1) END AS id OFFSET 0"
    };
}

/// SQL for the message with the id `z.id`, and where it stands.
macro_rules! quoted {
    () => {
        "SELECT q.id, q.author, q.metadata ->> 'author_name' AS name, left(q.message, 400) AS text, \
                (SELECT string_agg(l.surface || ' ' || l.channel_id || ' ' || l.message_id, E'\\n') \
                 FROM bridge.view l WHERE l.project_id = $1 AND l.kind = 'message' \
                   AND l.entity_id = q.id::text AND l.part = 0 AND l.message_id IS NOT NULL) AS at \
         FROM (SELECT * FROM project_chat_messages c WHERE c.id = z.id OFFSET 0) q \
         WHERE q.project_id = $1"
    };
}

/// Each id is looked up by itself: behind `OFFSET 0` the planner, who may know nothing of the tables
/// yet, cannot choose to read all rows of the project for a handful of ids (measured: 1.6 ms
/// instead of 0.1 ms at 400 rows, and growing).
const LOAD_MESSAGES: &str = concat!(
    "SELECT pg_current_snapshot()::text AS snapshot, \
            (extract(epoch FROM pg_postmaster_start_time()) * 1e6)::int8 AS server, \
            w.id AS wanted_id, m.id, m.version, m.thread_id, t.title, m.author, \
            CASE WHEN m.author NOT IN ('ui', 'dashboard') OR m.metadata->>'discord_user_id' IS NOT NULL \
                 THEN m.metadata->>'author_name' END AS author_name, m.target_agent_key, m.message, \
            m.message_type, m.metadata ?& '{deleted_at,discord_message_id}' AS deleted, ",
    readable!("m.created_at"),
    " AS at, o.id AS quoted_id, o.author AS quoted_author, o.name AS quoted_name, o.text AS quoted_text, \
            o.at AS quoted_at, v.surface, v.part, v.channel_id, v.message_id, v.author_kind, v.hash, \
            v.row_xmin, v.state, v.updated_at \
     FROM unnest($2::uuid[]) AS w(id) \
     LEFT JOIN LATERAL (SELECT c.*, c.xmin::text AS version FROM project_chat_messages c \
                        WHERE c.id = w.id OFFSET 0) m ON m.project_id = $1 \
     LEFT JOIN LATERAL (SELECT h.title FROM project_chat_threads h \
                        WHERE h.id = m.thread_id OFFSET 0) t ON true \
     LEFT JOIN LATERAL (",
    quoted_id!(),
    ") z ON true \
     LEFT JOIN LATERAL (",
    quoted!(),
    ") o ON true \
     LEFT JOIN LATERAL (SELECT * FROM bridge.view l \
                        WHERE l.entity_id = w.id::text AND l.kind = 'message' \
                          AND l.project_id = $1 OFFSET 0) v ON true \
     ORDER BY m.created_at, w.id, v.surface, v.part"
);

/// A row of a look: something, and one of its views.
pub(super) trait LookRow {
    /// What it is read into.
    type Read;

    /// The id that was asked for.
    fn wanted(&self) -> Uuid;

    /// The snapshot, and the server's start.
    fn sight(&self) -> (&str, i64);

    /// The thing itself and its version, taken out; none when it is gone.
    fn read(&mut self) -> Option<(Self::Read, String)>;

    /// The view.
    fn into_view(self) -> OptionalView;
}

/// Puts together what belongs together: a thing has a row for each of its views, one after the other.
pub(super) fn gather<R: LookRow>(kind: EntityKind, rows: Vec<R>) -> Result<Looked<R::Read>> {
    let sight = rows.first().map(|row| {
        let (snapshot, server) = row.sight();
        Sight {
            snapshot: snapshot.parse().ok(),
            server: ServerStart(server),
        }
    });
    let mut loaded: Vec<Loaded<R::Read>> = Vec::new();
    for mut row in rows {
        let entity = Entity {
            kind,
            id: row.wanted(),
        };
        if loaded.last().is_none_or(|last| last.entity != entity) {
            let found = row.read();
            loaded.push(Loaded {
                entity,
                row: found,
                views: Vec::new(),
            });
        }
        if let (Some(view), Some(last)) = (row.into_view().into_view(entity), loaded.last_mut()) {
            last.views.push(view?);
        }
    }
    Ok((sight, loaded))
}

impl Store {
    /// Chat messages with their views, oldest first, and what the look could see. An id without a
    /// row comes back without one.
    pub async fn load_messages(&self, on: &mut Kept, ids: &[Uuid]) -> Result<Looked<ChatMessage>> {
        let rows: Vec<LoadedRow> = sqlx::query_as(LOAD_MESSAGES)
            .bind(self.project().as_str())
            .bind(ids)
            .fetch_all(on.get().await?)
            .await?;
        gather(EntityKind::Message, rows)
    }

    /// Which server answers.
    pub async fn server_start(&self) -> Result<ServerStart> {
        let at = sqlx::query_scalar(
            "SELECT (extract(epoch FROM pg_postmaster_start_time()) * 1e6)::int8",
        )
        .fetch_one(self.pool())
        .await?;
        Ok(ServerStart(at))
    }
}
