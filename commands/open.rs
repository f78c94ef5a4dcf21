//! Forms that are the first answer to a command.

use std::future::Future;
use std::time::Duration;

use serde_json::json;

use super::{Context, answer_with};
use crate::cards::Draft;
use crate::cards::docs::answers::database_away;
use crate::discord::lanes::Class;
use crate::discord::rest::interaction::FORM;
use crate::discord::rest::{Request, Route};
use crate::operations::docs::Opened;
use crate::store;

/// How long the database may take: a form has to be the answer within 3 s (source: Discord).
const PATIENCE: Duration = Duration::from_secs(2);

/// The form, or what is said instead, in time.
pub(super) async fn soon(looking: impl Future<Output = store::Result<Opened>>) -> Opened {
    match tokio::time::timeout(PATIENCE, looking).await {
        Ok(Ok(opened)) => opened,
        Ok(Err(error)) => {
            tracing::warn!(%error, "a form could not be opened: {error}");
            Err(Draft::text(database_away()))
        }
        Err(_) => Err(Draft::text(database_away())),
    }
}

/// Opens the form, or says what is said instead.
pub(super) async fn open(context: Context<'_>, opened: Opened) -> anyhow::Result<()> {
    let form = match opened {
        Ok(form) => form,
        Err(told) => return answer_with(context, told).await,
    };
    let poise::Context::Application(application) = context else {
        return Ok(());
    };
    let interaction = application.interaction;
    let route = Route::interaction_callback(interaction.id.get(), &interaction.token);
    let request = Request::new(route).json(&json!({ "type": FORM, "data": form }));
    let lanes = context.data().lanes.clone();
    let sending = async move {
        let answer = lanes.submit(Class::Interactive, request).await;
        answer.done().into_result()
    };
    Ok(context.data().runtime.spawn(sending).await??)
}
