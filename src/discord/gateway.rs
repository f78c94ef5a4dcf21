//! The gateway: serenity on a thread and a runtime of its own, because a shard of it can spin
//! without yielding (measured, serenity 0.12.5). What it hears goes into one channel.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use metrics::counter;
use secrecy::{ExposeSecret, SecretString};
use serenity::all::{
    ApplicationId, ClientBuilder, ConnectionStage, Context, Event, EventHandler, GatewayIntents,
    Http, HttpBuilder, RawEventHandler, ShardStageUpdateEvent,
};
use serenity::framework::Framework;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::events::{self, Inbound};
use super::presence;
use crate::model::mode::State;
use crate::telemetry::UNKNOWN_EVENTS;

/// The events that the bridge lives on.
pub const INTENTS: GatewayIntents = GatewayIntents::GUILDS
    .union(GatewayIntents::GUILD_WEBHOOKS)
    .union(GatewayIntents::GUILD_MESSAGES)
    .union(GatewayIntents::GUILD_MESSAGE_REACTIONS)
    .union(GatewayIntents::DIRECT_MESSAGES)
    .union(GatewayIntents::MESSAGE_CONTENT);

/// A gateway runtime that has not turned for so long is stuck. A spinning shard frees itself at
/// its next heartbeat, 41 s at the most (measured), and may do so twice.
const STUCK_AFTER: Duration = Duration::from_secs(90);

/// Limits of the few requests that serenity makes by itself.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);

/// How long the shard may take to close its session.
const GOODBYE: Duration = Duration::from_secs(1);

/// How often the gateway runtime shows that it turns.
const PULSE: Duration = Duration::from_secs(1);

/// What an agent's own bot lives on: in direct messages it may read without more.
pub const PRIVATE_INTENTS: GatewayIntents = GatewayIntents::DIRECT_MESSAGES;

/// What the gateway needs to connect.
pub struct GatewaySettings {
    /// REST address, `…/api/v10`.
    pub api_base: Url,
    /// The websocket's address, as `GET /gateway` told us.
    pub gateway_url: String,
    /// The bot's token.
    pub token: SecretString,
    /// The application.
    pub application: u64,
    /// The mode, which the bot's presence shows.
    pub mode: watch::Receiver<State>,
    /// Which events it is told.
    pub intents: GatewayIntents,
    /// Which setting the token comes from.
    pub setting: String,
}

/// Why a session is over for good. Shown as a sentence.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct Ended {
    /// Whether Discord refuses the token: no try with the same one helps.
    pub refused: bool,
    reason: String,
}

/// The running gateway.
pub struct Gateway {
    ended: oneshot::Receiver<anyhow::Error>,
    pulse: Arc<AtomicU64>,
    stop: CancellationToken,
}

impl Gateway {
    /// Connects in the background. `framework` answers the slash commands.
    pub fn start(
        settings: GatewaySettings,
        framework: impl Framework + 'static,
        inbound: mpsc::UnboundedSender<Inbound>,
    ) -> anyhow::Result<Self> {
        Self::start_with(settings, inbound, |client| client.framework(framework))
    }

    /// Connects in the background, without commands.
    pub fn listen(
        settings: GatewaySettings,
        inbound: mpsc::UnboundedSender<Inbound>,
    ) -> anyhow::Result<Self> {
        Self::start_with(settings, inbound, |client| client)
    }

    fn start_with(
        settings: GatewaySettings,
        inbound: mpsc::UnboundedSender<Inbound>,
        equip: impl FnOnce(ClientBuilder) -> ClientBuilder + Send + 'static,
    ) -> anyhow::Result<Self> {
        let (tell_end, ended) = oneshot::channel();
        let pulse = Arc::new(AtomicU64::new(0));
        let beat = Arc::clone(&pulse);
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        std::thread::Builder::new()
            .name("gateway".to_owned())
            .spawn(move || {
                let error = run(settings, inbound, equip, &beat, &stopped);
                // The process may be ending already.
                let _ = tell_end.send(error);
            })
            .context("the gateway's thread could not be started")?;
        Ok(Self { ended, pulse, stop })
    }

    /// Runs until cancelled; fails when the gateway ends by itself.
    pub async fn run(self, cancel: CancellationToken) -> anyhow::Result<()> {
        let stop = self.stop.clone();
        let mut ended = std::pin::pin!(self.ended());
        tokio::select! {
            error = &mut ended => return Err(error),
            () = cancel.cancelled() => stop.cancel(),
        }
        // A shard that spins does not hear that; the end of the process ends it.
        let _ = tokio::time::timeout(GOODBYE + PULSE, ended).await;
        Ok(())
    }

    /// Ends when the gateway does, with the reason: serenity reconnects by itself, so an end is
    /// for good. A runtime that stands still counts as one.
    async fn ended(mut self) -> anyhow::Error {
        let mut last = 0;
        let mut silent = Duration::ZERO;
        loop {
            tokio::select! {
                error = &mut self.ended => {
                    return error.unwrap_or_else(|_| anyhow::anyhow!("the gateway's thread is gone"));
                }
                () = tokio::time::sleep(PULSE) => {}
            }
            let now = self.pulse.load(Ordering::Relaxed);
            silent = if now == last {
                silent + PULSE
            } else {
                Duration::ZERO
            };
            last = now;
            if silent >= STUCK_AFTER {
                return anyhow::anyhow!(
                    "the gateway has not turned for {} s: the process has to start again",
                    silent.as_secs()
                );
            }
        }
    }
}

fn run(
    settings: GatewaySettings,
    inbound: mpsc::UnboundedSender<Inbound>,
    equip: impl FnOnce(ClientBuilder) -> ClientBuilder,
    pulse: &Arc<AtomicU64>,
    stop: &CancellationToken,
) -> anyhow::Error {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return error.into(),
    };
    let beat = Arc::clone(pulse);
    runtime.spawn(async move {
        loop {
            beat.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(PULSE / 2).await;
        }
    });
    runtime.block_on(async move {
        match connect(settings, inbound, equip, stop).await {
            Ok(()) => anyhow::anyhow!("the gateway closed"),
            Err(error) => error,
        }
    })
}

async fn connect(
    settings: GatewaySettings,
    inbound: mpsc::UnboundedSender<Inbound>,
    equip: impl FnOnce(ClientBuilder) -> ClientBuilder,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let ears = Ears {
        inbound,
        mode: settings.mode.clone(),
    };
    let gateway_url = settings.gateway_url.clone();
    let setting = settings.setting.clone();
    let client = ClientBuilder::new_with_http(http(&settings)?, settings.intents)
        .event_handler(ears.clone())
        .raw_event_handler(ears);
    let mut client = equip(client)
        .await
        .map_err(|error| explain(&error, &setting))?;
    // Where GET /gateway fails, serenity falls back to Discord's real gateway without an error:
    // the address that we were told is the only one that we dial.
    *client.ws_url.lock().await = gateway_url;
    let shards = Arc::clone(&client.shard_manager);
    tokio::select! {
        ended = client.start() => ended.map_err(|error| explain(&error, &setting)),
        () = presence::follow(&shards, settings.mode) => Ok(()),
        () = stop.cancelled() => {
            // Goes offline at once instead of after minutes. After a restart of its own a shard
            // does not always close (measured), so nobody waits for it.
            let _ = tokio::time::timeout(GOODBYE, shards.shutdown_all()).await;
            Ok(())
        }
    }
}

/// serenity's own client. Its rate limiter is off: it resends without end on a header it cannot
/// read, and keeps requests in order by sleeping inside of a lock (measured). What has to be
/// paced goes through our lanes.
fn http(settings: &GatewaySettings) -> anyhow::Result<Http> {
    // Without these a silent server holds a call for ever.
    let client = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(REQUEST_TIMEOUT)
        .build()?;
    let mut builder = HttpBuilder::new(settings.token.expose_secret())
        .client(client)
        .application_id(ApplicationId::new(settings.application))
        .ratelimiter_disabled(true);
    if settings.api_base.host_str() != Some("discord.com") {
        builder = builder.proxy(settings.api_base.origin().ascii_serialization());
    }
    Ok(builder.build())
}

/// A sentence for what serenity gives up on. Its `Debug` form can hold addresses with tokens, its
/// `Display` form does not (measured).
fn explain(error: &serenity::Error, setting: &str) -> anyhow::Error {
    use serenity::gateway::GatewayError;
    let refused = matches!(
        error,
        serenity::Error::Gateway(GatewayError::InvalidAuthentication)
    );
    let reason = match error {
        _ if refused => format!(
            "Discord does not accept the bot token. Set {setting} to the token that the Developer \
             Portal shows under Bot, Reset Token."
        ),
        serenity::Error::Gateway(GatewayError::DisallowedGatewayIntents) => {
            "Discord refuses the intents. Switch on MESSAGE CONTENT INTENT in the Developer \
             Portal, under Bot, Privileged Gateway Intents."
                .to_owned()
        }
        other => format!("the gateway gave up: {other}"),
    };
    Ended { refused, reason }.into()
}

#[derive(Clone)]
struct Ears {
    inbound: mpsc::UnboundedSender<Inbound>,
    mode: watch::Receiver<State>,
}

#[serenity::async_trait]
impl EventHandler for Ears {
    async fn shard_stage_update(&self, _context: Context, event: ShardStageUpdateEvent) {
        if event.old == ConnectionStage::Connected {
            let _ = self.inbound.send(Inbound::Disconnected);
        }
    }
}

#[serenity::async_trait]
impl RawEventHandler for Ears {
    async fn raw_event(&self, context: Context, event: Event) {
        if matches!(event, Event::Ready(_) | Event::Resumed(_)) {
            // A new session begins as online, whatever the one before it showed.
            presence::show(&context, &self.mode.borrow());
        }
        if let Event::Unknown(unknown) = &event {
            // serenity turns an event that it cannot read into this one without a word.
            counter!(UNKNOWN_EVENTS, "kind" => unknown.kind.clone()).increment(1);
            if events::matters(&unknown.kind) {
                tracing::error!(
                    kind = %unknown.kind,
                    "an event of kind {} could not be read: Discord may have changed it", unknown.kind
                );
            }
            return;
        }
        if let Some(changed) = events::rights(&event) {
            let _ = self.inbound.send(changed);
        }
        if let Some(heard) = events::parse(event) {
            // Nobody listens only while the process ends.
            let _ = self.inbound.send(heard);
        }
    }
}
