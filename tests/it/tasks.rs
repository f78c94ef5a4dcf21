//! Every task is a thread.

mod bad_input;
mod commands;
mod comments;
mod controls;
mod threads;
mod timeline;
