//! Switches for what lies outside of the sandbox, such as an executor or a database: its console offers
//! them, and whoever starts the sandbox says what they do.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use thiserror::Error;
use tokio::sync::Mutex;

type Turning = Pin<Box<dyn Future<Output = Result<(), SwitchError>> + Send>>;

/// Why a switch stayed as it was. The text is shown to a person as it is: a sentence with its fix.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SwitchError {
    /// It cannot be turned now (HTTP 409).
    #[error("{0}")]
    Refused(String),
    /// It was tried and did not work (HTTP 500).
    #[error("{0}")]
    Failed(String),
}

/// Something outside of the sandbox that people can turn off and on again.
#[derive(Clone)]
pub struct Switch {
    name: String,
    label: String,
    turn: Arc<dyn Fn(bool) -> Turning + Send + Sync>,
    is_on: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl Switch {
    /// A switch. `name` is a part of its address (`executor`), `label` what people read. `turn` turns it
    /// on (`true`) or off and ends when that is done; it is called once at a time, also when it is
    /// asked for what is already so, and it is not cancelled when the asking client goes away. `is_on`
    /// answers at once.
    pub fn new<Turn, Done, IsOn>(
        name: impl Into<String>,
        label: impl Into<String>,
        turn: Turn,
        is_on: IsOn,
    ) -> Self
    where
        Turn: Fn(bool) -> Done + Send + Sync + 'static,
        Done: Future<Output = Result<(), SwitchError>> + Send + 'static,
        IsOn: Fn() -> bool + Send + Sync + 'static,
    {
        Self {
            name: name.into(),
            label: label.into(),
            turn: Arc::new(move |on| Box::pin(turn(on))),
            is_on: Arc::new(is_on),
        }
    }

    /// Its name in addresses.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What people read.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Whether it is on now.
    pub fn is_on(&self) -> bool {
        (self.is_on)()
    }
}

impl fmt::Debug for Switch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Switch")
            .field("name", &self.name)
            .field("on", &self.is_on())
            .finish_non_exhaustive()
    }
}

/// A switch and who is at it.
struct Board {
    switch: Switch,
    /// Held by whoever turns it.
    hand: Mutex<()>,
    /// How many turn it or wait to.
    busy: AtomicUsize,
}

/// The switches of a running sandbox.
pub(crate) struct Switches {
    order: Vec<Arc<Board>>,
    by_name: HashMap<String, Arc<Board>>,
}

impl Switches {
    /// The switches in the order in which they are shown.
    pub(crate) fn new(switches: Vec<Switch>) -> Self {
        let board = |switch| {
            Arc::new(Board {
                switch,
                hand: Mutex::default(),
                busy: AtomicUsize::new(0),
            })
        };
        let order: Vec<_> = switches.into_iter().map(board).collect();
        let named = |board: &Arc<Board>| (board.switch.name.clone(), Arc::clone(board));
        Self {
            by_name: order.iter().map(named).collect(),
            order,
        }
    }

    /// What the console shows of them.
    pub(crate) fn json(&self) -> Value {
        let one = |board: &Arc<Board>| {
            json!({
                "name": board.switch.name,
                "label": board.switch.label,
                "on": board.switch.is_on(),
                "busy": board.busy.load(Ordering::Acquire) > 0,
            })
        };
        self.order.iter().map(one).collect()
    }

    /// Turns a switch, after those that are at it already; `None` if there is none of this name. Goes on
    /// by itself when nobody waits for the answer any more.
    pub(crate) async fn turn(&self, name: &str, on: bool) -> Option<Result<(), SwitchError>> {
        let board = Arc::clone(self.by_name.get(name)?);
        board.busy.fetch_add(1, Ordering::AcqRel);
        let turned = tokio::spawn(async move {
            let busy = Busy(board);
            let hand = busy.0.hand.lock().await;
            let outcome = (busy.0.switch.turn)(on).await;
            drop(hand);
            outcome
        });
        Some(turned.await.unwrap_or_else(|error| {
            tracing::error!(%error, switch = name, "a switch broke while it was turned");
            Err(SwitchError::Failed(
                "The switch broke while it was turned. The log says more.".to_owned(),
            ))
        }))
    }
}

/// Counts down when a turn ends, however it ends.
struct Busy(Arc<Board>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::AcqRel);
    }
}
