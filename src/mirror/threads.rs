//! The threads of tasks: opened behind their cards, named and tagged as the task is, archived when
//! nothing happens any more, rebuilt when something does. What a person locks stays locked.

mod allowed;
mod busy;
mod news;

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::refusals::Refusals;
use super::request::ARCHIVE_AFTER;
use crate::cards::Opening;
use crate::discord::lanes::{Class, Lanes};
use crate::discord::layout::Layout;
use crate::discord::rest::{Request, RestError, Route};
use crate::model::task::ThreadNews;
use crate::model::view::{Entity, EntityKind};
use crate::model::{ChannelId, DiscordMessageId};
use crate::store::Store;
use crate::store::thread::ThreadShown;

pub use busy::Busy;

/// Discord's codes (source: its Opcodes page).
const UNKNOWN_CHANNEL: u32 = 10_003;
const ALREADY_A_THREAD: u32 = 160_004;
pub(super) const ARCHIVED: u32 = 50_083;

/// A thread that is not as it should be.
#[derive(Debug, Clone)]
pub struct ThreadWish {
    /// The task.
    pub task: Uuid,
    /// What to do.
    pub step: Step,
}

impl ThreadWish {
    /// A new name may wait for long, and nothing else waits for it.
    fn key(&self) -> (Uuid, bool) {
        (self.task, matches!(self.step, Step::Rename { .. }))
    }
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
        /// The word of the tag that it should have.
        tag: String,
        /// Whether it should be archived.
        archived: bool,
    },
    /// It is called otherwise.
    Rename {
        /// The thread.
        thread: ChannelId,
        /// What it is called.
        before: String,
        /// What it should be called.
        name: String,
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
    /// Is told which threads are ours from now on: people may have written in them already.
    pub bound: mpsc::UnboundedSender<ChannelId>,
    /// News for itself.
    pub news: mpsc::UnboundedSender<ThreadNews>,
    /// What is under way.
    pub busy: Busy,
    /// What the bot may not do.
    pub refusals: Refusals<(Uuid, bool)>,
}

#[derive(Deserialize)]
struct Opened {
    id: ChannelId,
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
                    if self.may(&wish) && self.busy.begin(&wish) {
                        let hands = self.clone();
                        tokio::spawn(async move { hands.fulfil(wish).await });
                    }
                }
            }
        }
    }

    async fn fulfil(self, wish: ThreadWish) {
        let (task, key) = (wish.task, wish.key());
        let done = self.step(wish).await;
        let again = self.busy.end(key);
        if again || matches!(done, Ok(true)) {
            self.look_at(task);
        }
        match done {
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%task, %error, "the thread of task {task} is not as it should be: {error}");
                self.note_refusal(key, &error);
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
                tag,
                archived,
            } => self.change(thread, shown, &tag, archived).await,
            Step::Rename {
                thread,
                before,
                name,
            } => {
                if self.busy.is_named(task, &name) {
                    // Whoever wished for it had looked before that was done. Each name counts, also the same.
                    self.tell(ThreadNews::Doubtful(thread));
                    return Ok(false);
                }
                let patience = self.busy.patience(task);
                if !patience.is_zero() {
                    tokio::time::sleep(patience).await;
                    // It may be called something else by now.
                    return Ok(true);
                }
                self.patch(thread, &json!({ "name": name })).await?;
                // At once: each look until it is known would use up another name.
                self.busy.named(task, &name);
                self.store.rename_thread(thread, &before, &name).await?;
                Ok(false)
            }
            Step::Remove { thread } => {
                let request = Request::new(Route::delete_channel(thread.get()));
                match self.send(request).await {
                    Ok(()) => {}
                    Err(error) if error.code() == Some(UNKNOWN_CHANNEL) => {}
                    Err(error) => return Err(error.into()),
                }
                self.tell(ThreadNews::Gone(thread));
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
        // A post was made a while ago, perhaps with another name: what was heard of it tells.
        self.store.put_thread(task, thread).await?;
        self.layout.borrow().threads().open(task, thread);
        self.tell(ThreadNews::Ours(thread));
        // Nobody listens only while the process ends.
        let _ = self.bound.send(thread);
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
        thread: ChannelId,
        shown: ThreadShown,
        word: &str,
        archived: bool,
    ) -> anyhow::Result<bool> {
        let tag = self.known_tag(word).or_else(|| shown.tag.clone());
        let mut body = json!({});
        if tag.is_some() && tag != shown.tag {
            let id = self.layout.borrow().forum().and_then(|it| it.tag(word));
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
                // Somebody was quicker.
                Err(error) if matches!(error.code(), Some(UNKNOWN_CHANNEL | ARCHIVED)) => {
                    self.tell(ThreadNews::Doubtful(thread));
                    return Ok(false);
                }
                Err(error) => return Err(error.into()),
            }
        }
        let now = ThreadShown {
            name: shown.name.clone(),
            tag,
            archived,
            locked: shown.locked,
        };
        // Whoever has heard of something newer meanwhile knows better.
        self.store.change_thread(thread, &shown, &now).await?;
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

    fn tell(&self, news: ThreadNews) {
        // Nobody listens only while the process ends.
        let _ = self.news.send(news);
    }
}
