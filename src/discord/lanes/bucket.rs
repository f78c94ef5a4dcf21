//! What is known about the buckets of one lane, from Discord's headers.

use std::time::Duration;

use reqwest::header::HeaderValue;
use tokio::time::Instant;

use crate::discord::rest::RateLimits;

/// Waited where a bucket is empty and Discord does not say until when.
const UNKNOWN_RESET: Duration = Duration::from_secs(1);

/// Covers that the server rounds to milliseconds and that no two clocks run alike, at a thousandth of the wait.
fn margin(wait: Duration) -> Duration {
    (wait / 1_000).clamp(Duration::from_millis(2), Duration::from_millis(10))
}

/// When to go on after being told to wait this long.
pub(super) fn after(arrived: Instant, wait: Duration) -> Instant {
    arrived + wait + margin(wait)
}

/// The buckets of one lane: one top-level resource, so Discord's bucket hash tells them apart.
#[derive(Debug, Default)]
pub(super) struct Buckets {
    known: Vec<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    /// `X-RateLimit-Bucket`; absent for what is known from a 429 alone.
    id: Option<HeaderValue>,
    /// The routes that share it.
    templates: Vec<&'static str>,
    empty: bool,
    reset: Option<Reset>,
    /// A 429 said to wait until then.
    held_until: Option<Instant>,
}

/// Between these two the server's window ends.
#[derive(Debug, Clone, Copy)]
struct Reset {
    earliest: Instant,
    latest: Instant,
    margin: Duration,
}

impl Reset {
    fn read(wait: Duration, sent: Instant, arrived: Instant) -> Self {
        Self {
            earliest: sent + wait,
            latest: arrived + wait,
            margin: margin(wait),
        }
    }

    /// Two answers about the same window narrow its end down; a window that moved replaces what was known.
    fn narrowed_by(self, newer: Self) -> Self {
        let same_window = newer.earliest <= self.latest + newer.margin
            && self.earliest <= newer.latest + self.margin;
        if same_window {
            Self {
                earliest: self.earliest.max(newer.earliest),
                latest: self.latest.min(newer.latest),
                margin: self.margin.max(newer.margin),
            }
        } else {
            newer
        }
    }
}

impl Bucket {
    fn ready_at(&self) -> Option<Instant> {
        let reset = self.reset.filter(|_| self.empty);
        self.held_until
            .max(reset.map(|reset| reset.latest + reset.margin))
    }

    fn quiet_at(&self) -> Option<Instant> {
        self.held_until
            .max(self.reset.map(|reset| reset.latest + reset.margin))
    }
}

impl Buckets {
    /// When a request to this endpoint may go; `None` if nothing is known against now.
    pub(super) fn ready_at(&self, template: &str) -> Option<Instant> {
        self.known
            .iter()
            .find(|bucket| bucket.templates.contains(&template))
            .and_then(Bucket::ready_at)
    }

    /// When all of this may be forgotten.
    pub(super) fn quiet_at(&self) -> Option<Instant> {
        self.known.iter().filter_map(Bucket::quiet_at).max()
    }

    /// Takes in the headers of an answer to a request sent and answered at these times.
    pub(super) fn learn(
        &mut self,
        template: &'static str,
        limits: &RateLimits,
        sent: Instant,
        arrived: Instant,
    ) {
        let Some(remaining) = limits.remaining else {
            return;
        };
        let bucket = self.of(template, limits.bucket.as_ref());
        let wait = match limits.reset_after {
            Some(wait) => wait,
            None if remaining == 0 => UNKNOWN_RESET,
            None => Duration::ZERO,
        };
        let reset = Reset::read(wait, sent, arrived);
        bucket.empty = remaining == 0;
        bucket.reset = Some(bucket.reset.map_or(reset, |known| known.narrowed_by(reset)));
    }

    /// Nothing to this endpoint, and what shares its bucket, before then.
    pub(super) fn hold(
        &mut self,
        template: &'static str,
        id: Option<&HeaderValue>,
        until: Instant,
    ) {
        let bucket = self.of(template, id);
        bucket.held_until = bucket.held_until.max(Some(until));
    }

    fn of(&mut self, template: &'static str, id: Option<&HeaderValue>) -> &mut Bucket {
        let mine = self
            .known
            .iter()
            .position(|bucket| bucket.templates.contains(&template));
        let by_id = id.and_then(|id| {
            self.known
                .iter()
                .position(|bucket| bucket.id.as_ref() == Some(id))
        });
        let index = match (mine, by_id) {
            (Some(mine), None) if id.is_none() || self.known[mine].id.is_none() => mine,
            (Some(mine), Some(named)) if mine == named => mine,
            (mine, named) => self.moved(template, mine, named),
        };
        let bucket = &mut self.known[index];
        if bucket.id.is_none() {
            bucket.id = id.cloned();
        }
        bucket
    }

    /// Discord assigned the endpoint to another bucket than before.
    fn moved(&mut self, template: &'static str, from: Option<usize>, to: Option<usize>) -> usize {
        let mut to = to.unwrap_or_else(|| {
            self.known.push(Bucket {
                id: None,
                templates: Vec::with_capacity(1),
                empty: false,
                reset: None,
                held_until: None,
            });
            self.known.len() - 1
        });
        self.known[to].templates.push(template);
        if let Some(from) = from {
            self.known[from]
                .templates
                .retain(|known| *known != template);
            if self.known[from].templates.is_empty() {
                self.known.remove(from);
                to -= usize::from(from < to);
            }
        }
        to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREATE: &str = "POST /channels/{channel_id}/messages";
    const EDIT: &str = "PATCH /channels/{channel_id}/messages/{message_id}";

    fn limits(bucket: &'static str, remaining: u32, reset_after_ms: u64) -> RateLimits {
        RateLimits {
            bucket: Some(HeaderValue::from_static(bucket)),
            remaining: Some(remaining),
            reset_after: Some(Duration::from_millis(reset_after_ms)),
            ..RateLimits::default()
        }
    }

    #[test]
    fn an_empty_bucket_waits_for_its_reset_and_no_other_bucket_does() {
        let mut buckets = Buckets::default();
        let sent = Instant::now();
        let arrived = sent + Duration::from_millis(1);
        buckets.learn(CREATE, &limits("a", 0, 2000), sent, arrived);
        buckets.learn(EDIT, &limits("b", 4, 5000), sent, arrived);
        let ready = buckets.ready_at(CREATE).expect("it waits");
        assert!(ready > arrived + Duration::from_secs(2));
        assert!(ready < arrived + Duration::from_millis(2010));
        assert_eq!(buckets.ready_at(EDIT), None);
    }

    #[test]
    fn endpoints_that_share_a_bucket_wait_together() {
        let mut buckets = Buckets::default();
        let now = Instant::now();
        buckets.learn(CREATE, &limits("a", 3, 2000), now, now);
        buckets.learn(EDIT, &limits("a", 0, 2000), now, now);
        assert!(buckets.ready_at(CREATE).is_some());
        // Discord moves the edit elsewhere: it no longer waits, and nothing is left behind.
        buckets.learn(EDIT, &limits("b", 1, 2000), now, now);
        assert!(buckets.ready_at(EDIT).is_none());
        buckets.learn(CREATE, &limits("b", 1, 2000), now, now);
        assert_eq!(buckets.known.len(), 1);
    }

    #[test]
    fn a_slow_answer_does_not_prolong_a_window_that_is_known_better() {
        let mut buckets = Buckets::default();
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        buckets.learn(CREATE, &limits("a", 1, 2000), at(0), at(4));
        buckets.learn(CREATE, &limits("a", 0, 1990), at(10), at(400));
        let ready = buckets.ready_at(CREATE).expect("it waits");
        assert!(ready > at(2004) && ready < at(2020));
        // A window that moves on with every request is followed.
        buckets.learn(CREATE, &limits("a", 0, 3000), at(500), at(504));
        let ready = buckets.ready_at(CREATE).expect("it waits");
        assert!(ready > at(3504) && ready < at(3520));
    }

    #[test]
    fn a_429_holds_an_endpoint_whose_bucket_is_unknown() {
        let mut buckets = Buckets::default();
        let until = Instant::now() + Duration::from_secs(7);
        buckets.hold(CREATE, None, until);
        assert_eq!(buckets.ready_at(CREATE), Some(until));
        assert_eq!(buckets.quiet_at(), Some(until));
        assert_eq!(buckets.ready_at(EDIT), None);
    }
}
