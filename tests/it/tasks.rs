//! Every task is a thread.

mod threads;
mod timeline;
