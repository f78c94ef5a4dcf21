//! `/agents` and `/agent`: the team, and who is hired for it.

use super::ask::agents as suggested;
use super::later::promise;
use super::{Context, Error, answer_with, interaction, on_main, presser};
use crate::operations::team::{self, Wanted, Which};

/// The team: who is there, what each works on; or one agent with all that is known.
#[poise::command(slash_command)]
pub(super) async fn agents(
    context: Context<'_>,
    #[description = "Which agent; without it all are listed"]
    #[autocomplete = "suggested"]
    agent: Option<String>,
) -> Result<(), Error> {
    shown(context, agent).await
}

async fn shown(context: Context<'_>, agent: Option<String>) -> Result<(), Error> {
    let data = context.data();
    let (desk, by) = (data.desk.clone(), presser(context));
    let layout = data.layout.borrow().clone();
    let card = on_main(context, async move {
        match agent {
            Some(agent) => team::show(&desk, &layout, &by, Which::Called(agent)).await,
            None => team::list(&desk, &layout, &by, 0).await,
        }
    })
    .await?;
    answer_with(context, card).await
}

/// Hires for the team. Operators only.
#[poise::command(slash_command, subcommands("new"))]
pub(super) async fn agent(context: Context<'_>) -> Result<(), Error> {
    shown(context, None).await
}

/// Asks for a new agent; its channel comes when it is provisioned.
#[poise::command(slash_command)]
async fn new(
    context: Context<'_>,
    #[description = "The name people will call it by"]
    #[max_length = 200]
    name: String,
    #[description = "The middle of its key: lower-case letters, digits and dashes"]
    #[max_length = 100]
    short: String,
    #[description = "What it will do in the team"]
    #[max_length = 1000]
    role: Option<String>,
    #[description = "One emoji that stands for it"]
    #[max_length = 100]
    emoji: Option<String>,
) -> Result<(), Error> {
    let (Some(interaction), Some(reply)) = (interaction(context), promise(context).await?) else {
        return Ok(());
    };
    let (desk, by) = (context.data().desk.clone(), presser(context));
    let layouts = context.data().layout.clone();
    let wanted = Wanted {
        interaction,
        name,
        short,
        role,
        emoji,
    };
    let (at, layout) = (desk.clone(), layouts.borrow().clone());
    let hired = on_main(context, async move {
        team::hire(&at, &layout, &by, &wanted).await
    });
    let told = match hired.await {
        Ok(told) => told,
        Err(error) => return reply.fail(&error).await,
    };
    reply.say(&told.draft).await?;
    if let Some(request) = told.open {
        reply.keep(told.draft, move || {
            let (desk, layout) = (desk.clone(), layouts.borrow().clone());
            async move {
                let now = team::look(&desk, &layout, request).await.ok()?;
                Some((now.draft, now.open.is_some()))
            }
        });
    }
    Ok(())
}
