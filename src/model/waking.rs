//! Why an agent is told of a task, and in which words: a chat message that only the agent has to understand,
//! and that people read over its shoulder.

use uuid::Uuid;

use super::task::TaskStatus;

/// Characters of a title, of a description and of what somebody said that are told.
const TITLE: usize = 300;
const TEXT: usize = 2_000;

/// What has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waking<'a> {
    /// The task is to be worked on, by this agent.
    Started {
        /// What is to be done.
        description: Option<&'a str>,
    },
    /// The task was somebody else's, and goes on with this agent.
    HandedOver {
        /// What is to be done.
        description: Option<&'a str>,
    },
    /// The agent's question has an answer.
    Answered {
        /// The question.
        question: &'a str,
        /// The answer, as its comment says it.
        answer: &'a str,
    },
    /// A comment mentions the agent.
    Mentioned {
        /// Who wrote it.
        by: &'a str,
        /// The comment.
        comment: &'a str,
    },
}

/// The task that it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About<'a> {
    /// Its row.
    pub task: Uuid,
    /// Its title.
    pub title: &'a str,
}

impl Waking<'_> {
    /// The word in the message's metadata.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Started { .. } => "kickoff",
            Self::HandedOver { .. } => "handover",
            Self::Answered { .. } => "answer",
            Self::Mentioned { .. } => "mention",
        }
    }

    /// The message: the task, its id, and what happened.
    pub fn text(&self, about: About<'_>) -> String {
        let task = format!("“{}” (id {})", line(about.title, TITLE), about.task);
        match self {
            Self::Started { description } => {
                format!(
                    "Task {task} is in progress and yours.{}",
                    what(*description)
                )
            }
            Self::HandedOver { description } => {
                let what = what(*description);
                format!("Task {task}, which is in progress, is yours now.{what}")
            }
            Self::Answered { question, answer } => format!(
                "Your question in task {task} is answered.\n> {}\n{}",
                line(question, TITLE),
                cut(answer, TEXT)
            ),
            Self::Mentioned { by, comment } => format!(
                "{} mentions you in task {task}:\n{}",
                line(by, TITLE),
                quoted(comment)
            ),
        }
    }
}

fn what(description: Option<&str>) -> String {
    let description = description.map(str::trim).filter(|text| !text.is_empty());
    description.map_or(String::new(), |text| format!("\n{}", cut(text, TEXT)))
}

fn quoted(text: &str) -> String {
    let text = cut(text.trim(), TEXT);
    let lines: Vec<String> = text.lines().map(|line| format!("> {line}")).collect();
    lines.join("\n")
}

fn line(text: &str, most: usize) -> String {
    cut(&text.split_whitespace().collect::<Vec<_>>().join(" "), most)
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A status as people read it: `in_progress` is "In progress".
pub fn status_words(status: &TaskStatus) -> String {
    let words = status.as_str().replace('_', " ");
    let mut letters = words.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
