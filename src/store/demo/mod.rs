//! The demo project: what an empty embedded database starts with.

mod story;

use serde_json::{Map, Value, json};
use sqlx::PgConnection;

use super::{Result, Store};
use crate::model::ProjectId;
use crate::model::labs::{Feature, LABS_KEY};

/// What the demo team is for; at most 200 characters (source: `ClawdOS`' dashboard).
const MISSION: &str =
    "Show what a team of agents can do when its operator carries Mission Control in a pocket.";

/// The setting that says that a project has had its demo: what is deleted stays deleted.
const SEEDED_KEY: &str = "demo_seeded";

const TRUNKS: &str = "agent:main:main";
const RICKY: &str = "agent:ricky:main";

/// Key, short id, name, role, emoji, character.
const AGENTS: [[&str; 6]; 2] = [
    [
        TRUNKS,
        "main",
        "Trunks",
        "Chief of staff: plans, decides who does what, reports",
        "\u{1f9e2}",
        "Calm and brief. Asks who does it and by when, and forgets nothing.",
    ],
    [
        RICKY,
        "ricky",
        "Ricky",
        "Engineer: builds, checks, repairs",
        "\u{1f527}",
        "Curious and thorough. Measures first, and never promises a time.",
    ],
];

impl Store {
    /// Makes the project and, the first time, its two agents, its labs flags (all on), its mission and
    /// a story that is under way. A project that has agents keeps the ones it has; one that somebody
    /// uses gets no story, nor one that is not asked to tell it. For the embedded database only.
    pub async fn seed_demo(&self, with_story: bool) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        sqlx::query(
            "INSERT INTO projects (id, name) VALUES ($1, 'Front Office') ON CONFLICT DO NOTHING",
        )
        .bind(self.project.as_str())
        .execute(&mut *tx)
        .await?;
        if set_once(&mut tx, &self.project, SEEDED_KEY, "true").await? {
            let flags: Map<String, Value> = Feature::ALL
                .map(|feature| (feature.to_string(), json!(true)))
                .into_iter()
                .collect();
            let flags = Value::Object(flags).to_string();
            set_once(&mut tx, &self.project, LABS_KEY, &flags).await?;
            hire(&mut tx, &self.project).await?;
            // Dated back: whoever writes another one at once does not do so unseen.
            sqlx::query(
                "INSERT INTO brain_docs (project_id, agent_key, doc_type, content, updated_by, updated_at)
                 VALUES ($1, 'project', 'mission', $2, 'ui', now() - interval '1 hour') ON CONFLICT DO NOTHING",
            )
            .bind(self.project.as_str())
            .bind(MISSION)
            .execute(&mut *tx)
            .await?;
            if with_story && is_untouched(&mut tx, &self.project).await? {
                story::tell(&mut tx, &self.project).await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }
}

/// Writes a setting that is missing. False where it is there.
async fn set_once(
    on: &mut PgConnection,
    project: &ProjectId,
    key: &str,
    value: &str,
) -> Result<bool> {
    let written = sqlx::query(
        "INSERT INTO project_settings (project_id, key, value)
         VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    )
    .bind(project.as_str())
    .bind(key)
    .bind(value)
    .execute(on)
    .await?;
    Ok(written.rows_affected() == 1)
}

/// Fills a team in which nobody is.
async fn hire(on: &mut PgConnection, project: &ProjectId) -> Result<()> {
    let column = |index: usize| AGENTS.map(|agent| agent[index]).to_vec();
    sqlx::query(
        "INSERT INTO agents (project_id, agent_key, agent_id_short, name, role, emoji, purpose_text,
                             provisioned, created_at)
         SELECT $1, a.key, a.short, a.name, a.role, a.emoji, a.purpose, true,
                now() + a.position * interval '1 microsecond'
         FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
              WITH ORDINALITY AS a (key, short, name, role, emoji, purpose, position)
         WHERE NOT EXISTS (SELECT FROM agents WHERE project_id = $1)
         ON CONFLICT DO NOTHING",
    )
    .bind(project.as_str())
    .bind(column(0))
    .bind(column(1))
    .bind(column(2))
    .bind(column(3))
    .bind(column(4))
    .bind(column(5))
    .execute(on)
    .await?;
    Ok(())
}

/// Whether nobody has used the project yet, and the team is the demo's.
async fn is_untouched(on: &mut PgConnection, project: &ProjectId) -> Result<bool> {
    let untouched = sqlx::query_scalar(
        "SELECT NOT EXISTS (SELECT FROM project_chat_messages WHERE project_id = $1)
            AND NOT EXISTS (SELECT FROM tasks WHERE project_id = $1)
            AND NOT EXISTS (SELECT FROM cron_mirror WHERE project_id = $1)
            AND (SELECT array_agg(agent_key ORDER BY agent_key) FROM agents WHERE project_id = $1)
                IS NOT DISTINCT FROM $2",
    )
    .bind(project.as_str())
    .bind(AGENTS.map(|agent| agent[0]).to_vec())
    .fetch_one(on)
    .await?;
    Ok(untouched)
}
