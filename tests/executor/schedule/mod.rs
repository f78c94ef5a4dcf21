//! The scheduler: requests, runs by the clock, and what they leave behind.

mod api;
mod beats;
mod clocks;
mod doubt;
mod requests;

use std::time::Duration;

use chrono::{DateTime, Utc};
use clawdos_bridge::clock::{Clock, ManualClock};
use clawdos_bridge::executor::{AgentCommand, Executor, Kick};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::stage::{Running, Stage, eventually};

/// What an agent prints that answers and notes that it was asked.
const NOTING: &str = r#"echo "$2" | head -n 1 >> "$1/asked"; echo "done: $2""#;

pub fn noon() -> DateTime<Utc> {
    "2026-05-04T12:00:00Z".parse().unwrap()
}

/// An executor whose jobs run by a clock of the test's.
pub struct Timed {
    pub running: Running,
    pub hands: ManualClock,
}

impl Timed {
    pub fn pass(&self, minutes: u64) {
        self.hands.advance(Duration::from_mins(minutes));
    }

    pub async fn stop(self) {
        self.running.stop().await;
    }
}

impl Stage {
    pub async fn timed(&self, command: AgentCommand) -> Timed {
        self.timed_at(command, noon()).await
    }

    pub async fn timed_at(&self, command: AgentCommand, start: DateTime<Utc>) -> Timed {
        let (clock, hands) = Clock::manual(start);
        let kick = Kick::default();
        let settings = Self::settings(&[("main", command)]);
        let executor = Executor::start(settings, self.store.clone(), kick.clone())
            .await
            .unwrap()
            .with_clock(clock);
        let cancel = CancellationToken::new();
        let running = Running {
            addr: executor.addr(),
            kick,
            task: tokio::spawn(executor.run(cancel.clone())),
            cancel,
        };
        Timed { running, hands }
    }

    /// Asks for a job, as a dashboard does.
    pub async fn ask_job(&self, name: &str, kind: &str, expr: &str, intent: Option<&str>) -> Uuid {
        self.ask_job_of(
            name,
            (kind, expr, None),
            intent,
            Some("agent:main:main"),
            "Look around.",
        )
        .await
    }

    pub async fn ask_job_of(
        &self,
        name: &str,
        (kind, expr, tz): (&str, &str, Option<&str>),
        intent: Option<&str>,
        agent: Option<&str>,
        instructions: &str,
    ) -> Uuid {
        sqlx::query_scalar(
            "INSERT INTO cron_create_requests (project_id, name, schedule_kind, schedule_expr, tz, job_intent,
                 target_agent_key, instructions, requested_by)
             VALUES ('front-office', $1, $2, $3, $4, $5, $6, $7, 'ui') RETURNING id",
        )
        .bind(name)
        .bind(kind)
        .bind(expr)
        .bind(tz)
        .bind(intent)
        .bind(agent)
        .bind(instructions)
        .fetch_one(self.store.pool())
        .await
        .unwrap()
    }

    pub async fn ask_run(&self, job: &str) -> Uuid {
        let id = Uuid::new_v4();
        let asked = sqlx::query(
            "INSERT INTO cron_run_requests (id, project_id, job_id) VALUES ($1, 'front-office', $2)",
        );
        asked
            .bind(id)
            .bind(job)
            .execute(self.store.pool())
            .await
            .unwrap();
        id
    }

    pub async fn ask_patch(&self, job: &str, patch: Value) -> Uuid {
        let id = Uuid::new_v4();
        let asked = sqlx::query(
            "INSERT INTO cron_job_patch_requests (id, project_id, job_id, patch_json)
             VALUES ($1, 'front-office', $2, $3)",
        );
        let asked = asked.bind(id).bind(job).bind(patch);
        asked.execute(self.store.pool()).await.unwrap();
        id
    }

    pub async fn ask_delete(&self, job: &str) -> Uuid {
        let id = Uuid::new_v4();
        let asked = sqlx::query(
            "INSERT INTO cron_delete_requests (id, project_id, job_id) VALUES ($1, 'front-office', $2)",
        );
        asked
            .bind(id)
            .bind(job)
            .execute(self.store.pool())
            .await
            .unwrap();
        id
    }

    /// Waits for the end of a request; gives its status and result.
    pub async fn settled(&self, id: Uuid) -> (String, Value) {
        eventually("the request is settled", async || {
            let found: (String, Option<Value>, bool) = sqlx::query_as(
                "SELECT status, result, picked_up_at IS NOT NULL AND completed_at IS NOT NULL FROM (
                     SELECT id, status, result, picked_up_at, completed_at FROM cron_create_requests UNION ALL
                     SELECT id, status, result, picked_up_at, completed_at FROM cron_job_patch_requests UNION ALL
                     SELECT id, status, result, picked_up_at, completed_at FROM cron_run_requests UNION ALL
                     SELECT id, status, result, picked_up_at, completed_at FROM cron_delete_requests
                 ) AS all_of_them WHERE id = $1",
            )
            .bind(id)
            .fetch_one(self.store.pool())
            .await
            .unwrap();
            match found {
                (status, Some(result), true) if status != "queued" && status != "running" => {
                    Ok((status, result))
                }
                other => Err(format!("{other:?}")),
            }
        })
        .await
    }

    /// The words of a refusal.
    pub async fn refused(&self, id: Uuid) -> String {
        let (status, result) = self.settled(id).await;
        assert_eq!(status, "error", "{result}");
        result["error"].as_str().unwrap().to_owned()
    }

    /// Waits until a job of the executor's is there, by its request.
    pub async fn job_of(&self, timed: &Timed, request: Uuid) -> String {
        timed.running.kick.kick();
        let (status, result) = self.settled(request).await;
        assert_eq!(status, "done", "{result}");
        result["jobId"].as_str().unwrap().to_owned()
    }

    /// A field of the mirror's row, as text.
    pub async fn mirrored(&self, job: &str, field: &str) -> Option<String> {
        let row: Option<Value> = sqlx::query_scalar(
            "SELECT to_jsonb(m) FROM cron_mirror AS m WHERE project_id = 'front-office' AND job_id = $1",
        )
        .bind(job)
        .fetch_optional(self.store.pool())
        .await
        .unwrap();
        match row?.get(field)? {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }

    pub async fn wait_mirrored(&self, job: &str, field: &str, value: &str) {
        eventually(&format!("{field} of {job} is {value}"), async || {
            let found = self.mirrored(job, field).await;
            (found.as_deref() == Some(value))
                .then_some(())
                .ok_or(format!("{found:?}"))
        })
        .await;
    }

    /// Types and messages of the activities, oldest first.
    pub async fn activities(&self) -> Vec<(String, String)> {
        sqlx::query_as("SELECT type, message FROM activities ORDER BY created_at, id")
            .fetch_all(self.store.pool())
            .await
            .unwrap()
    }

    pub async fn wait_activities(&self, count: usize) -> Vec<(String, String)> {
        eventually(&format!("{count} activities"), async || {
            let found = self.activities().await;
            (found.len() == count)
                .then_some(found.clone())
                .ok_or(format!("{found:?}"))
        })
        .await
    }
}
