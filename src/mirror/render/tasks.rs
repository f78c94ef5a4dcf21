//! Tasks and what happened in them: the card, how its thread should look, and the timeline.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

use super::super::plan::Wanted;
use super::super::threads::{Step, ThreadWish};
use super::shown::Shown;
use super::{Look, Rendered, Renderer};
use crate::cards::proposal::proposal_card;
use crate::cards::task::{opening, task_card};
use crate::cards::timeline;
use crate::model::ChannelId;
use crate::model::DiscordMessageId;
use crate::model::proposal::{APPROVAL_REQUEST, ProposalSource};
use crate::model::view::{Entity, EntityKind, Surface, View, ViewState};
use crate::store::kept::Kept;
use crate::store::look::Loaded;
use crate::store::proposal::StoredProposal;
use crate::store::task_look::TaskSeen;
use crate::store::timeline_look::EventSeen;
use crate::store::{Result, Store};

/// What is older when it is shown makes no phone ring.
const NEWS: Duration = Duration::minutes(10);

impl Renderer {
    pub(super) async fn tasks(&self, store: &Store, on: &mut Kept, ids: &[Uuid]) -> Result<Look> {
        let shown = self.shown();
        let (sight, rows) = store.load_tasks(on, ids).await?;
        let concerned = rows.iter().filter(|loaded| {
            let proposes = |(seen, _): &(TaskSeen, String)| seen.task.is_proposed;
            let decided = |view: &View| view.key.surface == Surface::Approvals;
            loaded.row.as_ref().is_some_and(proposes) || loaded.views.iter().any(decided)
        });
        let concerned: Vec<Uuid> = concerned.map(|loaded| loaded.entity.id).collect();
        let stored = store.proposals(ProposalSource::Task, &concerned).await?;
        let mut proposals: HashMap<Uuid, StoredProposal> = stored
            .into_iter()
            .map(|stored| (stored.proposal.reference.id, stored))
            .collect();
        let mut look = Look {
            sight,
            ..Look::default()
        };
        let gone = rows.iter().filter(|loaded| {
            let row = loaded.row.as_ref();
            row.is_none_or(|(seen, _)| seen.task.is_deleted)
        });
        let gone: Vec<Uuid> = gone.map(|loaded| loaded.entity.id).collect();
        for loaded in rows {
            let proposal = proposals.remove(&loaded.entity.id);
            look.threads.extend(wish(&loaded, &shown));
            look.threads.extend(rename(&loaded));
            look.rows.push(self.task(loaded, proposal, &shown));
        }
        if !gone.is_empty() {
            // Only then: requests have their tasks looked at, which would never end.
            let kind = EntityKind::TaskEvent;
            let requests = store.shown_requests(&gone).await?;
            let requests = requests.into_iter().map(|id| Entity { kind, id });
            look.others.extend(requests);
        }
        Ok(look)
    }

    fn task(
        &self,
        loaded: Loaded<TaskSeen>,
        proposal: Option<StoredProposal>,
        shown: &Shown,
    ) -> Rendered {
        let Loaded {
            entity,
            row,
            mut views,
        } = loaded;
        let mut wanted = Vec::new();
        if let Some((seen, version)) = row {
            let open = proposal.as_ref().map(|it| &it.proposal);
            let open = open.filter(|it| it.is_open() && seen.task.state() == "proposed");
            let decision = open.map(|it| proposal_card(it, &shown.personas));
            let closed = seen.thread.as_ref().is_some_and(|(_, it)| it.is_closed());
            if closed {
                // A person has closed it: it stays as it is.
                views.retain(|view| view.key.surface != Surface::Tasks);
            } else if seen.is_active || card(&views).is_some() {
                let state = self.mode();
                wanted.push(Wanted {
                    surface: Surface::Tasks,
                    drafts: vec![task_card(&seen.task, &shown.personas, &state, decision)],
                    row_version: version,
                });
            }
            wanted.extend(shown.cards(proposal, &views));
        }
        Rendered {
            entity,
            wanted,
            views,
            gone: false,
            at: None,
        }
    }

    /// What happened in tasks, in their threads; requests for approval also where they are decided.
    pub(super) async fn timeline(
        &self,
        store: &Store,
        on: &mut Kept,
        kind: EntityKind,
        ids: &[Uuid],
    ) -> Result<Look> {
        let shown = self.shown();
        let (mut sight, mut rows) = store.load_timeline(on, kind, ids).await?;
        let carriers: Vec<Uuid> = rows
            .iter()
            .filter(|row| carries(row))
            .map(|it| it.entity.id)
            .collect();
        if !carriers.is_empty() && store.adopt_legacy(&carriers).await? {
            (sight, rows) = store.load_timeline(on, kind, ids).await?;
        }
        let concerned = rows.iter().filter(|loaded| {
            let proposes = |(seen, _): &(EventSeen, String)| seen.proposes;
            kind == EntityKind::TaskEvent
                && (loaded.row.as_ref().is_some_and(proposes) || decided(&loaded.views))
        });
        let concerned: Vec<Uuid> = concerned.map(|loaded| loaded.entity.id).collect();
        let stored = store
            .proposals(ProposalSource::TaskEvent, &concerned)
            .await?;
        let mut proposals: HashMap<Uuid, StoredProposal> = stored
            .into_iter()
            .map(|stored| (stored.proposal.reference.id, stored))
            .collect();
        let mut look = Look {
            sight,
            ..Look::default()
        };
        for loaded in rows {
            let proposal = proposals.remove(&loaded.entity.id);
            if let Some((seen, _)) = &loaded.row {
                look.others.extend(seen.answers);
                // The card counts what waits; that of a deleted task counts nothing.
                let counts = seen.event.kind != APPROVAL_REQUEST || proposal.is_some();
                look.others
                    .extend((seen.proposes && counts).then_some(Entity {
                        kind: EntityKind::Task,
                        id: seen.event.task,
                    }));
            }
            look.rows.push(happened(loaded, proposal, &shown));
        }
        let kind = EntityKind::TaskEvent;
        let others = proposals.into_keys().map(|id| Entity { kind, id });
        look.others.extend(others);
        Ok(look)
    }
}

/// The card of a task, if it stands there for sure.
fn card(views: &[View]) -> Option<(ChannelId, DiscordMessageId)> {
    let card = |view: &&View| view.key.surface == Surface::Tasks && view.key.part == 0;
    let view = views.iter().find(card)?;
    let message = view.message.filter(|_| view.state == ViewState::Sent)?;
    Some((view.channel, message))
}

/// Whether rows have cards where decisions are made.
fn decided(views: &[View]) -> bool {
    views
        .iter()
        .any(|view| view.key.surface == Surface::Approvals)
}

/// Whether an event without a view carries an old row, whose views become its own.
fn carries(loaded: &Loaded<EventSeen>) -> bool {
    let old = |(seen, _): &(EventSeen, String)| {
        let metadata = &seen.event.metadata;
        ["legacy_comment_id", "legacy_output_id"]
            .iter()
            .any(|key| metadata.get(key).is_some())
    };
    loaded.views.is_empty() && loaded.row.as_ref().is_some_and(old)
}

/// What is to be done about the thread of a task.
fn wish(loaded: &Loaded<TaskSeen>, shown: &Shown) -> Option<ThreadWish> {
    let task = loaded.entity.id;
    let Some((seen, _)) = &loaded.row else {
        // A post may be there that nobody has written down yet.
        let post = card(&loaded.views).filter(|(at, first)| at.get() == first.get());
        let known = shown.layout.threads().thread(task);
        let thread = known.or(post.map(|(at, _)| at))?;
        let step = Step::Remove { thread };
        return Some(ThreadWish { task, step });
    };
    let opening = opening(&seen.task);
    let Some((thread, now)) = &seen.thread else {
        let card = card(&loaded.views)?;
        let step = Step::Open { card, opening };
        return Some(ThreadWish { task, step });
    };
    if now.is_closed() {
        return None;
    }
    // One that slept in, or that somebody has put away, stays there while nobody needs it.
    let wake = now.archived && (seen.task.approvals > 0 || seen.is_asked);
    let archived = !seen.is_active || (now.archived && !wake);
    let tag = shown
        .layout
        .forum()
        .and_then(|forum| forum.tag(&opening.tag));
    // Of a new one nothing was heard yet.
    let tagged = now.name.is_none() || tag.is_none() || now.tag.as_deref() == Some(&opening.tag);
    let as_it_should = tagged && archived == now.archived;
    (!as_it_should).then(|| ThreadWish {
        task,
        step: Step::Change {
            thread: *thread,
            shown: now.clone(),
            tag: opening.tag,
            archived,
        },
    })
}

/// By itself: Discord takes two new names in ten minutes, and the rest must not wait for that. What is
/// archived keeps its name.
fn rename(loaded: &Loaded<TaskSeen>) -> Option<ThreadWish> {
    let (seen, _) = loaded.row.as_ref()?;
    let (thread, now) = seen.thread.as_ref()?;
    // Of a new one nothing was heard yet.
    let before = now.name.clone()?;
    let name = opening(&seen.task).name;
    (before != name && seen.is_active && !now.archived).then_some(ThreadWish {
        task: seen.task.id,
        step: Step::Rename {
            thread: *thread,
            before,
            name,
        },
    })
}

fn happened(
    loaded: Loaded<EventSeen>,
    proposal: Option<StoredProposal>,
    shown: &Shown,
) -> Rendered {
    let Loaded { entity, row, views } = loaded;
    let at = row.as_ref().map(|(seen, _)| seen.event.at);
    let wanted = match row {
        Some((seen, _)) if seen.event.kind == APPROVAL_REQUEST && proposal.is_some() => {
            let mut cards = shown.cards(proposal, &views);
            let here = cards.first().cloned().map(|card| Wanted {
                surface: Surface::Task(seen.event.task),
                ..card
            });
            cards.extend(here);
            cards
        }
        Some((seen, _)) if seen.is_twin => Vec::new(),
        // A request of a task that is deleted.
        Some((seen, _)) if seen.event.kind == APPROVAL_REQUEST => Vec::new(),
        Some((seen, row_version)) => vec![Wanted {
            surface: Surface::Task(seen.event.task),
            drafts: silent_if_old(timeline::event(&seen.event, &shown.personas), seen.event.at),
            row_version,
        }],
        None => Vec::new(),
    };
    Rendered {
        entity,
        wanted,
        views,
        gone: false,
        at,
    }
}

fn silent_if_old(
    mut drafts: Vec<crate::cards::Draft>,
    at: DateTime<Utc>,
) -> Vec<crate::cards::Draft> {
    let old = Utc::now() - at > NEWS;
    for draft in &mut drafts {
        draft.silent |= old;
    }
    drafts
}
