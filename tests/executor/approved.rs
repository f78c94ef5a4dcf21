//! What the tests of actions share: proposals as agents make them, approved as an operator does.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use clawdos_bridge::executor::{AllowedHost, ExecutorSettings};
use clawdos_bridge::model::UserId;
use clawdos_bridge::model::proposal::{
    Execution, ProposalRef, ProposalSource, ProposalState, Verdict,
};
use clawdos_bridge::model::thread::Place;
use clawdos_bridge::store::chat::{Destination, NewMessage};
use clawdos_bridge::store::decide::{Decided, Decider, NewVerdict};
use clawdos_bridge::store::timeline::NewTaskEvent;
use serde_json::{Value, json};
use sqlx::{Postgres, Transaction};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::stage::{Running, Stage, eventually};

/// Who proposes here.
pub const PROPOSER: &str = "agent:ricky:main";

/// The message that carries a proposal.
pub const MESSAGE: &str = "SELECT FROM project_chat_messages WHERE id = $1 FOR UPDATE";

/// The decision about it.
pub const DECISION: &str = "SELECT FROM bridge.decision WHERE entity_id = $1 FOR UPDATE";

pub fn operator() -> Decider {
    Decider {
        user: UserId::new(42).unwrap(),
        name: "Olive".to_owned(),
    }
}

impl Stage {
    /// An executor that runs no agents, with this stage's folder for a workspace.
    pub fn action_settings(&self, allowed: &[&str]) -> ExecutorSettings {
        let mut settings = Self::settings(&[]);
        settings.workspace = self.workspace();
        settings.allowed_hosts = allowed
            .iter()
            .map(|entry| match entry.rsplit_once(':') {
                Some((host, port)) => AllowedHost {
                    host: host.to_owned(),
                    port: Some(port.parse().unwrap()),
                },
                None => AllowedHost {
                    host: (*entry).to_owned(),
                    port: None,
                },
            })
            .collect();
        settings
    }

    pub fn workspace(&self) -> PathBuf {
        self.folder.path().join("workspace")
    }

    pub async fn actions(&self, allowed: &[&str]) -> Running {
        Running::start(self.action_settings(allowed), self.store.clone()).await
    }

    /// An agent proposes, in the room.
    pub async fn propose(&self, action: &str, parameters: Value) -> ProposalRef {
        let metadata = json!({
            "action_type": action, "parameters": parameters, "risk_level": "low",
            "status": "proposed", "proposed_by": PROPOSER,
        });
        let message = NewMessage {
            message_type: "action_proposal",
            metadata: Some(&metadata),
            ..NewMessage::text(Destination::Place(Place::Room), PROPOSER, "Proposal")
        };
        let id = self.store.post_message(message).await.unwrap().0;
        let source = ProposalSource::Message;
        ProposalRef { source, id }
    }

    /// An operator approves.
    pub async fn decide(&self, reference: ProposalRef) {
        let stored = self.store.proposal(reference).await.unwrap().unwrap();
        let verdict = NewVerdict {
            verdict: Verdict::Approve,
            seen: stored.proposal.hash(),
            by: &operator(),
            reason: None,
            feedback: None,
            wakes: None,
        };
        let decided = self.store.decide(reference, verdict).await.unwrap();
        assert!(matches!(decided, Decided::Done(..)), "{decided:?}");
    }

    pub async fn approve(&self, action: &str, parameters: Value) -> ProposalRef {
        let reference = self.propose(action, parameters).await;
        self.decide(reference).await;
        reference
    }

    /// The same in the timeline of a task.
    pub async fn request_approval(&self, task: Uuid, metadata: &Value) -> ProposalRef {
        let event = NewTaskEvent {
            task,
            event_type: "approval_request",
            author: PROPOSER,
            content: Some("May I?"),
            metadata: Some(metadata),
        };
        let id = self.store.add_task_event(event).await.unwrap().unwrap();
        let source = ProposalSource::TaskEvent;
        ProposalRef { source, id }
    }

    /// A task that is there.
    pub async fn task(&self) -> Uuid {
        sqlx::query_scalar(
            "INSERT INTO tasks (project_id, title, status) VALUES ('front-office', 'A task', 'in_progress')
             RETURNING id",
        )
        .fetch_one(self.store.pool())
        .await
        .unwrap()
    }

    /// Holds a row of a proposal until what comes back is given up: [`MESSAGE`] or [`DECISION`].
    pub async fn hold(
        &self,
        row: &'static str,
        reference: ProposalRef,
    ) -> Transaction<'static, Postgres> {
        let mut holder = self.store.pool().begin().await.unwrap();
        let held = sqlx::query(row).bind(reference.id);
        held.execute(&mut *holder).await.unwrap();
        holder
    }

    pub async fn execution(&self, reference: ProposalRef) -> Execution {
        let stored = self.store.proposal(reference).await.unwrap();
        match stored.expect("the proposal is there").proposal.state {
            ProposalState::Decided(decision) => decision.execution,
            other => panic!("not decided: {other:?}"),
        }
    }

    /// Waits for the end, whichever.
    pub async fn ended(&self, reference: ProposalRef) -> Execution {
        eventually("the action has an end", async || {
            match self.execution(reference).await {
                going @ (Execution::Waiting | Execution::Running) => Err(format!("{going:?}")),
                end => Ok(end),
            }
        })
        .await
    }

    /// Waits for a success and gives its result.
    pub async fn executed(&self, reference: ProposalRef) -> String {
        match self.ended(reference).await {
            Execution::Executed(ending) => ending.result,
            other => panic!("not executed: {other:?}"),
        }
    }

    /// Waits for a failure and gives its result.
    pub async fn failed(&self, reference: ProposalRef) -> String {
        match self.ended(reference).await {
            Execution::Failed(ending) => ending.result,
            other => panic!("not failed: {other:?}"),
        }
    }

    pub async fn wait_for(&self, reference: ProposalRef, wanted: &Execution) {
        eventually(&format!("the action is {wanted:?}"), async || {
            let found = self.execution(reference).await;
            (&found == wanted).then_some(()).ok_or(format!("{found:?}"))
        })
        .await;
    }

    /// What the proposal's message says of it by now.
    pub async fn metadata(&self, reference: ProposalRef) -> Value {
        sqlx::query_scalar("SELECT metadata FROM project_chat_messages WHERE id = $1")
            .bind(reference.id)
            .fetch_one(self.store.pool())
            .await
            .unwrap()
    }

    pub async fn count(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query)
            .fetch_one(self.store.pool())
            .await
            .unwrap()
    }
}

/// A server that somebody might call: it remembers every request.
#[derive(Clone)]
pub struct Target {
    pub addr: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    gate: Arc<Notify>,
}

impl Target {
    pub async fn start() -> Self {
        Self::listen("127.0.0.1:0").await
    }

    pub async fn listen(address: &str) -> Self {
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let target = Self {
            addr: listener.local_addr().unwrap(),
            seen: Arc::default(),
            gate: Arc::default(),
        };
        let served = target.clone();
        let router =
            Router::new().fallback(move |request| async move { served.answer(request).await });
        tokio::spawn(async move { axum::serve(listener, router).await });
        target
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// The requests so far: method, path, interesting headers, body.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    pub async fn wait_for_requests(&self, count: usize) {
        eventually("the server is called", async || {
            let seen = self.seen();
            (seen.len() >= count)
                .then_some(())
                .ok_or(format!("{seen:?}"))
        })
        .await;
    }

    /// Lets one request to `/gated` be answered.
    pub fn open_the_gate(&self) {
        self.gate.notify_one();
    }

    async fn answer(&self, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, 1 << 22).await.unwrap();
        let token = parts.headers.get("x-token");
        let token = token.and_then(|it| it.to_str().ok()).unwrap_or("-");
        let path = parts.uri.path().to_owned();
        let text = String::from_utf8_lossy(&body);
        let note = format!("{} {path} {token} {text}", parts.method);
        self.seen.lock().unwrap().push(note);
        match path.as_str() {
            "/gated" => self.gate.notified().await,
            "/never" => std::future::pending().await,
            _ => {}
        }
        if let Some(to) = path.strip_prefix("/redirect/") {
            let location = format!("http://{to}/landed?secret=1");
            return (StatusCode::FOUND, [("location", location)], "moved").into_response();
        }
        match path.as_str() {
            "/large" => "x".repeat(1 << 20).into_response(),
            "/broken" => (StatusCode::INTERNAL_SERVER_ERROR, "it is \0 broken").into_response(),
            "/endless" => {
                let chunk = Ok::<_, std::io::Error>("y".repeat(4096));
                let chunks = futures_util::stream::repeat_with(move || {
                    Ok::<_, std::io::Error>(chunk.as_ref().unwrap().clone())
                });
                Body::from_stream(chunks).into_response()
            }
            _ => "all is well now".into_response(),
        }
    }
}

/// Long enough for a local server, short enough to wait for.
pub const SHORT: Duration = Duration::from_millis(700);
