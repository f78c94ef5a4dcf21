//! The pure rooms: what is rendered never breaks a limit of Discord's, and planning is idempotent.

mod addressing;
mod cards;
mod controls;
mod custom_ids;
mod doctor;
mod fallback;
mod file;
mod hostile;
mod identity;
mod labs;
mod markup;
mod mentions;
mod mode;
mod outcome;
mod plan;
mod proposals;
mod quote;
mod receipts;
mod stage;
mod status;
mod surface;
mod task_press;
mod team;
mod verdicts;
mod waking;
