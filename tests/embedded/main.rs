//! The embedded Postgres: real processes, real files, no stand-ins.

mod folder;
mod kills;
mod life;
mod programs;
mod support;
