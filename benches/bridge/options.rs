//! What is measured, and how much of it.

use std::time::Duration;

use clap::{Parser, ValueEnum};

/// The command line after `cargo bench --bench bridge --`.
#[derive(Debug, Parser)]
#[command(name = "bridge", about = "Measures the bridge and prints one table")]
pub struct Options {
    /// Small counts: a look in about a minute, not numbers to quote
    #[arg(long)]
    pub quick: bool,
    /// Measure only this; may be repeated
    #[arg(long, value_name = "NAME")]
    only: Vec<Figure>,
    /// Cargo adds this by itself.
    #[arg(long = "bench", hide = true)]
    _bench: bool,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Figure {
    /// From COMMIT to the REST request
    Latency,
    /// From a person's message to the agent's executor
    Deliver,
    /// Messages per second, and what they cost
    Throughput,
    /// A backlog under Discord's rate limits
    Limits,
    /// From the start of the process to ready
    Start,
    /// Resident memory
    Memory,
    /// The release binary
    Size,
}

impl Figure {
    /// As `--only` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::Deliver => "deliver",
            Self::Throughput => "throughput",
            Self::Limits => "limits",
            Self::Start => "start",
            Self::Memory => "memory",
            Self::Size => "size",
        }
    }
}

/// How much of everything.
#[derive(Debug, Clone)]
pub struct Scale {
    /// Rows of the latency figure, at 50 per second.
    pub paced_rows: u32,
    /// Messages that a person sends.
    pub deliveries: u32,
    /// Rows that are committed in one go.
    pub burst_rows: u32,
    /// Rows per channel under rate limits, in ten channels.
    pub limited_rows_per_channel: u32,
    /// Starts, of which the median counts.
    pub starts: u32,
    /// Rows between the two looks at memory.
    pub memory_rows: u32,
    /// How long memory may settle before a look.
    pub memory_settles: Duration,
}

impl Options {
    /// What to measure, in the order of the table.
    pub fn figures(&self) -> Vec<Figure> {
        Figure::value_variants()
            .iter()
            .copied()
            .filter(|figure| self.only.is_empty() || self.only.contains(figure))
            .collect()
    }

    /// How much of it.
    pub fn scale(&self) -> Scale {
        if self.quick {
            return Scale {
                paced_rows: 250,
                deliveries: 40,
                burst_rows: 1_000,
                limited_rows_per_channel: 8,
                starts: 2,
                memory_rows: 2_000,
                memory_settles: Duration::from_secs(3),
            };
        }
        Scale {
            paced_rows: 1_500,
            deliveries: 200,
            burst_rows: 5_000,
            limited_rows_per_channel: 20,
            starts: 5,
            memory_rows: 10_000,
            memory_settles: Duration::from_secs(10),
        }
    }
}
