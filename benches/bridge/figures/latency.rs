//! From COMMIT to the REST request, at 50 rows per second over 20 channels.

use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval};

use crate::arrivals::Arrivals;
use crate::database::CHANNELS;
use crate::options::Scale;
use crate::samples::{Samples, milliseconds};
use crate::table::Row;
use crate::world::{World, now_us};

/// 50 rows per second.
const EVERY: Duration = Duration::from_millis(20);

pub async fn measure(world: &mut World, scale: &Scale) -> anyhow::Result<Vec<Row>> {
    world.start_bridge(None).await?;
    let mut writer = world.database.pool.acquire().await?.detach();
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first message of a channel opens connections and statements: a second of them before
    // anything counts.
    let warm_up = 50.max(CHANNELS);
    let (mut committed, mut commits) = (Vec::new(), Vec::new());
    for _ in 0..warm_up + scale.paced_rows {
        ticks.tick().await;
        let began = Instant::now();
        let row = world.database.insert(&mut writer).await?;
        commits.push(began.elapsed());
        committed.push((row, now_us()));
    }
    drop(writer);
    let first = committed.first().map_or(0, |(row, _)| *row);
    let last = committed.last().map_or(0, |(row, _)| *row);
    let arrivals = Arrivals::of(world, first..last + 1).await?;
    let samples = committed.iter().skip(warm_up as usize).map(|(row, at)| {
        // A request may arrive before COMMIT has returned to its writer: that is no time at all.
        Duration::from_micros(arrivals.at_us(*row).saturating_sub(*at))
    });
    let samples = Samples::new(samples.collect())?;
    let commits = Samples::new(commits.split_off(warm_up as usize))?;
    Ok(vec![
        Row::new(
            "COMMIT → REST request, p50",
            milliseconds(samples.percentile(50)),
            "≤ 1 ms",
            ["1.2 ms", "1.4 ms", "0.4 ms"],
        ),
        Row::new(
            "COMMIT → REST request, p99",
            milliseconds(samples.percentile(99)),
            "≤ 4.1 ms",
            ["4.3 ms", "5.7 ms", "4.1 ms"],
        ),
        // What the disk takes to keep one row. Whoever writes a ledger before the request waits for
        // the disk once more, unless told otherwise.
        Row::told(
            "INSERT and COMMIT of such a row itself, p50 and p99",
            format!(
                "{} and {}",
                milliseconds(commits.percentile(50)),
                milliseconds(commits.percentile(99))
            ),
        ),
    ])
}
