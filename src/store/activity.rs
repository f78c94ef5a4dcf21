//! Rows of `activities` and the posts that they stand in (`bridge.activity_post`).

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::kept::Kept;
use super::locks::LockKey;
use super::look::{ServerStart, Sight};
use super::numbered::numbered;
use super::{Result, Store, readable};
use crate::model::activity::{
    FLOOD_SPAN, Fresh, HEARTBEAT, HEARTBEAT_FINDING, Newest, Sheet, gather,
};
use crate::model::view::{Entity, EntityKind};
use crate::model::{ChannelId, ProjectId};

/// What a look at rows of `activities` has found.
#[derive(Debug, Default)]
pub struct Gathered {
    /// What it could see.
    pub sight: Option<Sight>,
    /// Posts that the rows stand in now, or stood in.
    pub posts: Vec<Entity>,
    /// Cards of agents whose heartbeats are among the rows.
    pub heartbeats: Vec<Entity>,
}

/// What decides whether a row gets a place.
#[derive(Debug, Clone, Copy)]
pub struct Admission {
    /// Older rows stay where they are.
    pub floor: DateTime<Utc>,
    /// Whether what heartbeats find is shown.
    pub findings: bool,
    /// Where posts stand: one that stands elsewhere does not grow any more.
    pub channel: Option<ChannelId>,
}

#[derive(FromRow)]
struct Seen {
    snapshot: String,
    server: i64,
    id: Uuid,
    kind: Option<String>,
    actor: Option<String>,
    at: Option<DateTime<Utc>>,
    known: bool,
    post_id: Option<i64>,
    agent: Option<Uuid>,
}

impl Seen {
    fn fresh(&self, admission: Admission) -> Option<Fresh> {
        let (kind, at) = (self.kind.as_ref()?, self.at?);
        let shown = match kind.as_str() {
            HEARTBEAT => false,
            HEARTBEAT_FINDING => admission.findings,
            _ => true,
        };
        (shown && !self.known && at >= admission.floor).then(|| Fresh {
            id: self.id,
            kind: kind.clone(),
            actor: self.actor.clone(),
            at,
        })
    }
}

/// Types and actors are words; whoever writes may write anything.
const SEEN: &str = concat!(
    "SELECT pg_current_snapshot()::text AS snapshot, \
            (extract(epoch FROM pg_postmaster_start_time()) * 1e6)::int8 AS server, \
            w.id, left(a.type, 100) AS kind, left(a.actor_agent_key, 200) AS actor, ",
    readable!("a.created_at"),
    " AS at, m.activity_id IS NOT NULL AS known, m.post_id, g.id AS agent \
     FROM unnest($2::uuid[]) AS w(id) \
     LEFT JOIN LATERAL (SELECT * FROM activities c WHERE c.id = w.id OFFSET 0) a ON a.project_id = $1 \
     LEFT JOIN LATERAL (SELECT * FROM bridge.activity b WHERE b.activity_id = w.id OFFSET 0) m ON true \
     LEFT JOIN LATERAL (SELECT n.id FROM agents n WHERE n.project_id = $1 \
                          AND a.type IN ('heartbeat', 'heartbeat_finding') \
                          AND n.agent_key = a.actor_agent_key OFFSET 0) g ON true \
     ORDER BY a.created_at, w.id"
);

/// The newest post, if it may grow: not where a person has taken it away, nor in another channel.
const NEWEST: &str = concat!(
    "SELECT p.id, p.type AS kind, p.actor, ",
    readable!("p.last_at"),
    " AS last_at, p.opened_at, p.lines FROM bridge.activity_post p \
     WHERE p.id = (SELECT max(o.id) FROM bridge.activity_post o WHERE o.project_id = $1) \
       AND NOT p.closed \
       AND NOT EXISTS (SELECT FROM bridge.view v WHERE v.project_id = $1 \
             AND v.kind = 'activity_post' AND v.entity_id = lpad(to_hex(p.id), 32, '0')::uuid::text \
             AND (v.state = 'failed' OR v.channel_id IS DISTINCT FROM $2))"
);

#[derive(FromRow)]
struct NewestRow {
    id: i64,
    kind: Option<String>,
    actor: Option<String>,
    last_at: DateTime<Utc>,
    opened_at: DateTime<Utc>,
    lines: i32,
}

impl From<NewestRow> for Newest {
    fn from(row: NewestRow) -> Self {
        Self {
            post: row.id,
            common: row.kind.map(|kind| (kind, row.actor)),
            last_at: row.last_at,
            opened_at: row.opened_at,
            lines: usize::try_from(row.lines).unwrap_or(usize::MAX),
        }
    }
}

impl Store {
    /// Looks at rows of `activities`, and gives a place to those that have none: each stands in one
    /// post, unless a person takes that away before it is shown. Types that are muted get none.
    pub async fn gather_activities(
        &self,
        on: &mut Kept,
        ids: &[Uuid],
        admission: Admission,
    ) -> Result<Gathered> {
        let seen: Vec<Seen> = sqlx::query_as(SEEN)
            .bind(self.project.as_str())
            .bind(ids)
            .fetch_all(on.get().await?)
            .await?;
        let mut gathered = Gathered {
            sight: seen.first().map(|row| Sight {
                snapshot: row.snapshot.parse().ok(),
                server: ServerStart::at(row.server),
            }),
            ..Gathered::default()
        };
        let heartbeat = |id| Entity {
            kind: EntityKind::Heartbeat,
            id,
        };
        let fresh: Vec<Fresh> = seen.iter().filter_map(|it| it.fresh(admission)).collect();
        let mut posts: HashSet<i64> = seen.iter().filter_map(|it| it.post_id).collect();
        gathered.heartbeats = seen
            .iter()
            .filter_map(|it| it.agent.map(heartbeat))
            .collect();
        if !fresh.is_empty() {
            posts.extend(self.place(fresh, admission.channel).await?);
        }
        let mut posts: Vec<i64> = posts.into_iter().collect();
        posts.sort_unstable();
        let post = |id| numbered(EntityKind::ActivityPost, id);
        gathered.posts = posts.into_iter().map(post).collect();
        Ok(gathered)
    }

    /// Gives places to rows, one bridge at a time. Gives back the posts.
    async fn place(&self, mut fresh: Vec<Fresh>, channel: Option<ChannelId>) -> Result<Vec<i64>> {
        let mut tx = self.pool.begin().await?;
        hold_places(&self.project, &mut tx).await?;
        let ids: Vec<Uuid> = fresh.iter().map(|row| row.id).collect();
        let placed: Vec<Uuid> = sqlx::query_scalar(
            "SELECT activity_id FROM bridge.activity WHERE activity_id = ANY($1)",
        )
        .bind(&ids)
        .fetch_all(&mut *tx)
        .await?;
        fresh.retain(|row| !placed.contains(&row.id));
        let muted = self.muted(&mut tx).await?;
        let (mute, shown): (Vec<Fresh>, Vec<Fresh>) =
            fresh.into_iter().partition(|row| muted.contains(&row.kind));
        let mute: Vec<Uuid> = mute.into_iter().map(|row| row.id).collect();
        self.put(&mut tx, None, &mute).await?;
        let newest: Option<NewestRow> = sqlx::query_as(NEWEST)
            .bind(self.project.as_str())
            .bind(channel.map(ChannelId::to_i64))
            .fetch_optional(&mut *tx)
            .await?;
        let (opened, now): (i64, DateTime<Utc>) = sqlx::query_as(
            "SELECT count(*), now() FROM bridge.activity_post \
             WHERE project_id = $1 AND opened_at > now() - $2 * interval '1 second'",
        )
        .bind(self.project.as_str())
        .bind(FLOOD_SPAN.num_seconds())
        .fetch_one(&mut *tx)
        .await?;
        let opened = usize::try_from(opened).unwrap_or(usize::MAX);
        let mut posts = Vec::new();
        for sheet in gather(newest.map(Newest::from), opened, &shown, now) {
            let post = self.write(&mut tx, &sheet).await?;
            self.put(&mut tx, Some(post), &sheet.rows).await?;
            posts.push(post);
        }
        tx.commit().await?;
        Ok(posts)
    }

    /// Opens a post, or lets it grow.
    async fn write(&self, on: &mut PgConnection, sheet: &Sheet) -> Result<i64> {
        let lines = i32::try_from(sheet.rows.len()).unwrap_or(i32::MAX);
        if let Some(post) = sheet.post {
            sqlx::query(
                "UPDATE bridge.activity_post SET lines = lines + $2, last_at = greatest(last_at, $3) \
                 WHERE id = $1",
            )
            .bind(post)
            .bind(lines)
            .bind(sheet.span.1)
            .execute(on)
            .await?;
            return Ok(post);
        }
        let common = sheet.common.as_ref();
        let post = sqlx::query_scalar(
            "INSERT INTO bridge.activity_post (project_id, type, actor, first_at, last_at, lines) \
             VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
        )
        .bind(self.project.as_str())
        .bind(common.map(|(kind, _)| kind))
        .bind(common.and_then(|(_, actor)| actor.as_ref()))
        .bind(sheet.span.0)
        .bind(sheet.span.1)
        .bind(lines)
        .fetch_one(on)
        .await?;
        Ok(post)
    }

    async fn put(&self, on: &mut PgConnection, post: Option<i64>, rows: &[Uuid]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "INSERT INTO bridge.activity (activity_id, project_id, post_id) \
             SELECT n.id, $1, $2 FROM unnest($3::uuid[]) AS n(id)",
        )
        .bind(self.project.as_str())
        .bind(post)
        .bind(rows)
        .execute(on)
        .await?;
        Ok(())
    }

    /// Rows since `floor` that have no place, oldest first, at most `limit`.
    pub async fn sweep_activities(
        &self,
        floor: DateTime<Utc>,
        findings: bool,
        limit: i64,
    ) -> Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar(
            "SELECT a.id FROM activities a WHERE a.project_id = $1 AND a.created_at >= $2 \
               AND a.type <> 'heartbeat' AND ($3 OR a.type <> 'heartbeat_finding') \
               AND NOT EXISTS (SELECT FROM bridge.activity m WHERE m.activity_id = a.id) \
             ORDER BY a.created_at, a.id LIMIT $4",
        )
        .bind(self.project.as_str())
        .bind(floor)
        .bind(findings)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        Ok(ids)
    }
}

/// Nobody else gives places to rows of this project, or takes them back, until the transaction ends.
pub(super) async fn hold_places(project: &ProjectId, on: &mut PgConnection) -> Result<()> {
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(LockKey::of(&[b"activity", project.as_str().as_bytes()]).number())
        .execute(on)
        .await?;
    Ok(())
}
