//! The heartbeats of agents: rows of `activities` by their type and their actor.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use uuid::Uuid;

use super::look::Loaded;
use super::{Result, Store, readable};
use crate::model::activity::Heartbeats;
use crate::model::view::{Entity, EntityKind};

#[derive(FromRow)]
struct Row {
    id: Uuid,
    agent_key: String,
    last_at: DateTime<Utc>,
    last_said: String,
    today: i64,
    found_at: Option<DateTime<Utc>>,
    found: Option<String>,
}

/// An agent without any heartbeat is not among the rows.
const LOAD: &str = concat!(
    "SELECT g.id, g.agent_key, ",
    readable!("l.created_at"),
    " AS last_at, left(l.message, 800) AS last_said, t.count AS today, ",
    readable!("f.created_at"),
    " AS found_at, left(f.message, 800) AS found FROM agents g \
     JOIN LATERAL (SELECT created_at, message FROM activities a WHERE a.project_id = $1 \
                     AND a.actor_agent_key = g.agent_key AND a.type IN ('heartbeat', 'heartbeat_finding') \
                   ORDER BY a.created_at DESC, a.id LIMIT 1) l ON true \
     JOIN LATERAL (SELECT count(*) AS count FROM activities a WHERE a.project_id = $1 \
                     AND a.actor_agent_key = g.agent_key AND a.type IN ('heartbeat', 'heartbeat_finding') \
                     AND a.created_at >= date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC') t \
       ON true \
     LEFT JOIN LATERAL (SELECT created_at, message FROM activities a WHERE a.project_id = $1 \
                          AND a.actor_agent_key = g.agent_key AND a.type = 'heartbeat_finding' \
                        ORDER BY a.created_at DESC, a.id LIMIT 1) f ON true \
     WHERE g.project_id = $1 AND g.id = ANY($2)"
);

impl Store {
    /// The heartbeats of agents, by the ids of their rows, with the views of their cards. An agent
    /// that is gone, or has never had one, comes back without.
    pub async fn load_heartbeats(&self, ids: &[Uuid]) -> Result<Vec<Loaded<Heartbeats>>> {
        let rows: Vec<Row> = sqlx::query_as(LOAD)
            .bind(self.project.as_str())
            .bind(ids)
            .fetch_all(&self.pool)
            .await?;
        let kind = EntityKind::Heartbeat;
        let mut views = self.views(kind, ids).await?;
        let mut rows: Vec<(Uuid, Heartbeats)> = rows.into_iter().map(read).collect();
        let loaded = ids.iter().map(|id| {
            let entity = Entity { kind, id: *id };
            let at = rows.iter().position(|(agent, _)| agent == id);
            Loaded {
                entity,
                row: at.map(|at| (rows.swap_remove(at).1, String::new())),
                views: views.extract_if(.., |it| it.key.entity == entity).collect(),
            }
        });
        Ok(loaded.collect())
    }

    /// Agents that have had a heartbeat since `floor`, and those that have a card.
    pub async fn sweep_heartbeats(&self, floor: DateTime<Utc>) -> Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar(
            "SELECT g.id FROM agents g WHERE g.project_id = $1 AND EXISTS (\
                 SELECT FROM activities a WHERE a.project_id = $1 \
                   AND a.actor_agent_key = g.agent_key \
                   AND a.type IN ('heartbeat', 'heartbeat_finding') AND a.created_at >= $2) \
             UNION \
             SELECT v.entity_id::uuid FROM bridge.view v \
             WHERE v.project_id = $1 AND v.kind = 'heartbeat' AND v.state = 'sent'",
        )
        .bind(self.project.as_str())
        .bind(floor)
        .fetch_all(&self.pool)
        .await?;
        Ok(ids)
    }
}

fn read(row: Row) -> (Uuid, Heartbeats) {
    let heartbeats = Heartbeats {
        agent: row.agent_key,
        last: (row.last_at, row.last_said),
        today: row.today,
        finding: row.found_at.zip(row.found),
    };
    (row.id, heartbeats)
}
