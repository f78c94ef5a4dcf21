//! Agents' own bots: a private channel with one of them is the agent's thread.

mod guests;
pub mod stage;
mod talk;
mod tokens;
mod upkeep;
