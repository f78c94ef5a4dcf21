//! At most so many requests in any stretch of time, as the server sees it.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// A sliding window of requests.
///
/// Its place is taken when a request is sent and free again one span after its *answer*. The server saw the request
/// somewhere between, so no stretch of that length on the server's clock holds more than `limit`, wherever its own
/// window begins and however long requests are under way.
#[derive(Debug)]
pub(super) struct Window {
    limit: usize,
    span: Duration,
    in_flight: usize,
    releases: VecDeque<Instant>,
}

impl Window {
    pub(super) fn new(limit: usize, span: Duration) -> Self {
        Self {
            limit,
            span,
            in_flight: 0,
            releases: VecDeque::new(),
        }
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    pub(super) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    pub(super) fn take(&mut self) {
        self.in_flight += 1;
    }

    /// The request was answered at `arrived`, or may have reached the server until then.
    pub(super) fn answered(&mut self, arrived: Instant) {
        self.in_flight = self.in_flight.saturating_sub(1);
        // Answers are handled in the order they are noticed, which may differ from their times by a little.
        let release = arrived + self.span;
        let release = self
            .releases
            .back()
            .map_or(release, |last| release.max(*last));
        self.releases.push_back(release);
        // While nothing is enforced more may come in; the last ones are those that count.
        while self.releases.len() > self.limit {
            self.releases.pop_front();
        }
    }

    /// The request did not reach the server.
    pub(super) fn never_sent(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// `Ok` if a place is free; else when one will be, or `None` if that depends on an answer.
    pub(super) fn free(&self, now: Instant) -> Result<(), Option<Instant>> {
        let expired = self.releases.partition_point(|release| *release <= now);
        let held = self.releases.len() - expired;
        match (held + self.in_flight).checked_sub(self.limit) {
            None => Ok(()),
            Some(excess) => Err(self.releases.get(expired + excess).copied()),
        }
    }

    /// When nothing of it is left; `None` while a request is under way.
    pub(super) fn quiet_at(&self, now: Instant) -> Option<Instant> {
        (self.in_flight == 0).then(|| self.releases.back().copied().unwrap_or(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_second_of_the_server_holds_more_than_the_limit() {
        let mut window = Window::new(50, Duration::from_secs(1));
        let mut now = Instant::now();
        // What the server sees: anywhere between sending and answer; here at the two extremes in turn.
        let mut seen: Vec<Instant> = Vec::new();
        for number in 0..400_u32 {
            while let Err(free) = window.free(now) {
                now = free.expect("nothing is in flight");
            }
            window.take();
            let latency = Duration::from_millis(u64::from(number % 7) * 9);
            seen.push(if number % 2 == 0 { now } else { now + latency });
            now += latency;
            window.answered(now);
        }
        seen.sort();
        for stretch in seen.windows(51) {
            assert!(stretch[50] - stretch[0] >= Duration::from_secs(1));
        }
    }

    #[test]
    fn a_request_that_was_not_sent_costs_nothing() {
        let mut window = Window::new(1, Duration::from_mins(1));
        let now = Instant::now();
        window.take();
        assert_eq!(window.free(now), Err(None));
        window.never_sent();
        assert_eq!(window.free(now), Ok(()));
        window.take();
        window.answered(now);
        let later = now + Duration::from_mins(1);
        assert_eq!(window.free(now), Err(Some(later)));
        assert_eq!(window.free(later), Ok(()));
    }
}
