//! The channels of Mission Control in a server: found, adopted or made; never made twice. Only what
//! the Labs have switched on is there.

mod names;
mod private;
pub mod rights;
mod shelves;
mod switches;
pub mod threads;
mod webhooks;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use futures_util::future::try_join3;
use serde::Deserialize;
use serde_json::json;

pub use self::private::Private;
use super::lanes::{Class, Lanes};
use super::rest::{ErrorKind, Request, RestError, Route, WebhookKey};
use crate::model::addressing::Roster;
use crate::model::labs::{Labs, primary_agent};
use crate::model::rights::{Permission, Rights};
use crate::model::view::Surface;
use crate::model::{AgentKey, ApplicationId, ChannelId, GuildId, UserId};
use names::Names;
use rights::{Overwrite, standing};
use shelves::{Plan, Shelf, TOO_MANY_CHANNELS};
pub use switches::Dormant;
use threads::{Forum, TAGS, Tag, Threads, new_tag};

/// Discord's channel types (source: its Channel page).
const TEXT: u8 = 0;
const CATEGORY: u8 = 4;
const FORUM: u8 = 15;

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
    /// Agents that are gone, by their archived channels.
    departed: HashMap<Surface, AgentKey>,
    /// The surface of the primary agent.
    primary: Option<Surface>,
    labs: Labs,
    /// Channels of surfaces whose feature is off, or whose agent is gone.
    asleep: HashMap<Surface, Channel>,
    /// The first surface that is missing because the server takes no more channels.
    full: Option<Surface>,
    /// Whether there was more to make than one look makes.
    unfinished: bool,
    /// What the bot may do.
    rights: Rights,
    /// Channels that are missing because the bot may make none, as they would be called.
    unmade: Vec<String>,
    roster: Roster,
    threads: Threads,
    forum: Option<Forum>,
}

impl Layout {
    /// The channel of a surface.
    pub fn channel(&self, surface: &Surface) -> Option<&Channel> {
        self.channels.get(surface)
    }

    /// What a channel is to us.
    pub fn surface(&self, channel: ChannelId) -> Option<Surface> {
        let known = self.surfaces.get(&channel).cloned();
        known.or_else(|| {
            let task = Surface::Task(self.threads.task(channel)?);
            self.has(&task).then_some(task)
        })
    }

    /// The agent whose channel a surface is, or was, or with whose own bot.
    pub fn agent(&self, surface: &Surface) -> Option<&AgentKey> {
        let surface = surface.in_server();
        let here = self.agents.get(&surface);
        here.or_else(|| self.departed.get(&surface))
    }

    /// Whether agents wait for their channels: the next look makes more of them.
    pub fn is_unfinished(&self) -> bool {
        self.unfinished
    }

    /// A surface that has no channel because the server takes no more of them.
    pub fn without_room(&self) -> Option<&Surface> {
        self.full.as_ref()
    }

    /// Every surface and its channel.
    pub fn iter(&self) -> impl Iterator<Item = (&Surface, &Channel)> {
        self.channels.iter()
    }

    /// Whether another layout has the same channels, webhooks, agents, names and flags.
    pub fn same_as(&self, other: &Self) -> bool {
        same(&self.channels, &other.channels)
            && same(&self.asleep, &other.asleep)
            && self.agents == other.agents
            && self.primary == other.primary
            && self.roster == other.roster
            && self.labs == other.labs
            && self.full == other.full
            && self.forum == other.forum
            && self.rights == other.rights
            && self.unmade == other.unmade
    }

    /// Whether messages can be sent to a surface.
    pub fn has(&self, surface: &Surface) -> bool {
        match surface {
            Surface::Task(task) => {
                self.has(&Surface::Tasks) && self.threads.thread(*task).is_some()
            }
            other => self.channels.contains_key(other),
        }
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
    /// The bot's account.
    pub bot: UserId,
    /// What its categories are called after; none for the configured project, whose names are plain.
    pub name: Option<String>,
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
    #[serde(default)]
    available_tags: Option<Vec<Tag>>,
    #[serde(default)]
    permission_overwrites: Vec<Overwrite>,
    /// Whether it is there, and the bot does not see it.
    #[serde(skip)]
    hidden: bool,
}

impl Builder {
    /// Makes the layout whole: the rooms and a channel per agent, as far as their features are on.
    /// `known` says which channel was which before; what is gone is made again. What is off is not
    /// made and not taken away: where it is known and there, it sleeps. Of many new agents only the
    /// first get their channels in one look, so that the rest does not wait for Discord's limits.
    ///
    /// Channels of `others`, other projects in the same server, are left alone.
    pub async fn ensure(
        &self,
        (known, others): (&HashMap<Surface, ChannelId>, &[ChannelId]),
        agents: &[AgentKey],
        labs: Labs,
    ) -> Result<Layout, RestError> {
        let (mut existing, webhooks, standing) = try_join3(
            self.get::<Vec<ExistingChannel>>(Route::guild_channels(self.guild.get())),
            self.own_webhooks(),
            standing(&self.lanes, self.guild, self.bot),
        )
        .await?;
        self.find_hidden(&mut existing, known).await?;
        let layout = Layout {
            guild: self.guild,
            channels: HashMap::new(),
            surfaces: HashMap::new(),
            agents: HashMap::new(),
            departed: HashMap::new(),
            primary: None,
            labs,
            asleep: HashMap::new(),
            full: None,
            unfinished: false,
            rights: rights::of(&standing, &existing),
            unmade: Vec::new(),
            roster: Roster::default(),
            threads: Threads::default(),
            forum: None,
        }
        .of_agents(agents, primary_agent(agents));
        let names = Names(self.name.as_deref());
        let mut plan = Plan::new(layout, existing, (known, others), names);
        self.place(&mut plan, Surface::Category, None).await?;
        let parent = plan.id(&Surface::Category);
        for room in [
            Surface::Room,
            Surface::Approvals,
            Surface::Status,
            Surface::Activity,
            Surface::Tasks,
        ] {
            self.place(&mut plan, room, parent).await?;
        }
        self.place(&mut plan, Surface::DmCategory(1), None).await?;
        plan.find_shelves(Shelf::Dms);
        plan.find_shelves(Shelf::Archive);
        // First who is gone: that makes room for others.
        self.archive(&mut plan).await?;
        for dm in agents.iter().map(Surface::dm) {
            self.place_dm(&mut plan, dm).await?;
        }
        let mut layout = plan.layout;
        self.attach_webhooks(&mut layout, webhooks).await?;
        layout.forget_rights_of_others();
        Ok(layout)
    }

    async fn place(
        &self,
        plan: &mut Plan<'_>,
        surface: Surface,
        parent: Option<ChannelId>,
    ) -> Result<(), RestError> {
        if plan.sleeps(&surface) {
            return Ok(());
        }
        let found = plan.take(&surface, |channel| channel.parent_id == parent);
        let channel = match found {
            Some(found) => Some(found),
            None => self.create(plan, &surface, parent).await?,
        };
        let Some(channel) = channel else {
            return Ok(());
        };
        if channel.kind == FORUM {
            let tags = channel.available_tags.unwrap_or_default();
            plan.layout.forum = Some(Forum::new(tags));
        }
        plan.put(surface, channel.id);
        Ok(())
    }

    /// Of the kinds that a surface may have, the first one that the server takes; none where the bot
    /// may make no channels.
    async fn create(
        &self,
        plan: &mut Plan<'_>,
        surface: &Surface,
        parent: Option<ChannelId>,
    ) -> Result<Option<ExistingChannel>, RestError> {
        if !plan.layout.rights.may(Permission::ManageChannels) {
            plan.may_not_make(surface);
            return Ok(None);
        }
        let mut kinds = kinds(surface).iter().peekable();
        loop {
            let kind = kinds.next().copied().unwrap_or(TEXT);
            match self.create_as(kind, surface, parent).await {
                Ok(made) => {
                    plan.count(None, parent);
                    plan.made += 1;
                    return Ok(Some(made));
                }
                Err(error) if error.status() == Some(403) => {
                    tracing::warn!(%surface, %error, "channel {surface} may not be made: {error}");
                    plan.may_not_make(surface);
                    return Ok(None);
                }
                Err(error)
                    if kinds.peek().is_some()
                        && error.kind() == ErrorKind::Rejected
                        && error.code() != Some(TOO_MANY_CHANNELS) =>
                {
                    tracing::info!(%surface, %error, "this server takes no forum for {surface}: {error}");
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn create_as(
        &self,
        kind: u8,
        surface: &Surface,
        parent: Option<ChannelId>,
    ) -> Result<ExistingChannel, RestError> {
        let name = Names(self.name.as_deref()).of(surface);
        tracing::info!(%surface, "channel {name} is made");
        let mut body = json!({ "name": name, "type": kind });
        if let Some(parent) = parent {
            body["parent_id"] = json!(parent);
            body["topic"] = json!(default_topic(surface));
        }
        if kind == FORUM {
            let tags = TAGS.iter().map(|(_, name)| new_tag(name));
            body["available_tags"] = json!(tags.collect::<Vec<_>>());
        }
        let request = Request::new(Route::create_channel(self.guild.get()))
            .json(&body)
            .audit_reason(AUDIT_REASON);
        let made = self.lanes.submit(Class::Interactive, request).await;
        made.json().into_result()
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, route: Route) -> Result<T, RestError> {
        self.lanes
            .submit(Class::Interactive, Request::new(route))
            .await
            .json()
            .into_result()
    }
}

/// Which of Discord's types a channel may have, the best first.
fn kinds(surface: &Surface) -> &'static [u8] {
    match surface {
        Surface::Tasks => &[FORUM, TEXT],
        other if other.is_category() => &[CATEGORY],
        _ => &[TEXT],
    }
}

/// The topic that a channel of ours is made with.
pub fn default_topic(surface: &Surface) -> String {
    match surface {
        Surface::Room => "The Team Room: everybody reads along.".to_owned(),
        Surface::Approvals => "What agents want to do, waiting for an operator.".to_owned(),
        Surface::Status => "Live, Backup or Offline: how the system is.".to_owned(),
        Surface::Activity => "What happened.".to_owned(),
        Surface::Tasks => "Every task is a thread: follow it, answer, decide.".to_owned(),
        Surface::Dm(short) => format!("Your private thread with {short}."),
        Surface::BotDm { .. }
        | Surface::Task(_)
        | Surface::Category
        | Surface::DmCategory(_)
        | Surface::ArchiveCategory(_) => String::new(),
    }
}
