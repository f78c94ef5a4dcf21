//! Lanes: every request to Discord waits here for its turn.
//!
//! A lane is one top-level resource (a channel, a webhook, …). One request per lane is in flight; lanes run side by
//! side. Within a lane what a person waits for goes before edits, and edits before backlog; within a class, requests
//! about the same kind of thing keep their order. All of it is paced by what Discord's headers say, so that a 429 is
//! rare, and one that comes is waited out: callers see only what became of their request in the end.
//!
//! A server that sends no rate-limit headers is not paced.

mod bucket;
mod driver;
mod invalid;
mod lane;
mod others;
mod pace;
mod retry;
mod scheduler;
#[cfg(test)]
mod simulation;
mod window;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use self::driver::Command;
use self::lane::Job;
use self::others::Others;
use self::retry::Tries;
use self::scheduler::Place;
use super::rest::{Answer, ErrorKind, Outcome, Request, Rest, RestError};

pub use self::driver::Driver;

/// How urgent a request is. A lane sends all of one class before any of the next, as far as buckets let it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// A person waits for it.
    Interactive,
    /// Something on display is not true any more.
    Edit,
    /// Everything else.
    Backlog,
}

/// The handle to the lanes. Clones share them.
#[derive(Clone)]
pub struct Lanes {
    shared: Arc<Shared>,
    others: Others,
}

struct Shared {
    commands: mpsc::UnboundedSender<Command>,
    next_seq: AtomicU64,
    depth: Arc<AtomicUsize>,
}

/// What was left when the lanes were drained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Requests still in flight at the deadline: their outcome is unknown.
    pub unfinished: usize,
}

impl Lanes {
    /// Lanes over this client, and the part that has to [`Driver::run`] for anything to be sent.
    pub fn new(rest: Rest) -> (Self, Driver) {
        let (commands, inbox) = mpsc::unbounded_channel();
        let depth = Arc::new(AtomicUsize::new(0));
        let driver = Driver::new(rest, inbox, Arc::clone(&depth));
        let shared = Shared {
            commands,
            next_seq: AtomicU64::new(0),
            depth,
        };
        let lanes = Self {
            shared: Arc::new(shared),
            others: Others::default(),
        };
        (lanes, driver)
    }

    /// Queues a request in the lane of its route, at once and in the order of the calls. Dropping the returned future
    /// takes it out again, unless it has been sent. What is about a channel that another bot owns goes through the
    /// lanes of that one.
    pub fn submit(&self, class: Class, request: Request) -> Submission {
        match self.others.of(request.route().lane()) {
            Some(owner) => owner.take_in(class, request),
            None => self.take_in(class, request),
        }
    }

    fn take_in(&self, class: Class, request: Request) -> Submission {
        let seq = self.shared.next_seq.fetch_add(1, Ordering::Relaxed);
        let route = request.route();
        let place = Place {
            lane: route.lane(),
            class,
            resource: route.resource(),
            seq,
        };
        let template = route.template();
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Job {
            seq,
            class,
            request,
            reply,
            tries: Tries::default(),
            not_before: None,
        });
        self.shared.depth.fetch_add(1, Ordering::Relaxed);
        let sent = self.shared.commands.send(Command::Submit(job));
        if sent.is_err() {
            self.shared.depth.fetch_sub(1, Ordering::Relaxed);
        }
        Submission {
            answer: sent.is_ok().then_some(answer),
            place,
            template,
            shared: Arc::clone(&self.shared),
        }
    }

    /// Requests that wait or are in flight.
    pub fn depth(&self) -> usize {
        self.shared.depth.load(Ordering::Relaxed)
    }

    /// For shutdown: refuses new requests, answers waiting ones with [`ErrorKind::Stopping`], and waits at most this
    /// long for those in flight.
    pub async fn drain(&self, deadline: Duration) -> Drained {
        let (waiter, drained) = oneshot::channel();
        if self.shared.commands.send(Command::Drain(waiter)).is_ok() {
            // Either way of not being answered leaves requests unfinished, and the depth tells how many.
            let _ = tokio::time::timeout(deadline, drained).await;
        }
        Drained {
            unfinished: self.depth(),
        }
    }
}

impl fmt::Debug for Lanes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lanes")
            .field("depth", &self.depth())
            .finish_non_exhaustive()
    }
}

/// A request in its lane; resolves to what became of it in the end.
#[must_use = "dropping it takes the request out of its lane"]
pub struct Submission {
    /// `None` once resolved, and where the lanes do not run any more.
    answer: Option<oneshot::Receiver<Outcome<Answer>>>,
    place: Place,
    template: &'static str,
    shared: Arc<Shared>,
}

impl Future for Submission {
    type Output = Outcome<Answer>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let template = self.template;
        let stopped = |text| RestError::new(ErrorKind::Stopping, template, text);
        let Some(answer) = &mut self.answer else {
            let error = stopped("The bridge has stopped; nothing is sent any more");
            return Poll::Ready(Outcome::NotSent(error));
        };
        let outcome = ready!(Pin::new(answer).poll(context)).unwrap_or_else(|_| {
            Outcome::Unknown(stopped("The bridge stopped before Discord answered"))
        });
        self.answer = None;
        Poll::Ready(outcome)
    }
}

impl Drop for Submission {
    fn drop(&mut self) {
        if self.answer.take().is_some() {
            // If the lanes have stopped there is nothing to take out.
            let _ = self.shared.commands.send(Command::Cancel(self.place));
        }
    }
}
