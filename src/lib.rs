//! ClawdOS Mission Control in Discord. `ARCHITECTURE.md` draws the house; this file lists its rooms.

// L0: pure
pub mod clock;
pub mod error;
pub mod model;
// L1
pub mod config;
pub mod telemetry;
// L2: siblings, none imports another
pub mod cards;
pub mod control;
pub mod discord;
pub mod feed;
pub mod spool;
pub mod store;
// L3
pub mod delivery;
pub mod mirror;
pub mod mode;
pub mod operations;
// L4
pub mod backfill;
#[path = "../commands/mod.rs"]
pub mod commands;
pub mod doctor;
pub mod health;
// Islands
pub mod embedded;
pub mod executor;
// L5
pub mod app;
pub mod cli;
pub mod lifecycle;
