//! What stands in `#activity`: what happened, the heartbeats, and the mission above all.

use uuid::Uuid;

use super::super::plan::Wanted;
use super::{Look, Rendered, Renderer, version};
use crate::cards::Draft;
use crate::cards::activity::post;
use crate::cards::heartbeat::heartbeat_card;
use crate::cards::mission::banner;
use crate::model::labs::Feature;
use crate::model::view::{Entity, EntityKind, Surface, View};
use crate::store::activity::Admission;
use crate::store::kept::Kept;
use crate::store::look::Loaded;
use crate::store::{Result, Store};

impl Renderer {
    /// Whether a feature is on.
    pub(in crate::mirror) fn is_on(&self, feature: Feature) -> bool {
        self.layout.borrow().labs().is_on(feature)
    }

    /// Rows of `activities`: they are shown in posts, which are named to be looked at next.
    pub(super) async fn activities(
        &self,
        store: &Store,
        on: &mut Kept,
        ids: &[Uuid],
    ) -> Result<Look> {
        let admission = Admission {
            floor: self.reach.floor(store).await?,
            findings: self.is_on(Feature::HeartbeatUi),
            channel: self
                .layout
                .borrow()
                .channel(&Surface::Activity)
                .map(|it| it.id),
        };
        let gathered = store.gather_activities(on, ids, admission).await?;
        let kind = EntityKind::Activity;
        let nothing = |id: &Uuid| rendered(Entity { kind, id: *id }, None, Vec::new());
        Ok(Look {
            sight: gathered.sight,
            rows: ids.iter().map(nothing).collect(),
            others: [gathered.posts, gathered.heartbeats].concat(),
            ..Look::default()
        })
    }

    /// Posts. One whose task has no thread yet is looked at again when it has.
    pub(super) async fn posts(&self, store: &Store, ids: &[Uuid]) -> Result<Look> {
        let shown = self.shown();
        let thread = |task| shown.layout.at(&Surface::Task(task)).map(|it| it.id);
        let mut look = Look::default();
        for Loaded { entity, row, views } in store.load_posts(ids).await? {
            let lines = row.iter().flat_map(|(post, _)| &post.lines);
            let missing = lines.filter_map(|it| it.task.filter(|task| thread(*task).is_none()));
            let kind = EntityKind::Task;
            look.unlinked
                .extend(missing.map(|id| (Entity { kind, id }, entity)));
            let wanted =
                row.map(|(row, row_version)| (post(&row, &shown.personas, thread), row_version));
            look.rows.push(rendered(entity, wanted, views));
        }
        Ok(look)
    }

    /// Cards of heartbeats. While their feature is off they stay as they are.
    pub(super) async fn heartbeats(&self, store: &Store, ids: &[Uuid]) -> Result<Look> {
        let personas = self.personas();
        let is_on = self.is_on(Feature::HeartbeatUi);
        let rows = store.load_heartbeats(ids).await?.into_iter().map(|loaded| {
            let Loaded { entity, row, views } = loaded;
            if !is_on {
                return rendered(entity, None, Vec::new());
            }
            let card = row.map(|(beats, _)| heartbeat_card(&beats, &personas));
            rendered(entity, card.map(with_version), views)
        });
        Ok(Look {
            rows: rows.collect(),
            ..Look::default()
        })
    }

    /// The banner. While its feature is off it stays as it is.
    pub(super) async fn mission(&self, store: &Store) -> Result<Look> {
        let entity = Entity::MISSION;
        let (mission, sight) = store.mission().await?;
        let row = if self.is_on(Feature::MissionBanner) {
            let views = store.views(entity.kind, &[entity.id]).await?;
            rendered(
                entity,
                mission.as_ref().map(banner).map(with_version),
                views,
            )
        } else {
            rendered(entity, None, Vec::new())
        };
        Ok(Look {
            sight: Some(sight),
            rows: vec![row],
            ..Look::default()
        })
    }
}

fn with_version(card: Draft) -> (Draft, String) {
    let version = version(&card);
    (card, version)
}

/// What stands in `#activity` as one message, or nowhere.
fn rendered(entity: Entity, wanted: Option<(Draft, String)>, views: Vec<View>) -> Rendered {
    let wanted = wanted.map(|(draft, row_version)| Wanted {
        surface: Surface::Activity,
        drafts: vec![draft],
        row_version,
    });
    Rendered {
        entity,
        wanted: wanted.into_iter().collect(),
        views,
        gone: false,
        at: None,
    }
}
