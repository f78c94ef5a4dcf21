//! The instructions of a job: headers for the scheduler, then `---`, then what the agent is told.

use std::fmt::Write as _;

use crate::model::AgentKey;

/// What every heartbeat is told at its end (source: the plan of Mission Control, to the letter).
pub const SAFETY: &str = "This is a periodic check. Do NOT take external actions. Report findings to the activity \
    feed. If action is needed, propose it for approval.";

/// Instructions, read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Instructions {
    /// `@agent:<key>`, or the older `@target:<key>`.
    pub agent: Option<AgentKey>,
    /// `@intent:<intent>`.
    pub intent: Option<String>,
    /// What the agent is told.
    pub body: String,
}

impl Instructions {
    /// Reads them. Lines that begin with `@` are headers only where `---` ends them.
    pub fn read(text: &str) -> Self {
        let mut read = Self::default();
        let mut target = None;
        let mut rest = text.trim_start();
        loop {
            let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
            let line = line.trim();
            if line == "---" {
                after.trim().clone_into(&mut read.body);
                read.agent = read.agent.or(target);
                return read;
            }
            let header = line.strip_prefix('@').and_then(|it| it.split_once(':'));
            match header {
                Some(("agent", key)) => read.agent = key.trim().parse().ok(),
                Some(("target", key)) => target = key.trim().parse().ok(),
                Some(("intent", word)) => read.intent = Some(word.trim().to_owned()),
                Some(_) => {}
                None => break,
            }
            rest = after;
        }
        Self {
            body: text.trim().to_owned(),
            ..Self::default()
        }
    }
}

/// Instructions as a row holds them: with the headers that existing executors read.
pub fn headed(agent: &AgentKey, intent: &str, body: &str) -> String {
    let mut text = format!("@agent:{agent}\n");
    if !intent.is_empty() {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "@intent:{intent}");
    }
    text + "---\n" + body.trim()
}

/// What the agent is told: without the headers, and for a heartbeat with [`SAFETY`] at its end.
pub fn prompt(instructions: &str, heartbeat: bool) -> String {
    let body = Instructions::read(instructions).body;
    if heartbeat {
        format!("{body}\n\n{SAFETY}")
    } else {
        body
    }
}
