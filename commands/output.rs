//! `/output`: what came out of a task.

use serenity::all::Attachment;

use super::task::tasks;
use super::{Context, Error, answer, interaction, on_main, presser};
use crate::model::ChannelId;
use crate::model::file::File;
use crate::operations::output::{Added, add};

/// Adds a text, a link or a file to a task.
#[poise::command(slash_command)]
pub(super) async fn output(
    context: Context<'_>,
    #[description = "Which task; in the thread of one it is that"]
    #[autocomplete = "tasks"]
    task: Option<String>,
    #[description = "What it is, or all of it"] text: Option<String>,
    #[description = "An address that begins with https://"] link: Option<String>,
    #[description = "A file"] file: Option<Attachment>,
) -> Result<(), Error> {
    let (data, by) = (context.data(), presser(context));
    let (desk, layout) = (data.desk.clone(), data.layout.borrow().clone());
    let channel = ChannelId::new(context.channel_id().get());
    let Some((interaction, channel)) = interaction(context).zip(channel) else {
        return Ok(());
    };
    let added = Added {
        interaction,
        task,
        channel,
        text,
        link,
        file: file.map(|file| File {
            name: file.filename,
            size: u64::from(file.size),
            url: file.url,
            kind: file.content_type,
        }),
    };
    let told = on_main(
        context,
        async move { add(&desk, &layout, &by, added).await },
    )
    .await?;
    answer(context, told).await
}
