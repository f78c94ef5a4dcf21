//! Who may decide, and `/setup`.

use std::sync::Arc;

use super::wiring::Shared;
use crate::lifecycle::Lifecycle;
use crate::operations::homes::Homes;
use crate::operations::roll::{follow, refresh};
use crate::operations::setup::Lobby;
use crate::operations::{Operators, Roll};
use crate::store::Store;

/// Who may decide in a project: those of the configuration, and who was chosen for it. Kept known until the end.
pub(super) async fn roll(
    lifecycle: &mut Lifecycle,
    store: &Store,
    configured: Arc<Operators>,
) -> anyhow::Result<Roll> {
    let roll = Roll::new(configured);
    refresh(&roll, store).await?;
    let following = follow(roll.clone(), store.clone(), lifecycle.token());
    lifecycle.spawn("operators", following);
    Ok(roll)
}

/// What `/setup` works with.
pub(super) fn lobby(shared: &Shared, homes: Homes) -> Lobby {
    let config = &shared.config;
    let fixed = config.discord.guild_id;
    Lobby {
        store: shared.database.hot.clone(),
        configured: Arc::new(shared.operators()),
        owners: Arc::new(shared.identity.owners.clone()),
        fixed: fixed.map(|guild| (config.project.id.clone(), guild)),
        homes,
        lanes: shared.lanes.clone(),
        application: shared.identity.application,
    }
}
