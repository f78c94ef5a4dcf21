//! The binary: parse, run.

use std::process::ExitCode;

use clap::Parser as _;
use clawdos_bridge::{app, cli::Cli};

fn main() -> ExitCode {
    app::run(&Cli::parse())
}
