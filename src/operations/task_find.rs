//! Which task somebody means.

use std::future::Future;
use std::time::Duration;

use uuid::Uuid;

use super::Desk;
use crate::cards::task_answers as words;
use crate::store::Result;
use crate::store::task_list::TaskLine;

/// How long the database may take: a command has to be answered within 3 s (source: Discord).
const PATIENCE: Duration = Duration::from_secs(2);

/// Most tasks that are looked at to find the one that is meant.
const LOOKED_AT: i64 = 200;

/// Most tasks that are offered (source: Discord).
const OFFERED: i64 = 25;

/// What the work gives, or that the database is away.
pub(super) async fn in_time<T: From<String>>(
    work: impl Future<Output = Result<T>>,
) -> anyhow::Result<T> {
    in_time_or(words::database_away, work).await
}

/// The same in other words.
pub(super) async fn in_time_or<T: From<String>>(
    away: fn() -> String,
    work: impl Future<Output = Result<T>>,
) -> anyhow::Result<T> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(Ok(told)) => Ok(told),
        Ok(Err(error)) if !error.is_outage() => Err(error.into()),
        Ok(Err(_)) | Err(_) => Ok(away().into()),
    }
}

/// The task that is meant: by its id, by the beginning that its card shows, or by its whole title. Else why
/// there is none.
pub(super) async fn find(
    desk: &Desk,
    typed: &str,
) -> Result<std::result::Result<TaskLine, String>> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Ok(Err(words::unknown_task(typed)));
    }
    let id = Uuid::try_parse(typed).ok();
    let asked = id.map_or_else(|| typed.to_owned(), |id| id.to_string());
    let mut found = desk.store.find_tasks(&asked, LOOKED_AT).await?;
    let called = typed.to_lowercase();
    let is_called = |task: &TaskLine| task.title.trim().to_lowercase() == called;
    let begins = |task: &TaskLine| called.len() >= 8 && task.id.to_string().starts_with(&called);
    if let Some(id) = id {
        found.retain(|task| task.id == id);
    } else if found.iter().any(is_called) {
        found.retain(is_called);
    } else {
        found.retain(begins);
    }
    Ok(match found.len() {
        0 => Err(words::unknown_task(typed)),
        1 => Ok(found.remove(0)),
        many => Err(words::many_tasks(typed, many)),
    })
}

/// The tasks that what is typed so far may mean, as the name to show and the id to send.
pub async fn suggest(desk: &Desk, typed: &str) -> Vec<(String, String)> {
    let looking = desk.store.find_tasks(typed, OFFERED);
    // Without an answer in time nothing is offered; what is typed counts all the same.
    let found = tokio::time::timeout(PATIENCE, looking).await;
    let found = found.ok().and_then(Result::ok).unwrap_or_default();
    let offer = |task: TaskLine| {
        let name = words::choice(task.id, &task.title, &task.status);
        (name, task.id.to_string())
    };
    found.into_iter().map(offer).collect()
}
