//! What a demo agent proposes when it is asked to: complete, and different for each action.

use serde_json::{Value, json};

use super::{ACTIONS, bare};

/// What `propose <action> …` asks for; the rest of the text becomes its parameters.
pub(super) fn proposal(short: &str, message: &str) -> Option<Result<Value, String>> {
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
pub(super) fn line(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.chars().take(80).collect()
}
