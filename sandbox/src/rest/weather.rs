//! Bad weather at Discord, for bots and webhooks: all calls are slow, mostly rate limited, or fail. It
//! ends by itself.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::error::{ApiError, ApiResult};

/// How much later a call is answered while Discord is slow.
const SLOW: Duration = Duration::from_millis(1500);
/// How long a call is told to wait while most are rate limited.
const WAIT: Duration = Duration::from_secs(1);
/// Of so many calls one gets through then.
const ONE_OF: u64 = 4;
/// How long it lasts unless something else is asked for, and at most, in seconds.
const SECONDS: u64 = 60;
const MOST_SECONDS: u64 = 600;

/// What it is like at Discord.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Weather {
    /// As always.
    #[default]
    Fair,
    /// Every call is answered late.
    Slow,
    /// Most calls get 429.
    RateLimited,
    /// Discord's edge answers 503.
    Failing,
}

/// What it does to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strike {
    /// Nothing.
    Nothing,
    /// The work starts so much later.
    Delay(Duration),
    /// 429, with so long to wait.
    Limit(Duration),
    /// 503.
    Fail,
}

/// The weather and how long it lasts.
#[derive(Clone, Copy)]
struct Spell {
    weather: Weather,
    until: Instant,
    /// Calls it has met.
    calls: u64,
}

/// The weather of a sandbox.
#[derive(Default)]
pub(crate) struct Sky(Mutex<Option<Spell>>);

impl Weather {
    /// Its name in requests and answers.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Fair => "fair",
            Self::Slow => "slow",
            Self::RateLimited => "rate_limited",
            Self::Failing => "failing",
        }
    }
}

impl Sky {
    /// Lets it be like that for so long.
    pub(super) fn set(&self, weather: Weather, lasts: Duration) {
        *self.spell() = (weather != Weather::Fair).then(|| Spell {
            weather,
            until: Instant::now() + lasts,
            calls: 0,
        });
    }

    /// What it is like, and for how long it stays so.
    pub(super) fn now(&self) -> (Weather, Duration) {
        self.spell().map_or_else(Default::default, |spell| {
            (
                spell.weather,
                spell.until.saturating_duration_since(Instant::now()),
            )
        })
    }

    /// What it does to a call that comes now.
    pub(super) fn strike(&self) -> Strike {
        let mut spell = self.spell();
        let Some(spell) = &mut *spell else {
            return Strike::Nothing;
        };
        spell.calls += 1;
        match spell.weather {
            Weather::Fair => Strike::Nothing,
            Weather::Slow => Strike::Delay(SLOW),
            Weather::RateLimited if spell.calls.is_multiple_of(ONE_OF) => Strike::Nothing,
            Weather::RateLimited => Strike::Limit(WAIT),
            Weather::Failing => Strike::Fail,
        }
    }

    /// The spell that is on; one that is over is forgotten.
    fn spell(&self) -> MutexGuard<'_, Option<Spell>> {
        let mut spell = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        spell.take_if(|spell| spell.until <= Instant::now());
        spell
    }
}

/// Reads `weather` and `seconds` of a request; nothing if it names neither.
pub(super) fn read(asked: &Value) -> ApiResult<Option<(Weather, Duration)>> {
    let wrong = |text: &str| Err(ApiError::new(400, 0, text));
    let weather = match asked["weather"].as_str() {
        Some("fair") => Weather::Fair,
        Some("slow") => Weather::Slow,
        Some("rate_limited") => Weather::RateLimited,
        Some("failing") => Weather::Failing,
        None if asked["weather"].is_null() && asked["seconds"].is_null() => return Ok(None),
        _ => {
            return wrong("weather is \"fair\", \"slow\", \"rate_limited\" or \"failing\".");
        }
    };
    let seconds = match &asked["seconds"] {
        Value::Null => Some(SECONDS),
        given => given.as_u64(),
    };
    match seconds {
        Some(seconds @ 1..=MOST_SECONDS) => Ok(Some((weather, Duration::from_secs(seconds)))),
        _ => wrong("seconds is a whole number from 1 to 600."),
    }
}
