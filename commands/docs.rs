//! `/docs`: what agents are told of themselves and of the project. Everybody reads, operators write.

use serenity::all::{
    Attachment, AutocompleteChoice, CommandOptionType, CreateAutocompleteResponse,
    CreateCommandOption,
};

use super::ask::agents;
use super::later::promise;
use super::open::{open, soon};
use super::{Context, Data, Error, answer_with, interaction, on_main, presser};
use crate::cards::Draft;
use crate::cards::docs::answers::{self as words, database_away};
use crate::cards::docs::kinds;
use crate::discord::files::Files;
use crate::model::document::LARGEST;
use crate::model::file::File;
use crate::model::labs::Feature;
use crate::operations::docs::{self, Wanted};

/// What agents are told of themselves and of the project.
#[poise::command(slash_command, subcommands("list", "show", "edit", "new"))]
async fn docs(context: Context<'_>) -> Result<(), Error> {
    listed(context).await
}

/// Lists the documents, by whose they are.
#[poise::command(slash_command)]
async fn list(context: Context<'_>) -> Result<(), Error> {
    listed(context).await
}

async fn listed(context: Context<'_>) -> Result<(), Error> {
    let (desk, by) = (context.data().desk.clone(), presser(context));
    let page = on_main(context, async move { docs::list(&desk, &by).await }).await?;
    answer_with(context, page).await
}

/// Shows a document; a long one comes as a file.
#[poise::command(slash_command)]
async fn show(
    context: Context<'_>,
    #[description = "Which document"]
    #[autocomplete = "documents"]
    doc: String,
) -> Result<(), Error> {
    let (desk, by) = (context.data().desk.clone(), presser(context));
    let Some(reply) = promise(context).await? else {
        return Ok(());
    };
    let showing = on_main(context, async move { docs::show(&desk, &by, &doc).await });
    reply.end(Box::pin(showing), database_away).await
}

/// Changes a document: in a form, or by a file. Operators only.
#[poise::command(slash_command)]
async fn edit(
    context: Context<'_>,
    #[description = "Which document"]
    #[autocomplete = "documents"]
    doc: String,
    #[description = "Its whole text from now on, 1 MB at most; without it a form opens"]
    file: Option<Attachment>,
) -> Result<(), Error> {
    let (data, by) = (context.data(), presser(context));
    let desk = data.desk.clone();
    let Some(file) = file else {
        let opened = on_main(context, async move {
            Ok(soon(docs::edit_form(&desk, &by, &doc)).await)
        });
        return open(context, opened.await?).await;
    };
    let (files, shown) = (data.files.clone(), is_mission_shown(data));
    let Some(reply) = promise(context).await? else {
        return Ok(());
    };
    let writing = on_main(context, async move {
        let text = match read(&files, &file).await {
            Ok(text) => text,
            Err(why) => return Ok(Draft::text(why)),
        };
        let what = (doc.as_str(), file.filename.as_str(), text.as_str());
        Ok(docs::from_file(&desk, &by, what, shown).await?)
    });
    reply.end(writing, database_away).await
}

/// Writes a new document: in a form, or from a file. Operators only.
#[poise::command(slash_command)]
async fn new(
    context: Context<'_>,
    #[description = "What it is called"]
    #[max_length = 200]
    title: Option<String>,
    #[description = "For which agent; without it for the project"]
    #[autocomplete = "agents"]
    agent: Option<String>,
    #[description = "What kind; without it a document with a title"] kind: Option<String>,
    #[description = "Whether agents read it before each turn"] pinned: Option<bool>,
    #[description = "Its text, 1 MB at most; without it a form opens"] file: Option<Attachment>,
) -> Result<(), Error> {
    let (data, by) = (context.data(), presser(context));
    let Some(interaction) = interaction(context) else {
        return Ok(());
    };
    let wanted = Wanted {
        interaction,
        kind,
        title,
        agent,
        pinned: pinned.unwrap_or_default(),
    };
    let (desk, layout) = (data.desk.clone(), data.layout.borrow().clone());
    let Some(file) = file else {
        let opened = docs::new_form(&desk, &by, &wanted).map_err(|told| *told);
        return open(context, opened).await;
    };
    let files = data.files.clone();
    let Some(reply) = promise(context).await? else {
        return Ok(());
    };
    let writing = on_main(context, async move {
        match read(&files, &file).await {
            Ok(text) => Ok(docs::new_from(&desk, &layout, &by, (&wanted, &text)).await?),
            Err(why) => Ok(Draft::text(why)),
        }
    });
    reply.end(writing, database_away).await
}

/// The command as Discord shows it: the kinds are choices.
pub(super) fn docs_with_choices() -> poise::Command<Data, Error> {
    let mut command = docs();
    let new = command.subcommands.iter_mut().find(|it| it.name == "new");
    let kind = new.and_then(|new| new.parameters.iter_mut().find(|it| it.name == "kind"));
    if let Some(kind) = kind {
        kind.type_setter = Some(with_choices);
    }
    command
}

fn with_choices(option: CreateCommandOption) -> CreateCommandOption {
    let option = option.kind(CommandOptionType::String);
    kinds().fold(option, |option, (words, kind)| {
        option.add_string_choice(words, kind)
    })
}

fn is_mission_shown(data: &Data) -> bool {
    data.layout.borrow().labs().is_on(Feature::MissionBanner)
}

/// The text of a file; else why there is none, in words.
async fn read(files: &Files, file: &Attachment) -> Result<String, String> {
    if u64::from(file.size) > LARGEST {
        return Err(words::large_file());
    }
    let file = File {
        name: file.filename.clone(),
        size: u64::from(file.size),
        url: file.url.clone(),
        kind: file.content_type.clone(),
    };
    let read = files.text(&file, LARGEST).await;
    read.map_err(|why| words::bad_file(&why.to_string()))
}

/// The documents that what is typed so far may mean.
async fn documents(context: Context<'_>, typed: &str) -> CreateAutocompleteResponse {
    let (desk, by) = (context.data().desk.clone(), presser(context));
    let typed = typed.to_owned();
    let found = on_main(context, async move {
        Ok(docs::suggest(&desk, &by, &typed).await)
    });
    let choice = |(name, doc): (String, String)| AutocompleteChoice::new(name, doc);
    let choices = found.await.unwrap_or_default().into_iter().map(choice);
    CreateAutocompleteResponse::new().set_choices(choices.collect())
}
