//! What the database knows of the state of the whole system.

use chrono::{DateTime, Utc};

use super::proposal::OpenProposals;
use super::{Result, Store, readable};
use crate::model::status::{AgentSeen, Facts};

type AgentRow = (
    String,
    String,
    Option<String>,
    Option<String>,
    Option<DateTime<Utc>>,
);

impl Store {
    /// All that the card in `#status` tells of the database. One question after the other: each of
    /// them takes a fraction of a millisecond, and more connections would keep their buffers for good.
    pub async fn facts(&self) -> Result<Facts> {
        let queue = self.queue_depth().await?;
        let (promised, oldest_promised) = self.promised().await?;
        let OpenProposals { count, oldest } = self.open_count().await?;
        let agents = self.agents_seen().await?;
        let gaps = self.open_gaps().await?;
        let (labs, _) = self.labs().await?;
        Ok(Facts {
            queued: queue.queued,
            oldest_queued: queue.oldest_queued,
            promised,
            oldest_promised,
            in_work: queue.delivered,
            open_approvals: count,
            oldest_approval: oldest.filter(|_| count > 0),
            agents,
            gaps,
            labs,
        })
    }

    /// The agents, oldest first, and when somebody last heard of them.
    async fn agents_seen(&self) -> Result<Vec<AgentSeen>> {
        let rows: Vec<AgentRow> = sqlx::query_as(concat!(
            "SELECT agent_key, name, emoji, state, ",
            readable!("seen"),
            " FROM (SELECT a.agent_key, a.name, a.emoji, a.created_at, s.state, \
                           greatest(s.last_activity_at, s.last_heartbeat_at) AS seen \
                    FROM agents a LEFT JOIN agent_status s \
                      ON s.project_id = a.project_id AND s.agent_key = a.agent_key \
                    WHERE a.project_id = $1) AS seen \
             ORDER BY created_at, agent_key",
        ))
        .bind(self.project().as_str())
        .fetch_all(self.pool())
        .await?;
        let agents = rows
            .into_iter()
            .filter_map(|(key, name, emoji, state, seen)| {
                Some(AgentSeen {
                    // One whose key is none is left out everywhere.
                    key: key.parse().ok()?,
                    name,
                    emoji,
                    state,
                    seen,
                })
            });
        Ok(agents.collect())
    }
}
