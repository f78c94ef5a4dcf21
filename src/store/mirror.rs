//! What the mirror reads: rows together with their views, and what the sweep finds.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use uuid::Uuid;

use super::kept::Kept;
use super::ledger::ViewRow;
use super::{Result, Store, StoreError, readable};
use crate::model::change::Snapshot;
use crate::model::message::{Author, ChatMessage};
use crate::model::mode::Mode;
use crate::model::thread::Place;
use crate::model::view::{Entity, EntityKind, View};
use crate::model::{MessageId, ThreadId};

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

/// A change of the mode, as `bridge.mode_log` keeps it.
#[derive(Debug, Clone)]
pub struct ModeChange {
    /// The mode since then.
    pub mode: Mode,
    /// Why, as a sentence.
    pub reason: String,
    /// Since when.
    pub since: DateTime<Utc>,
}

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

#[derive(FromRow)]
struct LoadedRow {
    snapshot: String,
    server: i64,
    wanted_id: Uuid,
    id: Option<Uuid>,
    xmin: Option<String>,
    thread_id: Option<Uuid>,
    title: Option<String>,
    author: Option<String>,
    author_name: Option<String>,
    target_agent_key: Option<String>,
    message: Option<String>,
    at: Option<DateTime<Utc>>,
    #[sqlx(flatten)]
    view: OptionalView,
}

#[derive(FromRow)]
struct OptionalView {
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

impl LoadedRow {
    fn chat_message(&mut self) -> Option<(ChatMessage, String)> {
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
            created_at: self.at?,
        };
        Some((message, self.xmin.take()?))
    }
}

/// Each id is looked up by itself: behind `OFFSET 0` the planner, who may know nothing of the tables
/// yet, cannot choose to read all rows of the project for a handful of ids (measured: 1.6 ms
/// instead of 0.1 ms at 400 rows, and growing).
const LOAD_MESSAGES: &str = concat!(
    "SELECT pg_current_snapshot()::text AS snapshot, \
            (extract(epoch FROM pg_postmaster_start_time()) * 1e6)::int8 AS server, w.id AS wanted_id, m.id, m.xmin::text AS xmin, \
            m.thread_id, t.title, m.author, m.metadata->>'author_name' AS author_name, \
            m.target_agent_key, m.message, ",
    readable!("m.created_at"),
    " AS at, v.surface, v.part, v.channel_id, v.message_id, v.author_kind, v.hash, v.row_xmin, \
            v.state, v.updated_at \
     FROM unnest($2::uuid[]) AS w(id) \
     LEFT JOIN LATERAL (SELECT c.*, c.xmin FROM project_chat_messages c \
                        WHERE c.id = w.id OFFSET 0) m ON m.project_id = $1 \
     LEFT JOIN LATERAL (SELECT h.title FROM project_chat_threads h \
                        WHERE h.id = m.thread_id OFFSET 0) t ON true \
     LEFT JOIN LATERAL (SELECT * FROM bridge.view l \
                        WHERE l.entity_id = w.id::text AND l.kind = 'message' \
                          AND l.project_id = $1 OFFSET 0) v ON true \
     ORDER BY m.created_at, w.id, v.surface, v.part"
);

impl Store {
    /// Chat messages with their views, oldest first, and what the look could see. An id without a
    /// row comes back without one.
    pub async fn load_messages(
        &self,
        on: &mut Kept,
        ids: &[Uuid],
    ) -> Result<(Option<Sight>, Vec<Loaded<ChatMessage>>)> {
        let rows: Vec<LoadedRow> = sqlx::query_as(LOAD_MESSAGES)
            .bind(self.project().as_str())
            .bind(ids)
            .fetch_all(on.get().await?)
            .await?;
        let sight = rows.first().map(|row| Sight {
            snapshot: row.snapshot.parse().ok(),
            server: ServerStart(row.server),
        });
        let mut loaded: Vec<Loaded<ChatMessage>> = Vec::with_capacity(ids.len());
        for mut row in rows {
            let entity = Entity {
                kind: EntityKind::Message,
                id: row.wanted_id,
            };
            if loaded.last().is_none_or(|last| last.entity != entity) {
                let found = row.chat_message();
                loaded.push(Loaded {
                    entity,
                    row: found,
                    views: Vec::new(),
                });
            }
            if let (Some(view), Some(last)) = (row.view.into_view(entity), loaded.last_mut()) {
                last.views.push(view?);
            }
        }
        Ok((sight, loaded))
    }

    /// Rows of the chat since `floor` that Discord does not show as they are: never shown, changed
    /// since, or gone while their view is still there. At most `limit`, oldest first.
    pub async fn sweep_messages(&self, floor: DateTime<Utc>, limit: i64) -> Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar(
            "(SELECT m.id FROM project_chat_messages m \
              LEFT JOIN project_chat_threads t ON t.id = m.thread_id \
              LEFT JOIN bridge.view v ON v.project_id = $1 AND v.kind = 'message' \
                AND v.entity_id = m.id::text \
              WHERE m.project_id = $1 AND m.created_at >= $2 \
                AND (m.thread_id IS NULL OR t.title = 'General' OR t.title LIKE 'DM:%') \
                AND (v.entity_id IS NULL OR (v.author_kind <> 'person' \
                     AND v.state IN ('sent', 'failed') AND v.row_xmin IS DISTINCT FROM m.xmin::text)) \
              GROUP BY m.id ORDER BY m.created_at, m.id LIMIT $3) \
             UNION ALL \
             (SELECT DISTINCT v.entity_id::uuid FROM bridge.view v \
              LEFT JOIN project_chat_messages m ON m.id = v.entity_id::uuid \
              WHERE v.project_id = $1 AND v.kind = 'message' AND v.created_at >= $2 \
                AND v.state = 'sent' AND m.id IS NULL LIMIT $3)",
        )
        .bind(self.project().as_str())
        .bind(floor)
        .bind(limit)
        .fetch_all(self.pool())
        .await?;
        Ok(ids)
    }

    /// Since when rows are mirrored. The first call for a project decides: what is older than
    /// `first_link` before it stays where it is.
    pub async fn mirror_since(&self, first_link: chrono::Duration) -> Result<DateTime<Utc>> {
        let since = sqlx::query_scalar(
            "INSERT INTO bridge.link (project_id, mirror_since) VALUES ($1, now() - $2 * interval '1 second') \
             ON CONFLICT (project_id) DO UPDATE SET project_id = excluded.project_id \
             RETURNING mirror_since",
        )
        .bind(self.project().as_str())
        .bind(first_link.num_seconds())
        .fetch_one(self.pool())
        .await?;
        Ok(since)
    }

    /// When the ledger was told something last; where it knows nothing, since when rows are
    /// mirrored.
    pub async fn last_word(&self) -> Result<DateTime<Utc>> {
        let at = sqlx::query_scalar(
            "SELECT greatest(l.mirror_since, (SELECT max(v.updated_at) FROM bridge.view v \
                                              WHERE v.project_id = $1)) \
             FROM bridge.link l WHERE l.project_id = $1",
        )
        .bind(self.project().as_str())
        .fetch_one(self.pool())
        .await?;
        Ok(at)
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

    /// Writes down a change of the mode and gives back its entity.
    pub async fn log_mode(&self, change: &ModeChange) -> Result<Entity> {
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO bridge.mode_log (project_id, mode, reason, since) \
             VALUES ($1, $2, $3, $4) RETURNING id",
        )
        .bind(self.project().as_str())
        .bind(change.mode.as_str())
        .bind(&change.reason)
        .bind(change.since)
        .fetch_one(self.pool())
        .await?;
        Ok(mode_entity(id))
    }

    /// The last change of the mode that was written down.
    pub async fn last_mode(&self) -> Result<Option<ModeChange>> {
        let row: Option<(String, String, DateTime<Utc>)> = sqlx::query_as(
            "SELECT mode, coalesce(reason, ''), since FROM bridge.mode_log \
             WHERE project_id = $1 ORDER BY id DESC LIMIT 1",
        )
        .bind(self.project().as_str())
        .fetch_optional(self.pool())
        .await?;
        row.map(|row| mode_change("last", row)).transpose()
    }

    /// Changes of the mode with their views.
    pub async fn load_modes(&self, ids: &[Uuid]) -> Result<Vec<Loaded<ModeChange>>> {
        let numbers: Vec<i64> = ids.iter().filter_map(mode_number).collect();
        let rows: Vec<(i64, String, String, DateTime<Utc>)> = sqlx::query_as(
            "SELECT id, mode, coalesce(reason, ''), since FROM bridge.mode_log \
             WHERE project_id = $1 AND id = ANY($2) ORDER BY id",
        )
        .bind(self.project().as_str())
        .bind(&numbers)
        .fetch_all(self.pool())
        .await?;
        let mut views = self.views(EntityKind::Mode, ids).await?;
        rows.into_iter()
            .map(|(id, mode, reason, since)| {
                let entity = mode_entity(id);
                let change = mode_change(id, (mode, reason, since))?;
                Ok(Loaded {
                    entity,
                    // A change of the mode is written once and never edited.
                    row: Some((change, String::new())),
                    views: views.extract_if(.., |v| v.key.entity == entity).collect(),
                })
            })
            .collect()
    }

    /// Changes of the mode in the last day that nobody has been told of.
    pub async fn sweep_modes(&self) -> Result<Vec<Uuid>> {
        let ids: Vec<i64> = sqlx::query_scalar(
            "SELECT l.id FROM bridge.mode_log l \
             WHERE l.project_id = $1 AND l.since > now() - interval '1 day' \
               AND NOT EXISTS (SELECT FROM bridge.view v WHERE v.project_id = $1 \
                 AND v.kind = 'mode' AND v.entity_id = \
                   lpad(to_hex(l.id), 32, '0')::uuid::text) \
             ORDER BY l.id",
        )
        .bind(self.project().as_str())
        .fetch_all(self.pool())
        .await?;
        Ok(ids.into_iter().map(|id| mode_entity(id).id).collect())
    }

    async fn views(&self, kind: EntityKind, ids: &[Uuid]) -> Result<Vec<View>> {
        let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
        let rows: Vec<ViewRow> = sqlx::query_as(
            "SELECT kind, entity_id, surface, part, channel_id, message_id, author_kind, hash, \
                    row_xmin, state, updated_at FROM bridge.view \
             WHERE project_id = $1 AND kind = $2 AND entity_id = ANY($3)",
        )
        .bind(self.project().as_str())
        .bind(kind.as_str())
        .bind(&ids)
        .fetch_all(self.pool())
        .await?;
        rows.into_iter().map(View::try_from).collect()
    }
}

/// The ledger names rows by UUID; a numbered row takes its number as one.
fn mode_entity(id: i64) -> Entity {
    Entity {
        kind: EntityKind::Mode,
        id: Uuid::from_u128(u128::from(id.cast_unsigned())),
    }
}

fn mode_number(id: &Uuid) -> Option<i64> {
    i64::try_from(id.as_u128()).ok()
}

fn mode_change(
    row: impl std::fmt::Display,
    (mode, reason, since): (String, String, DateTime<Utc>),
) -> Result<ModeChange> {
    let mode = [Mode::Live, Mode::Backup, Mode::Offline]
        .into_iter()
        .find(|known| known.as_str() == mode)
        .ok_or_else(|| StoreError::bad_row("bridge.mode_log", row, format!("mode {mode:?}")))?;
    Ok(ModeChange {
        mode,
        reason,
        since,
    })
}
