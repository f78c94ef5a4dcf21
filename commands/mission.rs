//! `/mission`: what the project is for.

use super::{Context, Error, answer, on_main, presser};
use crate::model::labs::Feature;
use crate::operations::mission::{mission as look, set_mission};

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
    #[description = "What the project is for, in 200 characters at most"] text: String,
) -> Result<(), Error> {
    let (desk, is_shown) = (context.data().desk.clone(), is_shown(context));
    let by = presser(context);
    let told = on_main(context, async move {
        set_mission(&desk, &by, &text, is_shown).await
    })
    .await?;
    answer(context, told).await
}
