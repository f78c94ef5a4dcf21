//! Many rows committed at once: as fast as it goes, and as fast as Discord allows.

use std::time::Duration;

use anyhow::ensure;

use crate::arrivals::Arrivals;
use crate::database::CHANNELS;
use crate::options::Scale;
use crate::proc;
use crate::samples::seconds;
use crate::table::Row;
use crate::world::{World, now_us};

/// Channels of the backlog under rate limits.
const LIMITED_CHANNELS: u32 = 10;

/// Messages that a webhook takes in one window, and the window (source: the headers that Discord
/// sends with Execute Webhook).
const WEBHOOK_LIMIT: (u32, Duration) = (5, Duration::from_secs(2));

/// Requests that a bot may make in one window (source: Discord, Rate Limits, "Global Rate Limit").
const GLOBAL_LIMIT: (u32, Duration) = (50, Duration::from_secs(1));

/// Webhook messages that a channel takes in a minute (source: discord-api-docs, issue 2190). No
/// header tells of it, so a backlog that exceeds it has to hit it.
const CHANNEL_MINUTE_LIMIT: u32 = 30;

/// With rate limits off: the rate, and the CPU time it takes.
pub async fn without_limits(world: &mut World, scale: &Scale) -> anyhow::Result<Vec<Row>> {
    world.start_bridge(None).await?;
    let bridge = world.bridge_pid()?;
    let bridge_before = proc::cpu_seconds(bridge)?;
    let postgres_before = world.database.cpu_seconds()?;
    let rows = world
        .database
        .insert_many(scale.burst_rows, CHANNELS as usize)
        .await?;
    let committed = now_us();
    let arrivals = Arrivals::of(world, rows).await?;
    let took = Duration::from_micros(arrivals.last_us().saturating_sub(committed));
    let thousands = f64::from(scale.burst_rows) / 1_000.0;
    let bridge_cpu = (proc::cpu_seconds(bridge)? - bridge_before) / thousands;
    let postgres_cpu = (world.database.cpu_seconds()? - postgres_before) / thousands;
    Ok(vec![
        Row::new(
            "messages per second, rate limits off",
            format!("{:.0}", f64::from(scale.burst_rows) / took.as_secs_f64()),
            "≥ 1,000",
            ["240–600", "240–450", "360–1,260"],
        ),
        Row::new(
            "CPU seconds per 1,000 messages, bridge",
            format!("{bridge_cpu:.2}"),
            "≤ 0.45",
            ["2.2", "2.0", "0.2"],
        ),
        Row::told(
            "CPU seconds per 1,000 messages, Postgres",
            format!("{postgres_cpu:.2}"),
        ),
    ])
}

/// With Discord's rate limits: the time against the shortest that they allow.
pub async fn under_limits(world: &mut World, scale: &Scale) -> anyhow::Result<Vec<Row>> {
    let per_channel = scale.limited_rows_per_channel;
    ensure!(
        per_channel <= CHANNEL_MINUTE_LIMIT,
        "more than {CHANNEL_MINUTE_LIMIT} messages per channel cannot be sent without a 429"
    );
    world.start_bridge(None).await?;
    world.discord.rate_limits(true).await?;
    let measured = measure_limited(world, per_channel * LIMITED_CHANNELS).await;
    world.discord.rate_limits(false).await?;
    let (took, rate_limited) = measured?;
    let shortest = shortest(per_channel);
    Ok(vec![
        Row::new(
            format!(
                "{} messages over {LIMITED_CHANNELS} channels under Discord's limits, against the shortest time",
                per_channel * LIMITED_CHANNELS
            ),
            format!(
                "{:.3}× ({} against {})",
                took.as_secs_f64() / shortest.as_secs_f64(),
                seconds(took),
                seconds(shortest)
            ),
            "≤ 1.02×",
            ["1.06×", "1.02×", ""],
        ),
        Row::new(
            "429 answers meanwhile",
            rate_limited.to_string(),
            "0",
            ["", "", ""],
        ),
    ])
}

async fn measure_limited(world: &mut World, rows: u32) -> anyhow::Result<(Duration, u32)> {
    let rows = world
        .database
        .insert_many(rows, LIMITED_CHANNELS as usize)
        .await?;
    let committed = now_us();
    let arrivals = Arrivals::of(world, rows).await?;
    let took = Duration::from_micros(arrivals.last_us().saturating_sub(committed));
    Ok((took, arrivals.rate_limited))
}

/// The shortest time that Discord allows, with a sender that needs none itself. A window starts with
/// its first request, so the first batch of every webhook goes out at once and each further one a
/// window later; all webhooks run side by side, unless the limit of the whole bot is the narrower
/// one.
fn shortest(per_channel: u32) -> Duration {
    let further = |count: u32, limit: (u32, Duration)| limit.1 * (count.div_ceil(limit.0) - 1);
    further(per_channel, WEBHOOK_LIMIT).max(further(per_channel * LIMITED_CHANNELS, GLOBAL_LIMIT))
}
