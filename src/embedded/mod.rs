//! Parts the bridge brings along when none is configured: a Postgres of its own.
//!
//! | file | what it knows |
//! |---|---|
//! | `postgres` | the server's life: start, address, stop, unexpected end |
//! | `data_dir` | the data folder: where it is, who may use it, one bridge at a time |
//! | `account` | which user Postgres runs as (it refuses root) |
//! | `binaries`, `npm` | where the programs come from |
//! | `cluster` | the database files and their password |
//! | `server` | one run of the server, which dies with us |
//! | `orphans` | what an earlier bridge that was killed left behind |

mod account;
pub mod binaries;
mod cluster;
pub mod data_dir;
pub mod error;
pub mod npm;
mod orphans;
pub mod postgres;
mod server;

pub use data_dir::{DataDirLock, data_dir_holder, default_data_dir, lock_data_dir};
pub use error::EmbeddedError;
pub use postgres::EmbeddedPostgres;
