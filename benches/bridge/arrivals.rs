//! Which rows have arrived in Discord, each exactly once.

use std::collections::HashMap;
use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::discord::Request;
use crate::world::World;

/// How long nothing may arrive while something is missing. A sweep, which finds what the feed has
/// missed, comes every 30 s.
const PATIENCE: Duration = Duration::from_secs(45);

/// How often is looked: seldom enough not to take a core from what is measured.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The rows' requests.
#[derive(Debug, Default)]
pub struct Arrivals {
    /// When the request of each row arrived, in microseconds since 1970.
    at_us: HashMap<u32, u64>,
    /// Requests that Discord refused with 429.
    pub rate_limited: u32,
    doubled: Vec<u32>,
}

impl Arrivals {
    /// Waits for all of these rows, then for the ledger, then looks whether one came twice.
    pub async fn of(world: &mut World, rows: Range<u32>) -> anyhow::Result<Self> {
        let mut arrivals = Self::default();
        let wanted = rows.len();
        let mut progress = Instant::now();
        while arrivals.at_us.len() < wanted {
            let missing = wanted - arrivals.at_us.len();
            let waiting = world.discord.waiting().await?;
            let idle = progress.elapsed() > PATIENCE;
            if waiting >= missing as u64 || idle {
                let before = arrivals.at_us.len();
                arrivals.note(&world.discord.requests().await?, &rows);
                if arrivals.at_us.len() > before {
                    progress = Instant::now();
                }
                ensure!(
                    !idle || arrivals.at_us.len() > before,
                    "{missing} of {wanted} messages are lost"
                );
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        world.database.settled().await?;
        arrivals.note(&world.discord.requests().await?, &rows);
        ensure!(
            arrivals.doubled.is_empty(),
            "{} messages came twice, such as that of row {}",
            arrivals.doubled.len(),
            arrivals.doubled[0]
        );
        Ok(arrivals)
    }

    fn note(&mut self, requests: &[Request], rows: &Range<u32>) {
        for request in requests {
            if request.status == 429 {
                self.rate_limited += 1;
            }
            let Some(row) = request.row.filter(|row| rows.contains(row)) else {
                continue;
            };
            if (200..300).contains(&request.status)
                && self.at_us.insert(row, request.at_us).is_some()
            {
                self.doubled.push(row);
            }
        }
    }

    /// When the request of a row arrived, in microseconds since 1970.
    pub fn at_us(&self, row: u32) -> u64 {
        self.at_us.get(&row).copied().unwrap_or_default()
    }

    /// When the last of them arrived, in microseconds since 1970.
    pub fn last_us(&self) -> u64 {
        self.at_us.values().copied().max().unwrap_or_default()
    }
}
