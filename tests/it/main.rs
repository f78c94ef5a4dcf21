//! Journeys: the real binary, a real Postgres, the sandbox over real sockets, and people.

#[path = "../harness/mod.rs"]
mod harness;

mod activity;
mod addressing;
mod agents;
mod approvals;
mod archive;
mod backfill;
mod bad_input;
mod bots;
mod cards;
mod chat;
mod crash;
mod docs;
mod doctor;
mod existing;
mod first_run;
mod forgotten;
mod help;
mod homes;
mod labs;
mod layout;
mod lifecycle;
mod mission;
mod offline;
mod permissions;
mod presets;
mod receipts;
mod room;
mod schedule;
mod setup;
mod skills;
mod story;
mod system;
mod talk;
mod tasks;
mod team;
mod window;
