//! Types of activities that are left out of `#activity`.

use super::Desk;
use super::decide::{Presser, refused};
use super::task_find::in_time_or;
use crate::cards::activity as words;
use crate::model::activity::HEARTBEAT;

/// Longest type, in characters: rows are compared by so much of theirs.
const LONGEST: usize = 100;

/// Most types that are offered while one is typed (source: Discord).
const OFFERED: usize = 25;

/// Which types occur, and which are muted.
pub async fn kinds(desk: &Desk) -> anyhow::Result<String> {
    in_time_or(words::database_away, async {
        Ok(words::kinds(&desk.store.activity_kinds().await?))
    })
    .await
}

/// Leaves new rows of a type out, or shows them again, if an operator says so.
pub async fn mute(
    desk: &Desk,
    presser: &Presser,
    kind: &str,
    mute: bool,
) -> anyhow::Result<String> {
    if refused(desk, presser).is_some() {
        tracing::info!(user = %presser.user, "somebody who may not mute has tried to");
        return Ok(words::not_an_operator());
    }
    let kind = kind.trim();
    if kind.is_empty() || kind.chars().count() > LONGEST {
        return Ok(words::no_kind());
    }
    if kind == HEARTBEAT && mute {
        return Ok(words::never_posted());
    }
    in_time_or(words::database_away, async {
        Ok(if mute {
            words::muted(kind, desk.store.mute_activity(kind, &presser.name).await?)
        } else {
            words::unmuted(kind, desk.store.unmute_activity(kind).await?)
        })
    })
    .await
}

/// The types that what is typed so far may mean: those that are muted, or those that are not.
pub async fn suggest(desk: &Desk, typed: &str, muted: bool) -> Vec<String> {
    let typed = typed.trim().to_lowercase();
    let kinds = desk.store.activity_kinds().await.unwrap_or_default();
    kinds
        .into_iter()
        .filter(|it| it.muted == muted && it.kind != HEARTBEAT && !it.kind.trim().is_empty())
        .map(|it| it.kind)
        .filter(|kind| kind.to_lowercase().contains(&typed))
        .take(OFFERED)
        .collect()
}
