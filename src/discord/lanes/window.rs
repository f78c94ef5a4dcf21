//! At most so many requests in any stretch of time, as the server sees it.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// A request that has not been answered for this long was seen by the server before: only its answer is late.
const LATEST_ARRIVAL: Duration = Duration::from_secs(2);

/// A sliding window of requests.
///
/// A place is taken when a request is sent and free again one span after its *answer*. The server saw the request
/// somewhere between, so no stretch of that length on the server's clock holds more than `limit`, wherever its own
/// window begins and however long requests are under way.
#[derive(Debug)]
pub(super) struct Window {
    limit: usize,
    span: Duration,
    /// When the requests under way were sent, oldest first.
    sent: VecDeque<Instant>,
    /// When the places of answered requests are free again, soonest first.
    releases: VecDeque<Instant>,
}

impl Window {
    pub(super) fn new(limit: usize, span: Duration) -> Self {
        Self {
            limit,
            span,
            sent: VecDeque::new(),
            releases: VecDeque::new(),
        }
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    pub(super) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    pub(super) fn take(&mut self, now: Instant) {
        self.sent.push_back(now);
    }

    /// The request sent then was answered at `arrived`, or may have reached the server until then.
    pub(super) fn answered(&mut self, sent: Instant, arrived: Instant) {
        self.never_sent(sent);
        let release = arrived.min(sent + LATEST_ARRIVAL) + self.span;
        let place = self.releases.partition_point(|other| *other <= release);
        self.releases.insert(place, release);
        // While nothing is enforced more may come in; the last ones are those that count.
        if self.releases.len() > self.limit {
            self.releases.pop_front();
        }
    }

    /// The request sent then did not reach the server.
    pub(super) fn never_sent(&mut self, sent: Instant) {
        if let Ok(place) = self.sent.binary_search(&sent) {
            self.sent.remove(place);
        }
    }

    /// `Ok` if a place is free; else when to look again.
    pub(super) fn free(&self, now: Instant) -> Result<(), Instant> {
        let under_way = |sent: Instant| sent + LATEST_ARRIVAL + self.span;
        let late = self.sent.partition_point(|sent| under_way(*sent) <= now);
        let expired = self.releases.partition_point(|release| *release <= now);
        let held = self.sent.len() - late + self.releases.len() - expired;
        if held < self.limit {
            return Ok(());
        }
        let answer = self.sent.get(late).map(|sent| under_way(*sent));
        let release = self.releases.get(expired).copied();
        // With a limit of at least one, something is held.
        Err(answer
            .into_iter()
            .chain(release)
            .min()
            .unwrap_or(now + self.span))
    }

    /// When nothing of it is left; `None` while a request is under way.
    pub(super) fn quiet_at(&self, now: Instant) -> Option<Instant> {
        let last = self.releases.back().copied().unwrap_or(now);
        self.sent.is_empty().then_some(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn no_second_of_the_server_holds_more_than_the_limit() {
        let mut window = Window::new(50, SECOND);
        let mut now = Instant::now();
        // What the server sees: anywhere between sending and answer; here at the two extremes in turn.
        let mut seen: Vec<Instant> = Vec::new();
        for number in 0..400_u32 {
            while let Err(free) = window.free(now) {
                assert!(free > now);
                now = free;
            }
            window.take(now);
            let latency = Duration::from_millis(u64::from(number % 7) * 9);
            seen.push(if number % 2 == 0 { now } else { now + latency });
            window.answered(now, now + latency);
            now += latency;
        }
        seen.sort();
        for stretch in seen.windows(51) {
            assert!(stretch[50] - stretch[0] >= SECOND);
        }
    }

    #[test]
    fn a_request_that_was_not_sent_costs_nothing() {
        let mut window = Window::new(1, SECOND * 60);
        let now = Instant::now();
        window.take(now);
        assert!(window.free(now).is_err());
        window.never_sent(now);
        assert_eq!(window.free(now), Ok(()));
        window.take(now);
        window.answered(now, now);
        let later = now + SECOND * 60;
        assert_eq!(window.free(now), Err(later));
        assert_eq!(window.free(later), Ok(()));
    }

    #[test]
    fn a_server_that_does_not_answer_does_not_hold_up_everything_for_long() {
        let mut window = Window::new(2, SECOND);
        let now = Instant::now();
        window.take(now);
        window.take(now + SECOND);
        assert_eq!(window.free(now + SECOND), Err(now + SECOND * 3));
        assert_eq!(window.free(now + SECOND * 3), Ok(()));
        // The answers that come at last take no place twice.
        window.answered(now, now + SECOND * 15);
        window.answered(now + SECOND, now + SECOND * 15);
        assert_eq!(window.free(now + SECOND * 15), Ok(()));
        assert_eq!(window.quiet_at(now), Some(now + SECOND * 4));
    }
}
