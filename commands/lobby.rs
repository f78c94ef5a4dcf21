//! `/setup`, which works in every server that the bot is in, and the framework in front of all commands.

use serenity::all::{
    AutocompleteChoice, Client, CreateAutocompleteResponse, FullEvent, Interaction,
};
use serenity::framework::Framework;
use tokio::runtime::Handle;

use super::Error;
use super::later::promise_for;
use super::switch::Switch;
use crate::cards::Draft;
use crate::cards::setup::answers as words;
use crate::discord::lobby::failed;
use crate::discord::rest::interaction::places;
use crate::model::{GuildId, RoleId, UserId};
use crate::operations::setup::{self, Lobby, Step, Visitor};

/// The name of the command.
const SETUP: &str = "setup";

/// What `/setup` works with.
#[derive(Clone)]
pub struct Porter {
    /// The operations.
    pub lobby: Lobby,
    /// The runtime on which the work is done: the gateway's own only listens.
    pub runtime: Handle,
}

type Context<'a> = poise::Context<'a, Porter, Error>;

pub(super) fn all() -> Vec<poise::Command<Porter, Error>> {
    vec![setup()]
}

/// Shows a project in this server, and chooses who decides. For operators and the bot's owners.
#[poise::command(slash_command, default_member_permissions = "MANAGE_GUILD")]
async fn setup(
    context: Context<'_>,
    #[description = "Which project; without it the one that is shown here"]
    #[autocomplete = "projects"]
    project: Option<String>,
) -> Result<(), Error> {
    let poise::Context::Application(application) = context else {
        return Ok(());
    };
    let Porter { lobby, runtime } = context.data().clone();
    let reply = promise_for(application.interaction, &lobby.lanes, &runtime).await?;
    let Some(visitor) = visitor(context) else {
        return reply.say(&Draft::text(words::no_server())).await;
    };
    let working = async move {
        let done = match setup::setup(&lobby, &visitor, project.as_deref()).await {
            Ok(Step::Moves(moving)) => {
                reply.say(&moving.meanwhile()).await?;
                moving.settled(&lobby, &visitor).await
            }
            Ok(Step::Said(draft)) => Ok(draft),
            Err(error) => Err(error),
        };
        reply
            .say(&done.unwrap_or_else(|error| failed(&error)))
            .await
    };
    // The gateway goes on meanwhile: a project may take its time to move in.
    runtime.spawn(async move {
        if let Err(error) = working.await {
            tracing::warn!(%error, "/setup could not be answered: {error:#}");
        }
    });
    Ok(())
}

/// The projects that what is typed so far may mean, for those who may know of them.
async fn projects(context: Context<'_>, typed: &str) -> CreateAutocompleteResponse {
    let none = CreateAutocompleteResponse::new();
    let Some(visitor) = visitor(context) else {
        return none;
    };
    let Porter { lobby, runtime } = context.data().clone();
    let typed = typed.to_owned();
    let looking = async move { setup::suggest(&lobby, &visitor, &typed).await };
    let found = runtime.spawn(looking).await.unwrap_or_default();
    let choice = |(name, id): (String, String)| AutocompleteChoice::new(name, id);
    none.set_choices(found.into_iter().map(choice).collect())
}

/// Who asks; none outside of a server.
fn visitor(context: Context<'_>) -> Option<Visitor> {
    let poise::Context::Application(application) = context else {
        return None;
    };
    let (author, member) = (context.author(), application.interaction.member.as_deref()?);
    let roles = member.roles.iter();
    let name = member.nick.as_ref().or(author.global_name.as_ref());
    Some(Visitor {
        user: UserId::new(author.id.get())?,
        name: name.unwrap_or(&author.name).clone(),
        bot: author.bot,
        guild: GuildId::new(context.guild_id()?.get())?,
        roles: roles.filter_map(|role| RoleId::new(role.get())).collect(),
        places: places(
            application.interaction.channel_id,
            application.interaction.channel.as_ref(),
        ),
    })
}

/// Hands `/setup` to its own part, and everything else to that of the home.
pub struct Front {
    lobby: poise::Framework<Porter, Error>,
    home: Switch,
}

impl Front {
    /// In front of both.
    pub fn new(porter: Porter, home: Switch) -> Self {
        Self {
            lobby: framework(porter),
            home,
        }
    }
}

/// The part that answers `/setup`.
fn framework(porter: Porter) -> poise::Framework<Porter, Error> {
    poise::Framework::builder()
        .options(poise::FrameworkOptions {
            commands: all(),
            on_error: |error| {
                Box::pin(async move {
                    tracing::error!(error = %error, "/setup could not be run: {error}");
                })
            },
            // Who owns the application is asked once, at the start, with the rest of what it is.
            initialize_owners: false,
            ..poise::FrameworkOptions::default()
        })
        .setup(|_, _, _| Box::pin(async move { Ok(porter) }))
        .build()
}

/// Whether an event is about `/setup`.
fn is_setup(event: &FullEvent) -> bool {
    let FullEvent::InteractionCreate { interaction } = event else {
        return false;
    };
    match interaction {
        Interaction::Command(it) | Interaction::Autocomplete(it) => it.data.name == SETUP,
        _ => false,
    }
}

#[serenity::async_trait]
impl Framework for Front {
    async fn init(&mut self, client: &Client) {
        self.lobby.init(client).await;
        self.home.init(client).await;
    }

    async fn dispatch(&self, context: serenity::all::Context, event: FullEvent) {
        if matches!(event, FullEvent::Ready { .. }) {
            self.lobby.dispatch(context.clone(), event.clone()).await;
        } else if is_setup(&event) {
            return self.lobby.dispatch(context, event).await;
        }
        self.home.dispatch(context, event).await;
    }
}
