//! Keeps the layout whole: what a person deletes is made again, and a new agent gets its channel.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::discord::layout::{Builder, Layout};
use crate::model::ChannelId;
use crate::model::view::Surface;
use crate::store::Store;

/// Deletions come in bursts, and our own repairs are announced to us: one look for all of them.
const GATHER: Duration = Duration::from_millis(250);

/// Wait after a repair that did not work.
const RETRY: Duration = Duration::from_secs(5);

/// The keeper.
pub struct Keeper {
    builder: Builder,
    store: Store,
    layout: watch::Sender<Arc<Layout>>,
    repair: Arc<Notify>,
    agents_changed: Arc<Notify>,
}

impl Keeper {
    /// Makes the layout whole for the first time.
    pub async fn start(
        builder: Builder,
        store: Store,
        repair: Arc<Notify>,
        agents_changed: Arc<Notify>,
    ) -> anyhow::Result<Self> {
        let layout = ensure(&builder, &store).await?;
        Ok(Self {
            builder,
            store,
            layout: watch::Sender::new(Arc::new(layout)),
            repair,
            agents_changed,
        })
    }

    /// The layout, for everybody who needs a channel.
    pub fn watch(&self) -> watch::Receiver<Arc<Layout>> {
        self.layout.subscribe()
    }

    /// Repairs until cancelled.
    pub async fn run(self, cancel: CancellationToken) -> anyhow::Result<()> {
        loop {
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                () = self.repair.notified() => {}
                () = self.agents_changed.notified() => {}
            }
            tokio::time::sleep(GATHER).await;
            match ensure(&self.builder, &self.store).await {
                Ok(layout) => {
                    if !layout.same_as(&self.layout.borrow()) {
                        self.layout.send_replace(Arc::new(layout));
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "the channels could not be repaired: {error}");
                    self.repair.notify_one();
                    tokio::select! {
                        () = cancel.cancelled() => return Ok(()),
                        () = tokio::time::sleep(RETRY) => {}
                    }
                }
            }
        }
    }
}

/// Finds or makes every channel, and writes down which is which.
async fn ensure(builder: &Builder, store: &Store) -> anyhow::Result<Layout> {
    let (known, agents) = tokio::try_join!(store.channels(builder.guild), store.agents())?;
    let known: HashMap<Surface, ChannelId> = known
        .into_iter()
        .map(|known| (known.surface, known.channel))
        .collect();
    let keys: Vec<_> = agents.into_iter().map(|agent| agent.key).collect();
    let layout = builder.ensure(&known, &keys).await?;
    for (surface, channel) in layout.iter() {
        if known.get(surface) != Some(&channel.id) {
            store
                .bind_channel(builder.guild, surface, channel.id)
                .await?;
        }
    }
    Ok(layout)
}
