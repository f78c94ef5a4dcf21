//! Proposals become cards, and operators decide them from Discord.

mod actions;
mod events;
mod forged;
mod hostile;
mod lists;
mod malformed;
mod outcomes;
mod places;
mod private;
mod promote;
mod races;
mod site;
pub mod stage;
mod stale;
mod tasks;
mod verdicts;
