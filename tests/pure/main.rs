//! The pure rooms: what is rendered never breaks a limit of Discord's, and planning is idempotent.

mod cards;
mod identity;
mod mode;
mod plan;
