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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use uuid::Uuid;

    use crate::model::attention::question;
    use crate::model::proposal::read_event;
    use crate::model::waking::{About, Waking};

    fn told(what: Waking<'_>) -> Value {
        let task = Uuid::new_v4();
        let about = About {
            task,
            title: "Tidy up",
        };
        let input = json!({
            "message": what.text(about), "agent": "agent:ricky:main", "task_id": task,
            "kind": what.kind(),
        });
        let (mut output, mut errors) = (Vec::new(), Vec::new());
        let input = input.to_string();
        super::super::demo_agent("ricky", input.as_bytes(), &mut output, &mut errors);
        serde_json::from_slice(&output).unwrap()
    }

    fn texts(answer: &Value) -> Vec<(&str, &str)> {
        let events = answer["events"].as_array().unwrap().iter();
        events
            .map(|event| {
                let of = |name: &str| event[name].as_str().unwrap_or_default();
                (of("event_type"), of("content"))
            })
            .collect()
    }

    #[test]
    fn it_begins_with_a_report_an_output_and_a_question() {
        let answer = told(Waking::Started { description: None });
        let events = texts(&answer);
        let types: Vec<&str> = events.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(
            types,
            ["agent_update", "output_added", "output_added", "comment"]
        );
        assert!(events[1].1.contains("“Tidy up”"), "{events:?}");
        assert_eq!(question(events[3].1).unwrap().options.len(), 2);
        assert_eq!(answer.get("status"), None);
    }

    #[test]
    fn an_answer_leads_to_a_request_that_can_be_approved_and_to_a_review() {
        let answer = told(Waking::Answered {
            question: "How?",
            answer: "Answer: B — Thoroughly",
        });
        let events = texts(&answer);
        assert!(events[0].1.contains("B — Thoroughly"), "{events:?}");
        let request = &answer["events"][2];
        let read = read_event(request["content"].as_str(), &request["metadata"]);
        assert!(read.payload.is_ok(), "{read:?}");
        assert_eq!(answer["status"], "review");
    }
}
