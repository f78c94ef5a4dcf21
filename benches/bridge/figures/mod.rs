//! The figures. Each starts a bridge of its own, so that none depends on what ran before.

mod backlog;
mod deliver;
mod latency;
mod memory;
mod size;
mod start;

use crate::options::{Figure, Scale};
use crate::table::Row;
use crate::world::World;

/// Measures one figure.
pub async fn measure(figure: Figure, world: &mut World, scale: &Scale) -> anyhow::Result<Vec<Row>> {
    match figure {
        Figure::Latency => latency::measure(world, scale).await,
        Figure::Deliver => deliver::measure(world, scale).await,
        Figure::Throughput => backlog::without_limits(world, scale).await,
        Figure::Limits => backlog::under_limits(world, scale).await,
        Figure::Start => start::measure(world, scale).await,
        Figure::Memory => memory::measure(world, scale).await,
        Figure::Size => size::measure(),
    }
}
