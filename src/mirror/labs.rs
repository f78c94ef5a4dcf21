//! Which features of the Labs are on: read when somebody says that they may have changed, and told to
//! everybody who needs to know.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::model::change::Xid;
use crate::model::labs::Labs;
use crate::store::Store;

/// First and longest wait between looks that the database does not answer.
const RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(8));

/// The feed may tell of a change before it can be seen: the time between looks, and how many there
/// are (measured: 23 ms at most). After that it is the next sweep's.
const EARLY: (Duration, u32) = (Duration::from_millis(2), 100);

/// Says that the flags may have changed, and in which transaction, where that is known.
pub type LabsLook = mpsc::UnboundedSender<Option<Xid>>;

/// Reads the flags.
pub struct LabsReader {
    store: Store,
    labs: watch::Sender<Labs>,
    looks: mpsc::UnboundedReceiver<Option<Xid>>,
}

impl LabsReader {
    /// Reads them for the first time. Whoever has the sender asks for another look.
    pub async fn start(store: Store) -> anyhow::Result<(Self, LabsLook)> {
        let (look, looks) = mpsc::unbounded_channel();
        let (labs, _) = store.labs().await?;
        warn_of(labs);
        let labs = watch::Sender::new(labs);
        Ok((Self { store, labs, looks }, look))
    }

    /// The flags, for everybody who follows them.
    pub fn watch(&self) -> watch::Receiver<Labs> {
        self.labs.subscribe()
    }

    /// Looks when asked to, until cancelled. Many who ask at once get one look.
    pub async fn run(mut self, cancel: CancellationToken) -> anyhow::Result<()> {
        let mut asked = Vec::new();
        loop {
            tokio::select! {
                // First: whoever tells of changes may have ended already.
                biased;
                () = cancel.cancelled() => return Ok(()),
                heard = self.looks.recv_many(&mut asked, usize::MAX) => {
                    anyhow::ensure!(heard > 0, "nobody tells of changes of the Labs any more");
                }
            }
            let announced: Vec<Xid> = asked.drain(..).flatten().collect();
            let looking = self.look(&announced);
            if cancel.run_until_cancelled(looking).await.is_none() {
                return Ok(());
            }
        }
    }

    /// One look, repeated until the database answers and shows what was announced.
    async fn look(&self, announced: &[Xid]) {
        let mut wait = RETRY.0;
        let mut early = 0;
        loop {
            match self.store.labs().await {
                Ok((labs, snapshot)) => {
                    self.tell(labs);
                    let seen = snapshot.is_none_or(|it| announced.iter().all(|xid| it.sees(*xid)));
                    if seen || early == EARLY.1 {
                        return;
                    }
                    early += 1;
                    tokio::time::sleep(EARLY.0).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "the flags of the Labs cannot be read: {error}");
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(RETRY.1);
                }
            }
        }
    }

    fn tell(&self, labs: Labs) {
        let changed = self.labs.send_if_modified(|known| {
            let changed = *known != labs;
            *known = labs;
            changed
        });
        if changed {
            tracing::info!("the flags of the Labs have changed");
            warn_of(labs);
        }
    }
}

fn warn_of(labs: Labs) {
    if let Some(problem) = labs.problem() {
        tracing::warn!(%problem, "every feature of the Labs is off, because the setting cannot be read: {problem}");
    }
}
