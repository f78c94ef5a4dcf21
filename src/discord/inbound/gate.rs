//! The gate before a channel's line: nothing new is written before it is known what is missing.

use tokio::sync::watch;

/// Closed while a reader of the channel does not know yet how far it has been read: a later row
/// would hide from it what is missing.
#[derive(Clone, Default)]
pub(super) struct Gate(watch::Sender<usize>);

/// Keeps a gate closed.
pub(super) struct Closed(Gate);

impl Gate {
    /// How many keep it closed.
    pub(super) fn watch(&self) -> watch::Receiver<usize> {
        self.0.subscribe()
    }

    /// Closes it until the guard is dropped.
    pub(super) fn close(&self) -> Closed {
        self.0.send_modify(|readers| *readers += 1);
        Closed(self.clone())
    }
}

impl Drop for Closed {
    fn drop(&mut self) {
        self.0.0.send_modify(|readers| *readers -= 1);
    }
}
