//! Requests to provision an agent (`agent_provision_requests`): filed by people, carried out by an executor.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::chat::storable;
use super::team::short;
use super::{Result, Store};
use crate::model::AgentKey;
use crate::model::hire::{Hire, Request, RequestState};

/// How long a request may be in work: making a folder and some rows takes a moment. After that its executor
/// is gone.
const ABANDONED: &str = "1 minute";

/// The newest requests that are shown.
const SHOWN: i64 = 10;

/// What became of filing one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filed {
    /// It is there now, or was before: this one.
    Request(Uuid),
    /// The team has somebody of this short id.
    ShortTaken,
    /// The team has somebody of this name.
    NameTaken,
    /// Somebody of this short id is asked for already.
    Asked,
}

/// A request that this executor has taken.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The row.
    pub id: Uuid,
    /// Who is asked for, as somebody wrote it.
    pub agent_key: String,
    /// The same.
    pub short: String,
    /// The same.
    pub name: String,
    /// The same.
    pub role: Option<String>,
    /// The same.
    pub emoji: Option<String>,
    picked_up_at: DateTime<Utc>,
}

#[derive(FromRow)]
struct Row {
    id: Uuid,
    agent_key: String,
    display_name: String,
    status: String,
    result: Option<Value>,
    requested_at: DateTime<Utc>,
}

impl From<Row> for Request {
    fn from(row: Row) -> Self {
        let state = match row.status.as_str() {
            "queued" | "pending" => RequestState::Queued,
            "running" => RequestState::Running,
            "done" => RequestState::Done,
            _ => RequestState::Failed(reason(row.result.as_ref())),
        };
        Self {
            id: row.id,
            agent_key: row.agent_key,
            name: row.display_name,
            state,
            requested_at: row.requested_at,
        }
    }
}

/// Why it failed: ours says `error`; of others some text.
fn reason(result: Option<&Value>) -> String {
    let said = result.and_then(|result| {
        ["error", "message", "stderrTail"]
            .iter()
            .find_map(|key| result.get(key)?.as_str())
            .or_else(|| result.as_str())
    });
    let said = said.map(str::trim).filter(|said| !said.is_empty());
    said.unwrap_or("No reason was given.")
        .chars()
        .take(500)
        .collect()
}

macro_rules! request_rows {
    () => {
        "SELECT id, left(agent_key, 200) AS agent_key, left(display_name, 200) AS display_name, status, \
             CASE WHEN length(result::text) < 20000 THEN result END AS result, requested_at \
         FROM agent_provision_requests WHERE project_id = $1 "
    };
}

impl Store {
    /// Files a request, unless somebody of that short id or name is in the team or asked for. The same id is
    /// filed once.
    pub async fn file_hire(&self, id: Uuid, hire: &Hire) -> Result<Filed> {
        let mut tx = self.pool.begin().await?;
        // One after the other: two people may want the same at once.
        sqlx::query("SELECT pg_advisory_xact_lock(hashtext('clawdos-bridge hire ' || $1))")
            .bind(self.project.as_str())
            .execute(&mut *tx)
            .await?;
        if let Some(why) = self.hindrance(&mut tx, id, hire).await? {
            return Ok(why);
        }
        sqlx::query(
            "INSERT INTO agent_provision_requests
                 (id, project_id, agent_key, agent_id_short, display_name, emoji, role_short)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        )
        .bind(id)
        .bind(self.project.as_str())
        .bind(hire.key.as_str())
        .bind(hire.key.short())
        .bind(&hire.name)
        .bind(&hire.emoji)
        .bind(&hire.role)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Filed::Request(id))
    }

    async fn hindrance(
        &self,
        on: &mut PgConnection,
        id: Uuid,
        hire: &Hire,
    ) -> Result<Option<Filed>> {
        let (there, short, name, asked): (bool, bool, bool, bool) = sqlx::query_as(concat!(
            "SELECT EXISTS (SELECT FROM agent_provision_requests WHERE id = $2),
                    EXISTS (SELECT FROM agents WHERE project_id = $1 AND lower(",
            short!("agent_key"),
            ") = $3),
                    EXISTS (SELECT FROM agents WHERE project_id = $1 AND lower(btrim(name)) = lower($4)),
                    EXISTS (SELECT FROM agent_provision_requests WHERE project_id = $1
                            AND status IN ('queued', 'running') AND lower(agent_id_short) = $3)"
        ))
        .bind(self.project.as_str())
        .bind(id)
        .bind(hire.key.short())
        .bind(storable(&hire.name))
        .fetch_one(on)
        .await?;
        Ok(match (there, short, name, asked) {
            (true, ..) => Some(Filed::Request(id)),
            (_, true, ..) => Some(Filed::ShortTaken),
            (_, _, true, _) => Some(Filed::NameTaken),
            (.., true) => Some(Filed::Asked),
            _ => None,
        })
    }

    /// Why an agent cannot be asked for; none where it can.
    pub async fn hire_hindered(&self, id: Uuid, hire: &Hire) -> Result<Option<Filed>> {
        let mut connection = self.pool.acquire().await?;
        self.hindrance(&mut connection, id, hire).await
    }

    /// A request by its id.
    pub async fn hire_request(&self, id: Uuid) -> Result<Option<Request>> {
        let row: Option<Row> = sqlx::query_as(concat!(request_rows!(), "AND id = $2"))
            .bind(self.project.as_str())
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(Request::from))
    }

    /// The newest request for an agent.
    pub async fn newest_hire(&self, agent: &AgentKey) -> Result<Option<Request>> {
        let row: Option<Row> = sqlx::query_as(concat!(
            request_rows!(),
            "AND agent_key = $2 ORDER BY requested_at DESC, id LIMIT 1"
        ))
        .bind(self.project.as_str())
        .bind(agent.as_str())
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(Request::from))
    }

    /// Requests that wait, and those of the last week that failed for agents who are not there, oldest first: of
    /// each agent the newest.
    pub async fn open_hires(&self) -> Result<Vec<Request>> {
        let rows: Vec<Row> = sqlx::query_as(concat!(
            "SELECT * FROM (SELECT DISTINCT ON (agent_key) * FROM (",
            request_rows!(),
            ") r WHERE NOT EXISTS (SELECT FROM agents a WHERE a.project_id = $1 AND a.provisioned AND ",
            short!("a.agent_key"),
            " = ",
            short!("r.agent_key"),
            ") ORDER BY agent_key, requested_at DESC) AS newest
             WHERE status IN ('queued', 'pending', 'running')
                OR status <> 'done' AND requested_at > now() - interval '7 days'
             ORDER BY requested_at LIMIT $2"
        ))
        .bind(self.project.as_str())
        .bind(SHOWN)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(Request::from).collect())
    }

    /// Puts a request that failed back into the queue. False where it has not.
    pub async fn retry_hire(&self, id: Uuid) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE agent_provision_requests
             SET status = 'queued', requested_at = now(), picked_up_at = NULL, completed_at = NULL, result = NULL
             WHERE project_id = $1 AND id = $2 AND status NOT IN ('queued', 'running', 'done')",
        )
        .bind(self.project.as_str())
        .bind(id)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Takes the oldest request that waits, or whose executor is gone.
    pub async fn claim_hire(&self) -> Result<Option<Claim>> {
        type Row = (
            Uuid,
            String,
            String,
            String,
            Option<String>,
            Option<String>,
            DateTime<Utc>,
        );
        let row: Option<Row> = sqlx::query_as(
            "UPDATE agent_provision_requests AS r SET status = 'running', picked_up_at = now()
             FROM (SELECT id FROM agent_provision_requests
                   WHERE project_id = $1 AND (status = 'queued' OR status = 'running'
                       AND coalesce(picked_up_at, requested_at) < now() - $2::interval)
                   ORDER BY requested_at, id LIMIT 1 FOR UPDATE SKIP LOCKED) AS next
             WHERE r.id = next.id
             RETURNING r.id, left(agent_key, 200), left(agent_id_short, 200), left(display_name, 200),
                       left(role_short, 1000), left(emoji, 200), picked_up_at",
        )
        .bind(self.project.as_str())
        .bind(ABANDONED)
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(
            |(id, agent_key, short, name, role, emoji, picked_up_at)| Claim {
                id,
                agent_key,
                short,
                name,
                role,
                emoji,
                picked_up_at,
            },
        ))
    }

    /// The agent is there: its row, what lets our executor run it where that is `preset`, and the end of the
    /// request, all at once. False where the team has somebody of that short id, or the claim is lost.
    pub async fn finish_hire(
        &self,
        claim: &Claim,
        hire: &Hire,
        (preset, workspace): (Option<&str>, &str),
    ) -> Result<bool> {
        let mut tx = self.pool.begin().await?;
        let ended = end(
            &mut tx,
            claim,
            "done",
            json!({
                "agentKey": hire.key, "workspacePath": workspace,
            }),
        );
        if !ended.await? || !self.hire(&mut tx, hire, workspace).await? {
            return Ok(false);
        }
        if let Some(preset) = preset {
            sqlx::query(
                "INSERT INTO bridge.hired_agent (project_id, short, preset, workspace_path)
                 VALUES ($1, $2, $3, $4) ON CONFLICT (project_id, short) DO UPDATE
                 SET preset = excluded.preset, workspace_path = excluded.workspace_path",
            )
            .bind(self.project.as_str())
            .bind(hire.key.short())
            .bind(preset)
            .bind(workspace)
            .execute(&mut *tx)
            .await?;
        }
        sqlx::query(
            "INSERT INTO activities (project_id, type, message, actor_agent_key)
             VALUES ($1, 'agent_provisioned', $2 || ' has joined the team', $3)",
        )
        .bind(self.project.as_str())
        .bind(&hire.name)
        .bind(hire.key.as_str())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Writes the agent's row. A dashboard writes one before it asks; somebody who is ready stays who they are.
    async fn hire(&self, on: &mut PgConnection, hire: &Hire, workspace: &str) -> Result<bool> {
        let done = sqlx::query(concat!(
            "INSERT INTO agents AS a (project_id, agent_key, agent_id_short, name, role, emoji, workspace_path,
                                 provisioned)
             SELECT $1, $2, $3, $4, $5, $6, $7, true
             WHERE NOT EXISTS (SELECT FROM agents o WHERE o.project_id = $1 AND o.provisioned
                               AND lower(",
            short!("o.agent_key"),
            ") = $3)
             ON CONFLICT (project_id, agent_key) DO UPDATE
             SET provisioned = true, workspace_path = excluded.workspace_path
             WHERE NOT a.provisioned"
        ))
        .bind(self.project.as_str())
        .bind(hire.key.as_str())
        .bind(hire.key.short())
        .bind(&hire.name)
        .bind(&hire.role)
        .bind(&hire.emoji)
        .bind(workspace)
        .execute(on)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// A request that was taken did not work.
    pub async fn fail_hire(&self, claim: &Claim, error: &str) -> Result<bool> {
        let mut connection = self.pool.acquire().await?;
        let result = json!({ "error": storable(error) });
        end(&mut connection, claim, "error", result).await
    }

    /// The short ids that our executor may run because it has provisioned them, with how.
    pub async fn hired(&self) -> Result<Vec<(String, String)>> {
        let rows = sqlx::query_as(
            "SELECT short, preset FROM bridge.hired_agent WHERE project_id = $1 ORDER BY short",
        )
        .bind(self.project.as_str())
        .fetch_all(&self.pool)
        .await?;
        Ok(rows)
    }
}

/// Ends a request, if it is still in the hands that took it.
async fn end(on: &mut PgConnection, claim: &Claim, status: &str, result: Value) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE agent_provision_requests SET status = $3, completed_at = now(), result = $4
         WHERE id = $1 AND status = 'running' AND picked_up_at = $2",
    )
    .bind(claim.id)
    .bind(claim.picked_up_at)
    .bind(status)
    .bind(result)
    .execute(on)
    .await?;
    Ok(done.rows_affected() == 1)
}
