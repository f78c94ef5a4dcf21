//! `/context`: what an agent is told before a turn.

use super::ask::agents;
use super::later::promise;
use super::task::tasks;
use super::{Context, Error, on_main, presser};
use crate::cards::docs::answers::database_away;
use crate::operations::context::preview;

/// What an agent is told before a turn, with the size of each section. Operators only.
#[poise::command(slash_command)]
pub(super) async fn context(
    context: Context<'_>,
    #[description = "Which agent"]
    #[autocomplete = "agents"]
    agent: String,
    #[description = "About which task"]
    #[autocomplete = "tasks"]
    task: Option<String>,
) -> Result<(), Error> {
    let (desk, by) = (context.data().desk.clone(), presser(context));
    let layout = context.data().layout.borrow().clone();
    let Some(reply) = promise(context).await? else {
        return Ok(());
    };
    let looking = on_main(context, async move {
        preview(&desk, &layout, &by, (&agent, task.as_deref())).await
    });
    reply.end(looking, database_away).await
}
