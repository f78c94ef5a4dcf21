//! Carries out what was planned: per surface one worker for what is new, in order, and one for what
//! is on display and not true any more. Each result is written down.

mod changes;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use serde::Deserialize;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::plan::Action;
use super::read_back::{Channels, adopt};
use super::refusals::{AGAIN, Refusals};
use super::request::{self, Means};
use crate::cards::Draft;
use crate::discord::lanes::Class;
use crate::discord::layout::Layout;
use crate::discord::rest::{Answer, ErrorKind, Outcome, Request, RestError};
use crate::model::task::ThreadNews;
use crate::model::view::{Surface, ViewAuthor, ViewKey};
use crate::model::{ChannelId, DiscordMessageId};
use crate::store::ledger::{Settled, SettledAs};

/// First and longest wait between tries of something that Discord could not do.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// First wait after a refusal for lack of permission, unless the bot may something else before; the
/// longest is [`AGAIN`]. Refusals count towards Discord's ban (10,000 in 10 minutes).
const FORBIDDEN_PAUSE: Duration = Duration::from_mins(1);

/// Discord's codes that tell what is gone (source: its Opcodes page).
const UNKNOWN_CHANNEL: u32 = 10003;
const UNKNOWN_WEBHOOK: u32 = 10015;
const INVALID_WEBHOOK_TOKEN: u32 = 50027;

/// Discord's codes for a file that it does not take: too large, or not allowed here.
const REQUEST_TOO_LARGE: u32 = 40005;
const MISSING_PERMISSIONS: u32 = 50013;

/// Discord's code for a thread in which only those who manage threads may write.
const THREAD_LOCKED: u32 = 160_005;

/// What became of one action.
#[derive(Debug)]
pub struct Report {
    /// The view.
    pub key: ViewKey,
    /// What to write down; nothing where the next sweep should look again.
    pub settled: Option<SettledAs>,
}

/// What every worker has.
pub struct Hands {
    /// The way to Discord.
    pub channels: Channels,
    /// Where the channels are.
    pub layout: watch::Receiver<Arc<Layout>>,
    /// Asks for the layout to be made whole.
    pub repair: Arc<Notify>,
    /// Who looks after the threads of tasks.
    pub threads: mpsc::UnboundedSender<ThreadNews>,
    /// Changes that the bot may not make.
    pub refusals: Refusals<ViewKey>,
    /// Where results go.
    pub reports: mpsc::UnboundedSender<Report>,
    /// The end.
    pub cancel: CancellationToken,
}

/// The workers.
pub struct Workers {
    hands: Arc<Hands>,
    /// By surface, and whether it is for new messages.
    queues: HashMap<(Surface, bool), mpsc::UnboundedSender<Action>>,
}

impl Workers {
    /// No workers yet: each comes with its first action.
    pub fn new(hands: Hands) -> Self {
        Self {
            hands: Arc::new(hands),
            queues: HashMap::new(),
        }
    }

    /// Hands an action to a worker of its surface. A change does not stand behind a backlog of new
    /// messages; nothing of one row is handed over before all of it before has come to an end.
    pub fn hand_over(&mut self, action: Action) {
        let surface = action.key().surface.clone();
        let is_new = matches!(action, Action::Create { .. });
        let queue = self.queues.entry((surface.clone(), is_new));
        let queue = queue.or_insert_with(|| {
            let (queue, actions) = mpsc::unbounded_channel();
            tokio::spawn(work(Arc::clone(&self.hands), surface, actions));
            queue
        });
        // A worker lives as long as its queue.
        let _ = queue.send(action);
    }
}

async fn work(hands: Arc<Hands>, surface: Surface, mut actions: mpsc::UnboundedReceiver<Action>) {
    while let Some(action) = actions.recv().await {
        if hands.cancel.is_cancelled() {
            // What was begun and not sent is found by reading back at the next start.
            return;
        }
        let key = action.key().clone();
        let settled = hands.apply(&surface, action).await;
        hands.channels.unwritten.add(settled.as_ref());
        if hands.reports.send(Report { key, settled }).is_err() {
            return;
        }
    }
}

#[derive(Deserialize)]
struct Made {
    id: DiscordMessageId,
}

/// What a failed try means for the next one.
enum Next {
    /// Try again after a while.
    Later,
    /// The channel or its webhook is gone: try again when the layout is whole.
    AfterRepair,
    /// Discord forbids it for now.
    Forbidden,
    /// Never.
    GiveUp,
    /// Not in this run of the process.
    Stop,
}

fn judge(error: &RestError) -> Next {
    match (error.kind(), error.code(), error.status()) {
        (_, Some(UNKNOWN_CHANNEL | UNKNOWN_WEBHOOK | INVALID_WEBHOOK_TOKEN), _) => {
            Next::AfterRepair
        }
        // A person has locked the thread: whoever may manage threads may write in it.
        (ErrorKind::Rejected, Some(THREAD_LOCKED), _) | (ErrorKind::Rejected, _, Some(403)) => {
            Next::Forbidden
        }
        (ErrorKind::Rejected, _, Some(404)) if error.code().is_none() => Next::AfterRepair,
        (ErrorKind::Stopping, _, _) => Next::Stop,
        (ErrorKind::Rejected | ErrorKind::Unsendable, _, _) => Next::GiveUp,
        _ => Next::Later,
    }
}

/// The same for a new message: whoever takes no direct messages from a bot is not asked again.
fn judge_new(surface: &Surface, error: &RestError) -> Next {
    match judge(error) {
        Next::Forbidden if surface.is_private() => Next::GiveUp,
        next => next,
    }
}

/// What to send instead of a draft whose files may be what Discord does not take. Without the right
/// to write at all that is refused too, and the next try is the whole draft again.
fn without_files<'a>(draft: &'a Draft, error: &RestError) -> Option<&'a Draft> {
    let refused = error.status() == Some(413)
        || matches!(error.code(), Some(REQUEST_TOO_LARGE | MISSING_PERMISSIONS));
    draft.instead.as_deref().filter(|_| refused)
}

/// As much of a draft as the bot may send: what a webhook sends it need not be allowed.
fn without_means<'a>(layout: &Layout, key: &ViewKey, draft: &'a Draft) -> &'a Draft {
    let Some(channel) = layout.at(&key.surface) else {
        return draft;
    };
    if draft.persona.is_some() && channel.webhook.is_some() {
        return draft;
    }
    Means::of_bot(layout, key, channel.id).fit(draft)
}

impl Hands {
    async fn apply(&self, surface: &Surface, action: Action) -> Option<SettledAs> {
        match action {
            Action::Create {
                key,
                draft,
                row_version,
            } => self.create(surface, &key, &draft, row_version).await,
            // Switched off while it waited: left as it is until a sweep finds it.
            Action::Edit { .. } | Action::Replace { .. } if self.is_off(surface) => None,
            Action::Edit { .. } | Action::Replace { .. } | Action::Delete { .. }
                if self.refusals.stands(action.key(), &self.layout.borrow()) =>
            {
                None
            }
            Action::Edit {
                view,
                draft,
                row_version,
            } => self.edit(surface, &view, &draft, row_version).await,
            Action::Delete { view } => self.delete(surface, &view).await,
            Action::Replace { view } => match self.delete(surface, &view).await {
                Some(SettledAs::Released) => Some(SettledAs::Missing),
                other => other,
            },
            Action::Note { .. } => None,
        }
    }

    /// Sends until Discord has it or refuses it. A try whose result nobody knows is resolved by
    /// reading the channel back.
    async fn create(
        &self,
        surface: &Surface,
        key: &ViewKey,
        draft: &Draft,
        row_version: String,
    ) -> Option<SettledAs> {
        let mut backoff = BACKOFF.0;
        let mut unknown_since = None;
        let mut shape = draft;
        loop {
            let layout = self.layout.borrow().clone();
            shape = without_means(&layout, key, shape);
            let made = request::create(&layout, surface, key, shape, &row_version);
            let Some((channel, author, request)) = made else {
                // The surface is gone for good (an agent was removed) or switched off: nothing is owed. Where the
                // bot may not post for now, all of it is. What may have been sent is read back.
                let owed = !layout.lacks_to_post(surface).is_empty();
                let settled = if owed {
                    SettledAs::Missing
                } else {
                    SettledAs::Released
                };
                return unknown_since.is_none().then_some(settled);
            };
            let posts = *surface == Surface::Tasks && layout.forum().is_some();
            let sent = |message: DiscordMessageId, shape| {
                // A post is a thread of its own, and has the id of its first message.
                let post = ChannelId::new(message.get()).filter(|_| posts);
                let at = post.unwrap_or(channel);
                sent(at, message, shape, row_version.clone(), author)
            };
            let began = Utc::now();
            if let Some(since) = unknown_since {
                match self.find((channel, posts), shape, since).await {
                    Ok(Some(message)) => return Some(sent(message, shape)),
                    Ok(None) => unknown_since = None,
                    Err(error) => {
                        tracing::warn!(%surface, %error, "cannot read {surface} back: {error}");
                        self.wait(&mut backoff).await?;
                        continue;
                    }
                }
            }
            let error = match self.submit(request).await.json::<Made>() {
                Outcome::Sent(made) => return Some(sent(made.id, shape)),
                Outcome::NotSent(error) => error,
                Outcome::Unknown(error) => {
                    unknown_since = Some(began);
                    error
                }
            };
            let next = judge_new(surface, &error);
            if !matches!(next, Next::Stop) {
                tracing::warn!(%surface, %error, "a message to {surface} did not get through: {error}");
            }
            if let Some(smaller) = without_files(shape, &error) {
                shape = smaller;
                continue;
            }
            match next {
                Next::AfterRepair if matches!(surface, Surface::Task(_)) => {
                    // Nobody listens only while the process ends.
                    let _ = self.threads.send(ThreadNews::Gone(channel));
                    return unknown_since.is_none().then_some(SettledAs::Released);
                }
                Next::GiveUp => {
                    let error = error.to_string();
                    return Some(SettledAs::Failed { error, row_version });
                }
                Next::Forbidden => shape = draft,
                _ => {}
            }
            self.before_next(next, &layout, &mut backoff).await?;
        }
    }

    fn is_off(&self, surface: &Surface) -> bool {
        !self.layout.borrow().lacks(surface).is_empty()
    }

    /// The message that a lost answer was about, if it is there and the ledger does not know it.
    async fn find(
        &self,
        (channel, posts): (ChannelId, bool),
        draft: &Draft,
        since: chrono::DateTime<Utc>,
    ) -> anyhow::Result<Option<DiscordMessageId>> {
        let found = if posts {
            self.channels.unclaimed_posts(channel, since).await?
        } else {
            self.channels.unclaimed(channel, since).await?
        };
        Ok(adopt(&[draft.mark()], &found).pop().flatten())
    }

    async fn submit(&self, request: Request) -> Outcome<Answer> {
        self.submit_as(Class::Backlog, request).await
    }

    async fn submit_as(&self, class: Class, request: Request) -> Outcome<Answer> {
        self.channels.lanes.submit(class, request).await
    }

    /// Waits for the moment of the next try; none when there will not be one. `used` is the layout of the try that
    /// failed: it may have been repaired while the request was on its way.
    async fn before_next(
        &self,
        next: Next,
        used: &Arc<Layout>,
        backoff: &mut Duration,
    ) -> Option<()> {
        match next {
            Next::AfterRepair => self.repaired(used, BACKOFF.1).await,
            Next::Forbidden => {
                // Looking again tells what the bot may.
                *backoff = (*backoff * 2).clamp(FORBIDDEN_PAUSE, AGAIN);
                self.repaired(used, *backoff).await
            }
            Next::Later => self.wait(backoff).await,
            Next::GiveUp | Next::Stop => None,
        }
    }

    /// Has the layout looked at, and waits until it is another, at most for so long.
    async fn repaired(&self, used: &Arc<Layout>, most: Duration) -> Option<()> {
        let mut layout = self.layout.clone();
        self.repair.notify_one();
        tokio::select! {
            () = self.cancel.cancelled() => return None,
            changed = layout.wait_for(|now| !Arc::ptr_eq(now, used)) => drop(changed.ok()?),
            () = tokio::time::sleep(most) => {}
        }
        Some(())
    }

    async fn wait(&self, backoff: &mut Duration) -> Option<()> {
        let now = *backoff;
        *backoff = (now * 2).clamp(BACKOFF.0, BACKOFF.1);
        tokio::select! {
            () = self.cancel.cancelled() => None,
            () = tokio::time::sleep(now) => Some(()),
        }
    }
}

fn sent(
    channel: ChannelId,
    message: DiscordMessageId,
    draft: &Draft,
    row_version: String,
    author: ViewAuthor,
) -> SettledAs {
    SettledAs::Sent {
        channel,
        message,
        hash: draft.hash(),
        row_version,
        author,
    }
}

/// As the ledger takes it.
pub fn settled(report: Report) -> Option<Settled> {
    let key = report.key;
    report.settled.map(|result| Settled { key, result })
}
