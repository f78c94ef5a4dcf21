//! Carries out what was planned: one worker per surface, in order, each result written down.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::plan::Action;
use super::read_back::{Channels, adopt};
use crate::cards::Draft;
use crate::discord::lanes::Class;
use crate::discord::layout::Layout;
use crate::discord::rest::{Answer, ErrorKind, Outcome, Request, RestError, Route};
use crate::model::view::{Surface, View, ViewAuthor, ViewKey};
use crate::model::{ChannelId, DiscordMessageId};
use crate::store::ledger::{Settled, SettledAs};

/// First and longest wait between tries of something that Discord could not do.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// After a refusal for lack of permission nothing is sent to that channel for so long: refusals
/// count towards Discord's ban (10,000 in 10 minutes).
const FORBIDDEN_PAUSE: Duration = Duration::from_mins(1);

/// Discord's codes that tell what is gone (source: its Opcodes page).
const UNKNOWN_CHANNEL: u32 = 10003;
const UNKNOWN_MESSAGE: u32 = 10008;
const UNKNOWN_WEBHOOK: u32 = 10015;
const INVALID_WEBHOOK_TOKEN: u32 = 50027;

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
    /// Where results go.
    pub reports: mpsc::UnboundedSender<Report>,
    /// The end.
    pub cancel: CancellationToken,
}

/// The workers.
pub struct Workers {
    hands: Arc<Hands>,
    queues: HashMap<Surface, mpsc::UnboundedSender<Action>>,
}

impl Workers {
    /// No workers yet: each comes with its first action.
    pub fn new(hands: Hands) -> Self {
        Self {
            hands: Arc::new(hands),
            queues: HashMap::new(),
        }
    }

    /// Hands an action to the worker of its surface.
    pub fn hand_over(&mut self, action: Action) {
        let surface = action.key().surface.clone();
        let queue = self.queues.entry(surface.clone()).or_insert_with(|| {
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
        if hands.reports.send(Report { key, settled }).is_err() {
            return;
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    content: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enforce_nonce: Option<bool>,
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
        (ErrorKind::Rejected, _, Some(403)) => Next::Forbidden,
        (ErrorKind::Rejected, _, Some(404)) if error.code().is_none() => Next::AfterRepair,
        (ErrorKind::Stopping, _, _) => Next::Stop,
        (ErrorKind::Rejected | ErrorKind::Unsendable, _, _) => Next::GiveUp,
        _ => Next::Later,
    }
}

impl Hands {
    async fn apply(&self, surface: &Surface, action: Action) -> Option<SettledAs> {
        match action {
            Action::Create {
                key,
                draft,
                row_version,
            } => self.create(surface, &key, &draft, row_version).await,
            Action::Edit {
                view,
                draft,
                row_version,
            } => self.edit(surface, &view, &draft, row_version).await,
            Action::Delete { view } => self.delete(surface, &view).await,
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
        loop {
            let Some((channel, request)) = self.create_request(surface, key, draft) else {
                // The surface is gone for good (an agent was removed): nothing is owed.
                return Some(SettledAs::Released);
            };
            let began = Utc::now();
            if let Some(since) = unknown_since {
                match self.find(channel, draft, since).await {
                    Ok(Some(message)) => return Some(sent(channel, message, draft, row_version)),
                    Ok(None) => unknown_since = None,
                    Err(error) => {
                        tracing::warn!(%surface, %error, "cannot read {surface} back: {error}");
                        self.wait(&mut backoff).await?;
                        continue;
                    }
                }
            }
            let error = match self.submit(request).await.json::<Made>() {
                Outcome::Sent(made) => return Some(sent(channel, made.id, draft, row_version)),
                Outcome::NotSent(error) => error,
                Outcome::Unknown(error) => {
                    unknown_since = Some(began);
                    error
                }
            };
            let next = judge(&error);
            if !matches!(next, Next::Stop) {
                tracing::warn!(%surface, %error, "a message to {surface} did not get through: {error}");
            }
            match next {
                Next::GiveUp => {
                    let error = error.to_string();
                    return Some(SettledAs::Failed { error, row_version });
                }
                next => self.before_next(next, &mut backoff).await?,
            }
        }
    }

    fn create_request(
        &self,
        surface: &Surface,
        key: &ViewKey,
        draft: &Draft,
    ) -> Option<(ChannelId, Request)> {
        let layout = self.layout.borrow();
        let channel = layout.channel(surface)?;
        let request = match (&draft.persona, &channel.webhook) {
            (Some(persona), Some(webhook)) => Request::new(Route::execute_webhook(webhook, None))
                .json(&Body {
                    content: &draft.content,
                    username: Some(&persona.name),
                    nonce: None,
                    enforce_nonce: None,
                }),
            _ => Request::new(Route::create_message(channel.id.get())).json(&Body {
                content: &draft.content,
                username: None,
                nonce: Some(nonce(key)),
                enforce_nonce: Some(true),
            }),
        };
        Some((channel.id, request))
    }

    /// The message that a lost answer was about, if it is there and the ledger does not know it.
    async fn find(
        &self,
        channel: ChannelId,
        draft: &Draft,
        since: chrono::DateTime<Utc>,
    ) -> anyhow::Result<Option<DiscordMessageId>> {
        let found = self.channels.unclaimed(channel, since).await?;
        Ok(adopt(&[draft.content.as_str()], &found).pop().flatten())
    }

    async fn edit(
        &self,
        surface: &Surface,
        view: &View,
        draft: &Draft,
        row_version: String,
    ) -> Option<SettledAs> {
        let message = view.message?;
        let body = Body {
            content: &draft.content,
            username: None,
            nonce: None,
            enforce_nonce: None,
        };
        let request = match self.own_webhook(surface, view) {
            Some(webhook) => {
                Request::new(Route::edit_webhook_message(&webhook, message.get(), None))
            }
            None => Request::new(Route::edit_message(view.channel.get(), message.get())),
        };
        match self
            .submit_as(Class::Edit, request.json(&body))
            .await
            .done()
        {
            Outcome::Sent(()) => Some(sent(view.channel, message, draft, row_version)),
            Outcome::NotSent(error) | Outcome::Unknown(error) => {
                tracing::warn!(%surface, %error, "a message in {surface} could not be edited: {error}");
                let gone = error.code() == Some(UNKNOWN_MESSAGE);
                (gone || matches!(judge(&error), Next::GiveUp | Next::AfterRepair)).then(|| {
                    let error = error.to_string();
                    SettledAs::Failed { error, row_version }
                })
            }
        }
    }

    async fn delete(&self, surface: &Surface, view: &View) -> Option<SettledAs> {
        let message = view.message?.get();
        let route = match self.own_webhook(surface, view) {
            Some(webhook) => Route::delete_webhook_message(&webhook, message, None),
            None => Route::delete_message(view.channel.get(), message),
        };
        match self
            .submit_as(Class::Edit, Request::new(route))
            .await
            .done()
        {
            Outcome::Sent(()) => Some(SettledAs::Released),
            Outcome::NotSent(error) if error.status() == Some(404) => Some(SettledAs::Released),
            Outcome::NotSent(error) | Outcome::Unknown(error) => {
                tracing::warn!(%surface, %error, "a message in {surface} could not be deleted: {error}");
                None
            }
        }
    }

    /// The webhook of a view's channel, where a webhook is its author.
    fn own_webhook(
        &self,
        surface: &Surface,
        view: &View,
    ) -> Option<crate::discord::rest::WebhookKey> {
        let layout = self.layout.borrow();
        let channel = layout.channel(surface)?;
        (view.author == ViewAuthor::Webhook && channel.id == view.channel)
            .then(|| channel.webhook.clone())
            .flatten()
    }

    async fn submit(&self, request: Request) -> Outcome<Answer> {
        self.submit_as(Class::Backlog, request).await
    }

    async fn submit_as(&self, class: Class, request: Request) -> Outcome<Answer> {
        self.channels.lanes.submit(class, request).await
    }

    /// Waits for the moment of the next try; none when there will not be one.
    async fn before_next(&self, next: Next, backoff: &mut Duration) -> Option<()> {
        match next {
            Next::AfterRepair => {
                let mut layout = self.layout.clone();
                layout.borrow_and_update();
                self.repair.notify_one();
                tokio::select! {
                    () = self.cancel.cancelled() => return None,
                    changed = layout.changed() => changed.ok()?,
                    () = tokio::time::sleep(BACKOFF.1) => {}
                }
                Some(())
            }
            Next::Forbidden => {
                *backoff = FORBIDDEN_PAUSE;
                self.wait(backoff).await
            }
            Next::Later => self.wait(backoff).await,
            Next::GiveUp | Next::Stop => None,
        }
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
) -> SettledAs {
    SettledAs::Sent {
        channel,
        message,
        hash: draft.hash(),
        row_version,
    }
}

/// At most 25 characters (source: Discord), the same for every try of one view.
fn nonce(key: &ViewKey) -> String {
    let id = key.entity.id.as_u128();
    let folded = (id >> 64) ^ (id & u128::from(u64::MAX));
    format!("{folded:016x}-{:x}", key.part)
}

/// As the ledger takes it.
pub fn settled(report: Report) -> Option<Settled> {
    let key = report.key;
    report.settled.map(|result| Settled { key, result })
}
