//! What the card of a home tells.

use std::time::Duration;

use super::{Lobby, Visitor};
use crate::cards::Draft;
use crate::cards::setup::permissions::Permission;
use crate::cards::setup::{Place, PlaceState, Sight, card};
use crate::discord::lanes::Class;
use crate::discord::layout::{Layout, rights};
use crate::discord::portal::{Guild, invite};
use crate::discord::rest::{Request, Route};
use crate::model::{GuildId, RoleId};
use crate::operations::homes::Home;

/// How long Discord may take to say what the bot may do.
const PATIENCE: Duration = Duration::from_secs(5);

/// The permission without which no channel is made.
const MAKES_CHANNELS: &str = "Manage Channels";

impl Lobby {
    /// The card of a project that is shown in the server of whoever asks, as it is now.
    pub(super) async fn card(
        &self,
        visitor: &Visitor,
        home: &Home,
        note: Option<&str>,
    ) -> anyhow::Result<Draft> {
        let store = &home.desk.store;
        let (chosen, labs, permissions) = tokio::join!(
            store.chosen_operators(),
            store.labs(),
            self.permissions(visitor.guild),
        );
        let (chosen, (labs, _)) = (chosen?, labs?);
        let gone = self.gone(visitor.guild, &chosen.roles).await;
        let places = places(&home.layout.borrow(), permissions.as_deref());
        let mode = home.desk.route.mode().borrow().clone();
        let sight = Sight {
            project: home.project(),
            name: &home.name,
            places: &places,
            mode: &mode,
            permissions: permissions.as_deref(),
            invite: &invite(self.application),
            configured: &self.configured,
            chosen: &chosen,
            gone: &gone,
            labs,
            switches: home.desk.operators.includes(visitor.user, &visitor.roles),
        };
        Ok(card(&sight, note))
    }

    /// Those of these roles that a server does not have; none where Discord does not say in time.
    async fn gone(&self, guild: GuildId, roles: &[RoleId]) -> Vec<RoleId> {
        if roles.is_empty() {
            return Vec::new();
        }
        let asked = tokio::time::timeout(PATIENCE, rights::roles(&self.lanes, guild)).await;
        let Ok(Ok(there)) = asked else {
            return Vec::new();
        };
        let gone = roles.iter().filter(|role| !there.contains(&role.get()));
        gone.copied().collect()
    }

    /// What the bot may do in a server; none where Discord does not say in time.
    pub(super) async fn permissions(&self, guild: GuildId) -> Option<Vec<Permission>> {
        let servers = self.servers().await?;
        let here = servers.iter().find(|it| it.id == guild)?;
        Some(here.permissions())
    }

    /// The servers that the bot is in; none where Discord does not say in time.
    pub(super) async fn servers(&self) -> Option<Vec<Guild>> {
        let request = Request::new(Route::current_guilds()).give_up_after(PATIENCE);
        let asked = self.lanes.submit(Class::Interactive, request);
        let answer = tokio::time::timeout(PATIENCE, asked).await.ok()?;
        match answer.json::<Vec<Guild>>().into_result() {
            Ok(servers) => Some(servers),
            Err(error) => {
                tracing::warn!(%error, "Discord does not say what the bot may do: {error}");
                None
            }
        }
    }
}

/// Every channel that the project should have, and why it is not there.
fn places(layout: &Layout, permissions: Option<&[Permission]>) -> Vec<Place> {
    let mut granted = permissions.into_iter().flatten();
    let allowed = granted.all(|(name, has)| *has || *name != MAKES_CHANNELS);
    let state = |surface: &_| {
        if let Some(channel) = layout.channel(surface) {
            return PlaceState::There(channel.id);
        }
        let lacks = layout.lacks(surface);
        if !lacks.is_empty() {
            PlaceState::Off(lacks)
        } else if !allowed {
            PlaceState::NotAllowed
        } else if layout.without_room().is_some() {
            PlaceState::NoRoom
        } else {
            PlaceState::Coming
        }
    };
    let place = |surface| Place {
        state: state(&surface),
        name: surface.to_string(),
    };
    layout.wanted().into_iter().map(place).collect()
}
