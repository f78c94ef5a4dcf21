//! Stops well before Discord bans the address for invalid requests.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::Class;

/// Discord counts answers with 401, 403 and 429 (shared ones excepted) over ten minutes, and bans at 10,000 (Rate
/// Limits, Invalid Request Limit).
const PERIOD: Duration = Duration::from_mins(10);

/// At half of that only what a person waits for still goes out.
const INTERACTIVE_ONLY: u32 = 5_000;

/// Here nothing does, until the count has fallen.
const NOTHING: u32 = 8_000;

/// Answers are counted together that come within this time.
const GRAIN: Duration = Duration::from_secs(10);

/// Counts invalid requests over the last ten minutes.
#[derive(Debug, Default)]
pub(super) struct InvalidBudget {
    grains: VecDeque<(Instant, u32)>,
    total: u32,
    told: bool,
}

impl InvalidBudget {
    pub(super) fn count(&mut self, now: Instant) {
        self.forget(now);
        match self.grains.back_mut() {
            Some((since, count)) if now < *since + GRAIN => *count += 1,
            _ => self.grains.push_back((now, 1)),
        }
        self.total += 1;
        if self.total >= INTERACTIVE_ONLY && !self.told {
            self.told = true;
            tracing::error!(
                invalid_requests = self.total,
                "Discord refused {INTERACTIVE_ONLY} requests within ten minutes; only answers to people are sent until that has fallen, to keep this address from being banned"
            );
        }
    }

    /// Until when this class has to stand still; `None` if it may send.
    pub(super) fn closed_until(&mut self, class: Class, now: Instant) -> Option<Instant> {
        if self.total < INTERACTIVE_ONLY {
            return None;
        }
        self.forget(now);
        let most = match class {
            Class::Interactive => NOTHING,
            Class::Edit | Class::Backlog => INTERACTIVE_ONLY,
        };
        if self.total < most {
            return None;
        }
        self.grains
            .front()
            .map(|(since, _)| *since + GRAIN + PERIOD)
    }

    fn forget(&mut self, now: Instant) {
        while let Some((since, count)) = self.grains.front() {
            if now < *since + GRAIN + PERIOD {
                break;
            }
            self.total -= count;
            self.grains.pop_front();
        }
        if self.total < INTERACTIVE_ONLY {
            self.told = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_backlog_stops_at_half_and_everything_before_the_ban() {
        let mut budget = InvalidBudget::default();
        let start = Instant::now();
        for _ in 0..4_999 {
            budget.count(start);
        }
        assert_eq!(budget.closed_until(Class::Backlog, start), None);
        budget.count(start);
        assert!(budget.closed_until(Class::Backlog, start).is_some());
        assert!(budget.closed_until(Class::Edit, start).is_some());
        assert_eq!(budget.closed_until(Class::Interactive, start), None);
        for _ in 0..3_000 {
            budget.count(start + Duration::from_mins(1));
        }
        let open = budget
            .closed_until(Class::Interactive, start)
            .expect("everything stands still");
        assert!(open >= start + PERIOD);
        // The first 5,000 are forgotten, 3,000 are left.
        assert_eq!(budget.closed_until(Class::Backlog, open), None);
    }

    #[test]
    fn a_trickle_never_stops_anything() {
        let mut budget = InvalidBudget::default();
        let start = Instant::now();
        for second in 0..7_200_u64 {
            let now = start + Duration::from_secs(second);
            budget.count(now);
            assert_eq!(budget.closed_until(Class::Backlog, now), None);
        }
        assert!(budget.grains.len() < 70);
    }
}
