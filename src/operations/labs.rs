//! The Labs: everybody may look, operators switch.

use std::future::Future;
use std::time::Duration;

use super::Desk;
use super::decide::Presser;
use crate::cards::labs as words;
use crate::model::labs::Feature;
use crate::store::Result;
use crate::store::settings::Switched;

/// How long the database may take: a command has to be answered within 3 s (source: Discord).
const PATIENCE: Duration = Duration::from_secs(2);

/// Does what `/labs` asks for: without options everything is listed, with a flag that one, and with
/// both it is switched. Gives back what the person is told.
pub async fn labs(
    desk: &Desk,
    presser: &Presser,
    flag: Option<String>,
    on: Option<bool>,
) -> anyhow::Result<String> {
    let feature = match flag.as_deref().map(|word| (word, word.trim().parse())) {
        Some((word, Err(_))) => return Ok(words::unknown(word)),
        Some((_, Ok(feature))) => Some(feature),
        None => None,
    };
    match (feature, on) {
        (Some(feature), Some(on)) => set_labs_flag(desk, presser, feature, on).await,
        (None, Some(_)) => Ok(words::which()),
        (one, None) => {
            in_time(async {
                let (labs, _) = desk.store.labs().await?;
                Ok(one.map_or_else(|| words::list(labs), |it| words::one(it, labs)))
            })
            .await
        }
    }
}

/// Switches a feature for everybody in the project, if an operator says so.
pub async fn set_labs_flag(
    desk: &Desk,
    presser: &Presser,
    feature: Feature,
    on: bool,
) -> anyhow::Result<String> {
    if desk.operators.is_empty() {
        return Ok(words::nobody_is_an_operator());
    }
    let roles = presser.roles.as_deref();
    let may = roles.is_some_and(|roles| desk.operators.includes(presser.user, roles));
    if presser.bot || !may {
        tracing::info!(user = %presser.user, "somebody who may not switch features has tried to");
        return Ok(words::not_an_operator());
    }
    in_time(async {
        Ok(match desk.store.set_labs_flag(feature, on).await? {
            Switched::Done { labs, changed } => {
                if changed {
                    tracing::info!(user = %presser.user, %feature, on, "a feature of the Labs was switched");
                    // The feed tells it too, where there is one. Nobody listens only at the end.
                    let _ = desk.labs_look.send(None);
                }
                words::switched(feature, labs, changed)
            }
            Switched::Unreadable(problem) => words::unreadable(problem),
        })
    })
    .await
}

/// What the work gives, or that the database is away.
async fn in_time(work: impl Future<Output = Result<String>>) -> anyhow::Result<String> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(Ok(text)) => Ok(text),
        Ok(Err(error)) if !error.is_outage() => Err(error.into()),
        Ok(Err(_)) | Err(_) => Ok(words::database_away()),
    }
}
