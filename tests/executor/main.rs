//! The built-in executor as its callers see it: a real Postgres, real HTTP, real subprocesses.

#[path = "../harness/postgres.rs"]
mod postgres;

mod agents;
mod client;
mod deliver;
mod queue;
mod requests;
mod rows;
mod stage;
