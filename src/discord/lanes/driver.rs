//! Does what the scheduler decides: one task for all lanes, with every request in flight polled in place.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use metrics::{Counter, Gauge, counter, gauge};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::lane::Job;
use super::scheduler::{Finished, Place, Reply, Scheduler};
use crate::discord::rest::{Answer, Outcome, Rest};
use crate::telemetry::{LANE_DEPTH, REST_REQUESTS};

/// What handles ask for.
pub(super) enum Command {
    Submit(Box<Job>),
    Cancel(Place),
    /// Answered when nothing is in flight any more.
    Drain(oneshot::Sender<()>),
}

/// The part that runs the lanes. It ends when the last [`super::Lanes`] is gone and everything is answered.
pub struct Driver {
    rest: Rest,
    commands: mpsc::UnboundedReceiver<Command>,
    depth: Arc<AtomicUsize>,
    scheduler: Scheduler,
    drained: Vec<oneshot::Sender<()>>,
}

impl Driver {
    pub(super) fn new(
        rest: Rest,
        commands: mpsc::UnboundedReceiver<Command>,
        depth: Arc<AtomicUsize>,
    ) -> Self {
        Self {
            rest,
            commands,
            depth,
            scheduler: Scheduler::new(),
            drained: Vec::new(),
        }
    }

    /// Runs until all handles are dropped. Dropping this future leaves callers with an unknown outcome.
    pub async fn run(mut self) {
        let meters = Meters::new();
        let mut in_flight = FuturesUnordered::new();
        let mut open = true;
        let timer = sleep_until(Instant::now());
        tokio::pin!(timer);
        loop {
            let now = Instant::now();
            while let Some(job) = self.scheduler.next(now) {
                in_flight.push(send(self.rest.clone(), job, now));
            }
            if in_flight.is_empty() {
                for waiter in self.drained.drain(..) {
                    // A waiter that has gone needs no answer.
                    let _ = waiter.send(());
                }
            }
            let wake = self.scheduler.next_wake(now);
            if !open && in_flight.is_empty() && self.depth.load(Ordering::Relaxed) == 0 {
                return;
            }
            if let Some(wake) = wake.filter(|wake| *wake != timer.deadline()) {
                timer.as_mut().reset(wake);
            }
            tokio::select! {
                biased;
                Some(finished) = in_flight.next() => {
                    let reply = self.scheduler.finished(finished);
                    self.answer(&meters, reply);
                }
                command = self.commands.recv(), if open => match command {
                    Some(command) => self.obey(&meters, command),
                    None => open = false,
                },
                () = timer.as_mut(), if wake.is_some() => {}
                else => return,
            }
            let depth = u32::try_from(self.depth.load(Ordering::Relaxed)).unwrap_or(u32::MAX);
            meters.depth.set(f64::from(depth));
        }
    }

    fn obey(&mut self, meters: &Meters, command: Command) {
        let now = Instant::now();
        match command {
            Command::Submit(job) => {
                let refused = self.scheduler.push(job, now);
                self.answer(meters, refused);
            }
            Command::Cancel(place) => {
                if self.scheduler.cancel(&place, now) {
                    self.depth.fetch_sub(1, Ordering::Relaxed);
                }
            }
            Command::Drain(waiter) => {
                let unsent = self.scheduler.close();
                self.answer(meters, unsent);
                self.drained.push(waiter);
            }
        }
    }

    fn answer(&self, meters: &Meters, replies: impl IntoIterator<Item = Reply>) {
        for (caller, outcome) in replies {
            self.depth.fetch_sub(1, Ordering::Relaxed);
            meters.count(&outcome);
            // The caller may have gone: the request is over all the same.
            let _ = caller.send(outcome);
        }
    }
}

/// Looked up once, because every request passes them.
struct Meters {
    depth: Gauge,
    sent: Counter,
    not_sent: Counter,
    unknown: Counter,
}

impl Meters {
    fn new() -> Self {
        let requests = |outcome: &'static str| counter!(REST_REQUESTS, "outcome" => outcome);
        Self {
            depth: gauge!(LANE_DEPTH),
            sent: requests("sent"),
            not_sent: requests("not_sent"),
            unknown: requests("unknown"),
        }
    }

    fn count(&self, outcome: &Outcome<Answer>) {
        match outcome {
            Outcome::Sent(_) => self.sent.increment(1),
            Outcome::NotSent(_) => self.not_sent.increment(1),
            Outcome::Unknown(_) => self.unknown.increment(1),
        }
    }
}

/// `sent` is the scheduler's time, by which it knows the places that the request has taken.
async fn send(rest: Rest, job: Box<Job>, sent: Instant) -> Finished {
    let attempt = rest.attempt(&job.request).await;
    Finished {
        job,
        attempt,
        sent,
        arrived: Instant::now(),
    }
}
