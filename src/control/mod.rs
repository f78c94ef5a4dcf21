//! The Control API: what the bridge asks of an executor, ours or an existing one of `ClawdOS`.

pub mod client;
mod clock;
mod cron;
mod docs;
pub mod guard;
mod team;
pub mod wire;

pub use client::{ControlClient, ControlError, DeliverOutcome, ExecutorHealth};
pub use docs::Save;
pub use guard::ShellGuard;
pub use team::Asked;
