//! Whether a request that did not succeed is tried again, and when.

use std::time::Duration;

use tokio::time::Instant;

use super::bucket;
use crate::discord::rest::{Answer, ErrorKind, Outcome, Request, RestError};

/// Discord's "slower" is obeyed this often for one request.
const MAX_RATE_LIMITED: u32 = 8;

/// And for this long in all; Discord's longest known wait is ten minutes (channel names).
const RATE_LIMIT_PATIENCE: Duration = Duration::from_mins(15);

/// Tries after a failure on Discord's side, for requests that may be repeated.
const MAX_REPEATS: u32 = 3;

const REPEAT_BACKOFF: Duration = Duration::from_millis(250);
const CONNECT_BACKOFF: Duration = Duration::from_millis(100);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);

/// Editing messages older than an hour has a limit of its own that does not pass by waiting a little (Discord error
/// 30046, sent as a 429): the caller posts anew instead.
pub(super) const OLD_MESSAGE_EDITS: u32 = 30046;

/// What one request has been through.
#[derive(Debug, Default)]
pub(super) struct Tries {
    first: Option<Instant>,
    unreachable: u32,
    rate_limited: u32,
    repeats: u32,
    may_have_happened: bool,
}

/// What to do with the outcome of one try.
pub(super) enum Verdict {
    /// The caller gets this.
    Final(Outcome<Answer>),
    /// Try again then; this is what the caller gets if that is not possible.
    Again(Instant, Outcome<Answer>),
}

impl Tries {
    pub(super) fn started(&mut self, now: Instant) {
        self.first.get_or_insert(now);
    }

    pub(super) fn judge(
        &mut self,
        request: &Request,
        outcome: Outcome<Answer>,
        now: Instant,
    ) -> Verdict {
        let again = match &outcome {
            Outcome::Sent(_) => None,
            Outcome::NotSent(error) => match error.kind() {
                ErrorKind::RateLimited => self.after_rate_limit(error, now),
                ErrorKind::Unreachable => self.after_unreachable(request, now),
                _ => None,
            },
            Outcome::Unknown(error) => {
                self.may_have_happened = true;
                self.after_failure(request, error, now)
            }
        };
        let outcome = match outcome {
            // An earlier try may have done it, whatever became of this one.
            Outcome::NotSent(error) if self.may_have_happened => Outcome::Unknown(error),
            outcome => outcome,
        };
        match again {
            Some(at) => Verdict::Again(at, outcome),
            None => Verdict::Final(outcome),
        }
    }

    fn elapsed(&self, now: Instant) -> Duration {
        self.first.map_or(Duration::ZERO, |first| now - first)
    }

    fn after_rate_limit(&mut self, error: &RestError, now: Instant) -> Option<Instant> {
        self.rate_limited += 1;
        let wait = error.retry_after()?;
        let patient = error.code() != Some(OLD_MESSAGE_EDITS)
            && self.rate_limited < MAX_RATE_LIMITED
            && self.elapsed(now) + wait < RATE_LIMIT_PATIENCE;
        patient.then(|| bucket::after(now, wait))
    }

    fn after_unreachable(&mut self, request: &Request, now: Instant) -> Option<Instant> {
        let left = request.patience().checked_sub(self.elapsed(now))?;
        if left.is_zero() {
            return None;
        }
        let wait = backoff(CONNECT_BACKOFF, self.unreachable);
        self.unreachable += 1;
        Some(now + wait.min(left))
    }

    fn after_failure(
        &mut self,
        request: &Request,
        error: &RestError,
        now: Instant,
    ) -> Option<Instant> {
        // After a time-out the caller has waited long enough to decide for itself.
        let passing = matches!(
            error.kind(),
            ErrorKind::ServerFailed | ErrorKind::Interrupted
        );
        if !passing || !request.is_repeatable() || self.repeats >= MAX_REPEATS {
            return None;
        }
        let wait = backoff(REPEAT_BACKOFF, self.repeats);
        self.repeats += 1;
        Some(now + wait)
    }
}

/// Doubles with every try; spread, so that many lanes do not come back at the same moment.
fn backoff(first: Duration, tries: u32) -> Duration {
    let doubled = first.saturating_mul(1 << tries.min(10));
    doubled
        .min(LONGEST_BACKOFF)
        .mul_f64(rand::random_range(0.75..1.25))
}
