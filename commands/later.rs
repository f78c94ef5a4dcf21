//! Answers that take a moment: acknowledged at once, said when they are known, and kept true for a while.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use serenity::all::CommandInteraction;
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::{Context, Data};
use crate::cards::Draft;
use crate::discord::lanes::{Class, Lanes};
use crate::discord::rest::interaction::{EPHEMERAL, SAY_LATER, private_with_files};
use crate::discord::rest::{Request, Route};
use crate::error::Told;
use crate::store::StoreError;

/// How long an answer can be changed: a little less than the 15 minutes of its token (source: Discord).
const KEPT: Duration = Duration::from_mins(14);

/// The time between two looks: somebody waits at first.
const SOON: Duration = Duration::from_secs(1);
const LATER: Duration = Duration::from_secs(5);
const WAITED: Duration = Duration::from_mins(1);

/// How long the work for an answer may take: fetching a file, asking the executor, and the database.
const PATIENCE: Duration = Duration::from_secs(15);

/// An answer that was promised.
#[derive(Clone)]
pub(super) struct Reply {
    lanes: Lanes,
    runtime: Handle,
    application: u64,
    token: SecretString,
}

/// Promises an answer that the person alone sees. None for what Discord has not told as a command.
pub(super) async fn promise(context: Context<'_>) -> anyhow::Result<Option<Reply>> {
    let poise::Context::Application(application) = context else {
        return Ok(None);
    };
    let Data { lanes, runtime, .. } = context.data();
    promise_for(application.interaction, lanes, runtime)
        .await
        .map(Some)
}

/// The same for any command.
pub(super) async fn promise_for(
    interaction: &CommandInteraction,
    lanes: &Lanes,
    runtime: &Handle,
) -> anyhow::Result<Reply> {
    let reply = Reply {
        lanes: lanes.clone(),
        runtime: runtime.clone(),
        application: interaction.application_id.get(),
        token: interaction.token.clone().into(),
    };
    let route = Route::interaction_callback(interaction.id.get(), reply.token.expose_secret());
    let body = json!({ "type": SAY_LATER, "data": { "flags": EPHEMERAL } });
    reply.send(Request::new(route).json(&body)).await?;
    Ok(reply)
}

fn is_outage(error: &anyhow::Error) -> bool {
    let from_store = error.downcast_ref::<StoreError>();
    from_store.is_some_and(StoreError::is_outage)
}

impl Reply {
    /// Says it.
    pub(super) async fn say(&self, draft: &Draft) -> anyhow::Result<()> {
        let route = Route::edit_original(self.application, self.token.expose_secret());
        let files = draft.files.iter();
        let files = files.map(|file| (file.name.as_str(), &*file.text));
        self.send(private_with_files(route, draft, files)).await
    }

    /// Says what comes of the work, or why nothing does: `away` where the database is not there in time.
    pub(super) async fn end(
        &self,
        work: impl Future<Output = anyhow::Result<Draft>>,
        away: fn() -> String,
    ) -> anyhow::Result<()> {
        match tokio::time::timeout(PATIENCE, work).await {
            Ok(Ok(draft)) => self.say(&draft).await,
            Ok(Err(error)) if !is_outage(&error) => self.fail(&error).await,
            Ok(Err(_)) | Err(_) => self.say(&Draft::text(away())).await,
        }
    }

    /// Says why there is nothing better to say.
    pub(super) async fn fail(&self, error: &anyhow::Error) -> anyhow::Result<()> {
        let told = Told::of(error);
        if let Told::Reference(reference) = &told {
            tracing::error!(%reference, error = format!("{error:#}"), "a command failed");
        }
        self.say(&Draft::text(told.sentence())).await
    }

    /// Says it anew whenever it is something else, as long as it may change and can be changed.
    pub(super) fn keep<F>(self, mut said: Draft, look: impl Fn() -> F + Send + 'static)
    where
        F: Future<Output = Option<(Draft, bool)>> + Send,
    {
        let runtime = self.runtime.clone();
        runtime.spawn(async move {
            let begun = Instant::now();
            while begun.elapsed() < KEPT {
                let pause = if begun.elapsed() < WAITED {
                    SOON
                } else {
                    LATER
                };
                tokio::time::sleep(pause).await;
                let Some((draft, is_open)) = look().await else {
                    continue;
                };
                if draft != said {
                    if let Err(error) = self.say(&draft).await {
                        tracing::debug!(%error, "an answer cannot be kept true any more");
                        return;
                    }
                    said = draft;
                }
                if !is_open {
                    return;
                }
            }
        });
    }

    async fn send(&self, request: Request) -> anyhow::Result<()> {
        let lanes = self.lanes.clone();
        let sending = async move {
            let answer = lanes.submit(Class::Interactive, request).await;
            answer.done().into_result()
        };
        Ok(self.runtime.spawn(sending).await??)
    }
}
