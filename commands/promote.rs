//! *Promote to task*, in the menu of a message.

use serenity::all::Message;

use super::{Context, Error, answer, on_main, presser};
use crate::model::DiscordMessageId;
use crate::operations::promote::promote as promote_message;

/// Makes a proposed task of a message.
#[poise::command(context_menu_command = "Promote to task")]
pub(super) async fn promote(context: Context<'_>, message: Message) -> Result<(), Error> {
    let desk = context.data().desk.clone();
    let by = presser(context);
    let message = DiscordMessageId::new(message.id.get());
    let told = on_main(context, async move {
        promote_message(&desk, &by, message).await
    })
    .await?;
    answer(context, told).await
}
