//! Which home a command is about: the one in whose channel it is given.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serenity::all::{
    ChannelId, Client, FullEvent, GuildId, Interaction, PartialChannel, ShardManager,
};
use serenity::framework::Framework;

use super::{Data, Error, all, answer_interaction, failed};
use crate::cards::{Draft, homes as words};
use crate::discord::files::Files;
use crate::discord::lanes::Lanes;
use crate::discord::rest::interaction::places;
use crate::model::{GuildId as Server, UserId};
use crate::operations::homes::{Home, Homes, Meant};

/// What commands work with, whichever home they are about.
pub struct Common {
    /// The homes that there are.
    pub homes: Homes,
    /// The way to Discord.
    pub lanes: Lanes,
    /// Reads files that come with commands.
    pub files: Files,
    /// The time between two looks at the Control API.
    pub poll: Duration,
    /// The runtime on which the work is done: the gateway's own only listens.
    pub runtime: tokio::runtime::Handle,
    /// Our own account.
    pub bot: UserId,
}

impl Common {
    fn of(&self, home: Home) -> Data {
        Data {
            desk: home.desk,
            lanes: self.lanes.clone(),
            layout: home.layout,
            dials: home.dials,
            files: self.files.clone(),
            poll: self.poll,
            runtime: self.runtime.clone(),
        }
    }
}

/// Answers commands.
pub struct Switch {
    common: Common,
    options: poise::FrameworkOptions<Data, Error>,
    shards: OnceLock<Arc<ShardManager>>,
}

impl Switch {
    /// Not connected yet.
    pub fn new(common: Common) -> Self {
        let mut commands = all();
        poise::set_qualified_names(&mut commands);
        let options = poise::FrameworkOptions {
            commands,
            on_error: |error| Box::pin(failed(error)),
            // Who is an operator is told by a roll of our own, not by the team of the application.
            initialize_owners: false,
            ..poise::FrameworkOptions::default()
        };
        Self {
            common,
            options,
            shards: OnceLock::new(),
        }
    }

    /// The home that is meant, or why that is not clear.
    fn meant(
        &self,
        guild: Option<GuildId>,
        channel: ChannelId,
        told: Option<&PartialChannel>,
    ) -> Result<Home, String> {
        let guild = guild.and_then(|it| Server::new(it.get()));
        match self.common.homes.meant(guild, &places(channel, told)) {
            Meant::One(home) => Ok(*home),
            Meant::OneOf(homes) => Err(words::which_one(homes.iter().map(|it| it.name.as_str()))),
            Meant::Moved => Err(words::moved()),
            Meant::Nobody => Err(words::not_here()),
        }
    }

    /// Says why there is nothing to do.
    async fn refuse(&self, interaction: &Interaction, why: String) {
        let Interaction::Command(command) = interaction else {
            // What is suggested while somebody types is answered by nothing.
            return;
        };
        let (id, token) = (command.id.get(), command.token.clone());
        let (lanes, runtime) = (&self.common.lanes, &self.common.runtime);
        if let Err(error) = answer_interaction(lanes, runtime, (id, token), Draft::text(why)).await
        {
            tracing::warn!(%error, "a person could not be answered");
        }
    }
}

#[serenity::async_trait]
impl Framework for Switch {
    async fn init(&mut self, client: &Client) {
        // Once: there is one client.
        let _ = self.shards.set(Arc::clone(&client.shard_manager));
    }

    async fn dispatch(&self, context: serenity::all::Context, event: FullEvent) {
        let FullEvent::InteractionCreate { interaction } = &event else {
            return;
        };
        let (Interaction::Command(command) | Interaction::Autocomplete(command)) = interaction
        else {
            return;
        };
        let Some(shards) = self.shards.get() else {
            return;
        };
        let channel = command.channel.as_ref();
        let home = match self.meant(command.guild_id, command.channel_id, channel) {
            Ok(home) => home,
            Err(why) => return self.refuse(interaction, why).await,
        };
        let data = self.common.of(home);
        let framework = poise::FrameworkContext {
            bot_id: self.common.bot.get().into(),
            serenity_context: &context,
            options: &self.options,
            user_data: &data,
            shard_manager: shards,
        };
        Box::pin(poise::dispatch_event(framework, event)).await;
    }
}
