//! Every task is a thread.

mod bad_input;
mod threads;
mod timeline;
