//! What the mirror does for `#activity` beside showing rows: it names what a sweep should look at, and
//! tells who keeps the banner in its place.

use chrono::{DateTime, Utc};

use super::banner::BannerNews;
use super::{Announced, Mirror, Reach};
use crate::model::change::Change;
use crate::model::labs::Feature;
use crate::model::view::{Entity, EntityKind};
use crate::store::{Result, Store};

impl Reach {
    /// What is older is not shown anew.
    pub(super) async fn floor(&self, store: &Store) -> Result<DateTime<Utc>> {
        let since = store.mirror_since(self.first_link).await?;
        Ok(since.max(Utc::now() - self.horizon))
    }
}

impl Mirror {
    /// A document was changed; it may be the mission.
    pub(super) fn note_of_documents(&mut self, change: &Change) {
        self.dirty.mark(Entity::MISSION);
        let announced = change.xid.map(|xid| Announced {
            xid,
            commit_at: None,
        });
        self.announced
            .extend(announced.map(|it| (Entity::MISSION, it)));
    }

    /// The banner was looked at: its pin and the topic go with it.
    pub(super) fn tell_of_banner(&self, entity: Entity) {
        if entity == Entity::MISSION {
            // Nobody listens only while the process ends.
            let _ = self.deps.banner.send(BannerNews::Looked);
        }
    }

    /// What is to be looked at in `#activity`.
    pub(super) async fn find_activity(
        &self,
        floor: DateTime<Utc>,
        limit: i64,
    ) -> Result<Vec<Entity>> {
        let store = &self.deps.channels.store;
        let heartbeats = self.renderer.is_on(Feature::HeartbeatUi);
        let kind = EntityKind::Activity;
        let rows = store.sweep_activities(floor, heartbeats, limit).await?;
        let mut found: Vec<Entity> = rows.into_iter().map(|id| Entity { kind, id }).collect();
        found.extend(store.sweep_posts(floor, limit).await?);
        Ok(found)
    }

    /// The banner and the cards of heartbeats: they have no row of their own whose version would tell.
    pub(super) async fn cards_of_activity(&self) -> Result<Vec<Entity>> {
        let mut cards = vec![Entity::MISSION];
        if self.renderer.is_on(Feature::HeartbeatUi) {
            let store = &self.deps.channels.store;
            let floor = self.deps.reach.floor(store).await?;
            let kind = EntityKind::Heartbeat;
            let agents = store.sweep_heartbeats(floor).await?;
            cards.extend(agents.into_iter().map(|id| Entity { kind, id }));
        }
        Ok(cards)
    }
}
