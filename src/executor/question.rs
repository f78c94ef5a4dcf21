//! What an agent is asked, and how its command line holds it.

use serde_json::json;
use uuid::Uuid;

use super::settings::{AgentCommand, AgentInput};
use crate::model::{AgentKey, MessageId, ProjectId, ThreadId};

/// Name space of `{session_uuid}`, drawn once at random.
const SESSIONS: Uuid = Uuid::from_u128(0x2f0c_83c5_91d7_4c0e_8a6b_70de_1f4a_9e25);

/// What an agent is asked.
#[derive(Debug, Clone)]
pub(super) struct Question {
    /// Who is asked.
    pub agent: AgentKey,
    /// In which project.
    pub project: ProjectId,
    /// In which thread.
    pub thread: Option<ThreadId>,
    /// By which message.
    pub message_id: MessageId,
    /// The task that the message is about.
    pub task: Option<Uuid>,
    /// What has happened to the task: `kickoff`, `handover`, `answer`, `mention`. Without a
    /// message it is `heartbeat` or `job`.
    pub kind: Option<String>,
    /// What.
    pub text: String,
    /// What the agent is told besides: its context pack.
    pub context: Option<String>,
}

/// Most bytes of a context in an argument: Linux takes 128 KiB (source: its `execve`).
const IN_ARGUMENT: usize = 100_000;

impl Question {
    /// The agent's own memory of a thread (source: `ClawdOS` builds the same word).
    fn session(&self) -> String {
        match self.thread {
            Some(thread) => format!("clawdos:{}:{thread}", self.project),
            None => format!("clawdos:{}:{}", self.project, self.agent),
        }
    }

    /// The same word for programs that take nothing but a UUID: nobody has to remember it.
    fn session_uuid(&self) -> String {
        Uuid::new_v5(&SESSIONS, self.session().as_bytes()).to_string()
    }

    /// What stands on the agent's standard input; nothing where an argument holds the message.
    pub(super) fn input(&self, command: &AgentCommand) -> Option<String> {
        if command.argv.iter().any(|part| part.contains("{message}")) {
            return None;
        }
        Some(match command.input {
            AgentInput::Json => self.as_json(),
            AgentInput::Text => self.text.clone(),
        })
    }

    fn as_json(&self) -> String {
        json!({
            "message": self.text,
            "agent": self.agent,
            "thread_id": self.thread,
            "message_id": self.message_id,
            "project_id": self.project,
            "task_id": self.task,
            "kind": self.kind,
            "context": self.context,
        })
        .to_string()
    }

    /// An argument that holds the context is left out where there is none.
    pub(super) fn needs(&self, template: &str) -> bool {
        self.context.is_some() || !template.contains("{context}")
    }

    /// The context as an argument can hold it.
    fn context_argument(&self) -> String {
        let context = self.context.as_deref().unwrap_or_default();
        let context = context.replace('\0', "\u{fffd}");
        let end = context.floor_char_boundary(IN_ARGUMENT);
        context[..end].to_owned()
    }

    /// In one pass: what a message says is never looked at again.
    pub(super) fn fill_in(&self, template: &str) -> String {
        let mut filled = String::new();
        let mut rest = template;
        while let Some(start) = rest.find('{') {
            filled.push_str(&rest[..start]);
            rest = &rest[start..];
            let (name, value) = match rest {
                _ if rest.starts_with("{short}") => ("{short}", self.agent.short().to_owned()),
                _ if rest.starts_with("{key}") => ("{key}", self.agent.to_string()),
                _ if rest.starts_with("{session}") => ("{session}", self.session()),
                _ if rest.starts_with("{session_uuid}") => ("{session_uuid}", self.session_uuid()),
                _ if rest.starts_with("{context}") => ("{context}", self.context_argument()),
                // The one character that an argument cannot hold.
                _ if rest.starts_with("{message}") => {
                    ("{message}", self.text.replace('\0', "\u{fffd}"))
                }
                _ => ("{", "{".to_owned()),
            };
            filled.push_str(&value);
            rest = &rest[name.len()..];
        }
        filled + rest
    }
}

#[cfg(test)]
mod tests {
    use super::Question;
    use crate::model::MessageId;

    fn question(thread: Option<&str>, text: &str) -> Question {
        Question {
            agent: "ricky".parse().unwrap(),
            project: "front-office".parse().unwrap(),
            thread: thread.map(|thread| thread.parse().unwrap()),
            message_id: MessageId(uuid::Uuid::nil()),
            task: None,
            kind: None,
            text: text.to_owned(),
            context: None,
        }
    }

    #[test]
    fn a_context_stands_where_an_argument_wants_it_and_else_nowhere() {
        let mut asked = question(None, "{context}");
        assert!(!asked.needs("--more={context}") && asked.needs("{message}"));
        asked.context = Some("# Pack\0{message}".to_owned());
        assert!(asked.needs("--more={context}"));
        assert_eq!(
            asked.fill_in("{context}|{message}"),
            "# Pack\u{fffd}{message}|{context}"
        );
        asked.context = Some("ä".repeat(100_000));
        assert_eq!(asked.fill_in("{context}").len(), 100_000);
    }

    #[test]
    fn a_message_is_filled_in_once_and_never_looked_at_again() {
        let asked = question(None, "{key} {message} {nothing}");
        assert_eq!(
            asked.fill_in("{short}|{message}|{other}|{"),
            "ricky|{key} {message} {nothing}|{other}|{"
        );
    }

    #[test]
    fn a_thread_has_one_session_and_every_other_thread_another() {
        let (one, other) = (uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
        let of = |thread| question(thread, "x").fill_in("{session_uuid}");
        let (one, other) = (one.to_string(), other.to_string());
        assert_eq!(of(Some(&one)), of(Some(&one)));
        assert!(of(Some(&one)) != of(Some(&other)) && of(None) != of(Some(&one)));
        assert!(of(None).parse::<uuid::Uuid>().is_ok());
    }
}
