//! The change feed against a real Postgres.

#[path = "feed/checks.rs"]
mod checks;
#[path = "feed/latency.rs"]
mod latency;
#[path = "feed/listener.rs"]
mod listener;
#[path = "feed/outage.rs"]
mod outage;
#[path = "feed/postgres.rs"]
mod postgres;
#[path = "feed/stream.rs"]
mod stream;
#[path = "feed/visibility.rs"]
mod visibility;
