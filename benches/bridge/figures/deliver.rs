//! From a person's message to the executor that runs the agent.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use tokio::time::{interval, timeout};

use crate::control_api::ControlApi;
use crate::database::surface;
use crate::options::Scale;
use crate::samples::{Samples, milliseconds};
use crate::table::Row;
use crate::text;
use crate::world::World;

/// Apart far enough that no message waits for the one before: an agent takes one turn at a time.
const EVERY: Duration = Duration::from_millis(50);

/// A delivery that takes longer is lost; a sweep or the queue may still bring it within this time.
const PATIENCE: Duration = Duration::from_secs(45);

pub async fn measure(world: &mut World, scale: &Scale) -> anyhow::Result<Vec<Row>> {
    let mut executor = ControlApi::start().await?;
    world.start_bridge(Some(&executor.url)).await?;
    let before = world.database.processed().await?;
    let channel = world.channel(&surface(0))?;
    let mut ticks = interval(EVERY);
    let mut samples = Vec::new();
    for _ in 0..scale.deliveries {
        ticks.tick().await;
        let number = world.database.number();
        // The clock starts before the request of the person: the sandbox sends MESSAGE_CREATE while
        // it answers that, so its own work is in the figure.
        let began = Instant::now();
        world.discord.say(&channel, &text::of(number)).await?;
        let (delivered, at) = timeout(PATIENCE, executor.deliveries.recv())
            .await
            .context("a message was not delivered")?
            .context("the Control API is gone")?;
        ensure!(
            delivered == number,
            "{delivered} was delivered instead of {number}"
        );
        samples.push(at.saturating_duration_since(began));
    }
    let processed = world.database.processed().await? - before;
    ensure!(
        processed == i64::from(scale.deliveries),
        "{processed} deliveries were processed, not {}",
        scale.deliveries
    );
    world.database.settled().await?;
    ensure!(
        executor.deliveries.try_recv().is_err(),
        "a message was delivered twice"
    );
    let samples = Samples::new(samples)?;
    Ok([50, 99]
        .map(|percent| {
            Row::told(
                format!("person's message → POST /api/chat/deliver, p{percent}"),
                milliseconds(samples.percentile(percent)),
            )
        })
        .into())
}
