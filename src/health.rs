//! What a supervisor asks: `/healthz` (is the process alive), `/readyz` (do all its parts work) and
//! `/metrics` (its numbers, for Prometheus).

use std::collections::BTreeMap;
use std::io;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json};
use axum::{Router, routing};
use chrono::{DateTime, Utc};
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::telemetry;

/// How one part is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartStatus {
    /// Whether it does its job at the moment.
    pub ok: bool,
    /// Since when it has been so: since it does its job, or does not, or does it with a detail.
    pub since: DateTime<Utc>,
    /// Why it does not, or what is worth knowing although it does. Shown to whoever asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// The answer of `/readyz`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether there are parts and all of them are ok.
    pub ready: bool,
    /// Every part by its name.
    pub parts: BTreeMap<String, PartStatus>,
}

/// Which parts there are and how they are doing. Clones share one board.
#[derive(Debug, Clone)]
pub struct Readiness {
    clock: Clock,
    parts: watch::Sender<BTreeMap<String, PartStatus>>,
}

/// One part's place on the board.
#[derive(Debug, Clone)]
pub struct Part {
    name: String,
    board: Readiness,
}

impl Readiness {
    /// An empty board, which is not ready.
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            parts: watch::Sender::default(),
        }
    }

    /// A part with this name, not ok until it says so. Asking again for a name returns the same
    /// place. Take all places before waiting for [`Self::ready`].
    pub fn part(&self, name: impl Into<String>) -> Part {
        let name = name.into();
        let since = self.clock.now();
        self.parts.send_if_modified(|parts| {
            let before = parts.len();
            parts.entry(name.clone()).or_insert_with(|| PartStatus {
                ok: false,
                since,
                detail: Some("starting".to_owned()),
            });
            parts.len() != before
        });
        Part {
            name,
            board: self.clone(),
        }
    }

    /// How everything is now.
    pub fn report(&self) -> Report {
        let parts = self.parts.borrow().clone();
        Report {
            ready: all_ok(&parts),
            parts,
        }
    }

    /// Returns once every part is ok at the same time.
    pub async fn ready(&self) {
        // The sender lives in `self`, so the wait ends only by being ready.
        let _ = self.parts.subscribe().wait_for(all_ok).await;
    }

    /// A receiver that is woken by every change of any part.
    pub fn changes(&self) -> watch::Receiver<BTreeMap<String, PartStatus>> {
        self.parts.subscribe()
    }
}

fn all_ok(parts: &BTreeMap<String, PartStatus>) -> bool {
    !parts.is_empty() && parts.values().all(|part| part.ok)
}

impl Part {
    /// The part does its job.
    pub fn ok(&self) {
        self.set(true, None);
    }

    /// The part does its job, and there is something worth knowing.
    pub fn ok_with(&self, detail: impl Into<String>) {
        self.set(true, Some(detail.into()));
    }

    /// The part does not do its job, for a reason that is a sentence without secrets.
    pub fn failed(&self, reason: impl Into<String>) {
        self.set(false, Some(reason.into()));
    }

    fn set(&self, ok: bool, detail: Option<String>) {
        let now = self.board.clock.now();
        self.board.parts.send_if_modified(|parts| {
            let Some(status) = parts.get_mut(&self.name) else {
                return false;
            };
            let changed = status.ok != ok || status.detail != detail;
            if status.ok != ok || status.detail.is_some() != detail.is_some() {
                status.since = now;
            }
            status.ok = ok;
            status.detail = detail;
            changed
        });
    }
}

/// Serves the three pages until `cancel`. Fails only when the listener does.
pub async fn serve(
    listener: TcpListener,
    readiness: Readiness,
    prometheus: PrometheusHandle,
    cancel: CancellationToken,
) -> io::Result<()> {
    let upkeep = telemetry::upkeep(prometheus.clone(), cancel);
    let pages = Router::new()
        .route("/healthz", routing::get(|| async { "ok\n" }))
        .route("/readyz", routing::get(ready_page))
        .with_state(readiness)
        .route(
            "/metrics",
            routing::get(metrics_page).with_state(prometheus),
        );
    // No graceful end: a scraper that keeps its connection open must not hold up the exit.
    tokio::select! {
        stopped = axum::serve(listener, pages).into_future() => stopped,
        () = upkeep => Ok(()),
    }
}

async fn ready_page(State(readiness): State<Readiness>) -> impl IntoResponse {
    let report = readiness.report();
    let status = if report.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(report))
}

async fn metrics_page(State(prometheus): State<PrometheusHandle>) -> impl IntoResponse {
    // The version of the text format is part of its media type (source: Prometheus).
    let format = [(
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    )];
    (format, prometheus.render())
}
