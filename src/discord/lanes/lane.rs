//! One lane: what waits in it, and which of that may go next.

use std::collections::VecDeque;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Class;
use super::bucket::Buckets;
use super::retry::Tries;
use crate::discord::rest::{Access, Answer, EXECUTE_WEBHOOK, Outcome, Request};

/// A request on its way, and the caller who waits for it.
#[derive(Debug)]
pub(super) struct Job {
    /// Of all requests, the how-manieth: the order within a class.
    pub seq: u64,
    pub class: Class,
    pub request: Request,
    pub reply: oneshot::Sender<Outcome<Answer>>,
    pub tries: Tries,
    /// Set while it waits to be tried again.
    pub not_before: Option<Instant>,
}

/// Where the scheduler has noted a lane.
#[derive(Debug, Clone, Copy)]
pub(super) enum Listing {
    Nowhere,
    Ready(Access, Class, u64),
    Wake(Instant),
}

/// What a lane could do.
#[derive(Debug, Clone, Copy)]
pub(super) enum Next {
    /// Nothing waits, or a request is in flight.
    Nothing,
    /// This job may go as far as the lane is concerned.
    Ready(Access, Class, u64),
    /// Nothing may go before then.
    At(Instant),
}

/// Jobs of one class about one kind of thing. They keep their order; different kinds have different buckets and may
/// overtake each other, so that an edit does not wait until the next message may be posted.
#[derive(Debug)]
struct Queue {
    class: Class,
    resource: &'static str,
    jobs: VecDeque<Box<Job>>,
}

/// One lane.
#[derive(Debug)]
pub(super) struct Lane {
    queues: Vec<Queue>,
    pub busy: bool,
    pub buckets: Buckets,
    /// Whether the last answer came without limits, from a server that has none.
    pub unlimited: bool,
    pub listing: Listing,
}

impl Lane {
    pub(super) fn new() -> Self {
        Self {
            queues: Vec::with_capacity(1),
            busy: false,
            buckets: Buckets::default(),
            unlimited: false,
            listing: Listing::Nowhere,
        }
    }

    pub(super) fn push(&mut self, job: Box<Job>) {
        let resource = job.request.route().resource();
        let found = self
            .queues
            .iter()
            .position(|queue| queue.class == job.class && queue.resource == resource);
        let index = found.unwrap_or_else(|| {
            self.queues.push(Queue {
                class: job.class,
                resource,
                jobs: VecDeque::with_capacity(1),
            });
            self.queues.len() - 1
        });
        let jobs = &mut self.queues[index].jobs;
        // Nearly always the end; a job that is tried again goes back to where it was.
        if jobs.back().is_none_or(|last| last.seq < job.seq) {
            jobs.push_back(job);
        } else {
            let place = jobs.partition_point(|other| other.seq < job.seq);
            jobs.insert(place, job);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queues.iter().all(|queue| queue.jobs.is_empty())
    }

    /// The first job, by class and then by age, that may go. `webhook_free_at` is when the channel's hidden limit
    /// lets the webhook post again.
    pub(super) fn next(&self, now: Instant, webhook_free_at: Option<Instant>) -> Next {
        if self.busy {
            return Next::Nothing;
        }
        let mut best: Option<&Job> = None;
        let mut soonest: Option<Instant> = None;
        for job in self.queues.iter().filter_map(|queue| queue.jobs.front()) {
            let template = job.request.route().template();
            let mut ready = job.not_before.max(self.buckets.ready_at(template));
            if template == EXECUTE_WEBHOOK {
                ready = ready.max(webhook_free_at);
            }
            match ready.filter(|ready| *ready > now) {
                Some(later) => soonest = Some(soonest.map_or(later, |soonest| soonest.min(later))),
                None if best.is_none_or(|best| (job.class, job.seq) < (best.class, best.seq)) => {
                    best = Some(job);
                }
                None => {}
            }
        }
        match (best, soonest) {
            (Some(job), _) => Next::Ready(job.request.route().access(), job.class, job.seq),
            (None, Some(soonest)) => Next::At(soonest),
            (None, None) => Next::Nothing,
        }
    }

    /// Takes out the job that [`Lane::next`] named.
    pub(super) fn take(&mut self, class: Class, seq: u64) -> Option<Box<Job>> {
        let front = |queue: &&mut Queue| {
            queue.class == class && queue.jobs.front().is_some_and(|job| job.seq == seq)
        };
        self.queues.iter_mut().find(front)?.jobs.pop_front()
    }

    /// Takes out a job that nobody waits for any more, unless it is in flight.
    pub(super) fn remove(&mut self, class: Class, resource: &str, seq: u64) -> Option<Box<Job>> {
        let jobs = &mut self
            .queues
            .iter_mut()
            .find(|queue| queue.class == class && queue.resource == resource)?
            .jobs;
        let place = jobs.binary_search_by_key(&seq, |job| job.seq).ok()?;
        jobs.remove(place)
    }

    /// Takes out everything.
    pub(super) fn clear(&mut self) -> impl Iterator<Item = Box<Job>> {
        self.queues.drain(..).flat_map(|queue| queue.jobs)
    }
}
