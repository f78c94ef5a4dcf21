//! Posts of `#activity` as they should be shown, and those that are shown otherwise.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use uuid::Uuid;

use super::look::Loaded;
use super::numbered::{numbered, numbers};
use super::{Result, Store, readable};
use crate::model::activity::{Line, Post};
use crate::model::view::{Entity, EntityKind, View, ViewState};

/// The version of a post `p`: that of all of its rows, and up to which one it goes.
macro_rules! content {
    () => {
        "LATERAL (SELECT count(*) AS count, \
                         md5(string_agg(a.xmin::text || a.id::text, ' ' ORDER BY a.id)) AS version, \
                         max(m.nth) AS reach \
                  FROM bridge.activity m JOIN activities a ON a.id = m.activity_id \
                  WHERE m.post_id = p.id) r"
    };
}

const POSTS: &str = concat!(
    "SELECT p.id, p.type AS kind, p.actor, ",
    readable!("p.first_at"),
    " AS first_at, p.closed, r.count, concat(r.version, ':', r.reach) AS version FROM bridge.activity_post p LEFT JOIN ",
    content!(),
    " ON true WHERE p.project_id = $1 AND p.id = ANY($2) ORDER BY p.id"
);

#[derive(FromRow)]
struct PostRow {
    id: i64,
    kind: Option<String>,
    actor: Option<String>,
    first_at: DateTime<Utc>,
    closed: bool,
    count: i64,
    version: String,
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

/// Posts that have no view, or show other rows than there are; not those whose rows are all gone, or
/// that a person has taken away, unless they still stand there.
const STALE: &str = concat!(
    "SELECT p.id FROM bridge.activity_post p \
     LEFT JOIN bridge.view v ON v.project_id = $1 AND v.kind = 'activity_post' \
       AND v.entity_id = lpad(to_hex(p.id), 32, '0')::uuid::text \
     LEFT JOIN ",
    content!(),
    " ON true WHERE p.project_id = $1 AND p.opened_at >= $2 \
       AND CASE WHEN r.count = 0 THEN coalesce(v.state = 'sent', false) \
                WHEN v.entity_id IS NULL THEN NOT p.closed \
                ELSE (v.state = 'sent' OR v.state = 'failed' AND NOT p.closed) \
                     AND split_part(v.row_xmin, ':', 1) IS DISTINCT FROM r.version END \
     ORDER BY p.id LIMIT $3"
);

impl Store {
    /// Posts with their newest rows and their views. One whose rows are all gone has none, nor has one
    /// that a person has taken away.
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
            let views: Vec<View> = views.extract_if(.., |it| it.key.entity == entity).collect();
            let stands = |view: &View| view.state != ViewState::Failed;
            let wanted = head.count > 0 && (!head.closed || views.iter().any(stands));
            let post = Post {
                common: head.kind.map(|kind| (kind, head.actor)),
                first_at: head.first_at,
                count: usize::try_from(head.count).unwrap_or_default(),
                lines: lines_of.remove(&head.id).unwrap_or_default(),
            };
            Loaded {
                entity,
                row: wanted.then_some((post, head.version)),
                views,
            }
        });
        Ok(loaded.collect())
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
