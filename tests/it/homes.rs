//! Several projects in one process.

mod one_server;
