//! A Control API that answers at once and notes when it was asked.

use std::time::Instant;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::text;

/// A delivery: the row's number and when it was asked for.
pub type Delivery = (u32, Instant);

/// The server, until it is dropped.
pub struct ControlApi {
    /// Its address.
    pub url: String,
    /// What it was asked to deliver.
    pub deliveries: mpsc::UnboundedReceiver<Delivery>,
    server: JoinHandle<()>,
}

impl ControlApi {
    /// Serves on a free loopback port.
    pub async fn start() -> anyhow::Result<Self> {
        let (tell, deliveries) = mpsc::unbounded_channel();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let router = Router::new()
            .route("/api/executor-check", get(check))
            .route("/api/chat/deliver", post(deliver))
            .with_state(tell);
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                eprintln!("the Control API of the run ended: {error}");
            }
        });
        Ok(Self {
            url,
            deliveries,
            server,
        })
    }
}

impl Drop for ControlApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn check() -> Json<Value> {
    Json(json!({
        "binary": "bench",
        "version": "1",
        "checks": { "agents": { "ok": true } },
    }))
}

async fn deliver(
    State(tell): State<mpsc::UnboundedSender<Delivery>>,
    Json(body): Json<Value>,
) -> Json<Value> {
    let now = Instant::now();
    if let Some(number) = body["message"].as_str().and_then(text::number) {
        // Nobody listens after the last one.
        let _ = tell.send((number, now));
    }
    Json(json!({ "ok": true }))
}
