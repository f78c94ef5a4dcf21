//! The scheduler against a Discord in virtual time: hours of limits in a moment, with chosen latencies.

use std::collections::btree_map::OccupiedEntry;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use reqwest::header::HeaderValue;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Class;
use super::lane::Job;
use super::retry::Tries;
use super::scheduler::{Finished, Scheduler};
use crate::discord::rest::{
    Access, Answer, Attempt, EXECUTE_WEBHOOK, LaneKey, Outcome, RateLimits, Request, Route, Scope,
    WebhookKey,
};

const SECOND: Duration = Duration::from_secs(1);

/// A fixed window that begins with its first request, or on a beat of its own.
struct Window {
    limit: u32,
    span: Duration,
    began: Option<Instant>,
    on_a_beat: bool,
    used: u32,
}

impl Window {
    fn new(limit: u32, span: Duration) -> Self {
        Self {
            limit,
            span,
            began: None,
            on_a_beat: false,
            used: 0,
        }
    }

    fn on_a_beat(mut self, began: Instant) -> Self {
        self.began = Some(began);
        self.on_a_beat = true;
        self
    }

    fn hit(&mut self, now: Instant) -> Result<(u32, Duration), Duration> {
        let began = match self.began {
            Some(began) if now < began + self.span => began,
            Some(mut began) if self.on_a_beat => {
                while now >= began + self.span {
                    began += self.span;
                }
                self.used = 0;
                began
            }
            _ => {
                self.used = 0;
                now
            }
        };
        self.began = Some(began);
        let left = began + self.span - now;
        if self.used == self.limit {
            return Err(left);
        }
        self.used += 1;
        Ok((self.limit - self.used, left))
    }
}

/// The server.
struct Server {
    /// With the bot token, and without: Discord counts them apart.
    global: [Window; 2],
    hidden: HashMap<u64, Window>,
    buckets: HashMap<(&'static str, LaneKey), Window>,
    refused: usize,
}

impl Server {
    fn new(now: Instant) -> Self {
        Self {
            global: [3, 5].map(|part| {
                let began = now.checked_sub(SECOND / part).unwrap_or(now);
                Window::new(50, SECOND).on_a_beat(began)
            }),
            hidden: HashMap::new(),
            buckets: HashMap::new(),
            refused: 0,
        }
    }

    fn bucket(template: &str) -> (u32, Duration) {
        match template.split_once(' ') {
            _ if template == EXECUTE_WEBHOOK => (5, SECOND * 2),
            Some(("PUT", _)) => (1, SECOND / 4),
            Some(("DELETE", _)) => (5, SECOND),
            _ => (5, SECOND * 5),
        }
    }

    fn answer(&mut self, route: &Route, now: Instant) -> Attempt {
        let refuse = |scope: Scope, left: Duration| {
            let limits = RateLimits {
                scope,
                ..RateLimits::default()
            };
            Attempt::simulated(429, limits, Some(left))
        };
        let global = &mut self.global[usize::from(route.access() == Access::Open)];
        if let Err(left) = global.hit(now) {
            self.refused += 1;
            return refuse(Scope::Global, left);
        }
        let (limit, span) = Self::bucket(route.template());
        let bucket = self
            .buckets
            .entry((route.template(), route.lane()))
            .or_insert_with(|| Window::new(limit, span));
        let (remaining, reset_after) = match bucket.hit(now) {
            Ok(passed) => passed,
            Err(left) => {
                self.refused += 1;
                return refuse(Scope::User, left);
            }
        };
        if let LaneKey::Webhook { channel, .. } = route.lane() {
            let hidden = || Window::new(30, SECOND * 60);
            let hidden = self.hidden.entry(channel).or_insert_with(hidden);
            if route.template() == EXECUTE_WEBHOOK
                && let Err(left) = hidden.hit(now)
            {
                self.refused += 1;
                return refuse(Scope::User, left);
            }
        }
        let limits = RateLimits {
            bucket: HeaderValue::from_str(route.template()).ok(),
            remaining: Some(remaining),
            // As Discord sends it: in whole milliseconds.
            reset_after: u64::try_from(reset_after.as_millis())
                .ok()
                .map(Duration::from_millis),
            ..RateLimits::default()
        };
        Attempt::simulated(200, limits, None)
    }
}

enum Event {
    Reaches { job: Box<Job>, sent: Instant },
    Answered(Finished),
}

struct World {
    scheduler: Scheduler,
    server: Server,
    events: BTreeMap<(Instant, u64), Event>,
    began: Instant,
    now: Instant,
    numbered: u64,
    rng: SmallRng,
    /// One-way latency, at most.
    latency: Duration,
    callers: Vec<oneshot::Receiver<Outcome<Answer>>>,
}

impl World {
    fn new(seed: u64, latency: Duration) -> Self {
        let now = Instant::now();
        Self {
            scheduler: Scheduler::new(),
            server: Server::new(now),
            events: BTreeMap::new(),
            began: now,
            now,
            numbered: 0,
            rng: SmallRng::seed_from_u64(seed),
            latency,
            callers: Vec::new(),
        }
    }

    fn submit(&mut self, class: Class, route: Route) {
        let (reply, caller) = oneshot::channel();
        self.callers.push(caller);
        self.numbered += 1;
        let job = Box::new(Job {
            seq: self.numbered,
            class,
            request: Request::new(route),
            reply,
            tries: Tries::default(),
            not_before: None,
        });
        let refused = self.scheduler.push(job, self.now);
        assert!(refused.is_none(), "the scheduler is open");
    }

    fn later(&mut self, event: Event) {
        let most = u64::try_from(self.latency.as_micros()).unwrap_or(u64::MAX);
        let latency = Duration::from_micros(self.rng.random_range(0..=most));
        self.numbered += 1;
        self.events
            .insert((self.now + latency, self.numbered), event);
    }

    /// Runs until everything is answered; says how long that took.
    fn run(&mut self) -> Duration {
        let mut last_answer = self.now;
        loop {
            while let Some(job) = self.scheduler.next(self.now) {
                let sent = self.now;
                self.later(Event::Reaches { job, sent });
            }
            let wake = self.scheduler.next_wake(self.now);
            let event = self.events.keys().next().map(|(at, _)| *at);
            let Some(next) = [wake, event].into_iter().flatten().min() else {
                break;
            };
            assert!(next >= self.now, "time goes forward");
            self.now = next;
            let due = self
                .events
                .first_entry()
                .filter(|event| event.key().0 <= next);
            match due.map(OccupiedEntry::remove) {
                Some(Event::Reaches { job, sent }) => {
                    let attempt = self.server.answer(job.request.route(), next);
                    self.later(Event::Answered(Finished {
                        job,
                        attempt,
                        sent,
                        arrived: next,
                    }));
                }
                Some(Event::Answered(mut finished)) => {
                    finished.arrived = next;
                    last_answer = next;
                    if let Some((caller, outcome)) = self.scheduler.finished(finished) {
                        caller.send(outcome).expect("the caller waits");
                    }
                }
                None => {}
            }
        }
        for mut caller in self.callers.drain(..) {
            let outcome = caller.try_recv().expect("everybody is answered");
            assert!(outcome.is_sent(), "{outcome:?}");
        }
        assert_eq!(self.scheduler.lanes(), 0, "idle lanes have ended");
        last_answer - self.began
    }
}

fn webhook(id: u64, channel: u64) -> WebhookKey {
    WebhookKey::new(id, channel, "token".into())
}

#[test]
fn the_hidden_limit_of_a_channels_webhooks_is_kept_without_a_429() {
    let mut world = World::new(1, Duration::from_millis(2));
    for number in 0..90 {
        world.submit(
            Class::Backlog,
            Route::execute_webhook(&webhook(number % 3, 7), None),
        );
    }
    let took = world.run();
    assert_eq!(world.server.refused, 0);
    // 30 at once as far as the webhooks' own buckets allow, and so on each minute.
    assert!(took > SECOND * 120 && took < SECOND * 125, "{took:?}");
}

#[test]
fn two_hundred_messages_take_at_most_two_per_cent_longer_than_they_must() {
    let mut world = World::new(2, Duration::from_millis(1));
    for number in 0..200 {
        let id = 1 + number % 10;
        world.submit(
            Class::Backlog,
            Route::execute_webhook(&webhook(id, id), None),
        );
    }
    let took = world.run();
    assert_eq!(world.server.refused, 0);
    assert!(took.as_secs_f64() <= 6.0 * 1.02, "{took:?}");
}

#[test]
fn no_mixture_of_requests_and_latencies_provokes_a_429() {
    for seed in 0..60_usize {
        let latency = Duration::from_millis([1, 20, 150, 700][seed % 4]);
        let mut world = World::new(seed as u64, latency);
        for _ in 0..400 {
            let channel = world.rng.random_range(1..=30);
            let class = match world.rng.random_range(0..3) {
                0 => Class::Interactive,
                1 => Class::Edit,
                _ => Class::Backlog,
            };
            let route = match world.rng.random_range(0..5) {
                0 => Route::create_message(channel),
                1 => Route::edit_message(channel, 5),
                2 => Route::delete_message(channel, 5),
                3 => Route::create_reaction(channel, 5, "✅"),
                _ => Route::execute_webhook(&webhook(channel, channel % 7), None),
            };
            world.submit(class, route);
        }
        world.run();
        assert_eq!(world.server.refused, 0, "seed {seed}");
    }
}

#[test]
fn limits_used_up_by_somebody_else_delay_requests_and_lose_none() {
    let mut world = World::new(3, Duration::from_millis(5));
    // Another program with the same token and another one's webhook posts.
    for _ in 0..45 {
        let _ = world.server.global[0].hit(world.now);
    }
    let mut hidden = Window::new(30, SECOND * 60);
    for _ in 0..28 {
        let _ = hidden.hit(world.now);
    }
    world.server.hidden.insert(4, hidden);
    for number in 0..120 {
        let channel = number % 12;
        world.submit(Class::Backlog, Route::create_message(channel));
        world.submit(
            Class::Interactive,
            Route::execute_webhook(&webhook(channel, channel % 5), None),
        );
    }
    world.run();
    assert!(world.server.refused > 0);
    // Not each of the waiting requests runs into it.
    assert!(world.server.refused < 60, "{}", world.server.refused);
}
