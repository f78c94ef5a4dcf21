//! The team in Discord: who is there, and who is hired.

#[path = "agents/hiring.rs"]
mod hiring;
#[path = "agents/looking.rs"]
mod looking;
