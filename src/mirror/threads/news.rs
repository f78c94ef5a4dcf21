//! What people do with the threads of tasks, and what was missed of it.

use std::collections::HashSet;

use super::{ThreadHands, UNKNOWN_CHANNEL};
use crate::discord::lanes::Class;
use crate::discord::rest::thread::ListedThread;
use crate::discord::rest::{ErrorKind, Request, RestError, Route};
use crate::model::ChannelId;
use crate::model::task::{ThreadNews, ThreadSeen};
use crate::store::thread::ThreadShown;

impl ThreadHands {
    pub(super) async fn hear(&self, news: ThreadNews) -> anyhow::Result<()> {
        tracing::debug!(?news, "news of threads");
        match news {
            ThreadNews::Seen(seen) => self.seen(&seen).await,
            ThreadNews::Gone(thread) => self.gone(thread).await,
            ThreadNews::Active(active) => self.compare(&active).await,
            ThreadNews::Doubtful(thread) => {
                self.ask(thread).await?;
                // Whoever doubted it wanted something.
                if let Some(task) = self.layout.borrow().threads().task(thread) {
                    self.look_at(task);
                }
                Ok(())
            }
            ThreadNews::Ours(thread) => {
                let early = self.busy.now().early.remove(&thread);
                match early {
                    Some(ThreadNews::Seen(seen)) => self.seen(&seen).await,
                    Some(ThreadNews::Gone(thread)) => self.gone(thread).await,
                    _ => Ok(()),
                }
            }
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
        // Before it is looked for: it may be written down in this moment.
        self.busy
            .remember(seen.thread, ThreadNews::Seen(seen.clone()));
        let mut task = self.store.thread_seen(seen.thread, &shown).await?;
        if task.is_none() {
            let Some(ours) = layout.threads().task(seen.thread) else {
                return Ok(());
            };
            // It may be written down already, and what we remember older.
            self.busy.named(ours, &seen.name);
            task = self.store.thread_seen(seen.thread, &shown).await?;
        }
        self.busy.now().early.remove(&seen.thread);
        let Some(task) = task else {
            return Ok(());
        };
        self.busy.named(task, &seen.name);
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
            self.busy.remember(thread, ThreadNews::Gone(thread));
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
            self.ask(thread).await?;
        }
        Ok(())
    }

    async fn ask(&self, thread: ChannelId) -> anyhow::Result<()> {
        let request = Request::new(Route::get_channel(thread.get()));
        let asked = self.lanes.submit(Class::Backlog, request).await;
        match asked.json::<ListedThread>().into_result() {
            Ok(listed) => match listed.seen() {
                Some(seen) => self.seen(&seen).await,
                None => Ok(()),
            },
            Err(error) if error.code() == Some(UNKNOWN_CHANNEL) => self.gone(thread).await,
            Err(error) => Err(error.into()),
        }
    }
}

/// What is gone already needs no deleting.
fn lost(error: RestError) -> Result<(), RestError> {
    if error.kind() == ErrorKind::Rejected && error.status() == Some(404) {
        return Ok(());
    }
    Err(error)
}
