//! What the journeys share.

pub mod person;
pub mod postgres;
pub mod process;
pub mod world;
