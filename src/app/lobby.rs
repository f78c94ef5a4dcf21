//! Who may decide, and `/setup`.

use std::sync::Arc;

use tokio::sync::{Notify, watch};

use super::wiring::Wires;
use crate::discord::lanes::Lanes;
use crate::discord::own_bots::Guests;
use crate::lifecycle::Lifecycle;
use crate::operations::homes::{Home, Homes};
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

impl Wires<'_> {
    /// The operators of the configuration, and those that come with the sandbox.
    pub(super) fn configured(&self) -> Arc<Operators> {
        let discord = &self.config.discord;
        let users = discord.operators.iter();
        Arc::new(Operators {
            users: users.chain(&self.place.operators).copied().collect(),
            roles: discord.operator_roles.iter().copied().collect(),
        })
    }

    /// Who may talk to agents' own bots.
    pub(super) fn guests(&self, roll: &Roll) -> Guests {
        let members = self.config.delivery.members_may_ask;
        Guests::new(
            self.lanes.clone(),
            self.identity.guild,
            roll.clone(),
            members,
        )
    }

    /// What `/setup` works with, beside the one home that there is.
    pub(super) fn lobby(&self, lifecycle: &mut Lifecycle, home: Home, lanes: Lanes) -> Lobby {
        let configured = Arc::new(home.desk.operators.configured().clone());
        let (open, homes) = watch::channel(Arc::new(vec![home]));
        let cancel = lifecycle.token();
        lifecycle.spawn("homes", async move {
            cancel.cancelled().await;
            drop(open);
            Ok(())
        });
        Lobby {
            store: self.database.hot.clone(),
            configured,
            owners: Arc::new(self.identity.owners.clone()),
            homes: Homes::new(homes, Arc::new(Notify::new())),
            lanes,
            application: self.identity.application,
        }
    }
}
