//! How a demo agent works on a task: it begins with a report, something to look at and a question; with the
//! answer it goes on, asks for leave to tell the room, and hands the task in.

use serde_json::{Value, json};

use super::Turn;
use super::propose::line;

/// Adds to a turn what the agent tells of the task that its message is about.
pub(super) fn go_on(turn: &mut Turn, short: &str, kind: &str, message: &str) {
    match kind {
        "kickoff" | "handover" => {
            say(turn, format!("I have begun with {}.", title(message)));
            turn.events = begin(short, message);
        }
        "answer" => {
            say(turn, "Thank you, that helps. I go on with it.".to_owned());
            turn.events = finish(short, message);
            turn.status = Some("review");
        }
        "mention" => turn.events = vec![told("comment", "I have read it, and keep it in mind.")],
        _ => {}
    }
}

/// What was asked for in words has its own reply, which stays.
fn say(turn: &mut Turn, reply: String) {
    if turn.proposals.is_empty() {
        turn.reply = reply;
    }
}

fn begin(short: &str, message: &str) -> Vec<Value> {
    let plan = format!(
        "The plan for {}:\n1. Look.\n2. Ask.\n3. Do it.",
        title(message)
    );
    vec![
        told("agent_update", "I am on it: the plan is made."),
        json!({
            "event_type": "output_added", "content": plan,
            "metadata": {"output_type": "summary", "title": "The plan"},
        }),
        json!({
            "event_type": "output_added",
            "metadata": {
                "output_type": "link", "title": "What I have looked at",
                "link_url": format!("https://example.com/{short}/notes"),
            },
        }),
        told(
            "comment",
            "NEEDS ATTENTION: How shall I go on?\nA) Quickly, with what is there\n\
             B) Thoroughly, from the beginning",
        ),
    ]
}

fn finish(short: &str, message: &str) -> Vec<Value> {
    let answer = message.lines().find(|line| line.starts_with("Answer:"));
    let answer = line(answer.unwrap_or("Answer: as you like"));
    vec![
        told("agent_update", &format!("I go on with it ({answer}).")),
        told("agent_update", "It is done; please have a look."),
        json!({
            "event_type": "approval_request",
            "content": "May I tell the Team Room that it is done?",
            "metadata": {
                "action_type": "send_message",
                "parameters": {
                    "channel": "team-room",
                    "recipient": "everybody",
                    "content": format!("{} is done.", title(message)),
                },
                "risk_level": "low",
                "proposed_by": format!("agent:{short}:main"),
            },
        }),
    ]
}

fn told(event_type: &str, content: &str) -> Value {
    json!({"event_type": event_type, "content": content})
}

/// The title stands in quotation marks, in front of the id.
fn title(message: &str) -> String {
    let title = message
        .split_once('“')
        .and_then(|(_, rest)| rest.split_once("” (id "))
        .map_or("the task", |(title, _)| title);
    format!("“{}”", line(title))
}
