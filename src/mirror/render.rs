//! From rows to what should be in Discord.

mod activity;
mod shown;
mod tasks;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use tokio::sync::watch;
use uuid::Uuid;

use self::shown::Shown;
use super::marks::MarkWanted;
use super::plan::Wanted;
use super::threads::ThreadWish;
use super::{Deps, Reach};
use crate::cards::status::status_card;
use crate::cards::{self, Draft, Personas};
use crate::discord::layout::Layout;
use crate::model::message::{Author, Quoted};
use crate::model::mode::{ModeChange, State};
use crate::model::proposal::ProposalSource;
use crate::model::realtime::Gap;
use crate::model::status::Dials;
use crate::model::view::{Entity, EntityKind, Surface, View};
use crate::model::{ChannelId, DeliveryId, GuildId};
use crate::store::kept::Kept;
use crate::store::look::{Loaded, Sight};
use crate::store::proposal::{OpenProposals, StoredProposal};
use crate::store::{Result, Store};

/// What a look at rows of one kind has found.
#[derive(Debug, Default)]
pub struct Look {
    /// What it could see, where rows of that kind are announced.
    pub sight: Option<Sight>,
    /// The rows, oldest first.
    pub rows: Vec<Rendered>,
    /// Rows that were not asked for, and that the others are about.
    pub others: Vec<Entity>,
    /// Rows that somebody wrote who is no agent: with a new view comes a receipt on it.
    pub asked: Vec<Entity>,
    /// Rows that are quoted and not shown yet, and who quotes them.
    pub unlinked: Vec<(Entity, Entity)>,
    /// Marks that do not say what they should.
    pub marks: Vec<MarkWanted>,
    /// Threads of tasks that are not as they should be.
    pub threads: Vec<ThreadWish>,
    /// Deliveries, and where an agent works on them.
    pub at_work: Vec<(DeliveryId, Vec<ChannelId>)>,
}

/// A row's wanted views, and those it has.
#[derive(Debug)]
pub struct Rendered {
    /// The row.
    pub entity: Entity,
    /// What should be there; nothing when the row is gone or has no place in Discord.
    pub wanted: Vec<Wanted>,
    /// What is there.
    pub views: Vec<View>,
    /// Whether the row is deleted: then people's own messages go with it.
    pub gone: bool,
    /// When it happened: several tables make one timeline.
    pub at: Option<DateTime<Utc>>,
}

impl Rendered {
    /// Whether it has to do with what waits for a decision.
    pub fn concerns_approvals(&self) -> bool {
        let wanted = self.wanted.iter().map(|wanted| &wanted.surface);
        let there = self.views.iter().map(|view| &view.key.surface);
        wanted.chain(there).any(|it| *it == Surface::Approvals)
    }
}

/// Renders rows. The names of the agents are kept, because every message needs one.
#[derive(Debug, Clone)]
pub struct Renderer {
    personas: Arc<RwLock<Arc<Personas>>>,
    layout: watch::Receiver<Arc<Layout>>,
    dials: Dials,
    poll: Duration,
    reach: Reach,
    guild: GuildId,
}

impl Renderer {
    /// One that knows no names yet. `guild` is the server in which links lead.
    pub fn new(deps: &Deps, guild: GuildId) -> Self {
        Self {
            personas: Arc::default(),
            layout: deps.layout.clone(),
            dials: deps.dials.clone(),
            poll: deps.poll,
            reach: deps.reach.clone(),
            guild,
        }
    }

    /// Reads the names of the agents anew.
    pub async fn refresh(&self, store: &Store) -> Result<()> {
        let personas = Arc::new(Personas::new(&store.agents().await?));
        *self
            .personas
            .write()
            .unwrap_or_else(PoisonError::into_inner) = personas;
        Ok(())
    }

    /// The mode now.
    pub(super) fn mode(&self) -> State {
        self.dials.mode.borrow().clone()
    }

    /// The forum of tasks; none where they stand in a text channel.
    pub(super) fn forum(&self) -> Option<ChannelId> {
        let layout = self.layout.borrow();
        let tasks = layout.channel(&Surface::Tasks)?;
        layout.forum().map(|_| tasks.id)
    }

    /// The names of the agents.
    pub fn personas(&self) -> Arc<Personas> {
        Arc::clone(&self.personas.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn shown(&self) -> Shown {
        Shown {
            personas: self.personas(),
            layout: self.layout.borrow().clone(),
            guild: self.guild,
        }
    }

    /// Looks at rows of one kind and renders them.
    pub async fn load(
        &self,
        store: &Store,
        on: &mut Kept,
        kind: EntityKind,
        ids: &[Uuid],
    ) -> Result<Look> {
        if ids.is_empty() {
            return Ok(Look::default());
        }
        match kind {
            EntityKind::Message => self.messages(store, on, ids).await,
            EntityKind::Task => self.tasks(store, on, ids).await,
            EntityKind::TaskEvent | EntityKind::TaskComment | EntityKind::TaskOutput => {
                self.timeline(store, on, kind, ids).await
            }
            EntityKind::Delivery => self.deliveries(store, ids).await,
            EntityKind::Mode => Ok(look(store.load_modes(ids).await?, mode)),
            EntityKind::Digest => digest(store).await,
            EntityKind::Gap => Ok(look(store.load_gaps(ids).await?, gap)),
            EntityKind::Status => self.status(store).await,
            EntityKind::Activity => self.activities(store, on, ids).await,
            EntityKind::ActivityPost => self.posts(store, ids).await,
            EntityKind::Heartbeat => self.heartbeats(store, ids).await,
            EntityKind::Mission => self.mission(store).await,
        }
    }

    /// The card has no row: its version is that of everything it tells.
    async fn status(&self, store: &Store) -> Result<Look> {
        let entity = Entity::STATUS;
        let views = store.views(entity.kind, &[entity.id]).await?;
        let facts = store.facts().await?;
        let limits = self.layout.borrow().limits();
        let card = status_card(&self.dials.read(limits), Some(&facts), self.poll);
        let version = version(&card);
        Ok(single(entity, Surface::Status, card, version, views))
    }

    async fn messages(&self, store: &Store, on: &mut Kept, ids: &[Uuid]) -> Result<Look> {
        let shown = self.shown();
        let (sight, rows) = store.load_messages(on, ids).await?;
        let proposals: Vec<Uuid> = rows
            .iter()
            .filter(|loaded| matches!(&loaded.row, Some((row, _)) if row.is_proposal))
            .map(|loaded| loaded.entity.id)
            .collect();
        // Ordinary talk costs one query.
        let proposals = store.proposals(ProposalSource::Message, &proposals).await?;
        let mut proposals: HashMap<Uuid, StoredProposal> = proposals
            .into_iter()
            .map(|stored| (stored.proposal.reference.id, stored))
            .collect();
        let (mut asked, mut unlinked) = (Vec::new(), Vec::new());
        for (entity, row) in rows.iter().map(|it| (it.entity, it.row.as_ref())) {
            let Some((row, _)) = row else {
                continue;
            };
            if !matches!(row.author, Author::Agent(_)) {
                asked.push(entity);
            }
            let quotes = row.quotes.as_ref();
            let missing = |it: &&Quoted| shown.lacks_a_link(row, it);
            unlinked.extend(quotes.filter(missing).map(|it| {
                let kind = EntityKind::Message;
                (Entity { kind, id: it.id.0 }, entity)
            }));
        }
        let rows = rows.into_iter().map(|loaded| Rendered {
            gone: loaded.row.is_none(),
            at: None,
            wanted: match loaded.row {
                // Whoever wrote it has taken it back; an agent had it before.
                Some((row, _)) if row.is_deleted => Vec::new(),
                Some((row, _)) if row.is_proposal => {
                    shown.cards(proposals.remove(&loaded.entity.id), &loaded.views)
                }
                Some((row, version)) => shown.message(&row, &version, &loaded.views),
                None => Vec::new(),
            },
            entity: loaded.entity,
            views: loaded.views,
        });
        Ok(Look {
            sight,
            rows: rows.collect(),
            asked,
            unlinked,
            ..Look::default()
        })
    }
}

/// Rows that are shown in one place.
fn look<T>(rows: Vec<Loaded<T>>, wanted: impl Fn((T, String)) -> Wanted) -> Look {
    let rows = rows.into_iter().map(|loaded| Rendered {
        wanted: loaded.row.map(&wanted).into_iter().collect(),
        entity: loaded.entity,
        views: loaded.views,
        gone: false,
        at: None,
    });
    Look {
        rows: rows.collect(),
        ..Look::default()
    }
}

async fn digest(store: &Store) -> Result<Look> {
    let entity = Entity::DIGEST;
    let views = store.views(entity.kind, &[entity.id]).await?;
    let OpenProposals { count, oldest } = store.open_count().await?;
    let version = format!("{count} {oldest:?}");
    let line = cards::digest::digest(count, oldest);
    Ok(single(entity, Surface::Approvals, line, version, views))
}

/// The version of a card that has no row: another when it says something else.
fn version(card: &Draft) -> String {
    STANDARD.encode(card.hash())
}

/// A message that there is one of.
fn single(
    entity: Entity,
    surface: Surface,
    draft: Draft,
    row_version: String,
    views: Vec<View>,
) -> Look {
    let wanted = Wanted {
        surface,
        drafts: vec![draft],
        row_version,
    };
    Look {
        rows: vec![Rendered {
            entity,
            wanted: vec![wanted],
            views,
            gone: false,
            at: None,
        }],
        ..Look::default()
    }
}

fn gap((row, row_version): (Gap, String)) -> Wanted {
    Wanted {
        surface: Surface::Status,
        drafts: vec![cards::gap::gap_alarm(&row)],
        row_version,
    }
}

fn mode((row, row_version): (ModeChange, String)) -> Wanted {
    Wanted {
        surface: Surface::Status,
        drafts: vec![cards::mode::mode_change(&row)],
        row_version,
    }
}
