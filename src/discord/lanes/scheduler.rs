//! Decides which request goes next. Pure: time and answers come from outside.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::lane::{Job, Lane, Listing, Next};
use super::pace::Pace;
use super::retry::{OLD_MESSAGE_EDITS, Verdict};
use super::{Class, bucket};
use crate::discord::rest::{
    Access, Answer, Attempt, EXECUTE_WEBHOOK, ErrorKind, LaneKey, Outcome, RestError,
};

/// Where a job waits, to find it again when its caller has gone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub lane: LaneKey,
    pub class: Class,
    pub resource: &'static str,
    pub seq: u64,
}

/// A try that is over.
pub(super) struct Finished {
    pub job: Box<Job>,
    pub attempt: Attempt,
    pub sent: Instant,
    pub arrived: Instant,
}

/// A caller and what it is told.
pub(super) type Reply = (oneshot::Sender<Outcome<Answer>>, Outcome<Answer>);

/// Per kind of access, because each has its own global limit.
const POOLS: [Access; 3] = [Access::Interaction, Access::Bot, Access::Open];

fn pool(access: Access) -> usize {
    match access {
        Access::Interaction => 0,
        Access::Bot => 1,
        Access::Open => 2,
    }
}

/// All lanes.
#[derive(Debug)]
pub(super) struct Scheduler {
    lanes: HashMap<LaneKey, Lane>,
    /// Lanes with a job that may go, per pool, first by class and then by age.
    ready: [BTreeMap<(Class, u64), LaneKey>; 3],
    /// Lanes to look at again.
    wakes: BTreeSet<(Instant, LaneKey)>,
    pace: Pace,
    closed: bool,
}

impl Scheduler {
    pub(super) fn new() -> Self {
        Self {
            lanes: HashMap::new(),
            ready: [BTreeMap::new(), BTreeMap::new(), BTreeMap::new()],
            wakes: BTreeSet::new(),
            pace: Pace::new(),
            closed: false,
        }
    }

    /// Takes in a new job; returns the caller's answer if there will be no try.
    pub(super) fn push(&mut self, job: Box<Job>, now: Instant) -> Option<Reply> {
        if self.closed {
            return Some(stopping(job));
        }
        let key = job.request.route().lane();
        let lane = self.lanes.entry(key).or_insert_with(Lane::new);
        lane.push(job);
        self.list(key, now);
        None
    }

    /// Forgets a job whose caller has gone. One in flight is finished; `false` then.
    pub(super) fn cancel(&mut self, place: &Place, now: Instant) -> bool {
        let removed = self
            .lanes
            .get_mut(&place.lane)
            .and_then(|lane| lane.remove(place.class, place.resource, place.seq));
        if removed.is_some() {
            self.list(place.lane, now);
        }
        removed.is_some()
    }

    /// The next job to send, if one may go now.
    pub(super) fn next(&mut self, now: Instant) -> Option<Box<Job>> {
        while let Some((_, key)) = self.wakes.first().filter(|(at, _)| *at <= now).copied() {
            self.list(key, now);
        }
        for access in POOLS {
            while let Some((&(class, seq), &key)) = self.ready[pool(access)].first_key_value() {
                if self.pace.may_send(access, class, now).is_err() {
                    break;
                }
                // Listed some time ago, while the request waited for a shared limit: look again.
                self.list(key, now);
                if self.ready[pool(access)].get(&(class, seq)) != Some(&key) {
                    continue;
                }
                if let Some(job) = self.start(key, class, seq, now) {
                    return Some(job);
                }
            }
        }
        None
    }

    fn start(&mut self, key: LaneKey, class: Class, seq: u64, now: Instant) -> Option<Box<Job>> {
        let lane = self.lanes.get_mut(&key)?;
        let mut job = lane.take(class, seq)?;
        lane.busy = true;
        job.tries.started(now);
        self.pace
            .started(job.request.route().access(), limited_channel(&job), now);
        self.list(key, now);
        Some(job)
    }

    /// When [`Scheduler::next`] may have something new without a push or an answer.
    pub(super) fn next_wake(&mut self, now: Instant) -> Option<Instant> {
        let mut soonest = self.wakes.first().map(|(at, _)| *at);
        for access in POOLS {
            let Some((&(class, _), _)) = self.ready[pool(access)].first_key_value() else {
                continue;
            };
            let free = match self.pace.may_send(access, class, now) {
                Ok(()) => Some(now),
                Err(free) => Some(free),
            };
            soonest = match (soonest, free) {
                (Some(soonest), Some(free)) => Some(soonest.min(free)),
                (soonest, free) => soonest.or(free),
            };
        }
        soonest
    }

    /// Learns from a try that is over; returns the caller's answer unless it is tried again.
    pub(super) fn finished(&mut self, finished: Finished) -> Option<Reply> {
        let Finished {
            mut job,
            attempt,
            sent,
            arrived,
        } = finished;
        let key = job.request.route().lane();
        self.learn(&job, &attempt, sent, arrived);
        if let Some(lane) = self.lanes.get_mut(&key) {
            lane.busy = false;
        }
        let reply = match job.tries.judge(&job.request, attempt.outcome, arrived) {
            Verdict::Final(outcome) => Some((job.reply, outcome)),
            Verdict::Again(_, outcome) if self.closed || job.reply.is_closed() => {
                Some((job.reply, outcome))
            }
            Verdict::Again(at, _) => {
                job.not_before = Some(at);
                self.lanes.entry(key).or_insert_with(Lane::new).push(job);
                None
            }
        };
        self.list(key, arrived);
        reply
    }

    fn learn(&mut self, job: &Job, attempt: &Attempt, sent: Instant, arrived: Instant) {
        let route = job.request.route();
        let may_have_arrived =
            attempt.heard.is_some() || matches!(attempt.outcome, Outcome::Unknown(_));
        self.pace.over(
            route.access(),
            limited_channel(job),
            sent,
            may_have_arrived.then_some(arrived),
        );
        let Some(heard) = &attempt.heard else { return };
        let error = attempt.outcome.error();
        // About one message, not about the bucket that its headers name.
        let old_message = error.is_some_and(|error| error.code() == Some(OLD_MESSAGE_EDITS));
        let wait = error
            .filter(|_| !old_message)
            .and_then(RestError::retry_after);
        self.pace
            .heard(route.lane(), route.access(), heard, wait, arrived);
        if let Some(lane) = self.lanes.get_mut(&route.lane()).filter(|_| !old_message) {
            let limits = &heard.limits;
            lane.buckets.learn(route.template(), limits, sent, arrived);
            // Refusals may come from a proxy before Discord, which knows no limits.
            if heard.status < 300 {
                lane.unlimited = !limits.present();
            }
            if let Some(wait) = wait {
                tracing::warn!(
                    route = route.template(),
                    scope = limits.scope.as_str(),
                    wait_ms = wait.as_millis(),
                    "Discord asked to slow down"
                );
                let until = bucket::after(arrived, wait);
                lane.buckets
                    .hold(route.template(), limits.bucket.as_ref(), until);
            }
        }
    }

    /// No new jobs; answers those that have not been sent.
    pub(super) fn close(&mut self) -> Vec<Reply> {
        self.closed = true;
        self.ready.iter_mut().for_each(BTreeMap::clear);
        self.wakes.clear();
        let waiting = self.lanes.values_mut().flat_map(Lane::clear);
        let replies = waiting.map(stopping).collect();
        self.lanes.clear();
        replies
    }

    /// Notes under what a lane is to be found: ready, waiting for a time, or gone.
    fn list(&mut self, key: LaneKey, now: Instant) {
        let Some(lane) = self.lanes.get_mut(&key) else {
            // A wake may outlive its lane only here, where it is taken off.
            self.wakes.retain(|(_, lane)| *lane != key);
            return;
        };
        match lane.listing {
            Listing::Nowhere => {}
            Listing::Ready(access, class, seq) => {
                self.ready[pool(access)].remove(&(class, seq));
            }
            Listing::Wake(at) => {
                self.wakes.remove(&(at, key));
            }
        }
        let channel = match key {
            LaneKey::Webhook { channel, .. } => Some(channel),
            _ => None,
        };
        let webhook_free_at = channel
            .filter(|_| !lane.unlimited)
            .and_then(|channel| self.pace.webhook_free_at(channel, now));
        lane.listing = match lane.next(now, webhook_free_at) {
            Next::Ready(access, class, seq) => {
                self.ready[pool(access)].insert((class, seq), key);
                Listing::Ready(access, class, seq)
            }
            Next::At(at) => {
                self.wakes.insert((at, key));
                Listing::Wake(at)
            }
            Next::Nothing if lane.busy || !lane.is_empty() => Listing::Nowhere,
            Next::Nothing => {
                // Idle: it ends as soon as nothing that it knows can matter any more.
                let hidden = channel.and_then(|channel| self.pace.webhook_quiet_at(channel, now));
                let known_until = lane.buckets.quiet_at().max(hidden);
                if let Some(at) = known_until.filter(|at| *at > now) {
                    self.wakes.insert((at, key));
                    Listing::Wake(at)
                } else {
                    self.lanes.remove(&key);
                    if let Some(channel) = channel.filter(|_| hidden.is_some()) {
                        self.pace.forget_webhooks_of(channel);
                    }
                    return;
                }
            }
        };
    }

    #[cfg(test)]
    pub(super) fn lanes(&self) -> usize {
        self.lanes.len()
    }
}

/// The channel whose hidden limit counts this request.
fn limited_channel(job: &Job) -> Option<u64> {
    let route = job.request.route();
    match route.lane() {
        LaneKey::Webhook { channel, .. } if route.template() == EXECUTE_WEBHOOK => Some(channel),
        _ => None,
    }
}

fn stopping(job: Box<Job>) -> Reply {
    let template = job.request.route().template();
    let error = RestError::new(
        ErrorKind::Stopping,
        template,
        "The bridge is stopping; this is done after its next start",
    );
    // Judged like any outcome: an earlier try may have done it.
    let mut tries = job.tries;
    let now = Instant::now();
    let outcome = match tries.judge(&job.request, Outcome::NotSent(error), now) {
        Verdict::Final(outcome) | Verdict::Again(_, outcome) => outcome,
    };
    (job.reply, outcome)
}
