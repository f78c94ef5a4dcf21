//! Slash commands: one file per group, each command a few lines that end in an operation.

mod activity;
mod agents;
mod approvals;
mod ask;
mod heartbeat;
pub mod help;
mod labs;
mod later;
mod mission;
mod output;
mod promote;
mod schedule;
mod skills;
mod status;
mod switch;
mod task;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use serde_json::json;
use serenity::all::CreateCommand;
use tokio::sync::watch;

use crate::cards::Draft;
use crate::discord::lanes::{Class, Lanes};
use crate::discord::layout::Layout;
use crate::discord::rest::interaction::{SAY, private};
use crate::discord::rest::{Request, Route};
use crate::error::Told;
use crate::model::status::Dials;
use crate::model::{InteractionId, RoleId, UserId};
use crate::operations::Desk;
use crate::operations::decide::Presser;

pub use switch::{Common, Switch};

/// What every command works with: the home that it is about.
#[derive(Clone)]
pub struct Data {
    /// The operations.
    pub desk: Desk,
    /// The way to Discord.
    pub lanes: Lanes,
    /// Which server is ours.
    pub layout: watch::Receiver<Arc<Layout>>,
    /// What only the running bridge knows.
    pub dials: Dials,
    /// The time between two looks at the Control API.
    pub poll: Duration,
    /// The runtime on which the work is done: the gateway's own only listens.
    pub runtime: tokio::runtime::Handle,
}

/// What a command can fail with; told apart once, in [`failed`].
pub type Error = anyhow::Error;

type Context<'a> = poise::Context<'a, Data, Error>;

fn all() -> Vec<poise::Command<Data, Error>> {
    vec![
        status::status(),
        approvals::approvals(),
        ask::ask(),
        labs::labs_with_choices(),
        mission::mission(),
        activity::activity(),
        promote::promote(),
        task::task_with_choices(),
        output::output(),
        agents::agents(),
        agents::agent(),
        skills::skills(),
        help::help(),
        schedule::schedule(),
        heartbeat::heartbeat_with_choices(),
    ]
}

/// What Discord has to know of the commands.
pub fn registration() -> Vec<CreateCommand> {
    poise::builtins::create_application_commands(&all())
}

/// Runs the work of a command where work is done.
async fn on_main<T: Send + 'static>(
    context: Context<'_>,
    work: impl Future<Output = anyhow::Result<T>> + Send + 'static,
) -> anyhow::Result<T> {
    context.data().runtime.spawn(work).await?
}

/// Answers the person alone, through our own lanes.
async fn answer(context: Context<'_>, text: String) -> anyhow::Result<()> {
    answer_with(context, Draft::text(text)).await
}

/// The same with more than text.
async fn answer_with(context: Context<'_>, draft: Draft) -> anyhow::Result<()> {
    let poise::Context::Application(application) = context else {
        return Ok(());
    };
    let (data, interaction) = (context.data(), application.interaction);
    let given = (interaction.id.get(), interaction.token.clone());
    answer_interaction(&data.lanes, &data.runtime, given, draft).await
}

/// The interaction of a command; none for what Discord has not told as one.
fn interaction(context: Context<'_>) -> Option<InteractionId> {
    let poise::Context::Application(application) = context else {
        return None;
    };
    InteractionId::new(application.interaction.id.get())
}

/// Who gives the command.
fn presser(context: Context<'_>) -> Presser {
    let guild = context.data().layout.borrow().guild;
    let author = context.author();
    let member = match context {
        poise::Context::Application(application) => application.interaction.member.as_deref(),
        poise::Context::Prefix(_) => None,
    };
    let roles = member
        .filter(|member| member.guild_id.get() == guild.get())
        .map(|member| &member.roles);
    Presser {
        // Discord has no account 0, and an account that is none decides nothing.
        user: UserId::new(author.id.get()).unwrap_or_else(|| UserId::at(DateTime::UNIX_EPOCH)),
        name: author
            .global_name
            .clone()
            .unwrap_or_else(|| author.name.clone()),
        bot: author.bot,
        roles: roles.map(|roles| {
            roles
                .iter()
                .filter_map(|role| RoleId::new(role.get()))
                .collect()
        }),
    }
}

async fn answer_interaction(
    lanes: &Lanes,
    runtime: &tokio::runtime::Handle,
    (interaction, token): (u64, String),
    draft: Draft,
) -> anyhow::Result<()> {
    let lanes = lanes.clone();
    let sending = async move {
        let route = Route::interaction_callback(interaction, &token);
        let request = Request::new(route).json(&json!({ "type": SAY, "data": private(&draft) }));
        lanes
            .submit(Class::Interactive, request)
            .await
            .done()
            .into_result()
    };
    Ok(runtime.spawn(sending).await??)
}

/// Whatever goes wrong, the person is told, and only what they can act on.
async fn failed(error: poise::FrameworkError<'_, Data, Error>) {
    match error {
        poise::FrameworkError::Command { error, ctx, .. } => {
            let told = Told::of(&error);
            if let Told::Reference(reference) = &told {
                tracing::error!(%reference, error = format!("{error:#}"), "a command failed");
            }
            tell(ctx, told).await;
        }
        poise::FrameworkError::CommandPanic { payload, ctx, .. } => {
            let reference = crate::error::reference();
            tracing::error!(%reference, payload = payload.as_deref(), "a command panicked");
            tell(ctx, Told::Reference(reference)).await;
        }
        poise::FrameworkError::UnknownInteraction {
            interaction,
            framework,
            ..
        } => {
            let data = framework.user_data;
            let text = "This command is not known any more. Discord shows the new ones after a \
                        reload."
                .to_owned();
            let given = (interaction.id.get(), interaction.token.clone());
            if let Err(error) =
                answer_interaction(&data.lanes, &data.runtime, given, Draft::text(text)).await
            {
                tracing::warn!(%error, "an unknown command could not be answered");
            }
        }
        other => tracing::error!(error = %other, "a command could not be run"),
    }
}

async fn tell(context: Context<'_>, told: Told) {
    if let Err(error) = answer(context, told.sentence()).await {
        tracing::warn!(%error, "a person could not be answered");
    }
}
