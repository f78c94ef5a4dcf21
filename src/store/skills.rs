//! Skills as the executor last reported them (`skills_mirror`).

use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

use super::chat::{storable, storable_json};
use super::{Result, Store};
use crate::model::skill::{BUILT_IN, Extra, Skill};

/// Most skills that are read.
const MOST: i64 = 500;

/// A skill as an executor reports it.
#[derive(Debug, Clone)]
pub struct Report {
    /// What the executor calls it.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it does.
    pub description: String,
    /// Its version.
    pub version: String,
    /// When its files changed last, as text (source: `ClawdOS`).
    pub updated: String,
    /// What `extra_json` says.
    pub extra: Value,
}

#[derive(FromRow)]
struct Row {
    id: Uuid,
    skill_id: String,
    name: String,
    description: String,
    version: String,
    extra: Option<Value>,
}

impl From<Row> for Skill {
    fn from(row: Row) -> Self {
        let extra = Extra::read(&row.extra.unwrap_or_default());
        let name = if row.name.trim().is_empty() {
            row.skill_id.clone()
        } else {
            row.name
        };
        Self {
            row: row.id,
            id: row.skill_id,
            name,
            description: row.description,
            version: row.version,
            emoji: extra.emoji,
            homepage: extra.homepage,
            source: extra.source,
            status: extra.status,
            missing: extra.missing,
        }
    }
}

macro_rules! skill_rows {
    () => {
        "SELECT id, left(skill_id, 500) AS skill_id, left(name, 200) AS name, \
                left(description, 2000) AS description, left(version, 50) AS version, \
                CASE WHEN length(extra_json::text) < 100000 THEN extra_json END AS extra \
         FROM skills_mirror WHERE project_id = $1 "
    };
}

impl Store {
    /// Every skill, by name.
    pub async fn skills(&self) -> Result<Vec<Skill>> {
        let rows: Vec<Row> = sqlx::query_as(concat!(
            skill_rows!(),
            "ORDER BY lower(name), skill_id LIMIT $2"
        ))
        .bind(self.project.as_str())
        .bind(MOST)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(Skill::from).collect())
    }

    /// A skill by its row.
    pub async fn skill(&self, row: Uuid) -> Result<Option<Skill>> {
        let row: Option<Row> = sqlx::query_as(concat!(skill_rows!(), "AND id = $2"))
            .bind(self.project.as_str())
            .bind(row)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(Skill::from))
    }

    /// Writes down what our executor has found; what has not changed stays untouched. With `all`, what it had
    /// reported before and is gone goes; rows of other executors stay.
    pub async fn report_skills(&self, reports: &[Report], all: bool) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        for report in reports {
            sqlx::query(
                "INSERT INTO skills_mirror AS m
                     (project_id, skill_id, name, description, version, installed, last_updated, extra_json)
                 VALUES ($1, $2, $3, $4, $5, true, $6, $7)
                 ON CONFLICT (project_id, skill_id) DO UPDATE
                 SET name = excluded.name, description = excluded.description, version = excluded.version,
                     installed = true, last_updated = excluded.last_updated, synced_at = now(),
                     extra_json = excluded.extra_json
                 WHERE (m.name, m.description, m.version, m.installed, m.last_updated, m.extra_json)
                       IS DISTINCT FROM (excluded.name, excluded.description, excluded.version, true,
                                         excluded.last_updated, excluded.extra_json)",
            )
            .bind(self.project.as_str())
            .bind(storable(&report.id))
            .bind(storable(&report.name))
            .bind(storable(&report.description))
            .bind(storable(&report.version))
            .bind(storable(&report.updated))
            .bind(storable_json(&report.extra))
            .execute(&mut *tx)
            .await?;
        }
        if all {
            let ids: Vec<&str> = reports.iter().map(|report| report.id.as_str()).collect();
            sqlx::query(
                "DELETE FROM skills_mirror WHERE project_id = $1 AND extra_json ->> 'source' = $2
                    AND NOT skill_id = ANY($3)",
            )
            .bind(self.project.as_str())
            .bind(BUILT_IN)
            .bind(ids)
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(())
    }
}
