//! The mirror keeps Discord true to the database.

pub mod dirty;
pub mod plan;
