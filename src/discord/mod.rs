//! (being built)
pub mod lanes;
pub mod rest;
