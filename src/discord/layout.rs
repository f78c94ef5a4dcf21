//! The channels of Mission Control in a server: found, adopted or made; never made twice. Only what
//! the Labs have switched on is there.

mod private;
mod switches;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use futures_util::future::try_join;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

pub use self::private::Private;
use super::lanes::{Class, Lanes};
use super::rest::{Request, RestError, Route, WebhookKey};
use crate::model::labs::{Labs, primary_agent};
use crate::model::view::Surface;
use crate::model::{AgentKey, ApplicationId, ChannelId, GuildId, WebhookId};

/// Discord's channel types (source: its Channel page).
const TEXT: u8 = 0;
const CATEGORY: u8 = 4;

/// The name of our webhooks where people manage them; messages carry a persona's name.
const WEBHOOK_NAME: &str = "ClawdOS Mission Control";

const AUDIT_REASON: &str = "ClawdOS Mission Control keeps its channels";

/// A channel of ours.
#[derive(Debug, Clone)]
pub struct Channel {
    /// Its id.
    pub id: ChannelId,
    /// The webhook that speaks for personas; only where agents speak.
    pub webhook: Option<WebhookKey>,
    /// For a private channel: older rows are not shown there.
    pub since: Option<DateTime<Utc>>,
}

impl Channel {
    /// A channel without a webhook.
    const fn new(id: ChannelId) -> Self {
        Self {
            id,
            webhook: None,
            since: None,
        }
    }
}

/// What is where in the server.
#[derive(Debug, Clone)]
pub struct Layout {
    /// The server.
    pub guild: GuildId,
    channels: HashMap<Surface, Channel>,
    surfaces: HashMap<ChannelId, Surface>,
    /// Every agent, whether its channel is there or not.
    agents: HashMap<Surface, AgentKey>,
    /// The surface of the primary agent.
    primary: Option<Surface>,
    labs: Labs,
    /// Channels of surfaces whose feature is off.
    asleep: HashMap<Surface, Channel>,
}

impl Layout {
    /// The channel of a surface.
    pub fn channel(&self, surface: &Surface) -> Option<&Channel> {
        self.channels.get(surface)
    }

    /// What a channel is to us.
    pub fn surface(&self, channel: ChannelId) -> Option<&Surface> {
        self.surfaces.get(&channel)
    }

    /// The agent whose channel a surface is, or with whose own bot.
    pub fn agent(&self, surface: &Surface) -> Option<&AgentKey> {
        self.agents.get(&surface.in_server())
    }

    /// Every surface and its channel.
    pub fn iter(&self) -> impl Iterator<Item = (&Surface, &Channel)> {
        self.channels.iter()
    }

    /// Whether another layout has the same channels, webhooks, agents and flags.
    pub fn same_as(&self, other: &Self) -> bool {
        same(&self.channels, &other.channels)
            && same(&self.asleep, &other.asleep)
            && self.agents == other.agents
            && self.primary == other.primary
            && self.labs == other.labs
    }

    /// Whether messages can be sent to a surface.
    pub fn has(&self, surface: &Surface) -> bool {
        self.channels.contains_key(surface)
    }
}

fn same(ours: &HashMap<Surface, Channel>, theirs: &HashMap<Surface, Channel>) -> bool {
    let webhook = |channel: &Channel| channel.webhook.as_ref().map(WebhookKey::id);
    ours.len() == theirs.len()
        && ours.iter().all(|(surface, channel)| {
            theirs.get(surface).is_some_and(|theirs| {
                let known = theirs.id == channel.id && webhook(theirs) == webhook(channel);
                known && theirs.since == channel.since
            })
        })
}

/// Looks after the layout of one server.
#[derive(Debug, Clone)]
pub struct Builder {
    /// The way to Discord.
    pub lanes: Lanes,
    /// The server.
    pub guild: GuildId,
    /// Our application: only its webhooks are ours.
    pub application: ApplicationId,
}

#[derive(Deserialize)]
struct ExistingChannel {
    id: ChannelId,
    #[serde(rename = "type")]
    kind: u8,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    parent_id: Option<ChannelId>,
}

#[derive(Deserialize)]
struct ExistingWebhook {
    id: WebhookId,
    channel_id: Option<ChannelId>,
    application_id: Option<ApplicationId>,
    token: Option<SecretString>,
}

impl Builder {
    /// Makes the layout whole: the rooms and a channel per agent, as far as their features are on.
    /// `known` says which channel was which before; what is gone is made again. What is off is not
    /// made and not taken away: where it is known and there, it sleeps.
    pub async fn ensure(
        &self,
        known: &HashMap<Surface, ChannelId>,
        agents: &[AgentKey],
        labs: Labs,
    ) -> Result<Layout, RestError> {
        let guild = self.guild.get();
        let (mut existing, webhooks) = try_join(
            self.get::<Vec<ExistingChannel>>(Route::guild_channels(guild)),
            self.get::<Vec<ExistingWebhook>>(Route::guild_webhooks(guild)),
        )
        .await?;
        let mut layout = Layout {
            guild: self.guild,
            channels: HashMap::new(),
            surfaces: HashMap::new(),
            agents: HashMap::new(),
            primary: None,
            labs,
            asleep: HashMap::new(),
        }
        .of_agents(agents, primary_agent(agents));
        let rooms = [
            Surface::Room,
            Surface::Approvals,
            Surface::Status,
            Surface::Activity,
        ];
        let dms = agents.iter().map(Surface::dm);
        for (category, surfaces) in [
            (Surface::Category, rooms.to_vec()),
            (Surface::DmCategory, dms.collect()),
        ] {
            self.place(&mut layout, &mut existing, known, category.clone(), None)
                .await?;
            let parent = layout.channels.get(&category).map(|it| it.id);
            for surface in surfaces {
                self.place(&mut layout, &mut existing, known, surface, parent)
                    .await?;
            }
        }
        self.attach_webhooks(&mut layout, webhooks).await?;
        Ok(layout)
    }

    async fn place(
        &self,
        layout: &mut Layout,
        existing: &mut Vec<ExistingChannel>,
        known: &HashMap<Surface, ChannelId>,
        surface: Surface,
        parent: Option<ChannelId>,
    ) -> Result<(), RestError> {
        // Two agents may share a short name, and with it the channel.
        if layout.has(&surface) {
            return Ok(());
        }
        let category = matches!(surface, Surface::Category | Surface::DmCategory);
        let kind = if category { CATEGORY } else { TEXT };
        let name = name(&surface);
        let known = known.get(&surface);
        let at = existing
            .iter()
            .position(|channel| channel.kind == kind && Some(&channel.id) == known);
        if !layout.lacks(&surface).is_empty() {
            if let Some(at) = at {
                layout.put_to_sleep(surface, existing.swap_remove(at).id);
            }
            return Ok(());
        }
        let at = at.or_else(|| {
            existing.iter().position(|channel| {
                channel.kind == kind
                    && channel.parent_id == parent
                    && channel
                        .name
                        .as_deref()
                        .is_some_and(|n| n.eq_ignore_ascii_case(&name))
            })
        });
        let id = match at {
            Some(at) => existing.swap_remove(at).id,
            None => self.create(&surface, &name, kind, parent).await?.id,
        };
        layout.surfaces.insert(id, surface.clone());
        layout.channels.insert(surface, Channel::new(id));
        Ok(())
    }

    async fn create(
        &self,
        surface: &Surface,
        name: &str,
        kind: u8,
        parent: Option<ChannelId>,
    ) -> Result<ExistingChannel, RestError> {
        tracing::info!(%surface, "channel {name} is made");
        let mut body = json!({ "name": name, "type": kind });
        if let Some(parent) = parent {
            body["parent_id"] = json!(parent);
            body["topic"] = json!(topic(surface));
        }
        let request = Request::new(Route::create_channel(self.guild.get()))
            .json(&body)
            .audit_reason(AUDIT_REASON);
        self.lanes
            .submit(Class::Interactive, request)
            .await
            .json()
            .into_result()
    }

    async fn attach_webhooks(
        &self,
        layout: &mut Layout,
        webhooks: Vec<ExistingWebhook>,
    ) -> Result<(), RestError> {
        let mut ours: HashMap<ChannelId, WebhookKey> = HashMap::new();
        for webhook in webhooks {
            if webhook.application_id == Some(self.application)
                && let (Some(channel), Some(token)) = (webhook.channel_id, webhook.token)
            {
                let key = WebhookKey::new(webhook.id.get(), channel.get(), token);
                ours.entry(channel).or_insert(key);
            }
        }
        let speaking = layout
            .channels
            .iter_mut()
            .filter(|(surface, _)| surface.takes_messages());
        for (_, channel) in speaking {
            let webhook = match ours.remove(&channel.id) {
                Some(webhook) => webhook,
                None => self.create_webhook(channel.id).await?,
            };
            channel.webhook = Some(webhook);
        }
        for channel in layout.asleep.values_mut() {
            channel.webhook = ours.remove(&channel.id);
        }
        Ok(())
    }

    async fn create_webhook(&self, channel: ChannelId) -> Result<WebhookKey, RestError> {
        #[derive(Deserialize)]
        struct Created {
            id: WebhookId,
            token: SecretString,
        }
        let request = Request::new(Route::create_webhook(channel.get()))
            .json(&json!({ "name": WEBHOOK_NAME }))
            .audit_reason(AUDIT_REASON);
        let made: Created = self
            .lanes
            .submit(Class::Interactive, request)
            .await
            .json()
            .into_result()?;
        Ok(WebhookKey::new(made.id.get(), channel.get(), made.token))
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, route: Route) -> Result<T, RestError> {
        self.lanes
            .submit(Class::Interactive, Request::new(route))
            .await
            .json()
            .into_result()
    }
}

/// What a channel is called when we make it. Discord lower-cases the names of text channels.
fn name(surface: &Surface) -> String {
    match surface {
        Surface::Category => "Mission Control".to_owned(),
        Surface::DmCategory => "DMs".to_owned(),
        other => other.to_string().to_lowercase(),
    }
}

fn topic(surface: &Surface) -> String {
    match surface {
        Surface::Room => "The Team Room: everybody reads along.".to_owned(),
        Surface::Approvals => "What agents want to do, waiting for an operator.".to_owned(),
        Surface::Status => "Live, Backup or Offline: how the system is.".to_owned(),
        Surface::Activity => "What happened.".to_owned(),
        Surface::Dm(short) => format!("Your private thread with {short}."),
        Surface::BotDm { .. } | Surface::Category | Surface::DmCategory => String::new(),
    }
}
