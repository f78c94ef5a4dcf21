//! Questions of agents are answered once: the first answer counts.

use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Doer, NewEvent, lock, wake, write_event};
use crate::model::AgentKey;
use crate::model::attention::question;
use crate::model::message::Author;
use crate::model::task::TimelineItem;
use crate::model::waking::Waking;
use crate::store::task_ask::references;
use crate::store::waking::News;
use crate::store::{Result, Store};

/// What became of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    /// It counts.
    Now {
        /// The task.
        task: Uuid,
        /// The event.
        event: Uuid,
        /// The agent that was woken: a message waits for it.
        woken: Option<AgentKey>,
    },
    /// There is one already.
    Before {
        /// What it says: `Answer: A — …`.
        content: String,
        /// Its author.
        author: String,
        /// The name that came with it.
        author_name: Option<String>,
    },
    /// The row, or its task, is not there any more.
    Gone,
    /// The row asks nothing.
    NoQuestion,
}

impl Store {
    /// Answers the question in a comment: `content` comes from `model::attention`. Whoever asked is woken.
    pub async fn answer_question(
        &self,
        item: TimelineItem,
        content: &str,
        by: Doer<'_>,
    ) -> Result<Answered> {
        let mut tx = self.pool().begin().await?;
        let Some((task, author, asked)) = self.asked(&mut tx, item).await? else {
            return Ok(Answered::Gone);
        };
        // Whoever answers in the same task waits here.
        let Some(row) = lock(&mut tx, self.project(), task).await? else {
            return Ok(Answered::Gone);
        };
        if question(&asked).is_none() {
            return Ok(Answered::NoQuestion);
        }
        if let Some(before) = self.answer_to(&mut tx, task, item).await? {
            return Ok(before);
        }
        let (TimelineItem::Event(id) | TimelineItem::Comment(id)) = item;
        let event = Uuid::new_v5(&id, b"answer");
        let new = NewEvent {
            id: event,
            task,
            event_type: "comment",
            author: by.author,
            content: Some(content),
            metadata: by.metadata(json!({ "reply_to": item.reply_to() })),
            at: None,
        };
        if !write_event(&mut tx, self.project(), new).await? {
            // An answer of this id that does not read as one: somebody has written into the table.
            return Ok(Answered::Gone);
        }
        let agent = match Author::parse(&author) {
            Author::Agent(agent) => Some(agent),
            _ => None,
        };
        let news = News {
            event,
            about: row.about(),
            what: Waking::Answered {
                question: &asked,
                answer: content,
            },
        };
        let woken = wake(&mut tx, self.project(), agent, news, by).await?;
        tx.commit().await?;
        Ok(Answered::Now { task, event, woken })
    }

    /// The task, the author and the text of a comment.
    async fn asked(
        &self,
        on: &mut PgConnection,
        item: TimelineItem,
    ) -> Result<Option<(Uuid, String, String)>> {
        let (query, id) = match item {
            TimelineItem::Event(id) => (
                "SELECT task_id, author, coalesce(content, '') FROM task_events \
                 WHERE id = $1 AND project_id = $2 AND event_type = 'comment'",
                id,
            ),
            TimelineItem::Comment(id) => (
                "SELECT task_id, coalesce(author_agent_key, 'ui'), content FROM task_comments \
                 WHERE id = $1 AND project_id = $2",
                id,
            ),
        };
        let row = sqlx::query_as(query)
            .bind(id)
            .bind(self.project().as_str())
            .fetch_optional(on)
            .await?;
        Ok(row)
    }

    /// The answer that counts.
    async fn answer_to(
        &self,
        on: &mut PgConnection,
        task: Uuid,
        item: TimelineItem,
    ) -> Result<Option<Answered>> {
        let row: Option<(String, String, Option<String>)> = sqlx::query_as(concat!(
            "SELECT content, author, metadata ->> 'author_name' FROM task_events \
             WHERE task_id = $1 AND event_type = 'comment' AND content LIKE 'Answer:%' \
               AND metadata ->> 'reply_to' IN (SELECT id FROM (",
            references!("$2", "$1"),
            ") AS r(id)) \
             ORDER BY created_at, id LIMIT 1",
        ))
        .bind(task)
        .bind(item.reply_to())
        .fetch_optional(on)
        .await?;
        Ok(row.map(|(content, author, author_name)| Answered::Before {
            content,
            author,
            author_name,
        }))
    }
}
