//! The demo project: what an empty embedded database starts with.

use serde_json::{Map, Value, json};

use super::{Result, Store};
use crate::model::labs::{Feature, LABS_KEY};

/// What the demo team is for; at most 200 characters (source: `ClawdOS`' dashboard).
const MISSION: &str =
    "Show what a team of agents can do when its operator carries Mission Control in a pocket.";

/// Key, short id, name, role, emoji.
const AGENTS: [[&str; 5]; 2] = [
    [
        "agent:main:main",
        "main",
        "Trunks",
        "Chief of staff: plans, decides who does what, reports",
        "\u{1f9e2}",
    ],
    [
        "agent:ricky:main",
        "ricky",
        "Ricky",
        "Engineer: builds, checks, repairs",
        "\u{1f527}",
    ],
];

impl Store {
    /// Makes the project, its two agents, its labs flags (all on) and its mission where they are
    /// missing. A project that has agents keeps the ones it has. For the embedded database only.
    pub async fn seed_demo(&self) -> Result<()> {
        let flags: Map<String, Value> = Feature::ALL
            .map(|feature| (feature.to_string(), json!(true)))
            .into_iter()
            .collect();
        let column = |index: usize| AGENTS.map(|agent| agent[index]).to_vec();
        let mut tx = self.pool.begin().await?;
        sqlx::query(
            "INSERT INTO projects (id, name) VALUES ($1, 'Front Office') ON CONFLICT DO NOTHING",
        )
        .bind(self.project.as_str())
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "INSERT INTO agents
                 (project_id, agent_key, agent_id_short, name, role, emoji, provisioned, created_at)
             SELECT $1, a.key, a.short, a.name, a.role, a.emoji, true,
                    now() + a.position * interval '1 microsecond'
             FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
                  WITH ORDINALITY AS a (key, short, name, role, emoji, position)
             WHERE NOT EXISTS (SELECT FROM agents WHERE project_id = $1)
             ON CONFLICT DO NOTHING",
        )
        .bind(self.project.as_str())
        .bind(column(0))
        .bind(column(1))
        .bind(column(2))
        .bind(column(3))
        .bind(column(4))
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "INSERT INTO project_settings (project_id, key, value)
             VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(self.project.as_str())
        .bind(LABS_KEY)
        .bind(Value::Object(flags).to_string())
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "INSERT INTO brain_docs (project_id, agent_key, doc_type, content, updated_by)
             VALUES ($1, 'project', 'mission', $2, 'ui') ON CONFLICT DO NOTHING",
        )
        .bind(self.project.as_str())
        .bind(MISSION)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }
}
