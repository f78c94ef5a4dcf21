//! Every task is a thread.

mod legacy;
mod scale;
mod threads;
mod timeline;
