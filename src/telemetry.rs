//! Log lines and numbers: where they go, what they are called.

use std::io::IsTerminal as _;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::Context as _;
use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{EnvFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

use crate::config::{LogConfig, LogFormat};

/// REST requests to Discord that came to an end, by `outcome` (`sent`, `not_sent`, `unknown`).
pub const REST_REQUESTS: &str = "bridge_rest_requests_total";
/// Answers with status 429, by `scope` (`user`, `global`, `shared`). The goal is none.
pub const RATE_LIMITED: &str = "bridge_rate_limited_total";
/// Requests waiting in all lanes.
pub const LANE_DEPTH: &str = "bridge_lane_depth";
/// Seconds from a COMMIT in the database to the REST request that shows it.
pub const COMMIT_TO_REQUEST: &str = "bridge_commit_to_request_seconds";
/// Discord messages the ledger keeps true.
pub const VIEWS: &str = "bridge_views_total";
/// 1 while the change feed is connected.
pub const FEED_CONNECTED: &str = "bridge_feed_connected";
/// Changes the feed has delivered, by `table`.
pub const FEED_CHANGES: &str = "bridge_feed_changes_total";
/// Rows the sweep found wanting, by `table`.
pub const SWEEP_ROWS: &str = "bridge_sweep_rows_total";
/// Rows that only the sweep found although the feed was up, by `table`.
pub const GAP_ROWS: &str = "bridge_realtime_gap_rows_total";
/// 1 while a table is not in the publication, by `table`.
pub const UNPUBLISHED: &str = "bridge_realtime_unpublished";
/// Deliveries to agents that came to an end, by `outcome` (`processed`, `failed`, `unknown`).
pub const DELIVERIES: &str = "bridge_deliveries_total";
/// 1 while the gateway session is up.
pub const GATEWAY_CONNECTED: &str = "bridge_gateway_connected";
/// Rows whose view is looked at, or waits to be.
pub const DIRTY_ROWS: &str = "bridge_dirty_rows";
/// Gateway events that nobody here understands, by `kind`.
pub const UNKNOWN_EVENTS: &str = "bridge_unknown_events_total";
/// 2 while Live, 1 in Backup, 0 when Offline.
pub const MODE: &str = "bridge_mode";
/// Messages on this machine's disk that wait for the database.
pub const SPOOL_HELD: &str = "bridge_spool_messages";

/// From a tenth of a millisecond, which is what the feed needs, to a backlog of a minute.
const LATENCY_BUCKETS: [f64; 15] = [
    0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0,
    60.0,
];

/// Histograms keep every sample until they are drained; this is how often.
const UPKEEP_PERIOD: Duration = Duration::from_secs(5);

static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// Sends log lines to standard error and collects metrics. The handle renders them.
///
/// Calling it again, as several bridges in one test process do, changes nothing and returns the
/// same handle. Fails when the filter is not understood, which [`LogConfig`] has checked before.
pub fn init(log: &LogConfig) -> anyhow::Result<PrometheusHandle> {
    if let Some(handle) = RECORDER.get() {
        return Ok(handle.clone());
    }
    let wanted = EnvFilter::try_new(&log.filter).context("the log filter is not understood")?;
    let lines = match log.format {
        LogFormat::Text => fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal())
            .boxed(),
        LogFormat::Json => fmt::layer()
            .with_writer(std::io::stderr)
            .json()
            .flatten_event(true)
            .boxed(),
    };
    // Another subscriber or recorder, of a test harness for instance, stays in charge.
    let _ = tracing_subscriber::registry()
        .with(lines.with_filter(wanted).with_filter(discreet()))
        .try_init();

    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(
            Matcher::Full(COMMIT_TO_REQUEST.to_owned()),
            &LATENCY_BUCKETS,
        )
        .context("the latency buckets are not accepted")?
        .build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_ok() {
        describe();
    }
    Ok(RECORDER.get_or_init(|| handle).clone())
}

/// Drains histograms now and then until `cancel`, so that a bridge nobody scrapes stays small.
pub async fn upkeep(prometheus: PrometheusHandle, cancel: CancellationToken) {
    let mut tick = tokio::time::interval(UPKEEP_PERIOD);
    while cancel.run_until_cancelled(tick.tick()).await.is_some() {
        prometheus.run_upkeep();
    }
}

/// Whatever is asked for, libraries that log requests, frames and headers word by word stay below
/// the level at which they do: these contain tokens and other people's messages.
/// serenity's spans hold whole requests from level INFO on.
fn discreet() -> Targets {
    let mut targets = Targets::new().with_default(LevelFilter::TRACE);
    for (library, most) in [
        ("serenity", LevelFilter::WARN),
        ("poise", LevelFilter::WARN),
        ("tungstenite", LevelFilter::INFO),
        ("tokio_tungstenite", LevelFilter::INFO),
        ("h2", LevelFilter::INFO),
        ("hyper", LevelFilter::INFO),
        ("hyper_util", LevelFilter::INFO),
        ("reqwest", LevelFilter::INFO),
        ("rustls", LevelFilter::INFO),
    ] {
        targets = targets.with_target(library, most);
    }
    targets
}

fn describe() {
    describe_counter!(REST_REQUESTS, "REST requests to Discord, by outcome");
    describe_counter!(RATE_LIMITED, "Answers of Discord with status 429, by scope");
    describe_gauge!(LANE_DEPTH, "REST requests waiting in all lanes");
    describe_histogram!(
        COMMIT_TO_REQUEST,
        Unit::Seconds,
        "Time from a COMMIT in the database to the REST request that shows it"
    );
    describe_gauge!(VIEWS, "Discord messages the ledger keeps true");
    describe_gauge!(FEED_CONNECTED, "1 while the change feed is connected");
    describe_counter!(FEED_CHANGES, "Changes delivered by the feed, by table");
    describe_counter!(SWEEP_ROWS, "Rows the sweep found wanting, by table");
    describe_counter!(
        GAP_ROWS,
        "Rows that only the sweep found although the feed was up, by table"
    );
    describe_gauge!(
        UNPUBLISHED,
        "1 while a table is not in the publication, by table"
    );
    describe_counter!(DELIVERIES, "Deliveries to agents that ended, by outcome");
    describe_gauge!(
        GATEWAY_CONNECTED,
        "1 while the Discord gateway session is up"
    );
    describe_counter!(UNKNOWN_EVENTS, "Gateway events not understood, by kind");
    describe_gauge!(MODE, "2 while Live, 1 in Backup, 0 when Offline");
    describe_gauge!(
        SPOOL_HELD,
        "Messages on this machine's disk that wait for the database"
    );
}
