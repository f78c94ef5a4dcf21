//! From the start of the process to the gateway session and to the run file, on existing data.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use crate::options::Scale;
use crate::samples::{Samples, seconds};
use crate::table::Row;
use crate::world::{World, stop_process};

/// How often is looked for the session.
const LOOK_EVERY: Duration = Duration::from_millis(2);

pub async fn measure(world: &mut World, scale: &Scale) -> anyhow::Result<Vec<Row>> {
    // Whatever ran before: from here on everything is there already.
    world.start_bridge(None).await?;
    world.stop_bridge()?;
    let (mut connected, mut ready) = (Vec::new(), Vec::new());
    for _ in 0..scale.starts {
        let (session, run_file) = start_once(world).await?;
        connected.push(session);
        ready.push(run_file);
    }
    let (first, whole) = start_whole(world, scale.starts).await?;
    let median = |samples| anyhow::Ok(seconds(Samples::new(samples)?.percentile(50)));
    Ok(vec![
        Row::new(
            "start → connected, existing data",
            median(connected)?,
            "≤ 0.4 s",
            ["", "", ""],
        ),
        Row::told("start → ready, existing data", median(ready)?),
        Row::told(
            "start → ready, Postgres and sandbox brought along, existing data",
            median(whole)?,
        ),
        Row::told("start → ready, the same on an empty folder", seconds(first)),
    ])
}

/// Time to the gateway session, and to the run file.
async fn start_once(world: &World) -> anyhow::Result<(Duration, Duration)> {
    let before = world.discord.sessions_opened().await?;
    let began = Instant::now();
    let starting = world.starting_bridge(None);
    let mut connected = None;
    while connected.is_none() {
        // A bridge that is ready without a session is not ready at all.
        let ready = starting.is_finished();
        if world.discord.sessions_opened().await? > before {
            connected = Some(began.elapsed());
        }
        ensure!(
            connected.is_some() || !ready,
            "the bridge has no gateway session"
        );
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let bridge = starting.await.context("the bridge does not start")?;
    let ready = began.elapsed();
    stop_process(bridge)?;
    Ok((connected.unwrap_or(ready), ready))
}

/// Time to the run file with nothing configured: for the first start, and for those after it.
async fn start_whole(world: &World, starts: u32) -> anyhow::Result<(Duration, Vec<Duration>)> {
    let mut times = Vec::new();
    for _ in 0..=starts {
        let began = Instant::now();
        let bridge = world.starting_whole("whole").await;
        let bridge = bridge.context("the bridge does not start with nothing configured")?;
        times.push(began.elapsed());
        stop_process(bridge)?;
    }
    Ok((times.remove(0), times))
}
