//! Looking at tasks: everybody in the server may.

use std::time::Duration;

use super::Desk;
use super::decide::Presser;
use super::task_find::{find, in_time};
use crate::cards::task::task_card;
use crate::cards::{Draft, Personas, task_answers as words};
use crate::discord::layout::Layout;
use crate::model::ChannelId;
use crate::model::mode::State;
use crate::model::task::TaskStatus;
use crate::model::view::{Entity, EntityKind, Surface};
use crate::store::Result;
use crate::store::kept::Kept;
use crate::store::task_list::{TaskFilter, TaskLine};
use crate::store::task_look::TaskSeen;

/// Most tasks in a list; what is cut off is said.
const MOST: usize = 40;

/// Statuses of what is not finished.
const OPEN: [TaskStatus; 5] = [
    TaskStatus::Inbox,
    TaskStatus::Assigned,
    TaskStatus::InProgress,
    TaskStatus::Review,
    TaskStatus::Blocked,
];

/// A thread that was asked for is there in a moment: looks, and the time between them. Together with the
/// rest within the 3 s that a command may take to answer (source: Discord).
const LOOKS: u32 = 8;
const PAUSE: Duration = Duration::from_millis(100);

/// Why somebody may not look at tasks now; none where they may.
fn hidden(layout: &Layout, presser: &Presser) -> Option<String> {
    let missing = layout.lacks(&Surface::Tasks);
    if !missing.is_empty() {
        return Some(words::switched_off(&missing));
    }
    presser.roles.is_none().then(words::members_only)
}

/// Lists tasks of a status, or all that are not finished.
pub async fn list(
    desk: &Desk,
    layout: &Layout,
    presser: &Presser,
    status: Option<&str>,
) -> anyhow::Result<String> {
    if let Some(why) = hidden(layout, presser) {
        return Ok(why);
    }
    let status = match status.map(|word| (word, TaskStatus::parse(word.trim()))) {
        Some((word, TaskStatus::Other(_))) => {
            return Ok(words::unknown_status(word, &TaskStatus::KNOWN));
        }
        Some((_, status)) => Some(status),
        None => None,
    };
    let statuses = status.as_ref().map_or(&OPEN[..], std::slice::from_ref);
    let filter = TaskFilter {
        statuses,
        ..TaskFilter::default()
    };
    in_time(async {
        let limit = i64::try_from(MOST + 1).unwrap_or(i64::MAX);
        let tasks = desk.store.list_tasks(filter, limit).await?;
        let personas = Personas::new(&desk.store.agents().await?);
        let more = tasks.len() > MOST;
        let tasks: Vec<TaskLine> = tasks.into_iter().take(MOST).map(TaskLine::from).collect();
        let lines: Vec<_> = tasks.iter().map(|it| line(it, layout, &personas)).collect();
        Ok(words::list(&lines, status.as_ref(), more))
    })
    .await
}

fn line<'a>(task: &'a TaskLine, layout: &Layout, personas: &Personas) -> words::Line<'a> {
    let agent = task.assignee.as_deref().and_then(|key| key.parse().ok());
    words::Line {
        id: task.id,
        title: &task.title,
        status: &task.status,
        is_proposed: task.is_proposed,
        assignee: agent.map(|agent| personas.agent(&agent)),
        at: task.touched_at,
        thread: layout.threads().thread(task.id),
    }
}

/// Shows a task as its card does, with the way to its thread; one that is put away is fetched.
pub async fn show(
    desk: &Desk,
    layout: &Layout,
    presser: &Presser,
    task: &str,
    state: &State,
) -> anyhow::Result<Draft> {
    if let Some(why) = hidden(layout, presser) {
        return Ok(Draft::text(why));
    }
    in_time(async {
        let id = match find(desk, task).await? {
            Ok(task) => task.id,
            Err(why) => return Ok(Draft::text(why)),
        };
        let mut kept = Kept::new(&desk.store);
        let (_, mut loaded) = desk.store.load_tasks(&mut kept, &[id]).await?;
        let Some((seen, _)) = loaded.pop().and_then(|it| it.row) else {
            return Ok(Draft::text(words::gone()));
        };
        let personas = Personas::new(&desk.store.agents().await?);
        let way = way(desk, layout, &seen).await?;
        let card = task_card(&seen.task, &personas, state, None);
        Ok(Draft {
            content: format!("{way}\n{}", card.content),
            components: Vec::new(),
            thread: None,
            ..card
        })
    })
    .await
}

/// Where the thread is, after it was asked for where that is needed.
async fn way(desk: &Desk, layout: &Layout, seen: &TaskSeen) -> Result<String> {
    let id = seen.task.id;
    match &seen.thread {
        Some((thread, shown)) if shown.is_closed() => return Ok(words::thread_locked(*thread)),
        Some((thread, shown)) if !shown.archived => {
            return Ok(words::shown_above(Some(*thread), false));
        }
        _ => {}
    }
    desk.store.ask_for_thread(id).await?;
    let kind = EntityKind::Task;
    // Nobody listens only while the process ends.
    let _ = desk.look.send(Entity { kind, id });
    if let Some((thread, _)) = &seen.thread {
        return Ok(words::shown_above(Some(*thread), true));
    }
    let thread = coming(layout, id).await;
    Ok(words::shown_above(thread, false))
}

/// A thread that is being made.
async fn coming(layout: &Layout, task: uuid::Uuid) -> Option<ChannelId> {
    for _ in 0..LOOKS {
        let thread = layout.threads().thread(task);
        if thread.is_some() {
            return thread;
        }
        tokio::time::sleep(PAUSE).await;
    }
    None
}
