//! Receipts: what the bot's reactions on a person's message say about it.
//!
//! One worker per channel, one request at a time: Discord takes about four reactions per second and
//! channel (observed, discord-api-docs #2886), and a mark that is not wanted any more when its turn
//! comes is never sent.

use std::collections::VecDeque;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::lanes::{Class, Lanes, Submission};
use super::rest::{ErrorKind, Request, RestError, Route};
use crate::model::{ChannelId, DiscordMessageId};

/// Most marks that wait in a channel besides those of held messages, which have a bound of their
/// own: a minute's worth. Who writes more than that has been told in words.
const MOST_REFUSALS: usize = 240;

/// What a mark says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// The message is kept on disk and will be written when the database is back.
    Held,
    /// The message is not kept: it has to be sent again.
    Refused,
}

impl Receipt {
    /// The emoji.
    pub const fn emoji(self) -> &'static str {
        match self {
            Self::Held => "🕓",
            Self::Refused => "⛔",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Show(DiscordMessageId, Receipt),
    TakeOff(DiscordMessageId, Receipt),
}

/// The marks of one channel.
#[derive(Debug, Clone)]
pub struct Receipts {
    wishes: mpsc::UnboundedSender<Wish>,
}

impl Receipts {
    /// Starts the worker of a channel; `gone` hears of every mark that has been taken off, or never
    /// came to be.
    pub fn start(
        lanes: Lanes,
        channel: ChannelId,
        cancel: CancellationToken,
        gone: impl Fn(DiscordMessageId) + Send + Sync + 'static,
    ) -> Self {
        let (wishes, inbox) = mpsc::unbounded_channel();
        let worker = Worker {
            lanes,
            channel,
            waiting: VecDeque::new(),
            stuck: Vec::new(),
            gone: Box::new(gone),
        };
        tokio::spawn(worker.run(inbox, cancel));
        Self { wishes }
    }

    /// Marks a message.
    pub fn show(&self, message: DiscordMessageId, receipt: Receipt) {
        // The worker ends only with the process.
        let _ = self.wishes.send(Wish::Show(message, receipt));
    }

    /// Takes a mark off.
    pub fn take_off(&self, message: DiscordMessageId, receipt: Receipt) {
        let _ = self.wishes.send(Wish::TakeOff(message, receipt));
    }
}

struct Worker {
    lanes: Lanes,
    channel: ChannelId,
    waiting: VecDeque<Wish>,
    /// Marks that Discord did not let go; tried again with the next one of the channel.
    stuck: Vec<Wish>,
    gone: Box<dyn Fn(DiscordMessageId) + Send + Sync>,
}

impl Worker {
    async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Wish>, cancel: CancellationToken) {
        let mut current: Option<(Wish, Submission)> = None;
        loop {
            if current.is_none() {
                current = self
                    .waiting
                    .pop_front()
                    .map(|wish| (wish, self.submit(wish)));
            }
            tokio::select! {
                biased;
                () = cancel.cancelled() => return,
                wish = inbox.recv() => match wish {
                    Some(wish) => self.note(wish),
                    None => return,
                },
                outcome = async {
                    match &mut current {
                        Some((wish, submission)) => (*wish, submission.await),
                        None => std::future::pending().await,
                    }
                } => {
                    current = None;
                    let (wish, outcome) = outcome;
                    self.ended(wish, outcome.done().error());
                }
            }
        }
    }

    fn note(&mut self, wish: Wish) {
        self.waiting.extend(self.stuck.drain(..));
        match wish {
            Wish::TakeOff(message, receipt) => {
                let shown = Wish::Show(message, receipt);
                match self.waiting.iter().position(|waiting| *waiting == shown) {
                    Some(at) => {
                        self.waiting.remove(at);
                        (self.gone)(message);
                    }
                    None => self.waiting.push_back(wish),
                }
            }
            Wish::Show(_, Receipt::Refused) => {
                let refusal = |wish: &&Wish| matches!(wish, Wish::Show(_, Receipt::Refused));
                if self.waiting.iter().filter(refusal).count() < MOST_REFUSALS {
                    self.waiting.push_back(wish);
                }
            }
            Wish::Show(_, Receipt::Held) => self.waiting.push_back(wish),
        }
    }

    fn submit(&self, wish: Wish) -> Submission {
        let channel = self.channel.get();
        // A person waits to see a mark; that it goes is a correction of what is on display.
        let (class, route) = match wish {
            Wish::Show(message, receipt) => (
                Class::Interactive,
                Route::create_reaction(channel, message.get(), receipt.emoji()),
            ),
            Wish::TakeOff(message, receipt) => (
                Class::Edit,
                Route::delete_own_reaction(channel, message.get(), receipt.emoji()),
            ),
        };
        self.lanes.submit(class, Request::new(route))
    }

    /// A mark that fails costs nobody the message. One that may still be there is tried again, at the
    /// latest after the next start.
    fn ended(&mut self, wish: Wish, error: Option<&RestError>) {
        let (Wish::Show(message, _) | Wish::TakeOff(message, _)) = wish;
        let absent = error.is_some_and(|error| error.status() == Some(404));
        if let Some(error) = error.filter(|_| !absent) {
            tracing::warn!(%message, %error, "a mark on message {message} does not follow: {error}");
        }
        let settled = error.is_none_or(|error| error.kind() == ErrorKind::Rejected);
        match wish {
            Wish::TakeOff(..) if settled => (self.gone)(message),
            Wish::TakeOff(..) => self.stuck.push(wish),
            Wish::Show(..) => {}
        }
    }
}
