//! What came out of a task, put there by an operator.

use serde_json::json;
use url::Url;
use uuid::Uuid;

use super::Desk;
use super::decide::Presser;
use super::task::{hindered, operator, person};
use super::task_find::{find, in_time};
use crate::cards::task_answers as words;
use crate::discord::layout::Layout;
use crate::model::file::File;
use crate::model::output::OutputType;
use crate::model::{ChannelId, InteractionId, MessageId};
use crate::store::Result;
use crate::store::task_write::{Changed, Doer, NewOutput, Wakes};

/// Longest text of an output, in characters (source: Discord, an option's text).
const TEXT: usize = 6_000;

/// Longest link that is taken, in characters.
const LINK: usize = 2_000;

/// What somebody adds to a task.
#[derive(Debug, Clone)]
pub struct Added {
    /// The interaction: the same one adds once, however often it is heard.
    pub interaction: InteractionId,
    /// The task; none where it is that of the thread.
    pub task: Option<String>,
    /// Where it was said.
    pub channel: ChannelId,
    /// Words.
    pub text: Option<String>,
    /// An address.
    pub link: Option<String>,
    /// A file in Discord.
    pub file: Option<File>,
}

/// Adds an output. Gives back what the person is told.
pub async fn add(
    desk: &Desk,
    layout: &Layout,
    presser: &Presser,
    added: Added,
) -> anyhow::Result<String> {
    if let Some(why) = hindered(desk, layout, presser) {
        return Ok(why);
    }
    if let Err(why) = check(&added) {
        return Ok(why);
    }
    in_time(async {
        let (task, title) = match target(desk, layout, &added).await? {
            Ok(found) => found,
            Err(why) => return Ok(why),
        };
        let mut metadata = person(presser);
        if let Some(ends) = added.file.as_ref().and_then(File::expires_at) {
            metadata["expires_at"] = json!(ends);
        }
        let by = operator!(desk, &metadata);
        let output = output(task, &added, by);
        Ok(match desk.store.add_output(output).await? {
            Changed::Now(_) => {
                desk.task_changed(task);
                words::output_added(&title)
            }
            Changed::Same => words::output_there(),
            Changed::Unknown => words::gone(),
        })
    })
    .await
}

fn output<'a>(task: Uuid, added: &'a Added, by: Doer<'a>) -> NewOutput<'a> {
    let id = MessageId::for_interaction(added.interaction).0;
    let (file, link) = (added.file.as_ref(), added.link.as_deref().map(str::trim));
    let kind = match (file, link) {
        (Some(_), _) => OutputType::File,
        (None, Some(_)) => OutputType::Link,
        (None, None) => OutputType::Summary,
    };
    NewOutput {
        id: Some(Uuid::new_v5(&id, b"output")),
        title: file.map(|file| file.name.as_str()),
        text: added
            .text
            .as_deref()
            .map(str::trim)
            .filter(|text| !text.is_empty()),
        link_url: file.map(|file| file.url.as_str()).or(link),
        mime_type: file.and_then(|file| file.kind.as_deref()),
        size: file.map(|file| file.size),
        ..NewOutput::of(task, kind, by)
    }
}

/// Whether there is something in it, and only what can be shown.
fn check(added: &Added) -> std::result::Result<(), String> {
    let text = added.text.as_deref().unwrap_or_default().trim();
    let link = added.link.as_deref().map(str::trim);
    if link.is_some() && added.file.is_some() {
        return Err(words::one_of_both());
    }
    if text.is_empty() && link.is_none() && added.file.is_none() {
        return Err(words::nothing_in_output());
    }
    let length = text.chars().count();
    if length > TEXT {
        return Err(words::too_long("text", length, TEXT));
    }
    match link {
        Some(link) if !is_link(link) => Err(words::bad_link(link)),
        _ => Ok(()),
    }
}

fn is_link(text: &str) -> bool {
    let plain = text.chars().count() <= LINK && !text.chars().any(char::is_whitespace);
    let known = Url::parse(text)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    plain && known
}

/// The task that is named, or that of the thread, with its title.
async fn target(
    desk: &Desk,
    layout: &Layout,
    added: &Added,
) -> Result<std::result::Result<(Uuid, String), String>> {
    if let Some(named) = &added.task {
        let found = find(desk, named).await?;
        return Ok(found.map(|task| (task.id, task.title)));
    }
    let Some(task) = layout.threads().task(added.channel) else {
        return Ok(Err(words::which_task()));
    };
    let title = desk.store.task_title(task).await?;
    Ok(title
        .map(|(title, _)| (task, title))
        .ok_or_else(words::gone))
}
