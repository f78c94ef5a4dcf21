//! The word of welcome in a server that is new to us: said once, where people look first.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::cards::help::welcome;
use crate::cards::homes::nothing_here;
use crate::discord::lanes::{Class, Lanes};
use crate::discord::layout::Layout;
use crate::discord::rest::{ErrorKind, Request, Route};
use crate::model::view::Surface;
use crate::model::{ChannelId, GuildId};
use crate::store::Store;

/// Until the next try when something is away, and when no channel takes it.
const RETRY: Duration = Duration::from_secs(30);
const NO_ROOM: Duration = Duration::from_mins(10);

/// Discord's type of a text channel (source: its Channel page).
const TEXT: u8 = 0;

/// Most channels in which it is tried; fewer in a server of which we know nothing.
const TRIED: usize = 20;
const GREETED: usize = 3;

#[derive(Deserialize)]
struct Found {
    id: ChannelId,
    #[serde(rename = "type")]
    kind: u8,
    #[serde(default)]
    position: i64,
}

/// Says it.
pub(super) struct Welcome {
    pub(super) lanes: Lanes,
    pub(super) store: Store,
    /// Where the channels are; none in a server that shows nothing.
    pub(super) layout: Option<watch::Receiver<Arc<Layout>>>,
    pub(super) guild: GuildId,
}

impl Welcome {
    /// Tries until it is said.
    pub(super) async fn run(self, cancel: CancellationToken) -> anyhow::Result<()> {
        let saying = async {
            loop {
                let pause = match self.say().await {
                    Ok(true) => return,
                    Ok(false) => NO_ROOM,
                    Err(error) => {
                        tracing::warn!(%error, "the welcome cannot be said yet: {error:#}");
                        RETRY
                    }
                };
                tokio::time::sleep(pause).await;
            }
        };
        cancel.run_until_cancelled(saying).await;
        cancel.cancelled().await;
        Ok(())
    }

    /// Says it where we may be strangers: now, or not at all.
    pub(super) async fn greet(self, cancel: CancellationToken) {
        if let Some(Err(error)) = cancel.run_until_cancelled(self.say()).await {
            tracing::info!(guild = %self.guild, %error, "a server was not greeted: {error:#}");
        }
    }

    /// Whether it is said, now or before. Said and not written down, Discord knows it by its nonce for a while.
    async fn say(&self) -> anyhow::Result<bool> {
        if self.store.is_welcomed(self.guild).await? {
            return Ok(true);
        }
        let status = self.layout.as_ref().and_then(|layout| {
            let layout = layout.borrow();
            layout.channel(&Surface::Status).map(|it| it.id)
        });
        if let Some(status) = status
            && self.say_in(status).await?
        {
            self.store.welcomed(self.guild).await?;
            return Ok(true);
        }
        let route = Route::guild_channels(self.guild.get());
        let answer = self.lanes.submit(Class::Backlog, Request::new(route)).await;
        let mut channels: Vec<Found> = answer.json::<Vec<Found>>().into_result()?;
        channels.retain(|it| it.kind == TEXT && Some(it.id) != status);
        channels.sort_by_key(|it| (it.position, it.id));
        let tried = if self.layout.is_some() {
            TRIED
        } else {
            GREETED
        };
        for channel in channels.iter().take(tried) {
            if self.say_in(channel.id).await? {
                self.store.welcomed(self.guild).await?;
                return Ok(true);
            }
        }
        tracing::warn!("no channel of the server takes the welcome");
        Ok(false)
    }

    /// Whether this channel takes it.
    async fn say_in(&self, channel: ChannelId) -> anyhow::Result<bool> {
        let mut body = json!(match self.layout {
            Some(_) => welcome(),
            None => nothing_here(),
        });
        body["nonce"] = json!(format!("welcome-{}", channel.get() % 1_000_000_000));
        body["enforce_nonce"] = json!(true);
        let request = Request::new(Route::create_message(channel.get())).json(&body);
        let sent = self.lanes.submit(Class::Backlog, request).await.done();
        match sent.into_result() {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::Rejected => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
