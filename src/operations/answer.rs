//! Answers to questions of agents: once, the first counts.

use super::Desk;
use super::decide::Presser;
use super::task::{operator, person};
use crate::cards::{Personas, task_answers as words};
use crate::model::attention::{answer, custom_answer, question};
use crate::model::message::Author;
use crate::model::task::TimelineItem;
use crate::model::view::{Entity, EntityKind};
use crate::store::Result;
use crate::store::task_ask::Comment;
use crate::store::task_write::{Answered, Doer, Wakes};

/// Longest answer that is kept, in characters.
const LONGEST: usize = 4_000;

/// Answers with one of the options, for an operator.
pub(super) async fn choose(
    desk: &Desk,
    presser: &Presser,
    item: TimelineItem,
    letter: char,
) -> Result<String> {
    let Some(comment) = desk.store.comment_asked(item).await? else {
        return Ok(words::question_gone());
    };
    let question = question(&comment.content);
    let options = question.iter().flat_map(|it| &it.options);
    let option = options.clone().find(|(known, _)| *known == letter);
    match option {
        Some((_, text)) => give(desk, presser, item, &answer(letter, text)).await,
        None => Ok(words::no_question()),
    }
}

/// Answers with words of one's own, for an operator.
pub(super) async fn write(
    desk: &Desk,
    presser: &Presser,
    item: TimelineItem,
    typed: &str,
) -> Result<String> {
    let text: String = typed.trim().chars().take(LONGEST).collect();
    if text.is_empty() {
        return Ok(words::empty_answer());
    }
    give(desk, presser, item, &custom_answer(&text)).await
}

/// Why there is nothing to answer; none where there is.
pub(super) async fn answerable(desk: &Desk, item: TimelineItem) -> Result<Option<String>> {
    Ok(match desk.store.comment_asked(item).await? {
        None => Some(words::question_gone()),
        Some(Comment {
            answer: Some(answer),
            answer_author,
            answer_name,
            ..
        }) => {
            let author = answer_author.unwrap_or_default();
            look_at(desk, item);
            Some(before(desk, (&author, answer_name.as_deref()), &answer).await?)
        }
        Some(comment) if question(&comment.content).is_none() => Some(words::no_question()),
        Some(_) => None,
    })
}

async fn give(desk: &Desk, presser: &Presser, item: TimelineItem, content: &str) -> Result<String> {
    let metadata = person(presser);
    let by = operator!(desk, &metadata);
    let answered = desk.store.answer_question(item, content, by).await?;
    // Its buttons tell how it stands.
    look_at(desk, item);
    Ok(match answered {
        Answered::Now { task, .. } => {
            tracing::info!(user = %presser.user, %task, "a question of task {task} was answered");
            desk.task_changed(task);
            words::answer_given(content)
        }
        Answered::Before {
            content,
            author,
            author_name,
        } => before(desk, (&author, author_name.as_deref()), &content).await?,
        Answered::Gone => words::question_gone(),
        Answered::NoQuestion => words::no_question(),
    })
}

/// Somebody was faster.
async fn before(
    desk: &Desk,
    (author, name): (&str, Option<&str>),
    content: &str,
) -> Result<String> {
    if let Some(name) = name {
        return Ok(words::answered_before(name, content));
    }
    let personas = Personas::new(&desk.store.agents().await?);
    let by = personas.of(&Author::parse(author), None).name;
    Ok(words::answered_before(&by, content))
}

fn look_at(desk: &Desk, item: TimelineItem) {
    let (kind, id) = match item {
        TimelineItem::Event(id) => (EntityKind::TaskEvent, id),
        TimelineItem::Comment(id) => (EntityKind::TaskComment, id),
    };
    // Nobody listens only while the process ends.
    let _ = desk.look.send(Entity { kind, id });
}
