//! Parts the bridge brings along when none is configured: a Postgres of its own.
pub mod postgres;
