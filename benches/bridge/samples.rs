//! Durations and what is said of them.

use std::time::Duration;

/// Many measurements of one thing.
#[derive(Debug)]
pub struct Samples(Vec<Duration>);

impl Samples {
    /// Samples in any order.
    pub fn new(mut samples: Vec<Duration>) -> anyhow::Result<Self> {
        anyhow::ensure!(
            !samples.is_empty(),
            "there is nothing to take a percentile of"
        );
        samples.sort_unstable();
        Ok(Self(samples))
    }

    /// The nearest-rank percentile.
    pub fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        self.0[rank.min(self.0.len()) - 1]
    }
}

/// As a table shows it.
pub fn milliseconds(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1_000.0)
}

/// As a table shows it.
pub fn seconds(duration: Duration) -> String {
    format!("{:.3} s", duration.as_secs_f64())
}
