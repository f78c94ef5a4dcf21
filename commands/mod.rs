//! Slash commands: one file per group, each command a few lines that end in an operation.

mod status;

use std::future::Future;

use serenity::all::{CreateCommand, CreateInteractionResponse, CreateInteractionResponseMessage};
use tokio::sync::watch;

use crate::discord::lanes::{Class, Lanes};
use crate::discord::rest::{Request, Route};
use crate::error::Told;
use crate::model::mode::State;
use crate::operations::Desk;

/// What every command works with.
#[derive(Clone)]
pub struct Data {
    /// The operations.
    pub desk: Desk,
    /// The way to Discord.
    pub lanes: Lanes,
    /// The mode.
    pub mode: watch::Receiver<State>,
    /// The runtime on which the work is done: the gateway's own only listens.
    pub runtime: tokio::runtime::Handle,
}

/// What a command can fail with; told apart once, in [`failed`].
pub type Error = anyhow::Error;

type Context<'a> = poise::Context<'a, Data, Error>;

fn all() -> Vec<poise::Command<Data, Error>> {
    vec![status::status()]
}

/// What Discord has to know of the commands.
pub fn registration() -> Vec<CreateCommand> {
    poise::builtins::create_application_commands(&all())
}

/// The part that answers commands.
pub fn framework(data: Data) -> poise::Framework<Data, Error> {
    poise::Framework::builder()
        .options(poise::FrameworkOptions {
            commands: all(),
            on_error: |error| Box::pin(failed(error)),
            // Who is an operator stands in the configuration, not in the team of the application.
            initialize_owners: false,
            ..poise::FrameworkOptions::default()
        })
        // Whatever is slow happens elsewhere: until this returns no event is handled.
        .setup(|_, _, _| Box::pin(async move { Ok(data) }))
        .build()
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
    let poise::Context::Application(application) = context else {
        return Ok(());
    };
    answer_interaction(
        context.data(),
        application.interaction.id.get(),
        application.interaction.token.clone(),
        text,
    )
    .await
}

async fn answer_interaction(
    data: &Data,
    interaction: u64,
    token: String,
    text: String,
) -> anyhow::Result<()> {
    let lanes = data.lanes.clone();
    let sending = async move {
        let message = CreateInteractionResponseMessage::new()
            .content(text)
            .ephemeral(true);
        let request = Request::new(Route::interaction_callback(interaction, &token))
            .json(&CreateInteractionResponse::Message(message));
        lanes
            .submit(Class::Interactive, request)
            .await
            .done()
            .into_result()
    };
    Ok(data.runtime.spawn(sending).await??)
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
            let data = framework.user_data().await;
            let text = "This command is not known any more. Discord shows the new ones after a \
                        reload."
                .to_owned();
            let token = interaction.token.clone();
            if let Err(error) = answer_interaction(data, interaction.id.get(), token, text).await {
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
