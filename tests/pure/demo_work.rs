//! Tests of `executor::demo::work`.

use clawdos_bridge::executor::demo::demo_agent;
use serde_json::{Value, json};
use uuid::Uuid;

use clawdos_bridge::model::attention::question;
use clawdos_bridge::model::proposal::read_event;
use clawdos_bridge::model::waking::{About, Waking};

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
    demo_agent("ricky", input.as_bytes(), &mut output, &mut errors);
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
