//! Journeys: the real binary, a real Postgres, the sandbox over real sockets, and people.

#[path = "../harness/mod.rs"]
mod harness;

mod crash;
mod first_run;
mod room;
mod talk;
