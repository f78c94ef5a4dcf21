//! The benchmark harness: the real binary, measured from outside.
//!
//! `cargo bench --bench bridge` starts three things, each as a process of its own so that nobody
//! pays for another's work: an embedded Postgres with the settings that are shipped (fsync on), the
//! sandbox as Discord, and the bridge. It writes rows as agents do, reads the sandbox's list of
//! requests, and prints one table. Nothing is asserted about time; a message that is lost or doubled
//! ends the run with an error.
//!
//! `-- --quick` takes small counts, `-- --only latency` takes one figure (and may be repeated).

mod arrivals;
mod control_api;
mod database;
mod discord;
mod figures;
mod options;
mod proc;
#[path = "../../tests/harness/process.rs"]
mod process;
mod samples;
mod table;
mod text;
mod world;

use std::process::ExitCode;

use clap::Parser as _;
use tokio::signal::unix::{SignalKind, signal};

use options::Options;
use table::Table;
use world::World;

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    // An interrupted run falls out of here, too: whatever it has started is killed on drop.
    tokio::select! {
        outcome = run(&options) => match outcome {
            Ok(table) => {
                println!("{table}");
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("The benchmark failed: {error:#}");
                ExitCode::FAILURE
            }
        },
        () = interrupted() => {
            eprintln!("interrupted");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> anyhow::Result<Table> {
    let mut table = Table::new(options.quick);
    let mut world = World::start().await?;
    for figure in options.figures() {
        eprintln!("measuring {} …", figure.name());
        match figures::measure(figure, &mut world, &options.scale()).await {
            Ok(rows) => table.extend(rows),
            Err(error) => {
                eprintln!("{}", world.last_words());
                return Err(error.context(format!("{} could not be measured", figure.name())));
            }
        }
    }
    world.stop().await?;
    Ok(table)
}

async fn interrupted() {
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        // Without handlers the default holds: the signal ends us.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
