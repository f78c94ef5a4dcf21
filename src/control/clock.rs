//! What time it is where the executor runs.

use chrono::{DateTime, TimeDelta};
use reqwest::Method;
use reqwest::header::DATE;

use super::client::{ControlClient, ControlError, HEALTH_TIMEOUT, in_words};
use crate::clock::Clock;

/// The header counts whole seconds and cuts off the rest (source: RFC 9110, `Date`): on average the
/// time is half a second later.
const HALF_A_SECOND: TimeDelta = TimeDelta::milliseconds(500);

impl ControlClient {
    /// How far the executor's clock is ahead of ours, to about a second; negative when it is behind.
    /// `None` where its answers do not say what time it is.
    ///
    /// Any answer will do: existing executors do not know the question, and say so with their time.
    pub async fn clock_ahead(&self, clock: &Clock) -> Result<Option<TimeDelta>, ControlError> {
        let request = self.request(Method::GET, "healthz", HEALTH_TIMEOUT)?;
        let answer = request.send().await;
        let answer = answer.map_err(|error| ControlError::Unreachable(in_words(error)))?;
        let now = clock.now();
        let date = answer
            .headers()
            .get(DATE)
            .and_then(|date| date.to_str().ok());
        let date = date.and_then(|date| DateTime::parse_from_rfc2822(date).ok());
        Ok(date.map(|date| date.to_utc() + HALF_A_SECOND - now))
    }
}
