//! Where the cards of proposals are, and which are missing or not true any more.

use std::collections::HashMap;

use uuid::Uuid;

use super::{Result, Store};
use crate::model::proposal::{Proposal, ProposalSource};
use crate::model::{ChannelId, DiscordMessageId};

/// Where a card is.
pub type CardPlace = (ChannelId, DiscordMessageId);

/// Open ones without their card in `#approvals`, and cards of what has changed since, however old:
/// the sweep of messages looks back only so far.
const MESSAGES: &str = "
(SELECT m.id FROM project_chat_messages m
WHERE m.project_id = $1 AND m.message_type IN ('task_proposal', 'action_proposal')
  AND coalesce(m.metadata->>'status', 'proposed') = 'proposed'
  AND NOT EXISTS (SELECT FROM bridge.decision d WHERE d.entity_id = m.id AND d.source = 'message')
  AND NOT EXISTS (SELECT FROM bridge.view v WHERE v.entity_id = m.id::text AND v.kind = 'message'
                  AND v.surface = 'approvals' AND v.project_id = $1)
ORDER BY m.created_at, m.id LIMIT $2)
UNION
(SELECT m.id FROM project_chat_messages m
 JOIN bridge.view v ON v.entity_id = m.id::text AND v.kind = 'message' AND v.project_id = $1
 WHERE m.project_id = $1 AND m.message_type IN ('task_proposal', 'action_proposal')
   AND v.author_kind <> 'person' AND v.state IN ('sent', 'failed')
   AND v.row_xmin IS DISTINCT FROM m.xmin::text AND v.surface = ANY($3)
 LIMIT $2)";

const EVENTS: &str = "
(SELECT e.id FROM task_events e
 JOIN tasks k ON k.id = e.task_id
 LEFT JOIN LATERAL (SELECT s.id FROM task_events s
                    WHERE s.metadata->>'original_event_id' = e.id::text
                      AND s.event_type = 'approval_resolved' AND s.task_id = e.task_id
                    ORDER BY s.created_at, s.id LIMIT 1) r ON true
 LEFT JOIN bridge.decision d ON d.entity_id = e.id AND d.source = 'task_event'
 LEFT JOIN bridge.view v ON v.entity_id = e.id::text AND v.kind = 'task_event'
   AND v.surface = 'approvals' AND v.part = 0 AND v.project_id = $1
 WHERE e.project_id = $1 AND e.event_type = 'approval_request'
   AND ((v.entity_id IS NULL AND r.id IS NULL AND d.entity_id IS NULL AND k.deleted_at IS NULL)
     OR (v.state IN ('sent', 'failed') AND v.row_xmin IS DISTINCT FROM concat(e.xmin, ':', d.xmin, ':', r.id))
     OR (v.state = 'sent' AND k.deleted_at IS NOT NULL))
 ORDER BY e.created_at, e.id LIMIT $2)
UNION ALL
(SELECT DISTINCT v.entity_id::uuid FROM bridge.view v
 WHERE v.project_id = $1 AND v.kind = 'task_event' AND v.state = 'sent'
   AND NOT EXISTS (SELECT FROM task_events e WHERE e.id = v.entity_id::uuid) LIMIT $2)";

const TASKS: &str = "
(SELECT k.id FROM tasks k
 LEFT JOIN bridge.decision d ON d.entity_id = k.id AND d.source = 'task'
 WHERE k.project_id = $1 AND k.is_proposed AND k.status = 'inbox' AND k.deleted_at IS NULL
   AND k.rejected_at IS NULL AND d.entity_id IS NULL
   AND NOT EXISTS (SELECT FROM bridge.view v WHERE v.entity_id = k.id::text AND v.kind = 'task'
                   AND v.surface = 'approvals' AND v.project_id = $1)
 ORDER BY k.created_at, k.id LIMIT $2)
UNION ALL
(SELECT v.entity_id::uuid FROM bridge.view v
 LEFT JOIN tasks k ON k.id = v.entity_id::uuid
 LEFT JOIN bridge.decision d ON d.entity_id = k.id AND d.source = 'task'
 WHERE v.project_id = $1 AND v.kind = 'task' AND v.surface = 'approvals' AND v.part = 0
   AND ((v.state = 'sent' AND (k.id IS NULL OR k.deleted_at IS NOT NULL))
     OR (v.state IN ('sent', 'failed') AND k.id IS NOT NULL AND k.deleted_at IS NULL
         AND v.row_xmin IS DISTINCT FROM concat(k.xmin, ':', d.xmin))) LIMIT $2)";

impl Store {
    /// Rows of one source whose cards are missing, out of date, or of something that is gone. At
    /// most `limit` of each kind; `places` are the surfaces that are there.
    pub async fn sweep_proposals(
        &self,
        source: ProposalSource,
        places: &[String],
        limit: i64,
    ) -> Result<Vec<Uuid>> {
        let query = match source {
            ProposalSource::Message => MESSAGES,
            ProposalSource::TaskEvent => EVENTS,
            ProposalSource::Task => TASKS,
        };
        let ids = sqlx::query_scalar(query)
            .bind(self.project.as_str())
            .bind(limit)
            .bind(places)
            .fetch_all(&self.pool)
            .await?;
        Ok(ids)
    }

    /// Where the cards of these proposals stand in `#approvals`, by the row's id.
    pub async fn card_places(&self, proposals: &[Proposal]) -> Result<HashMap<Uuid, CardPlace>> {
        let ids: Vec<String> = proposals
            .iter()
            .map(|proposal| proposal.reference.id.to_string())
            .collect();
        let rows: Vec<(Uuid, i64, i64)> = sqlx::query_as(
            "SELECT entity_id::uuid, channel_id, message_id FROM bridge.view
             WHERE project_id = $1 AND entity_id = ANY($2) AND surface = 'approvals' AND part = 0
               AND kind IN ('message', 'task_event', 'task') AND message_id IS NOT NULL",
        )
        .bind(self.project.as_str())
        .bind(ids)
        .fetch_all(&self.pool)
        .await?;
        let places = rows.into_iter().filter_map(|(id, channel, message)| {
            let channel = ChannelId::from_i64(channel)?;
            Some((id, (channel, DiscordMessageId::from_i64(message)?)))
        });
        Ok(places.collect())
    }

    /// The requests in these tasks that have a card: it goes when its task does.
    pub async fn shown_requests(&self, tasks: &[Uuid]) -> Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar(
            "SELECT e.id FROM task_events e
             WHERE e.task_id = ANY($2) AND e.event_type = 'approval_request'
               AND EXISTS (SELECT FROM bridge.view v WHERE v.entity_id = e.id::text
                           AND v.kind = 'task_event' AND v.project_id = $1)",
        )
        .bind(self.project.as_str())
        .bind(tasks)
        .fetch_all(&self.pool)
        .await?;
        Ok(ids)
    }
}
