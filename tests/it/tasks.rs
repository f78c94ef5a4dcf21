//! Every task is a thread.

mod bad_input;
mod commands;
mod comments;
mod controls;
mod story;
mod threads;
mod timeline;
