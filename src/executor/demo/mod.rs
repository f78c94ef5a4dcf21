//! The demo agents: programs that answer what they were asked, always the same way, so that
//! everything around them can be seen at work. Words in the message steer them, wherever they stand:
//! `wait 5` takes five seconds, `fail` fails, `mission` tells what they know of it, `propose <action> …` proposes. What they hear of a task they
//! work on: they report, deliver, ask, and go on with the answer. A heartbeat finds something where it is told to
//! `find` it.

mod beat;
mod propose;
mod skills;
mod work;

use std::io::{Read, Write};
use std::process::ExitCode;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

pub use skills::write_skills;

/// The longest `wait`, in seconds.
const LONGEST_WAIT: f64 = 600.0;

/// The actions that `propose` knows.
pub const ACTIONS: [&str; 6] = [
    "create_task",
    "schedule_job",
    "edit_doc",
    "send_message",
    "api_call",
    "file_write",
];

/// What the executor writes to an agent's standard input, as far as a demo agent needs it.
#[derive(Deserialize)]
struct Question {
    message: String,
    /// The task that the message is about.
    #[serde(default)]
    task_id: Option<String>,
    /// What has happened to the task.
    #[serde(default)]
    kind: Option<String>,
    /// What it is told besides.
    #[serde(default)]
    context: Option<String>,
}

/// What the agent does about a message.
#[derive(Debug, Clone, PartialEq)]
struct Turn {
    wait: Duration,
    fail: bool,
    reply: String,
    proposals: Vec<Value>,
    events: Vec<Value>,
    status: Option<&'static str>,
}

/// One turn of the demo agent `short`, as the hidden subcommand `demo-agent` runs it: a question on
/// `input`, the answer on `output`, reasons on `errors`.
pub fn demo_agent(
    short: &str,
    mut input: impl Read,
    mut output: impl Write,
    mut errors: impl Write,
) -> ExitCode {
    let question = serde_json::from_reader::<_, Question>(&mut input);
    let question = match question {
        Ok(question) => question,
        Err(error) => {
            // Nobody is left to tell when the error output is gone too.
            let _ = writeln!(
                errors,
                "The question on standard input is unreadable: {error}"
            );
            return ExitCode::from(2);
        }
    };
    let kind = question.kind.as_deref().unwrap_or_default();
    let mut turn = match kind {
        "heartbeat" => beat::beat(short, &question.message),
        _ => plan(short, &question.message),
    };
    if kind.is_empty() && said_words(&question.message).any(|word| word == "mission") {
        turn.reply = mission(question.context.as_deref());
    }
    if question.task_id.is_some() {
        work::go_on(&mut turn, short, kind, &question.message);
    }
    std::thread::sleep(turn.wait);
    if turn.fail {
        let _ = writeln!(errors, "I was asked to fail, and so I did.");
        return ExitCode::FAILURE;
    }
    let mut answer = json!({"reply": turn.reply, "proposals": turn.proposals});
    if !turn.events.is_empty() {
        answer["events"] = turn.events.into();
    }
    if let Some(status) = turn.status {
        answer["status"] = status.into();
    }
    match writeln!(output, "{answer}").and_then(|()| output.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn plan(short: &str, message: &str) -> Turn {
    let words: Vec<String> = said_words(message).collect();
    let wait = words
        .windows(2)
        .filter(|pair| pair[0] == "wait")
        .find_map(|pair| pair[1].parse::<f64>().ok())
        .filter(|seconds| seconds.is_finite())
        .map_or(Duration::ZERO, |seconds| {
            Duration::from_secs_f64(seconds.clamp(0.0, LONGEST_WAIT))
        });
    let wanted = propose::proposal(short, message);
    let mut reply = character(short, message);
    let mut proposals = Vec::new();
    match wanted {
        Some(Ok(proposal)) => {
            reply.push_str(" I have made a proposal; it is yours to decide.");
            proposals.push(proposal);
        }
        Some(Err(unknown)) => {
            reply.push_str(&unknown);
        }
        None => {}
    }
    Turn {
        wait,
        fail: words.iter().any(|word| word == "fail"),
        reply,
        proposals,
        events: Vec::new(),
        status: None,
    }
}

/// What the context says about what the project is for.
fn mission(context: Option<&str>) -> String {
    let below = context.and_then(|it| it.split_once("\n## Mission\n"));
    match below.and_then(|(_, rest)| rest.split("\n\n## ").next()) {
        Some(mission) => format!("The mission is: {}", mission.trim()),
        None => "Nobody has told me a mission.".to_owned(),
    }
}

fn said_words(message: &str) -> impl Iterator<Item = String> {
    message.split_whitespace().map(bare)
}

/// A word without what surrounds it.
fn bare(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_alphanumeric())
        .to_lowercase()
}

fn character(short: &str, message: &str) -> String {
    let quote = message.trim();
    match short {
        "main" => format!("You said: “{quote}”. Trunks has it; I will see that it gets done."),
        "ricky" => format!("“{quote}”? Ricky here. Sleeves up, looking into it."),
        other => format!("“{quote}”. Heard by {other}."),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::{ACTIONS, demo_agent, plan};

    fn said(short: &str, message: &str) -> (String, Value, String) {
        let input = json!({"message": message, "agent": format!("agent:{short}:main")}).to_string();
        let (mut output, mut errors) = (Vec::new(), Vec::new());
        let code = demo_agent(short, input.as_bytes(), &mut output, &mut errors);
        let output = serde_json::from_slice(&output).unwrap_or_default();
        (
            format!("{code:?}"),
            output,
            String::from_utf8(errors).unwrap(),
        )
    }

    #[test]
    fn an_agent_answers_what_it_was_asked_in_its_own_voice() {
        let (_, trunks, _) = said("main", "How are you?");
        let (_, ricky, _) = said("ricky", "How are you?");
        for answer in [&trunks, &ricky] {
            assert!(
                answer["reply"].as_str().unwrap().contains("“How are you?”"),
                "{answer}"
            );
            assert_eq!(answer["proposals"], json!([]));
        }
        assert!(trunks["reply"].as_str().unwrap().contains("Trunks"));
        assert!(ricky["reply"].as_str().unwrap().contains("Ricky"));
    }

    #[test]
    fn fail_fails_with_a_reason_wherever_it_stands() {
        let (code, output, errors) = said("main", "please Fail, now");
        assert_eq!(code, format!("{:?}", std::process::ExitCode::FAILURE));
        assert_eq!(output, Value::Null);
        assert!(errors.contains("asked to fail"), "{errors}");
        assert!(!plan("main", "failure is no option").fail);
    }

    #[test]
    fn wait_takes_the_seconds_it_is_told() {
        assert_eq!(
            plan("main", "do wait 5, then go").wait,
            Duration::from_secs(5)
        );
        assert_eq!(plan("main", "wait 0.25").wait, Duration::from_millis(250));
        assert_eq!(plan("main", "wait for it").wait, Duration::ZERO);
        assert_eq!(
            plan("main", "wait -3").wait,
            Duration::from_secs(3),
            "the dash is decoration"
        );
        assert_eq!(plan("main", "wait 1e9").wait, Duration::from_mins(10));
    }

    #[test]
    fn every_action_is_proposed_with_complete_parameters() {
        for action in ACTIONS {
            let turn = plan("ricky", &format!("hey, propose {action} water the plants"));
            let [proposal] = turn.proposals.as_slice() else {
                panic!("{action}: {turn:?}");
            };
            assert_eq!(proposal["action_type"], action);
            assert!(matches!(
                proposal["risk_level"].as_str(),
                Some("low" | "med" | "high")
            ));
            let parameters = proposal["parameters"].as_object().unwrap();
            assert!(parameters.len() >= 3, "{action}: {parameters:?}");
        }
        let call = plan(
            "main",
            "propose api_call POST http://127.0.0.1:1/x {\"a\": 1}",
        );
        let parameters = &call.proposals[0]["parameters"];
        assert_eq!(parameters["method"], "POST");
        assert_eq!(parameters["url"], "http://127.0.0.1:1/x");
        assert_eq!(parameters["body"], "{\"a\": 1}");
        let file = plan("main", "propose file_write out/a.txt some words");
        assert_eq!(file.proposals[0]["parameters"]["path"], "out/a.txt");
        assert_eq!(file.proposals[0]["parameters"]["content"], "some words");
    }

    #[test]
    fn an_unknown_action_is_answered_with_the_known_ones() {
        let turn = plan("main", "propose world_peace");
        assert!(
            turn.proposals.is_empty() && turn.reply.contains("schedule_job"),
            "{turn:?}"
        );
    }

    #[test]
    fn a_question_that_is_none_is_an_error_in_words() {
        let (mut output, mut errors) = (Vec::new(), Vec::new());
        demo_agent("main", &b"hello"[..], &mut output, &mut errors);
        assert!(output.is_empty());
        assert!(String::from_utf8(errors).unwrap().contains("unreadable"));
    }
}
