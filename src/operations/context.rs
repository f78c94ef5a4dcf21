//! What an agent is told before a turn, for operators to look at: it holds what agents know.

use super::Desk;
use super::decide::{Presser, refused};
use super::task_find::{find, in_time};
use crate::cards::{Draft, ask, context as words};
use crate::discord::layout::Layout;
use crate::model::context::assemble;

/// The context pack of an agent, perhaps about a task, built as the executor builds it.
pub async fn preview(
    desk: &Desk,
    layout: &Layout,
    presser: &Presser,
    (agent, task): (&str, Option<&str>),
) -> anyhow::Result<Draft> {
    if let Some(refusal) = refused(desk, presser) {
        return Ok(refusal);
    }
    let Some(agent) = layout.roster().find(agent) else {
        return Ok(Draft::text(ask::unknown_agent(agent)));
    };
    in_time(async {
        let task = match task {
            Some(typed) => match find(desk, typed).await? {
                Ok(task) => Some(task),
                Err(why) => return Ok(Draft::text(why)),
            },
            None => None,
        };
        let known = desk.store.known(&agent.key, task.as_ref().map(|it| it.id));
        let pack = assemble(&known.await?);
        let title = task.as_ref().map(|it| it.title.as_str());
        Ok(words::preview(&pack, (&agent.name, &agent.key), title))
    })
    .await
}
