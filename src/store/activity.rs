//! Rows of `activities` and the posts that they stand in (`bridge.activity_post`).

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::kept::Kept;
use super::locks::LockKey;
use super::look::{Loaded, ServerStart, Sight};
use super::numbered::{numbered, numbers};
use super::{Result, Store, readable};
use crate::model::ChannelId;
use crate::model::activity::{
    FLOOD_SPAN, Fresh, HEARTBEAT, HEARTBEAT_FINDING, Line, Newest, Post, Sheet, gather,
};
use crate::model::view::{Entity, EntityKind};

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

/// The version of a post `p` is that of all of its rows.
macro_rules! content {
    () => {
        "LATERAL (SELECT count(*) AS count, \
                         md5(string_agg(a.xmin::text || a.id::text, ' ' ORDER BY a.id)) AS version \
                  FROM bridge.activity m JOIN activities a ON a.id = m.activity_id \
                  WHERE m.post_id = p.id) r"
    };
}

const POSTS: &str = concat!(
    "SELECT p.id, p.type AS kind, p.actor, ",
    readable!("p.first_at"),
    " AS first_at, r.count, r.version FROM bridge.activity_post p LEFT JOIN ",
    content!(),
    " ON true WHERE p.project_id = $1 AND p.id = ANY($2) ORDER BY p.id"
);

#[derive(FromRow)]
struct PostRow {
    id: i64,
    kind: Option<String>,
    actor: Option<String>,
    first_at: DateTime<Utc>,
    count: i64,
    version: Option<String>,
}

/// More than so much of a text is not shown.
const LINES: &str = concat!(
    "SELECT w.id AS post_id, l.kind, l.actor, l.message, l.task, l.at FROM unnest($1::int8[]) AS w(id) \
     JOIN LATERAL (SELECT a.id, a.created_at, left(a.type, 100) AS kind, \
                          left(a.actor_agent_key, 200) AS actor, left(a.message, 800) AS message, \
                          a.task_id AS task, ",
    readable!("a.created_at"),
    " AS at FROM bridge.activity m JOIN activities a ON a.id = m.activity_id \
       WHERE m.post_id = w.id ORDER BY a.created_at DESC, a.id DESC LIMIT 20) l ON true \
     ORDER BY w.id, l.created_at, l.id"
);

#[derive(FromRow)]
struct LineRow {
    post_id: i64,
    kind: String,
    actor: Option<String>,
    message: String,
    task: Option<Uuid>,
    at: DateTime<Utc>,
}

/// Posts that have no view, or show other rows than there are; not those whose rows are all gone,
/// unless they still stand there.
const STALE: &str = concat!(
    "SELECT p.id FROM bridge.activity_post p \
     LEFT JOIN bridge.view v ON v.project_id = $1 AND v.kind = 'activity_post' \
       AND v.entity_id = lpad(to_hex(p.id), 32, '0')::uuid::text \
     LEFT JOIN ",
    content!(),
    " ON true WHERE p.project_id = $1 AND p.opened_at >= $2 \
       AND CASE WHEN r.count = 0 THEN coalesce(v.state = 'sent', false) \
                ELSE v.entity_id IS NULL OR (v.state IN ('sent', 'failed') \
                     AND v.row_xmin IS DISTINCT FROM r.version) END \
     ORDER BY p.id LIMIT $3"
);

impl Store {
    /// Looks at rows of `activities`, and gives a place to those that have none: each stands in one
    /// post for good. Types that are muted get none.
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
        sqlx::query("SELECT pg_advisory_xact_lock($1)")
            .bind(LockKey::of(&[b"activity", self.project.as_str().as_bytes()]).number())
            .execute(&mut *tx)
            .await?;
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

    /// Posts with their newest rows and their views. One whose rows are all gone has none.
    pub async fn load_posts(&self, ids: &[Uuid]) -> Result<Vec<Loaded<Post>>> {
        let posts = numbers(ids);
        let heads: Vec<PostRow> = sqlx::query_as(POSTS)
            .bind(self.project.as_str())
            .bind(&posts)
            .fetch_all(&self.pool)
            .await?;
        let lines: Vec<LineRow> = sqlx::query_as(LINES)
            .bind(&posts)
            .fetch_all(&self.pool)
            .await?;
        let mut views = self.views(EntityKind::ActivityPost, ids).await?;
        let mut lines_of: HashMap<i64, Vec<Line>> = HashMap::new();
        for row in lines {
            lines_of.entry(row.post_id).or_default().push(Line {
                kind: row.kind,
                actor: row.actor,
                message: row.message,
                task: row.task,
                at: row.at,
            });
        }
        let loaded = heads.into_iter().map(|head| {
            let entity = numbered(EntityKind::ActivityPost, head.id);
            let post = Post {
                common: head.kind.map(|kind| (kind, head.actor)),
                first_at: head.first_at,
                count: usize::try_from(head.count).unwrap_or_default(),
                lines: lines_of.remove(&head.id).unwrap_or_default(),
            };
            Loaded {
                entity,
                row: head.version.filter(|_| post.count > 0).map(|it| (post, it)),
                views: views.extract_if(.., |it| it.key.entity == entity).collect(),
            }
        });
        Ok(loaded.collect())
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

    /// Posts since `floor` that Discord does not show as they are.
    pub async fn sweep_posts(&self, floor: DateTime<Utc>, limit: i64) -> Result<Vec<Entity>> {
        let ids: Vec<i64> = sqlx::query_scalar(STALE)
            .bind(self.project.as_str())
            .bind(floor)
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        let post = |id| numbered(EntityKind::ActivityPost, id);
        Ok(ids.into_iter().map(post).collect())
    }
}
