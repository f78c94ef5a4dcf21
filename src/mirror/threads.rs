//! The threads of tasks: opened behind their cards, named and tagged as the task is, archived when
//! nothing happens any more, rebuilt when something does. What a person locks stays locked.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::request::ARCHIVE_AFTER;
use crate::cards::Opening;
use crate::discord::lanes::{Class, Lanes};
use crate::discord::layout::Layout;
use crate::discord::rest::{ErrorKind, Request, RestError, Route};
use crate::model::task::{ThreadNews, ThreadSeen};
use crate::model::view::{Entity, EntityKind};
use crate::model::{ChannelId, DiscordMessageId};
use crate::store::Store;
use crate::store::thread::ThreadShown;

/// Discord's codes (source: its Opcodes page).
const UNKNOWN_CHANNEL: u32 = 10_003;
const ALREADY_A_THREAD: u32 = 160_004;

/// A thread that is not as it should be.
#[derive(Debug, Clone)]
pub struct ThreadWish {
    /// The task.
    pub task: Uuid,
    /// What to do.
    pub step: Step,
}

/// One step towards a thread as it should be.
#[derive(Debug, Clone)]
pub enum Step {
    /// The card is there and its thread is not known yet.
    Open {
        /// Where the card stands.
        card: (ChannelId, DiscordMessageId),
        /// How the thread should look.
        opening: Opening,
    },
    /// It looks otherwise.
    Change {
        /// The thread.
        thread: ChannelId,
        /// What is known of it.
        shown: ThreadShown,
        /// How it should look.
        opening: Opening,
        /// Whether it should be archived.
        archived: bool,
    },
    /// Its task is gone.
    Remove {
        /// The thread.
        thread: ChannelId,
    },
}

/// Carries out wishes, and hears what people do with threads.
#[derive(Clone)]
pub struct ThreadHands {
    /// The way to Discord.
    pub lanes: Lanes,
    /// Where it is written down.
    pub store: Store,
    /// Where the threads are known.
    pub layout: watch::Receiver<Arc<Layout>>,
    /// Has the mirror look at a task again.
    pub look: mpsc::UnboundedSender<Entity>,
    /// Tasks whose thread is in somebody's hands.
    pub busy: Busy,
}

/// Tasks whose thread is in somebody's hands.
#[derive(Debug, Clone, Default)]
pub struct Busy(Arc<Mutex<HashSet<Uuid>>>);

impl Busy {
    fn tasks(&self) -> MutexGuard<'_, HashSet<Uuid>> {
        // A set of ids is whole whatever happened to who held it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Deserialize)]
struct Opened {
    id: ChannelId,
}

/// A thread as Discord lists it.
#[derive(Deserialize)]
struct Listed {
    id: ChannelId,
    #[serde(default)]
    name: String,
    #[serde(default)]
    applied_tags: Vec<String>,
    thread_metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    archived: bool,
    #[serde(default)]
    locked: bool,
}

impl From<Listed> for Option<ThreadSeen> {
    fn from(listed: Listed) -> Self {
        let metadata = listed.thread_metadata?;
        let tags = listed.applied_tags.iter();
        Some(ThreadSeen {
            thread: listed.id,
            name: listed.name,
            tags: tags.filter_map(|tag| tag.parse().ok()).collect(),
            archived: metadata.archived,
            locked: metadata.locked,
        })
    }
}

impl ThreadHands {
    /// Follows wishes and news until cancelled.
    pub async fn run(
        self,
        mut wishes: mpsc::UnboundedReceiver<ThreadWish>,
        mut news: mpsc::UnboundedReceiver<ThreadNews>,
        cancel: CancellationToken,
    ) -> anyhow::Result<()> {
        loop {
            tokio::select! {
                biased;
                () = cancel.cancelled() => return Ok(()),
                Some(one) = news.recv() => {
                    if let Err(error) = self.hear(one).await {
                        // The next session tells it again.
                        tracing::warn!(%error, "what became of a thread is not written down: {error}");
                    }
                }
                Some(wish) = wishes.recv() => {
                    if self.busy.tasks().insert(wish.task) {
                        let hands = self.clone();
                        tokio::spawn(async move { hands.fulfil(wish).await });
                    }
                }
            }
        }
    }

    async fn fulfil(self, wish: ThreadWish) {
        let task = wish.task;
        let done = self.step(wish).await;
        self.busy.tasks().remove(&task);
        match done {
            Ok(true) => self.look_at(task),
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(%task, %error, "the thread of task {task} is not as it should be: {error}");
            }
        }
    }

    fn look_at(&self, id: Uuid) {
        let kind = EntityKind::Task;
        // Nobody listens only while the process ends.
        let _ = self.look.send(Entity { kind, id });
    }

    /// Gives back whether something has changed.
    async fn step(&self, ThreadWish { task, step }: ThreadWish) -> anyhow::Result<bool> {
        match step {
            Step::Open { card, opening } => self.open(task, card, opening).await,
            Step::Change {
                thread,
                shown,
                opening,
                archived,
            } => self.change(task, thread, shown, opening, archived).await,
            Step::Remove { thread } => {
                let request = Request::new(Route::delete_channel(thread.get()));
                match self.send(request).await {
                    Ok(()) => {}
                    Err(error) if error.code() == Some(UNKNOWN_CHANNEL) => {}
                    Err(error) => return Err(error.into()),
                }
                self.gone(thread).await?;
                Ok(false)
            }
        }
    }

    /// In a forum the card is the beginning of its thread; elsewhere the thread is hung on it.
    async fn open(
        &self,
        task: Uuid,
        (channel, message): (ChannelId, DiscordMessageId),
        opening: Opening,
    ) -> anyhow::Result<bool> {
        let same = ChannelId::new(message.get());
        let thread = match same.filter(|thread| *thread == channel) {
            Some(thread) => thread,
            None => match self.hang(channel, message, &opening.name).await {
                Ok(thread) => thread,
                Err(error) if error.code() == Some(ALREADY_A_THREAD) => {
                    same.ok_or_else(|| anyhow::anyhow!("a message without an id"))?
                }
                Err(error) => return Err(error.into()),
            },
        };
        let shown = ThreadShown {
            name: Some(opening.name),
            tag: self.known_tag(&opening.tag),
            archived: false,
            locked: false,
        };
        self.store.put_thread(task, thread, &shown).await?;
        self.layout.borrow().threads().open(task, thread);
        Ok(true)
    }

    async fn hang(
        &self,
        channel: ChannelId,
        message: DiscordMessageId,
        name: &str,
    ) -> Result<ChannelId, RestError> {
        let route = Route::create_thread_from_message(channel.get(), message.get());
        let body = json!({ "name": name, "auto_archive_duration": ARCHIVE_AFTER });
        let request = Request::new(route).json(&body);
        let opened = self.lanes.submit(Class::Backlog, request).await;
        opened.json::<Opened>().into_result().map(|it| it.id)
    }

    /// The word of a tag, if the forum has it.
    fn known_tag(&self, word: &str) -> Option<String> {
        let layout = self.layout.borrow();
        layout.forum()?.tag(word).map(|_| word.to_owned())
    }

    async fn change(
        &self,
        task: Uuid,
        thread: ChannelId,
        shown: ThreadShown,
        opening: Opening,
        archived: bool,
    ) -> anyhow::Result<bool> {
        let tag = self.known_tag(&opening.tag).or_else(|| shown.tag.clone());
        let mut body = json!({});
        if shown.name.as_deref() != Some(&opening.name) {
            body["name"] = json!(opening.name);
        }
        if tag.is_some() && tag != shown.tag {
            let id = self
                .layout
                .borrow()
                .forum()
                .and_then(|it| it.tag(&opening.tag));
            body["applied_tags"] = id.map(|id| id.to_string()).into_iter().collect();
        }
        if body == json!({}) && shown.archived == archived {
            return Ok(false);
        }
        if shown.archived {
            // An archived thread takes no other change (source: Discord, error 50083).
            self.patch(thread, &json!({ "archived": false })).await?;
        }
        if archived {
            body["archived"] = json!(true);
        }
        if body != json!({}) {
            match self.patch(thread, &body).await {
                Ok(()) => {}
                Err(error) if error.code() == Some(UNKNOWN_CHANNEL) => {
                    self.gone(thread).await?;
                    return Ok(true);
                }
                Err(error) => return Err(error.into()),
            }
        }
        let now = ThreadShown {
            name: Some(opening.name),
            tag,
            archived,
            locked: shown.locked,
        };
        self.store.put_thread(task, thread, &now).await?;
        Ok(true)
    }

    async fn patch(&self, thread: ChannelId, body: &Value) -> Result<(), RestError> {
        let request = Request::new(Route::modify_channel(thread.get())).json(body);
        self.send(request).await
    }

    async fn send(&self, request: Request) -> Result<(), RestError> {
        let sent = self.lanes.submit(Class::Edit, request).await;
        sent.done().into_result()
    }

    async fn hear(&self, news: ThreadNews) -> anyhow::Result<()> {
        match news {
            ThreadNews::Seen(seen) => self.seen(&seen).await,
            ThreadNews::Gone(thread) => self.gone(thread).await,
            ThreadNews::Active(active) => self.compare(&active).await,
        }
    }

    async fn seen(&self, seen: &ThreadSeen) -> anyhow::Result<()> {
        let layout = self.layout.borrow().clone();
        let word = |id: &u64| {
            let mut tags = layout.forum()?.tags().iter();
            tags.find(|(_, tag)| *tag == id)
                .map(|(word, _)| word.clone())
        };
        let shown = ThreadShown {
            name: Some(seen.name.clone()),
            tag: seen.tags.iter().find_map(word),
            archived: seen.archived,
            locked: seen.locked,
        };
        let Some(task) = self.store.thread_seen(seen.thread, &shown).await? else {
            return Ok(());
        };
        if shown.is_closed() {
            layout.threads().close(task);
        } else {
            layout.threads().open(task, seen.thread);
        }
        self.look_at(task);
        Ok(())
    }

    async fn gone(&self, thread: ChannelId) -> anyhow::Result<()> {
        let Some((task, card)) = self.store.thread_gone(thread).await? else {
            return Ok(());
        };
        self.layout.borrow().threads().close(task);
        tracing::info!(%task, %thread, "the thread of task {task} is gone");
        if let Some((channel, message)) = card.filter(|(channel, _)| *channel != thread) {
            // In a text channel the card would stand there without its thread.
            let request = Request::new(Route::delete_message(channel.get(), message.get()));
            let deleted = self.send(request).await;
            if let Err(error) = deleted.or_else(lost) {
                tracing::warn!(%error, "a card without its thread stays: {error}");
            }
        }
        self.look_at(task);
        Ok(())
    }

    /// What changed while nobody listened: threads that should be there and are not among the active
    /// ones are asked for.
    async fn compare(&self, active: &[ThreadSeen]) -> anyhow::Result<()> {
        for seen in active {
            self.seen(seen).await?;
        }
        let there: HashSet<ChannelId> = active.iter().map(|seen| seen.thread).collect();
        for thread in self.store.active_threads().await? {
            if there.contains(&thread) {
                continue;
            }
            let request = Request::new(Route::get_channel(thread.get()));
            let asked = self.lanes.submit(Class::Backlog, request).await;
            match asked.json::<Listed>().into_result() {
                Ok(listed) => {
                    if let Some(seen) = listed.into() {
                        self.seen(&seen).await?;
                    }
                }
                Err(error) if error.code() == Some(UNKNOWN_CHANNEL) => self.gone(thread).await?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// What is gone already needs no deleting.
fn lost(error: RestError) -> Result<(), RestError> {
    if error.kind() == ErrorKind::Rejected && error.status() == Some(404) {
        return Ok(());
    }
    Err(error)
}
