//! The change feed against a real Postgres, and against a server that speaks as Supabase Realtime does.

#[path = "feed/checks.rs"]
mod checks;
#[path = "feed/doctor.rs"]
mod doctor;
#[path = "feed/latency.rs"]
mod latency;
#[path = "feed/listener.rs"]
mod listener;
#[path = "feed/official.rs"]
mod official;
#[path = "feed/outage.rs"]
mod outage;
#[path = "feed/postgres.rs"]
mod postgres;
#[path = "feed/realtime/mod.rs"]
mod realtime;
#[path = "feed/stream.rs"]
mod stream;
#[path = "feed/visibility.rs"]
mod visibility;
#[path = "feed/websocket.rs"]
mod websocket;
#[path = "feed/websocket_faults.rs"]
mod websocket_faults;
#[path = "feed/whole.rs"]
mod whole;
