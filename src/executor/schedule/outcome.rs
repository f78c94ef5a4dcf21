//! What becomes of what an agent printed in a run. Of a heartbeat nothing is carried out: what it found goes to the
//! activities, and what it wants to do becomes a proposal, whatever it says.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use crate::executor::output::{self, Answer, SILENT};
use crate::executor::proposal;
use crate::executor::question::Question;
use crate::model::{AgentKey, MessageId};
use crate::store::chat::TEXT_TYPE;
use crate::store::schedule::KeptJob;
use crate::store::schedule::runs::Ended;
use crate::store::turn::Outgoing;

/// Characters of the output that the result of a request keeps, from its end.
const TAIL: usize = 2_000;

/// Characters of one activity.
const ACTIVITY: usize = 1_500;

/// What agents say who have nothing to say (source: `OpenClaw`'s own word for heartbeats).
const OK_WORD: &str = "HEARTBEAT_OK";

/// Characters beside that word that still are nothing (source: the same).
const OK_REST: usize = 300;

const NOTHING: &str = "Nothing to report.";

/// What an agent told of tasks: nobody asked it about one.
const LOST: &str = "(The agent also wanted to report on a task. A scheduled run is about none, so nothing was changed.)";

/// What is known of a run while it goes on.
pub(super) struct Report {
    name: String,
    job: String,
    heartbeat: bool,
    began: DateTime<Utc>,
    took: Duration,
}

impl Report {
    pub(super) fn new(job: &KeptJob, began: DateTime<Utc>) -> Self {
        Self {
            name: job.text.name.clone(),
            job: job.job.clone(),
            heartbeat: job.text.is_heartbeat(),
            began,
            took: Duration::ZERO,
        }
    }

    pub(super) fn took(&mut self, time: Duration) {
        self.took = time;
    }

    /// It failed, for this reason.
    pub(super) fn failed(&self, agent: Option<AgentKey>, why: &str) -> Ended {
        let what = if self.heartbeat { "Heartbeat" } else { "Job" };
        let activity = format!("{what} “{}” failed: {why}", self.name);
        Ended {
            error: Some(why.to_owned()),
            activity: Some(("cron_run", shortened(&activity))),
            ..self.ended(agent, "")
        }
    }

    /// The agent printed something.
    pub(super) fn printed(&self, question: &Question, printed: &[u8]) -> Ended {
        let agent = question.agent.clone();
        let answer = match output::read(printed) {
            Ok(answer) => answer,
            Err(why) if why == SILENT && self.heartbeat => Answer::default(),
            Err(why) => return self.failed(Some(agent), &why),
        };
        let told = !answer.events.is_empty() || answer.status.is_some();
        let reply = match (answer.reply, told) {
            (Some(reply), true) => Some(format!("{reply}\n\n{LOST}")),
            (None, true) => Some(LOST.to_owned()),
            (reply, false) => reply,
        };
        let proposals = answer.proposals.into_iter();
        let mut messages: Vec<Outgoing> = proposals
            .map(|it| proposal::as_message(&agent, it, Utc::now()))
            .collect();
        let (activity, tail) = if self.heartbeat {
            heartbeat(reply)
        } else {
            let tail = reply.clone().unwrap_or_default();
            if let Some(text) = reply {
                messages.insert(0, self.said(text));
            }
            let seconds = self.took.as_secs();
            (
                (
                    "cron_run",
                    format!("Job “{}” ran: ok, {seconds} s", self.name),
                ),
                tail,
            )
        };
        Ended {
            activity: Some((activity.0, shortened(&activity.1))),
            messages,
            ..self.ended(Some(agent), &tail)
        }
    }

    /// What a job says, in the agent's direct thread.
    fn said(&self, text: String) -> Outgoing {
        Outgoing {
            id: MessageId(Uuid::new_v4()),
            text,
            message_type: TEXT_TYPE.to_owned(),
            metadata: json!({ "kind": "job", "job_id": self.job, "job_name": self.name }),
        }
    }

    fn ended(&self, agent: Option<AgentKey>, tail: &str) -> Ended {
        let skipped = tail.chars().count().saturating_sub(TAIL);
        Ended {
            began: self.began,
            duration_ms: i32::try_from(self.took.as_millis()).unwrap_or(i32::MAX),
            error: None,
            tail: tail.chars().skip(skipped).collect(),
            agent,
            heartbeat: self.heartbeat,
            activity: None,
            messages: Vec::new(),
        }
    }
}

/// Type and message of the activity, and what was said.
fn heartbeat(reply: Option<String>) -> ((&'static str, String), String) {
    let said = reply.unwrap_or_default();
    let text = said.trim();
    if is_nothing(text) {
        let text = text.replace(OK_WORD, "");
        let text = text.trim();
        let message = if text.is_empty() { NOTHING } else { text };
        return (("heartbeat", message.to_owned()), said);
    }
    (("heartbeat_finding", text.to_owned()), said)
}

fn is_nothing(text: &str) -> bool {
    let ok = text.starts_with(OK_WORD) || text.ends_with(OK_WORD);
    let low = text.to_lowercase();
    // Whoever has nothing to report and goes on has something to report.
    let plain = low.trim_end_matches(['.', '!']);
    text.is_empty()
        || (ok && text.chars().count() <= OK_WORD.len() + OK_REST)
        || ["nothing to report", "no_reply", "all clear"].contains(&plain)
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(ACTIVITY) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
