//! The demo agents: programs that answer what they were asked, always the same way, so that
//! everything around them can be seen at work. Words in the message steer them, wherever they stand:
//! `wait 5` takes five seconds, `fail` fails, `propose <action> …` proposes.

use std::io::{Read, Write};
use std::process::ExitCode;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

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
}

/// What the agent does about a message.
#[derive(Debug, Clone, PartialEq)]
struct Turn {
    wait: Duration,
    fail: bool,
    reply: String,
    proposals: Vec<Value>,
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
    let turn = plan(short, &question.message);
    std::thread::sleep(turn.wait);
    if turn.fail {
        let _ = writeln!(errors, "I was asked to fail, and so I did.");
        return ExitCode::FAILURE;
    }
    let answer = json!({"reply": turn.reply, "proposals": turn.proposals});
    match writeln!(output, "{answer}").and_then(|()| output.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn plan(short: &str, message: &str) -> Turn {
    let words: Vec<String> = message.split_whitespace().map(bare).collect();
    let wait = words
        .windows(2)
        .filter(|pair| pair[0] == "wait")
        .find_map(|pair| pair[1].parse::<f64>().ok())
        .filter(|seconds| seconds.is_finite())
        .map_or(Duration::ZERO, |seconds| {
            Duration::from_secs_f64(seconds.clamp(0.0, LONGEST_WAIT))
        });
    let wanted = proposal(short, message);
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
    }
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

/// What `propose <action> …` asks for; the rest of the text becomes its parameters.
fn proposal(short: &str, message: &str) -> Option<Result<Value, String>> {
    let (_, after) = split_at_word(message, "propose")?;
    let after = after.trim_start();
    let (action, rest) = after.split_once(char::is_whitespace).unwrap_or((after, ""));
    let action = action.trim_matches(|c: char| !c.is_alphanumeric() && c != '_');
    let Some((risk, parameters)) = parameters(short, action, rest.trim()) else {
        return Some(Err(format!(" I can propose {}.", ACTIONS.join(", "))));
    };
    Some(Ok(json!({
        "action_type": action,
        "parameters": parameters,
        "risk_level": risk,
        "requires_approval": true,
    })))
}

/// The text before and after the first occurrence of a whole word, in any case.
fn split_at_word<'a>(text: &'a str, word: &str) -> Option<(&'a str, &'a str)> {
    let mut from = 0;
    for part in text.split_whitespace() {
        let start = from + text[from..].find(part)?;
        from = start + part.len();
        if bare(part) == word {
            return Some((&text[..start], &text[from..]));
        }
    }
    None
}

/// The complete parameters of an action and its risk, filled from what the text gives.
fn parameters(short: &str, action: &str, rest: &str) -> Option<(&'static str, Value)> {
    let own = format!("agent:{short}:main");
    let other = if short == "main" {
        "agent:ricky:main"
    } else {
        "agent:main:main"
    };
    let or = |text: &'static str| if rest.is_empty() { text } else { rest };
    Some(match action {
        "create_task" => (
            "low",
            json!({
                "title": line(or("Look around")),
                "description": or("Look around and write down what is there."),
                "assignee_agent_key": own,
            }),
        ),
        "schedule_job" => (
            "med",
            json!({
                "name": line(or("Morning report")),
                "schedule_expr": "0 9 * * *",
                "instructions": or("Report what happened since yesterday."),
                "target_agent_key": own,
            }),
        ),
        "edit_doc" => {
            let content = or("Today was a good day.");
            (
                "med",
                json!({
                    "doc_type": "memory_today",
                    "agent_key": own,
                    "content_preview": line(content),
                    "content": content,
                }),
            )
        }
        "send_message" => (
            "low",
            json!({
                "channel": "team-room",
                "recipient": other,
                "content": or("How is it going?"),
            }),
        ),
        "api_call" => ("high", api_call(rest)),
        "file_write" => ("med", file_write(short, rest)),
        _ => return None,
    })
}

/// A URL and a method where the text has them; what stands behind the URL is the body.
fn api_call(rest: &str) -> Value {
    let method = rest
        .split_whitespace()
        .find(|word| matches!(*word, "GET" | "POST" | "PUT" | "PATCH" | "DELETE"));
    let url = rest
        .split_whitespace()
        .find(|word| word.starts_with("http://") || word.starts_with("https://"));
    let body = url
        .and_then(|url| rest.split_once(url))
        .map_or("", |(_, body)| body.trim());
    let usual = if body.is_empty() { "GET" } else { "POST" };
    json!({
        "url": url.unwrap_or("https://example.com/"),
        "method": method.unwrap_or(usual),
        "headers": {},
        "body_preview": line(body),
        "body": body,
    })
}

/// A first word that looks like a path is one.
fn file_write(short: &str, rest: &str) -> Value {
    let (first, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let is_path = first.contains('/') || first.contains('.');
    let (path, content) = match (is_path, after.trim()) {
        (true, "") => (first.to_owned(), "Hello from a file."),
        (true, content) => (first.to_owned(), content),
        (false, _) if rest.is_empty() => (format!("notes/{short}.md"), "Hello from a file."),
        (false, _) => (format!("notes/{short}.md"), rest),
    };
    json!({"path": path, "content_preview": line(content), "content": content})
}

/// The beginning, on one line: for titles and previews.
fn line(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.chars().take(80).collect()
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
