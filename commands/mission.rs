//! `/mission`: what the project is for.

use super::later::promise;
use super::open::{open, soon};
use super::{Context, Error, answer, on_main, presser};
use crate::cards::docs::answers::database_away;
use crate::model::labs::Feature;
use crate::operations::docs::mission_form;
use crate::operations::mission::{mission as look, written};

/// What the project is for.
#[poise::command(slash_command, subcommands("show", "set"))]
pub(super) async fn mission(context: Context<'_>) -> Result<(), Error> {
    shown(context).await
}

fn is_shown(context: Context<'_>) -> bool {
    let layout = context.data().layout.borrow();
    layout.labs().is_on(Feature::MissionBanner)
}

async fn shown(context: Context<'_>) -> Result<(), Error> {
    let (desk, is_shown) = (context.data().desk.clone(), is_shown(context));
    let told = on_main(context, async move { look(&desk, is_shown).await }).await?;
    answer(context, told).await
}

/// Shows the mission.
#[poise::command(slash_command)]
async fn show(context: Context<'_>) -> Result<(), Error> {
    shown(context).await
}

/// Writes the mission, for everybody to see. Operators write it.
#[poise::command(slash_command)]
async fn set(
    context: Context<'_>,
    #[description = "What the project is for, in 200 characters at most; without it a form opens"]
    text: Option<String>,
) -> Result<(), Error> {
    let (desk, by) = (context.data().desk.clone(), presser(context));
    let Some(text) = text else {
        let opened = on_main(
            context,
            async move { Ok(soon(mission_form(&desk, &by)).await) },
        );
        return open(context, opened.await?).await;
    };
    let is_shown = is_shown(context);
    let Some(reply) = promise(context).await? else {
        return Ok(());
    };
    let writing = on_main(context, async move {
        Ok(written(&desk, &by, (&text, None), is_shown).await?)
    });
    reply.end(writing, database_away).await
}
