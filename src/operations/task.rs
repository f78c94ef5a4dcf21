//! What operators do about tasks, by commands and on their cards.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Desk;
use super::decide::{Presser, refused};
use super::task_find::{find, in_time};
use crate::cards::task_controls::CHOOSABLE;
use crate::cards::{Draft, Persona, task_answers as words};
use crate::discord::layout::Layout;
use crate::model::task::TaskStatus;
use crate::model::view::{Entity, EntityKind, Surface};
use crate::model::{InteractionId, MessageId};
use crate::store::Result;
use crate::store::task_write::{Changed, Doer, NewTask, Wakes};

/// Author of what operators do, as `ClawdOS` writes it.
pub(super) const OPERATOR: &str = "dashboard";

/// Longest title that is taken, in characters.
const TITLE: usize = 200;

/// Longest description that is taken, in characters.
const DESCRIPTION: usize = 4_000;

/// Longest reason that is kept (source: Discord, a form's field holds 4,000 characters).
const REASON: usize = 4_000;

/// How long the question before a task is deleted stands.
const QUESTION: Duration = Duration::from_mins(1);

/// A task that somebody wants.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The interaction: the same one makes one task, however often it is heard.
    pub interaction: InteractionId,
    /// Its title.
    pub name: String,
    /// What is to be done.
    pub text: Option<String>,
    /// Whose it is to be; whatever came back, since the choices are the client's alone.
    pub agent: Option<String>,
}

/// What the event of an operator says of them.
pub(super) fn person(presser: &Presser) -> Value {
    let by = presser.decider();
    json!({ "author_name": by.name, "discord_user_id": by.user })
}

/// An operator does something. `metadata` is what [`person`] gives.
macro_rules! operator {
    ($desk:expr, $metadata:expr) => {
        Doer {
            author: $crate::operations::task::OPERATOR,
            metadata: $metadata,
            wakes: Some(Wakes(&|text| $desk.shell.row_text(text, true))),
        }
    };
}
pub(super) use operator;

impl Desk {
    /// Something about a task was written: its card follows, and agents hear of it.
    pub(super) fn task_changed(&self, task: Uuid) {
        let kind = EntityKind::Task;
        // Nobody listens only while the process ends.
        let _ = self.look.send(Entity { kind, id: task });
        self.deliveries.pump();
    }
}

/// Why somebody may change nothing about tasks now; none where they may.
pub(super) fn hindered(desk: &Desk, layout: &Layout, presser: &Presser) -> Option<String> {
    let missing = layout.lacks(&Surface::Tasks);
    if !missing.is_empty() {
        return Some(words::switched_off(&missing));
    }
    let refusal = refused(desk, presser).map(|draft| draft.content);
    if refusal.is_some() {
        tracing::info!(user = %presser.user, "somebody who may not change tasks has tried to");
    }
    refusal
}

/// Makes a task. Gives back what the person is told.
pub async fn new_task(
    desk: &Desk,
    layout: &Layout,
    presser: &Presser,
    wanted: Wanted,
) -> anyhow::Result<String> {
    if let Some(why) = hindered(desk, layout, presser) {
        return Ok(why);
    }
    let title = wanted.name.split_whitespace().collect::<Vec<_>>().join(" ");
    let length = title.chars().count();
    if !(1..=TITLE).contains(&length) {
        return Ok(words::bad_title(length, TITLE));
    }
    let text = wanted.text.unwrap_or_default();
    let length = text.trim().chars().count();
    if length > DESCRIPTION {
        return Ok(words::too_long("description", length, DESCRIPTION));
    }
    let agent = match wanted.agent.as_deref() {
        Some(word) => match layout.roster().find(word) {
            Some(agent) => Some(agent.key.clone()),
            None => return Ok(words::unknown_agent(word)),
        },
        None => None,
    };
    // A dashboard tells the agent of its task, title and all, by a message with a delivery.
    let title = desk.shell.row_text(title, true);
    let text = desk.shell.row_text(text.trim().to_owned(), true);
    let id = MessageId::for_interaction(wanted.interaction).0;
    let metadata = person(presser);
    let task = NewTask {
        id: Some(Uuid::new_v5(&id, b"task")),
        title: &title,
        description: Some(&text)
            .filter(|text| !text.is_empty())
            .map(String::as_str),
        assignee: agent.as_ref(),
        proposed: false,
    };
    in_time(async {
        let made = desk
            .store
            .new_task(task, operator!(desk, &metadata))
            .await?;
        let Some(id) = made else {
            return Ok(words::created_before());
        };
        tracing::info!(user = %presser.user, task = %id, "task {id} was created");
        desk.task_changed(id);
        Ok(words::created(&title, layout.threads().thread(id)))
    })
    .await
}

/// Gives a task to an agent.
pub async fn assign(
    desk: &Desk,
    layout: &Layout,
    presser: &Presser,
    (task, agent): (&str, &str),
) -> anyhow::Result<String> {
    if let Some(why) = hindered(desk, layout, presser) {
        return Ok(why);
    }
    let Some(agent) = layout.roster().find(agent) else {
        return Ok(words::unknown_agent(agent));
    };
    let to = Persona::new(&agent.name, agent.key.short());
    let metadata = person(presser);
    in_time(async {
        let task = match find(desk, task).await? {
            Ok(task) => task.id,
            Err(why) => return Ok(why),
        };
        let by = operator!(desk, &metadata);
        Ok(
            match desk.store.assign_task(task, Some(&agent.key), by).await? {
                Changed::Now(done) => {
                    desk.task_changed(task);
                    words::assigned(&done.title, &to)
                }
                Changed::Same => words::is_theirs(&to),
                Changed::Unknown => words::gone(),
            },
        )
    })
    .await
}

/// Moves a task that was named by somebody.
pub async fn move_named(
    desk: &Desk,
    layout: &Layout,
    presser: &Presser,
    (task, status): (&str, &str),
) -> anyhow::Result<String> {
    if let Some(why) = hindered(desk, layout, presser) {
        return Ok(why);
    }
    in_time(async {
        match find(desk, task).await? {
            Ok(task) => set_status(desk, presser, task.id, status).await,
            Err(why) => Ok(why),
        }
    })
    .await
}

/// Moves a task, for an operator.
pub(super) async fn set_status(
    desk: &Desk,
    presser: &Presser,
    task: Uuid,
    word: &str,
) -> Result<String> {
    let word = word.trim();
    let status = TaskStatus::parse(word);
    if status == TaskStatus::Stopped {
        return Ok(words::stop_instead());
    }
    if !CHOOSABLE.contains(&status) {
        return Ok(words::unknown_status(word, &CHOOSABLE));
    }
    let metadata = person(presser);
    let by = operator!(desk, &metadata);
    Ok(
        match desk.store.set_task_status(task, &status, None, by).await? {
            Changed::Now(done) => {
                tracing::info!(user = %presser.user, %task, "task {task} is {status} now");
                desk.task_changed(task);
                words::moved(&done.title, &done.old, &done.new)
            }
            Changed::Same => words::stands_there(&status),
            Changed::Unknown => words::gone(),
        },
    )
}

/// Stops a task that was named by somebody.
pub async fn stop_named(
    desk: &Desk,
    layout: &Layout,
    presser: &Presser,
    (task, reason): (&str, &str),
) -> anyhow::Result<String> {
    if let Some(why) = hindered(desk, layout, presser) {
        return Ok(why);
    }
    in_time(async {
        match find(desk, task).await? {
            Ok(task) => stop(desk, presser, task.id, reason).await,
            Err(why) => Ok(why),
        }
    })
    .await
}

/// Stops a task, for an operator who says why.
pub(super) async fn stop(
    desk: &Desk,
    presser: &Presser,
    task: Uuid,
    reason: &str,
) -> Result<String> {
    let reason: String = reason.trim().chars().take(REASON).collect();
    if reason.is_empty() {
        return Ok(words::reason_needed());
    }
    let status = TaskStatus::Stopped;
    let metadata = person(presser);
    let by = operator!(desk, &metadata);
    let moved = desk
        .store
        .set_task_status(task, &status, Some(&reason), by)
        .await?;
    Ok(match moved {
        Changed::Now(done) => {
            tracing::info!(user = %presser.user, %task, "task {task} was stopped");
            desk.task_changed(task);
            words::stopped(&done.title, &done.new)
        }
        Changed::Same => words::stands_there(&status),
        Changed::Unknown => words::gone(),
    })
}

/// Why there is nothing to stop; none where there is.
pub(super) async fn stoppable(desk: &Desk, task: Uuid) -> Result<Option<String>> {
    Ok(match desk.store.task_title(task).await? {
        None => Some(words::gone()),
        Some((_, status)) if TaskStatus::parse(&status) == TaskStatus::Stopped => {
            Some(words::stands_there(&TaskStatus::Stopped))
        }
        Some(_) => None,
    })
}

/// Asks whether a task is really to be deleted.
pub async fn ask_delete(
    desk: &Desk,
    layout: &Layout,
    presser: &Presser,
    task: &str,
    now: DateTime<Utc>,
) -> anyhow::Result<Draft> {
    if let Some(why) = hindered(desk, layout, presser) {
        return Ok(Draft::text(why));
    }
    in_time(async {
        Ok(match find(desk, task).await? {
            Ok(task) => words::delete_question(task.id, &task.title, now + QUESTION),
            Err(why) => Draft::text(why),
        })
    })
    .await
}

/// Deletes a task, for an operator who was asked.
pub(super) async fn delete(
    desk: &Desk,
    presser: &Presser,
    (task, until): (Uuid, u32),
    now: DateTime<Utc>,
) -> Result<String> {
    let left = i64::from(until) - now.timestamp();
    // No question of ours has longer.
    if !(0..=QUESTION.as_secs().cast_signed()).contains(&left) {
        return Ok(words::question_has_expired());
    }
    let metadata = person(presser);
    let by = operator!(desk, &metadata);
    Ok(match desk.store.delete_task(task, by).await? {
        Changed::Now(()) => {
            tracing::info!(user = %presser.user, %task, "task {task} was deleted");
            desk.task_changed(task);
            words::deleted()
        }
        Changed::Same | Changed::Unknown => words::gone(),
    })
}
