//! The ledger (`bridge.view`): which Discord message shows which row, and how sure we are.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use uuid::Uuid;

use super::kept::Kept;
use super::{Result, Store, StoreError, relaxed};
use crate::model::view::{Entity, EntityKind, View, ViewAuthor, ViewKey, ViewState};
use crate::model::{ChannelId, DiscordMessageId};

/// A view about to be sent, written before its request leaves.
#[derive(Debug, Clone)]
pub struct NewView {
    /// Which view.
    pub key: ViewKey,
    /// The channel it goes to.
    pub channel: ChannelId,
    /// Who will be its author there.
    pub author: ViewAuthor,
    /// Hash of the draft.
    pub hash: Vec<u8>,
    /// Version of the row that the draft shows.
    pub row_version: String,
}

/// What became of a view.
#[derive(Debug, Clone)]
pub struct Settled {
    /// Which view.
    pub key: ViewKey,
    /// The result.
    pub result: SettledAs,
}

/// The result of one action on a view.
#[derive(Debug, Clone)]
pub enum SettledAs {
    /// Discord has it, under this id, saying this.
    Sent {
        /// The channel: another than planned, if that one was deleted meanwhile.
        channel: ChannelId,
        /// The message.
        message: DiscordMessageId,
        /// Hash of the draft that it shows.
        hash: Vec<u8>,
        /// Version of the row that the draft shows.
        row_version: String,
        /// Who wrote it there.
        author: ViewAuthor,
    },
    /// Discord refuses it for good; another version of the row is tried anew.
    Failed {
        /// What Discord said.
        error: String,
        /// Version of the row that was refused.
        row_version: String,
    },
    /// Somebody has taken away what was there: it stays away, and the ledger knows what it showed.
    Gone {
        /// What Discord said.
        error: String,
    },
    /// It is not there, and nothing was sent that may still arrive: as if it had never been tried.
    Released,
    /// The same for what should be there: the next sweep finds its row.
    Missing,
}

#[derive(FromRow)]
pub(super) struct ViewRow {
    pub(super) kind: String,
    pub(super) entity_id: String,
    pub(super) surface: String,
    pub(super) part: i16,
    pub(super) channel_id: i64,
    pub(super) message_id: Option<i64>,
    pub(super) author_kind: Option<String>,
    pub(super) hash: Option<Vec<u8>>,
    pub(super) row_xmin: Option<String>,
    pub(super) state: String,
    pub(super) updated_at: DateTime<Utc>,
}

impl TryFrom<ViewRow> for View {
    type Error = StoreError;

    fn try_from(row: ViewRow) -> Result<Self> {
        let name = format!("{}/{}/{}", row.entity_id, row.surface, row.part);
        let bad = |reason: String| StoreError::bad_row("bridge.view", &name, reason);
        let entity = Entity {
            kind: EntityKind::parse(&row.kind)
                .ok_or_else(|| bad(format!("unknown kind {:?}", row.kind)))?,
            id: Uuid::parse_str(&row.entity_id).map_err(|e| bad(e.to_string()))?,
        };
        let channel =
            ChannelId::from_i64(row.channel_id).ok_or_else(|| bad("no channel id".to_owned()))?;
        Ok(Self {
            key: ViewKey {
                entity,
                surface: row.surface.parse().map_err(|e| bad(format!("{e}")))?,
                part: row.part,
            },
            channel,
            message: row.message_id.and_then(DiscordMessageId::from_i64),
            author: match row.author_kind.as_deref() {
                Some("webhook") => ViewAuthor::Webhook,
                Some("person") => ViewAuthor::Person,
                _ => ViewAuthor::Bot,
            },
            hash: row.hash,
            row_version: row.row_xmin,
            state: match row.state.as_str() {
                "sending" => ViewState::Sending,
                "sent" => ViewState::Sent,
                "unknown" => ViewState::Unknown,
                "failed" => ViewState::Failed,
                other => return Err(bad(format!("unknown state {other:?}"))),
            },
            since: row.updated_at,
        })
    }
}

/// The four columns that name a view, as arrays for `unnest`.
struct Keys {
    kinds: Vec<&'static str>,
    ids: Vec<String>,
    surfaces: Vec<String>,
    parts: Vec<i16>,
}

impl Keys {
    fn of<'a>(keys: impl Iterator<Item = &'a ViewKey>) -> Self {
        let (low, _) = keys.size_hint();
        let mut arrays = Self {
            kinds: Vec::with_capacity(low),
            ids: Vec::with_capacity(low),
            surfaces: Vec::with_capacity(low),
            parts: Vec::with_capacity(low),
        };
        for key in keys {
            arrays.kinds.push(key.entity.kind.as_str());
            arrays.ids.push(key.entity.id.to_string());
            arrays.surfaces.push(key.surface.to_string());
            arrays.parts.push(key.part);
        }
        arrays
    }
}

impl Store {
    /// Views whose result is not known: a request may have been on its way when the process died.
    pub async fn unsettled_views(&self) -> Result<Vec<View>> {
        let rows: Vec<ViewRow> = sqlx::query_as(
            "SELECT kind, entity_id, surface, part, channel_id, message_id, author_kind, hash, \
                    row_xmin, state, updated_at \
             FROM bridge.view \
             WHERE project_id = $1 AND state <> 'sent' AND state <> 'failed' \
             ORDER BY updated_at, entity_id, part",
        )
        .bind(self.project.as_str())
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(View::try_from).collect()
    }

    /// Which of these Discord messages the ledger knows already.
    pub async fn known_messages(&self, ids: &[DiscordMessageId]) -> Result<Vec<DiscordMessageId>> {
        let ids: Vec<i64> = ids.iter().map(|id| id.to_i64()).collect();
        let known: Vec<i64> =
            sqlx::query_scalar("SELECT message_id FROM bridge.view WHERE message_id = ANY($1)")
                .bind(&ids)
                .fetch_all(&self.pool)
                .await?;
        Ok(known
            .into_iter()
            .filter_map(DiscordMessageId::from_i64)
            .collect())
    }

    /// Writes that these views are about to be sent. Gives back those that are ours to send:
    /// one that somebody else has begun is not among them.
    pub async fn begin_views(&self, on: &mut Kept, views: &[NewView]) -> Result<Vec<ViewKey>> {
        if views.is_empty() {
            return Ok(Vec::new());
        }
        let keys = Keys::of(views.iter().map(|view| &view.key));
        let channels: Vec<i64> = views.iter().map(|view| view.channel.to_i64()).collect();
        let authors: Vec<&str> = views.iter().map(|view| view.author.as_str()).collect();
        let hashes: Vec<&[u8]> = views.iter().map(|view| view.hash.as_slice()).collect();
        let versions: Vec<&str> = views.iter().map(|view| view.row_version.as_str()).collect();
        let begun: Vec<(String, String, i16)> = sqlx::query_as(BEGIN)
            .bind(self.project.as_str())
            .bind(&keys.kinds)
            .bind(&keys.ids)
            .bind(&keys.surfaces)
            .bind(&keys.parts)
            .bind(&channels)
            .bind(&authors)
            .bind(&hashes)
            .bind(&versions)
            .fetch_all(on.get().await?)
            .await?;
        let begun: std::collections::HashSet<_> = begun.into_iter().collect();
        Ok(views
            .iter()
            .map(|view| &view.key)
            .filter(|key| {
                let name = (key.entity.id.to_string(), key.surface.to_string(), key.part);
                begun.contains(&name)
            })
            .cloned()
            .collect())
    }

    /// Writes down what became of views, all in one go.
    pub async fn settle_views(&self, settled: &[Settled]) -> Result<()> {
        if settled.is_empty() {
            return Ok(());
        }
        let keys = Keys::of(settled.iter().map(|one| &one.key));
        let results = Results::of(settled);
        let mut transaction = self.pool.begin().await?;
        sqlx::query(SETTLE)
            .bind(self.project.as_str())
            .bind(&keys.kinds)
            .bind(&keys.ids)
            .bind(&keys.surfaces)
            .bind(&keys.parts)
            .bind(&results.states)
            .bind(&results.messages)
            .bind(&results.hashes)
            .bind(&results.versions)
            .bind(&results.errors)
            .bind(&results.channels)
            .bind(&results.authors)
            .execute(&mut *transaction)
            .await?;
        let missing = |one: &&Settled| matches!(one.result, SettledAs::Missing);
        let missing = Keys::of(settled.iter().filter(missing).map(|one| &one.key));
        if !missing.ids.is_empty() {
            sqlx::query(
                "UPDATE bridge.view v SET row_xmin = NULL \
                 FROM unnest($2::text[], $3::text[]) AS n(kind, entity_id) \
                 WHERE v.project_id = $1 AND v.kind = n.kind AND v.entity_id = n.entity_id \
                   AND v.state = 'sent' AND v.author_kind <> 'person'",
            )
            .bind(self.project.as_str())
            .bind(&missing.kinds)
            .bind(&missing.ids)
            .execute(&mut *transaction)
            .await?;
        }
        let taken = |one: &&Settled| {
            let post = one.key.entity.kind == EntityKind::ActivityPost;
            post && matches!(one.result, SettledAs::Gone { .. })
        };
        let taken = settled.iter().filter(taken).map(|one| one.key.entity.id);
        self.close_posts(&mut transaction, &taken.collect::<Vec<_>>())
            .await?;
        transaction.commit().await?;
        Ok(())
    }
}

/// The columns of results, as arrays for `unnest`.
#[derive(Default)]
struct Results<'a> {
    states: Vec<&'static str>,
    messages: Vec<Option<i64>>,
    channels: Vec<Option<i64>>,
    hashes: Vec<Option<&'a [u8]>>,
    versions: Vec<Option<&'a str>>,
    errors: Vec<Option<&'a str>>,
    authors: Vec<Option<&'static str>>,
}

impl<'a> Results<'a> {
    fn of(settled: &'a [Settled]) -> Self {
        let mut results = Self::default();
        for one in settled {
            let (mut state, mut sent, mut error) = ("released", None, None);
            let (mut version, mut written_by) = (None, None);
            match &one.result {
                SettledAs::Sent {
                    channel,
                    message,
                    hash,
                    row_version,
                    author,
                } => {
                    state = "sent";
                    written_by = Some(author.as_str());
                    sent = Some((channel.to_i64(), message.to_i64(), hash.as_slice()));
                    version = Some(row_version.as_str());
                }
                SettledAs::Failed {
                    error: said,
                    row_version,
                } => {
                    state = "failed";
                    error = Some(said.as_str());
                    version = Some(row_version.as_str());
                }
                SettledAs::Gone { error: said } => {
                    state = "failed";
                    error = Some(said.as_str());
                }
                SettledAs::Released | SettledAs::Missing => {}
            }
            results.states.push(state);
            results.channels.push(sent.map(|(channel, _, _)| channel));
            results.messages.push(sent.map(|(_, message, _)| message));
            results.hashes.push(sent.map(|(_, _, hash)| hash));
            results.versions.push(version);
            results.errors.push(error);
            results.authors.push(written_by);
        }
        results
    }
}

const BEGIN: &str = concat!(
    "INSERT INTO bridge.view AS v (project_id, kind, entity_id, surface, part, channel_id, \
                                   author_kind, hash, row_xmin, state) \
     SELECT $1, n.kind, n.entity_id, n.surface, n.part, n.channel_id, n.author_kind, \
            n.hash, n.row_xmin, 'sending' \
     FROM unnest($2::text[], $3::text[], $4::text[], $5::int2[], $6::int8[], $7::text[], \
                 $8::bytea[], $9::text[]) \
       AS n(kind, entity_id, surface, part, channel_id, author_kind, hash, row_xmin) \
     WHERE ",
    relaxed!(),
    " ON CONFLICT (project_id, kind, entity_id, surface, part) DO UPDATE \
       SET state = 'sending', channel_id = excluded.channel_id, message_id = NULL, \
           author_kind = excluded.author_kind, hash = excluded.hash, \
           row_xmin = excluded.row_xmin, error = NULL, updated_at = now() \
       WHERE v.state = 'failed' \
     RETURNING v.entity_id, v.surface, v.part"
);

/// What was sent is written down even where the ledger has forgotten that it was begun.
const SETTLE: &str = concat!(
    "WITH n AS (
    SELECT * FROM unnest($2::text[], $3::text[], $4::text[], $5::int2[], $6::text[], $7::int8[],
                         $8::bytea[], $9::text[], $10::text[], $11::int8[], $12::text[])
        AS n(kind, entity_id, surface, part, state, message_id, hash, row_xmin, error, channel_id,
             author_kind)
    WHERE ",
    relaxed!(),
    "
), gone AS (
    DELETE FROM bridge.view v USING n
    WHERE v.project_id = $1 AND v.kind = n.kind AND v.entity_id = n.entity_id
      AND v.surface = n.surface AND v.part = n.part AND n.state = 'released'
), refused AS (
    UPDATE bridge.view v
    SET state = n.state, row_xmin = coalesce(n.row_xmin, v.row_xmin), error = n.error,
        updated_at = now()
    FROM n
    WHERE v.project_id = $1 AND v.kind = n.kind AND v.entity_id = n.entity_id
      AND v.surface = n.surface AND v.part = n.part AND n.state = 'failed'
)
INSERT INTO bridge.view AS v (project_id, kind, entity_id, surface, part, channel_id, message_id,
                              author_kind, hash, row_xmin, state)
SELECT $1, n.kind, n.entity_id, n.surface, n.part, n.channel_id, n.message_id, n.author_kind,
       n.hash, n.row_xmin, 'sent'
FROM n WHERE n.state = 'sent'
ON CONFLICT (project_id, kind, entity_id, surface, part) DO UPDATE
SET state = 'sent', message_id = excluded.message_id, channel_id = excluded.channel_id,
    author_kind = excluded.author_kind, hash = excluded.hash, row_xmin = excluded.row_xmin,
    error = NULL, updated_at = now()"
);
