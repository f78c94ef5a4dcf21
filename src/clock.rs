//! The only source of time for anything that decides by time, so that a test can be its own clock.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::watch;

/// Wall-clock time, cheap to clone. Clones of one manual clock share its hands.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A clock that moves only when it is told to.
    Manual(ManualClock),
}

/// The hands of a [`Clock::Manual`].
#[derive(Debug, Clone)]
pub struct ManualClock {
    now: watch::Sender<DateTime<Utc>>,
}

/// The system clock may be set while we wait, so a long wait looks at it again this often.
const RECHECK: Duration = Duration::from_secs(30);

impl Clock {
    /// A clock that stands at `start`, and the hands to move it.
    pub fn manual(start: DateTime<Utc>) -> (Self, ManualClock) {
        let hands = ManualClock {
            now: watch::Sender::new(start),
        };
        (Self::Manual(hands.clone()), hands)
    }

    /// The time now.
    pub fn now(&self) -> DateTime<Utc> {
        match self {
            Self::System => Utc::now(),
            Self::Manual(hands) => *hands.now.borrow(),
        }
    }

    /// Returns as soon as the clock shows `deadline` or later. Safe to drop at any time.
    pub async fn sleep_until(&self, deadline: DateTime<Utc>) {
        match self {
            Self::System => {
                while let Ok(left) = (deadline - Utc::now()).to_std()
                    && !left.is_zero()
                {
                    tokio::time::sleep(left.min(RECHECK)).await;
                }
            }
            Self::Manual(hands) => {
                // The sender lives in `hands`, so the wait ends only by reaching the deadline.
                let _ = hands.now.subscribe().wait_for(|now| *now >= deadline).await;
            }
        }
    }

    /// Returns once `duration` has passed on this clock.
    pub async fn sleep(&self, duration: Duration) {
        self.sleep_until(self.now() + duration).await;
    }
}

impl ManualClock {
    /// Moves the clock forward and wakes everybody whose time has come.
    pub fn advance(&self, by: Duration) {
        self.now.send_modify(|now| *now += by);
    }

    /// Sets the clock, also backwards: wall clocks do that.
    pub fn set(&self, to: DateTime<Utc>) {
        self.now.send_replace(to);
    }
}
