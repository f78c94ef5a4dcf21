//! Every task is a thread.

mod commands;
mod comments;
mod controls;
mod threads;
mod timeline;
