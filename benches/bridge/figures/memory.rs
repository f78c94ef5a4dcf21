//! Resident memory: idle, and after many messages.

use crate::arrivals::Arrivals;
use crate::database::CHANNELS;
use crate::options::Scale;
use crate::proc;
use crate::table::Row;
use crate::world::World;

/// Rows of one commit: a busy morning, not a restored dump.
const BATCH: u32 = 1_000;

pub async fn measure(world: &mut World, scale: &Scale) -> anyhow::Result<Vec<Row>> {
    world.start_bridge(None).await?;
    let bridge = world.bridge_pid()?;
    tokio::time::sleep(scale.memory_settles).await;
    let idle = proc::memory(bridge)?;
    for _ in 0..scale.memory_rows / BATCH {
        let rows = world.database.insert_many(BATCH, CHANNELS as usize).await?;
        Arrivals::of(world, rows).await?;
    }
    tokio::time::sleep(scale.memory_settles).await;
    let after = proc::memory(bridge)?;
    Ok(vec![
        Row::new(
            "resident memory, idle",
            format!("{:.1} MiB", idle.resident),
            "≤ 25 MB",
            ["80–125 MB", "50 MB", "3 MB"],
        ),
        Row::new(
            format!("resident memory, after {} messages", scale.memory_rows),
            format!("{:.1} MiB (peak {:.1})", after.resident, after.peak),
            "flat",
            ["", "", ""],
        ),
    ])
}
