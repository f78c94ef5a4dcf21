//! The built-in executor as its callers see it: a real Postgres, real HTTP, real subprocesses.

#[path = "../harness/postgres.rs"]
mod postgres;

mod actions;
mod actions_api;
mod actions_claim;
mod actions_crash;
mod actions_file;
mod agents;
mod answers;
mod approved;
mod client;
mod context;
mod deliver;
mod demo_project;
mod docs;
mod doubt;
mod edits;
mod held;
mod hires;
mod late;
mod proposing;
mod proxy;
mod queue;
mod races;
mod requests;
mod rows;
mod schedule;
mod skills;
mod stage;
mod task_rows;
mod tasks_api;
mod tasks_refused;
mod telling;
mod waking;
