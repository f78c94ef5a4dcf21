//! (being built)
pub mod change;
