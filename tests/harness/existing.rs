//! A stand-in for the executor of an existing `ClawdOS`, written from what that one was seen to do and
//! sharing no type with the bridge: it answers after the whole turn and says nothing of the reply,
//! ignores the queue, runs the same message as often as it is asked, passes text through a shell, and
//! has a worker that takes rows of the queue by itself.

mod overview;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::task::{AbortHandle, JoinHandle};
use uuid::Uuid;

use super::http::{self, Request};
use super::world::{PROJECT, World};

/// It closes a connection on which nothing happens for so long, as Node does.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// It fails a row of the queue that is older, whatever its state.
const WATCHDOG_SECONDS: f64 = 120.0;

/// Its worker's pause when nothing is queued; 2 s by default, and a setting.
const IDLE: Duration = Duration::from_millis(200);

/// One turn that an agent had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Which message.
    pub message: Uuid,
    /// Whose turn.
    pub agent: String,
    /// What the agent got, after the shell.
    pub text: String,
}

/// How `POST /api/chat/deliver` behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// As it should: the turn, then `{"ok":true}`.
    Well,
    /// The agent fails: 500 with raw text.
    Failing,
    /// The turn never ends.
    Hanging,
    /// The turn ends well, and the connection closes in the middle of the answer.
    CutOff,
    /// The connection closes in the middle of an answer, and there is no reply.
    CutOffWithoutReply,
    /// The turn ends well, and the answer is something else.
    Garbage,
}

struct State {
    manner: Manner,
    delays: HashMap<String, Duration>,
    turns: Vec<Turn>,
    /// What ends with the process.
    tasks: Vec<AbortHandle>,
}

struct Shared {
    pool: PgPool,
    state: Mutex<State>,
}

/// The executor.
pub struct Existing {
    port: u16,
    /// Of its own: tests block theirs while a bridge starts.
    runtime: Option<Runtime>,
    shared: Arc<Shared>,
    server: Option<JoinHandle<()>>,
    worker: Option<JoinHandle<()>>,
}

impl Drop for Existing {
    fn drop(&mut self) {
        self.stop();
        self.stop_worker();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Existing {
    /// One that listens on a free port, without its worker.
    pub async fn start(world: &World) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let url = world.database_url().to_owned();
        let ready = runtime.spawn(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            (listener, PgPool::connect(&url).await.expect("a database"))
        });
        let (listener, pool) = ready.await.expect("it starts");
        let mut existing = Self {
            port: listener.local_addr().expect("an address").port(),
            runtime: Some(runtime),
            shared: Arc::new(Shared {
                pool,
                state: Mutex::new(State {
                    manner: Manner::Well,
                    delays: HashMap::new(),
                    turns: Vec::new(),
                    tasks: Vec::new(),
                }),
            }),
            server: None,
            worker: None,
        };
        existing.listen(listener);
        existing
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Comes back on the same port.
    pub async fn restart(&mut self) {
        let port = self.port;
        let listener = self.spawn(async move {
            // What was ended lets go of the port a moment later.
            loop {
                match TcpListener::bind(("127.0.0.1", port)).await {
                    Ok(listener) => return listener,
                    Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                }
            }
        });
        let listener = tokio::time::timeout(Duration::from_secs(10), listener).await;
        let listener = listener.expect("the port is free again");
        self.listen(listener.expect("it listens"));
    }

    /// Is gone, with everything that it was doing; connections are refused.
    pub fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.abort();
        }
        self.shared
            .state()
            .tasks
            .drain(..)
            .for_each(|task| task.abort());
    }

    /// Starts the worker of the queue.
    pub fn start_worker(&mut self) {
        self.worker = Some(self.spawn(work(Arc::clone(&self.shared))));
    }

    /// Ends it.
    pub fn stop_worker(&mut self) {
        if let Some(worker) = self.worker.take() {
            worker.abort();
        }
    }

    /// From now on deliveries go like this.
    pub fn behave(&self, manner: Manner) {
        self.shared.state().manner = manner;
    }

    /// From now on the turns of an agent take so long.
    pub fn delay(&self, agent: &str, delay: Duration) {
        let mut state = self.shared.state();
        state.delays.insert(agent.to_owned(), delay);
    }

    /// The turns so far, of both ways.
    pub fn turns(&self) -> Vec<Turn> {
        self.shared.state().turns.clone()
    }

    fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        let runtime = self.runtime.as_ref().expect("there until the end");
        runtime.spawn(task)
    }

    fn listen(&mut self, listener: TcpListener) {
        let shared = Arc::clone(&self.shared);
        self.server = Some(self.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let connection = tokio::spawn(serve(Arc::clone(&shared), stream));
                shared.state().tasks.push(connection.abort_handle());
            }
        }));
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One turn: the agent gets the text as the shell makes it, and repeats it.
    async fn turn(&self, message: Uuid, agent: &str, text: &str) -> String {
        let command = format!("printf %s {}", json!(text));
        let mut shell = tokio::process::Command::new("sh");
        let ran = shell.args(["-c", &command]).kill_on_drop(true).output();
        let output = ran.await.expect("there is a shell");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let delay = {
            let mut state = self.state();
            state.turns.push(Turn {
                message,
                agent: agent.to_owned(),
                text: text.clone(),
            });
            state.delays.get(agent).copied()
        };
        tokio::time::sleep(delay.unwrap_or_default()).await;
        format!("You said: {text}")
    }

    /// In the thread of the message, without any link to it; in none when there is no such message.
    async fn reply(&self, message: Uuid, agent: &str, text: &str) -> sqlx::Result<()> {
        sqlx::query(
            "INSERT INTO project_chat_messages (project_id, thread_id, author, message) \
             VALUES ($1, (SELECT thread_id FROM project_chat_messages WHERE id = $2), $3, $4)",
        )
        .bind(PROJECT)
        .bind(message)
        .bind(agent)
        .bind(text)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

async fn serve(shared: Arc<Shared>, mut stream: TcpStream) {
    while let Some(request) = http::read(&mut stream, KEEP_ALIVE).await {
        match request.what.as_str() {
            "GET /api/executor-check" => {
                let body = json!({
                    "binary": "/usr/bin/openclaw", "version": "2026.2.19",
                    "checks": { "resolve": { "ok": true, "output": "/usr/bin/openclaw" } },
                });
                let body = body.to_string();
                http::answer(&mut stream, "200 OK", "application/json", &body).await;
            }
            "GET /api/skills" => {
                // The only question that makes its mirror true; it has found what was missing.
                let found = "UPDATE skills_mirror SET extra_json = '{\"eligible\": true}'";
                let _ = sqlx::query(found).execute(&shared.pool).await;
                http::answer(&mut stream, "200 OK", "application/json", "[]").await;
            }
            "POST /api/project/overview" => {
                let body = overview::write(&shared, &request).await;
                http::answer(&mut stream, "200 OK", "application/json", &body).await;
            }
            "POST /api/chat/deliver" => {
                if !deliver(&shared, &request, &mut stream).await {
                    return;
                }
            }
            what => {
                let body = format!("Cannot {what}");
                http::answer(&mut stream, "404 Not Found", "text/html", &body).await;
            }
        }
    }
}

/// Whether the connection stays open.
async fn deliver(shared: &Arc<Shared>, request: &Request, stream: &mut TcpStream) -> bool {
    assert_eq!(request.header("x-clawdos-project"), Some(PROJECT));
    let field = |name: &str| request.body[name].as_str().map(str::to_owned);
    let (Some(id), Some(agent), Some(text)) = (
        field("message_id"),
        field("target_agent_key"),
        field("message"),
    ) else {
        let body = json!({ "ok": false, "error": "missing_fields" }).to_string();
        http::answer(stream, "400 Bad Request", "application/json", &body).await;
        return true;
    };
    let id = id.parse().expect("the bridge sends ids of rows");
    let manner = shared.state().manner;
    // Of its own: whoever hangs up does not stop the turn.
    let turn = tokio::spawn({
        let shared = Arc::clone(shared);
        async move {
            let said = shared.turn(id, &agent, &text).await;
            match manner {
                Manner::Hanging => std::future::pending().await,
                Manner::Failing | Manner::CutOffWithoutReply => {}
                Manner::Well | Manner::CutOff | Manner::Garbage => {
                    // It looks at no error here.
                    let _ = shared.reply(id, &agent, &said).await;
                }
            }
        }
    });
    shared.state().tasks.push(turn.abort_handle());
    let _ = turn.await;
    let done = json!({ "ok": true }).to_string();
    match manner {
        Manner::Failing => {
            let text = "Error: Command failed: openclaw agent --agent …";
            http::answer(stream, "500 Internal Server Error", "text/plain", text).await;
        }
        Manner::Garbage => http::answer(stream, "200 OK", "text/html", "<h1>It works!</h1>").await,
        Manner::CutOff | Manner::CutOffWithoutReply => {
            use tokio::io::AsyncWriteExt as _;
            let half = "HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{\"ok\"";
            let _ = stream.write_all(half.as_bytes()).await;
            return false;
        }
        Manner::Well | Manner::Hanging => {
            http::answer(stream, "200 OK", "application/json", &done).await;
        }
    }
    true
}

/// The worker: one row after the other, whatever others do.
async fn work(shared: Arc<Shared>) {
    loop {
        match batch(&shared).await {
            Ok(0) | Err(_) => tokio::time::sleep(IDLE).await,
            Ok(_) => {}
        }
    }
}

async fn batch(shared: &Shared) -> sqlx::Result<usize> {
    sqlx::query(
        "UPDATE chat_delivery_queue SET status = 'failed', result = '{\"error\": \"stale_timeout\"}' \
         WHERE project_id = $1 AND status IN ('queued', 'delivered') \
           AND created_at < now() - make_interval(secs => $2)",
    )
    .bind(PROJECT)
    .bind(WATCHDOG_SECONDS)
    .execute(&shared.pool)
    .await?;
    let rows: Vec<(Uuid, Uuid, String)> = sqlx::query_as(
        "SELECT id, message_id, target_agent_key FROM chat_delivery_queue \
         WHERE project_id = $1 AND status = 'queued' ORDER BY created_at LIMIT 5",
    )
    .bind(PROJECT)
    .fetch_all(&shared.pool)
    .await?;
    for (id, message, agent) in &rows {
        let begun: Option<(chrono::DateTime<chrono::Utc>,)> = sqlx::query_as(
            "UPDATE chat_delivery_queue SET status = 'delivered', picked_up_at = now() \
             WHERE id = $1 AND status = 'queued' RETURNING picked_up_at",
        )
        .bind(id)
        .fetch_optional(&shared.pool)
        .await?;
        let Some((begun,)) = begun else { continue };
        let text: String =
            sqlx::query_scalar("SELECT message FROM project_chat_messages WHERE id = $1")
                .bind(message)
                .fetch_one(&shared.pool)
                .await?;
        let said = shared.turn(*message, agent, &text).await;
        let _ = shared.reply(*message, agent, &said).await;
        let done: Value = json!({ "ok": true });
        // No look at the state: whatever others have made of the row, it is this now.
        sqlx::query(
            "UPDATE chat_delivery_queue SET status = 'processed', completed_at = $2, result = $3 \
             WHERE id = $1",
        )
        .bind(id)
        .bind(begun)
        .bind(done)
        .execute(&shared.pool)
        .await?;
    }
    Ok(rows.len())
}
