//! What the context pack is made of. A few queries, each bounded in the database: whatever somebody has written, no
//! megabyte travels. Nothing is kept: each turn is told what is so now.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

use super::document::secret;
use super::{Result, Store, readable};
use crate::model::AgentKey;
use crate::model::context::{About, Change, Found, Knowledge, Known, Pinned, search_words};

/// How long the search for texts that may help can take, of the time that a turn has for all of it.
const SEARCH: Duration = Duration::from_millis(700);

#[derive(FromRow)]
struct Facts {
    now: DateTime<Utc>,
    version: Option<String>,
    mission: Option<String>,
    overview: Option<String>,
}

#[derive(FromRow)]
struct PinnedRow {
    own: bool,
    in_all: i64,
    title: String,
    secret: bool,
    notes: Option<String>,
    text: Option<String>,
}

impl Store {
    /// All that an agent is told before a turn, perhaps about a task.
    pub async fn known(&self, agent: &AgentKey, task: Option<Uuid>) -> Result<Known> {
        // One after the other: turns share few connections.
        let facts = self.what_for().await?;
        let changes = self.last_changes().await?;
        let pinned = self.pinned(agent).await?;
        let task = self.about(task).await?;
        let found = match &task {
            // It may take long over many texts, and is no reason to tell nothing.
            Some(task) => {
                let searching = tokio::time::timeout(SEARCH, self.search(task));
                searching.await.unwrap_or_default()
            }
            None => Vec::new(),
        };
        let (own, global): (Vec<_>, Vec<_>) = pinned.into_iter().partition(|row| row.own);
        Ok(Known {
            built: facts.now,
            agent: agent.to_string(),
            version: facts.version,
            mission: facts.mission,
            overview: facts.overview,
            changes,
            global: scope(global),
            own: scope(own),
            task,
            found,
        })
    }

    async fn what_for(&self) -> Result<Facts> {
        // Where the project's stand, else under no key (source: `ClawdOS`).
        Ok(sqlx::query_as(
            "SELECT now() AS now, \
                (SELECT left(value, 200) FROM project_settings \
                 WHERE project_id = $1 AND key = 'capabilities_version') AS version, \
                (SELECT left(content, 2001) FROM brain_docs WHERE project_id = $1 AND doc_type = 'mission' \
                 ORDER BY (agent_key = 'project') DESC NULLS LAST, updated_at DESC, id LIMIT 1) AS mission, \
                (SELECT left(content, 8001) FROM brain_docs \
                 WHERE project_id = $1 AND doc_type = 'project_overview' \
                 ORDER BY (agent_key = 'project') DESC NULLS LAST, updated_at DESC, id LIMIT 1) AS overview",
        )
        .bind(self.project.as_str())
        .fetch_one(&self.pool)
        .await?)
    }

    async fn last_changes(&self) -> Result<Vec<Change>> {
        let rows: Vec<(DateTime<Utc>, String, Option<String>)> = sqlx::query_as(concat!(
            "SELECT ",
            readable!("a.created_at"),
            ", left(a.message, 1300), left(a.actor_agent_key, 200) FROM activities a \
             WHERE a.project_id = $1 ORDER BY a.created_at DESC, a.id LIMIT 20"
        ))
        .bind(self.project.as_str())
        .fetch_all(&self.pool)
        .await?;
        let change = |(at, message, by)| Change { at, message, by };
        Ok(rows.into_iter().map(change).collect())
    }

    /// Five of each scope, the one that changed last first. What holds secrets stays where it is.
    async fn pinned(&self, agent: &AgentKey) -> Result<Vec<PinnedRow>> {
        Ok(sqlx::query_as(concat!(
            "SELECT r.own, r.in_all, left(d.title, 900) AS title, ",
            secret!(),
            " AS secret, \
                CASE WHEN NOT (",
            secret!(),
            ") AND length(d.doc_notes::text) <= 20000 THEN d.doc_notes::text END AS notes, \
                CASE WHEN NOT (",
            secret!(),
            ") THEN left(d.content_text, 8001) END AS text \
             FROM (SELECT p.id, p.own, count(*) OVER (PARTITION BY p.own) AS in_all, \
                    row_number() OVER (PARTITION BY p.own ORDER BY p.updated_at DESC, p.id) AS n \
                FROM (SELECT id, updated_at, coalesce(agent_key, 'project') <> 'project' AS own \
                      FROM project_documents WHERE project_id = $1 AND pinned \
                        AND coalesce(agent_key, 'project') IN ('project', $2)) p) r \
             JOIN project_documents d ON d.id = r.id \
             WHERE r.n <= 5 ORDER BY r.own, r.n"
        ))
        .bind(self.project.as_str())
        .bind(agent.as_str())
        .fetch_all(&self.pool)
        .await?)
    }

    async fn about(&self, task: Option<Uuid>) -> Result<Option<About>> {
        let Some(task) = task else { return Ok(None) };
        let row: Option<(String, String, Option<String>)> = sqlx::query_as(
            "SELECT left(title, 900), left(status, 900), left(description, 4001) FROM tasks \
             WHERE project_id = $1 AND id = $2 AND deleted_at IS NULL",
        )
        .bind(self.project.as_str())
        .bind(task)
        .fetch_optional(&self.pool)
        .await?;
        let Some((title, status, description)) = row else {
            return Ok(None);
        };
        // Comments stand in both tables: dashboards write one, we the other.
        let mut comments: Vec<(String, String)> = sqlx::query_as(
            "SELECT left(coalesce(by, 'dashboard'), 900), left(text, 4001) FROM ( \
                (SELECT author_agent_key AS by, content AS text, created_at, id FROM task_comments \
                 WHERE project_id = $1 AND task_id = $2 ORDER BY created_at DESC, id LIMIT 5) \
                UNION ALL \
                (SELECT author, coalesce(content, ''), created_at, id FROM task_events \
                 WHERE project_id = $1 AND task_id = $2 AND event_type = 'comment' \
                 ORDER BY created_at DESC, id LIMIT 5)) c \
             ORDER BY created_at DESC, id LIMIT 5",
        )
        .bind(self.project.as_str())
        .bind(task)
        .fetch_all(&self.pool)
        .await?;
        comments.reverse();
        Ok(Some(About {
            title,
            status,
            description,
            comments,
        }))
    }

    /// By the words of the task. Existing dashboards search by what words mean, for which one needs a model. Without
    /// the tables there is nothing, and a search that fails is no reason to tell an agent nothing.
    async fn search(&self, task: &About) -> Vec<Found> {
        let words = search_words(task);
        if words.is_empty() {
            return Vec::new();
        }
        match self.chunks(&words.join(" or ")).await {
            Ok(found) => found,
            Err(error) => {
                tracing::debug!(%error, "knowledge could not be searched: {error}");
                Vec::new()
            }
        }
    }

    async fn chunks(&self, words: &str) -> Result<Vec<Found>> {
        let there: bool = sqlx::query_scalar(
            "SELECT to_regclass('public.knowledge_chunks') IS NOT NULL \
                AND to_regclass('public.knowledge_sources') IS NOT NULL",
        )
        .fetch_one(&self.pool)
        .await?;
        if !there {
            return Ok(Vec::new());
        }
        let rows: Vec<(String, String)> = sqlx::query_as(
            "WITH asked AS (SELECT websearch_to_tsquery('simple', $2) AS words) \
             SELECT left(coalesce(s.title, ''), 900), left(c.chunk_text, 6001) \
             FROM asked, (SELECT id, source_id, left(chunk_text, 20000) AS chunk_text, \
                    to_tsvector('simple', left(chunk_text, 20000)) AS said \
                FROM public.knowledge_chunks WHERE project_id = $1 LIMIT 5000) c \
             LEFT JOIN public.knowledge_sources s ON s.id = c.source_id AND s.project_id = $1 \
             WHERE c.said @@ asked.words ORDER BY ts_rank(c.said, asked.words) DESC, c.id LIMIT 5",
        )
        .bind(self.project.as_str())
        .bind(words)
        .fetch_all(&self.pool)
        .await?;
        let found = |(source, text)| Found { source, text };
        Ok(rows.into_iter().map(found).collect())
    }
}

fn scope(rows: Vec<PinnedRow>) -> Pinned {
    let in_all = rows.first().map_or(0, |row| row.in_all);
    let document = |row: PinnedRow| Knowledge {
        title: row.title,
        secret: row.secret,
        notes: row
            .notes
            .and_then(|it| serde_json::from_str::<Value>(&it).ok()),
        text: row.text,
    };
    Pinned {
        in_all: in_all.try_into().unwrap_or_default(),
        documents: rows.into_iter().map(document).collect(),
    }
}
