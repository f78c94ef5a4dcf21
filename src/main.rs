//! The binary: parse, run.
fn main() {}
