//! What the mirror does for tasks beside showing rows: it fills new threads, archives what is too much,
//! and looks at cards again when the mode or an agent has changed.

use std::collections::HashSet;

use uuid::Uuid;

use super::Mirror;
use super::render::Rendered;
use super::threads::{Step, ThreadWish};
use crate::model::change::Change;
use crate::model::mode::Mode;
use crate::model::view::{Entity, EntityKind, Surface};
use crate::store::thread::ThreadShown;

/// Most rows that are put into new threads at once.
const FILL: i64 = 500;

/// What the mirror remembers of tasks.
#[derive(Debug, Default)]
pub(super) struct TaskMemory {
    /// Threads may lack what happened before they were there.
    pub(super) fill: bool,
    /// What is being filled in: before that nothing newer is shown.
    filling: HashSet<Entity>,
    /// Something could not be filled in, because it was under way elsewhere.
    skipped: bool,
    /// What was filled in last: the same again means that it has no place.
    filled: Option<Entity>,
    /// The mode that the cards show.
    mode: Option<Mode>,
    /// Agents that nobody has heard of for long.
    silent: HashSet<String>,
}

impl Mirror {
    fn mark_tasks(&mut self, ids: impl IntoIterator<Item = Uuid>) {
        let kind = EntityKind::Task;
        for id in ids {
            self.dirty.mark(Entity { kind, id });
        }
    }

    /// A task was named by a part of our own: its thread may be new.
    pub(super) fn hear_own(&mut self, entity: Entity) {
        self.tasks.fill |= entity.kind == EntityKind::Task;
        self.dirty.mark(entity);
        if entity.kind == EntityKind::Task && !self.lacks_thread(entity) {
            // What happened in the task can link to it now.
            for other in self.company.shown(entity) {
                self.dirty.mark(other);
            }
        }
    }

    /// Names what new threads lack, oldest first, until they lack nothing.
    pub(super) async fn fill(&mut self) {
        self.tasks.fill = false;
        let found = match self.deps.channels.store.unfilled(FILL).await {
            Ok((missing, whole)) => {
                self.deps.layout.borrow().threads().fill(&whole);
                missing
            }
            Err(error) => {
                tracing::warn!(%error, "cannot tell what new threads lack: {error}");
                return;
            }
        };
        let first = found.first().copied();
        // What has no place is the next sweep's.
        self.tasks.fill = first.is_some() && first != self.tasks.filled;
        self.tasks.filled = first;
        tracing::debug!(rows = found.len(), "new threads lack {} rows", found.len());
        self.tasks.filling = found.iter().copied().collect();
        for entity in found {
            if self.under_way.contains_key(&entity) {
                self.tasks.skipped = true;
            } else {
                self.dirty.mark(entity);
            }
        }
    }

    /// Something is no longer under way: it may be what could not be filled in.
    pub(super) fn go_on_filling(&mut self) {
        self.tasks.fill |= std::mem::take(&mut self.tasks.skipped);
    }

    /// The cards say how far they can be believed.
    pub(super) async fn follow_mode_on_cards(&mut self) {
        let mode = self.deps.dials.mode.borrow().mode;
        if mode == self.tasks.mode || mode == Some(Mode::Offline) {
            return;
        }
        match self.deps.channels.store.shown_tasks().await {
            Ok(ids) => {
                self.tasks.mode = mode;
                self.mark_tasks(ids);
            }
            Err(error) => tracing::debug!(%error, "the cards of tasks wait: {error}"),
        }
    }

    /// The cards say whether their agents are there.
    pub(super) async fn look_at_silence(&mut self) -> crate::store::Result<()> {
        let store = self.deps.channels.store.clone();
        let now: HashSet<String> = store.silent_agents().await?.into_iter().collect();
        let changed: Vec<String> = now
            .symmetric_difference(&self.tasks.silent)
            .cloned()
            .collect();
        if !changed.is_empty() {
            let ids = store.tasks_of(&changed).await?;
            self.mark_tasks(ids);
            self.tasks.silent = now;
        }
        Ok(())
    }

    /// Of too many threads the least recently touched ones are archived.
    pub(super) async fn archive_surplus(&mut self) -> crate::store::Result<()> {
        for (task, thread, shown) in self.deps.channels.store.surplus_threads().await? {
            let tag = shown.tag.clone().unwrap_or_default();
            let step = Step::Change {
                thread,
                shown: ThreadShown {
                    archived: false,
                    ..shown
                },
                tag,
                archived: true,
            };
            self.wish(ThreadWish { task, step });
        }
        Ok(())
    }

    pub(super) fn wish(&self, wish: ThreadWish) {
        // Nobody listens only while the process ends.
        let _ = self.deps.thread_wishes.send(wish);
    }

    /// Whether a task has no thread that is known.
    pub(super) fn lacks_thread(&self, task: Entity) -> bool {
        let layout = self.deps.layout.borrow();
        layout.takes(&Surface::Tasks) && layout.threads().thread(task.id).is_none()
    }

    /// Takes away what may not be shown yet: a new thread shows what happened in the order in which it
    /// did.
    pub(super) fn hold_back(&mut self, row: &mut Rendered) {
        if self.tasks.filling.contains(&row.entity) {
            return;
        }
        let layout = self.deps.layout.borrow();
        let shown = |surface: &Surface| row.views.iter().any(|it| it.key.surface == *surface);
        let early = |surface: &Surface| match surface {
            Surface::Task(task) => {
                layout.has(surface) && !layout.threads().is_whole(*task) && !shown(surface)
            }
            _ => false,
        };
        let before = row.wanted.len();
        row.wanted.retain(|it| !early(&it.surface));
        self.tasks.fill |= row.wanted.len() < before;
    }

    /// Something happened in a task that has no thread: it may be time for one.
    pub(super) fn ask_for_thread(&mut self, surface: &Surface) {
        if let Surface::Task(task) = surface {
            self.mark_tasks([*task]);
        }
    }

    /// Old comments and outputs, whether agents are there, and what others ask of an executor of ours.
    pub(super) async fn note_of_tasks(&mut self, change: &Change) {
        use crate::model::change::{Op, Table};
        match change.table {
            Table::Tasks => self.announce(EntityKind::Task, change),
            Table::TaskEvents => self.announce(EntityKind::TaskEvent, change),
            Table::TaskComments => self.announce(EntityKind::TaskComment, change),
            Table::TaskOutputs => self.announce(EntityKind::TaskOutput, change),
            Table::AgentStatus => {
                if let Err(error) = self.look_at_silence().await {
                    tracing::debug!(%error, "cannot tell which agents are silent: {error}");
                }
                self.status_soon();
            }
            Table::CronCreateRequests
            | Table::CronDeleteRequests
            | Table::CronJobPatchRequests
            | Table::CronRunRequests
                if change.op == Op::Insert =>
            {
                self.deps.jobs.notify_one();
            }
            _ => {}
        }
    }
}
