//! Reading what an agent printed.

use serde_json::Value;

/// Proposals that one turn may make, and events that it may tell; more is an agent that has lost its way.
const MAX_PROPOSALS: usize = 20;
const MAX_EVENTS: usize = 50;

/// Why there is no answer where the agent printed nothing.
pub(super) const SILENT: &str = "The agent ended without saying anything.";

/// What an agent said.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Answer {
    /// Its answer; an agent that only proposes has none.
    pub reply: Option<String>,
    /// What it proposes, unread.
    pub proposals: Vec<Value>,
    /// What it tells of its task, unread.
    pub events: Vec<Value>,
    /// Where it moves its task, unread.
    pub status: Option<Value>,
}

impl Answer {
    fn is_nothing(&self) -> bool {
        self.reply.is_none()
            && self.proposals.is_empty()
            && self.events.is_empty()
            && self.status.is_none()
    }
}

/// Reads it: JSON of a known shape, or plain text. Nothing at all is a failure, never an answer.
pub(super) fn read(output: &[u8]) -> Result<Answer, String> {
    let text = String::from_utf8_lossy(output);
    let text = text.trim();
    let answer = match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(object)) => from_json(&Value::Object(object))?,
        _ => None,
    };
    let answer = answer.unwrap_or_else(|| Answer {
        reply: said(text),
        proposals: Vec::new(),
        events: Vec::new(),
        status: None,
    });
    if answer.is_nothing() {
        return Err(SILENT.to_owned());
    }
    Ok(answer)
}

/// `None` for an object of no known shape: an agent may have been asked for JSON.
fn from_json(json: &Value) -> Result<Option<Answer>, String> {
    let proposals = list(json.get("proposals"));
    if proposals.len() > MAX_PROPOSALS {
        return Err(format!(
            "The agent made {} proposals at once; at most {MAX_PROPOSALS} are taken.",
            proposals.len()
        ));
    }
    // Other shapes have words of their own under the same names.
    let is_ours = json.get("result").is_none() && json.get("payloads").is_none();
    let events = list(json.get("events").filter(|_| is_ours));
    if events.len() > MAX_EVENTS {
        return Err(format!(
            "The agent told {} events at once; at most {MAX_EVENTS} are taken.",
            events.len()
        ));
    }
    let speaks = json.get("reply").is_some() || !events.is_empty();
    let status = json
        .get("status")
        .filter(|it| is_ours && speaks && !it.is_null());
    if let Some(complaint) = complained(json) {
        return Err(format!("The agent reports an error: {complaint}"));
    }
    let reply = match (json.get("reply"), json.get("result")) {
        (Some(Value::String(reply)), _) => said(reply),
        (Some(Value::Null), _) => None,
        // `claude -p --output-format json`
        (_, Some(Value::String(result))) => said(result),
        // `openclaw agent --json`, through its gateway and without
        (_, result) => match payloads(result.unwrap_or(json)) {
            Some(texts) => said(&texts),
            None if proposals.is_empty() && events.is_empty() => return Ok(None),
            None => None,
        },
    };
    Ok(Some(Answer {
        reply,
        proposals,
        events,
        status: status.cloned(),
    }))
}

/// What is no list counts as one thing: it is shown as malformed, like whatever else is.
fn list(value: Option<&Value>) -> Vec<Value> {
    match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(all)) => all.clone(),
        Some(other) => vec![other.clone()],
    }
}

/// What an agent that failed says about it where answers stand, if it is of a known shape.
pub(super) fn complaint(output: &[u8]) -> Option<String> {
    complained(&serde_json::from_slice(output).ok()?)
}

/// `claude -p --output-format json` reports what went wrong in place of a result.
fn complained(json: &Value) -> Option<String> {
    let failed = json.get("is_error") == Some(&Value::Bool(true));
    let cut_off = json.get("result").is_none();
    if json.get("type")?.as_str()? != "result" || !(failed || cut_off) {
        return None;
    }
    let listed = json.get("errors").and_then(Value::as_array);
    let listed = listed.into_iter().flatten().filter_map(Value::as_str);
    let result = json.get("result").and_then(Value::as_str);
    let texts: Vec<&str> = result.into_iter().chain(listed).collect();
    said(&texts.join("\n")).or_else(|| said(json.get("subtype")?.as_str()?))
}

/// The texts of `payloads`, joined as `ClawdOS` joins them.
fn payloads(json: &Value) -> Option<String> {
    let texts = json.get("payloads")?.as_array()?.iter();
    let texts: Vec<&str> = texts
        .filter_map(|payload| payload.get("text")?.as_str())
        .filter(|text| !text.trim().is_empty())
        .collect();
    Some(texts.join("\n\n"))
}

fn said(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Answer, read};

    fn reply(output: &str) -> Option<String> {
        read(output.as_bytes()).unwrap().reply
    }

    #[test]
    fn plain_text_is_the_answer() {
        assert_eq!(reply(" hi\nthere \n").as_deref(), Some("hi\nthere"));
        assert_eq!(reply("[1, 2]").as_deref(), Some("[1, 2]"));
        assert_eq!(reply(r#"{"a": 1}"#).as_deref(), Some(r#"{"a": 1}"#));
    }

    #[test]
    fn every_known_shape_is_read() {
        assert_eq!(reply(r#"{"reply": "a"}"#).as_deref(), Some("a"));
        let gateway = r#"{"result": {"payloads": [{"text": "a"}, {"text": null}, {"text": "b"}]}}"#;
        assert_eq!(reply(gateway).as_deref(), Some("a\n\nb"));
        assert_eq!(
            reply(r#"{"payloads": [{"text": "a"}]}"#).as_deref(),
            Some("a")
        );
        assert_eq!(
            reply(r#"{"type": "result", "result": "a"}"#).as_deref(),
            Some("a")
        );
    }

    #[test]
    fn an_error_in_place_of_a_result_is_no_answer() {
        for (output, reason) in [
            (
                r#"{"type": "result", "is_error": true, "result": "Credit balance is too low"}"#,
                "Credit balance is too low",
            ),
            (
                r#"{"type": "result", "subtype": "error_max_turns", "is_error": false}"#,
                "error_max_turns",
            ),
            (
                r#"{"type": "result", "is_error": true, "errors": ["one", "two"]}"#,
                "one\ntwo",
            ),
        ] {
            let told = read(output.as_bytes()).unwrap_err();
            assert!(told.ends_with(reason), "{told}");
            assert_eq!(super::complaint(output.as_bytes()).as_deref(), Some(reason));
        }
        assert_eq!(super::complaint(b"half an answer"), None);
        assert_eq!(
            super::complaint(br#"{"type": "result", "result": "a"}"#),
            None
        );
    }

    #[test]
    fn saying_nothing_is_a_failure() {
        for output in [
            "",
            " \n",
            r#"{"reply": " "}"#,
            r#"{"result": {"payloads": []}}"#,
        ] {
            assert!(read(output.as_bytes()).is_err(), "{output}");
        }
    }

    #[test]
    fn proposals_come_with_or_without_a_reply() {
        let proposal = json!({"action_type": "create_task"});
        let both = json!({"reply": "a", "proposals": [proposal]}).to_string();
        let answer = Answer {
            reply: Some("a".to_owned()),
            proposals: vec![proposal.clone()],
            events: Vec::new(),
            status: None,
        };
        assert_eq!(read(both.as_bytes()), Ok(answer));
        let alone = json!({"proposals": [proposal]}).to_string();
        assert_eq!(read(alone.as_bytes()).unwrap().reply, None);
        let odd = read(br#"{"reply": "a", "proposals": "x"}"#).unwrap();
        assert_eq!(odd.proposals, vec![json!("x")]);
        let many = json!({"reply": "a", "proposals": vec![proposal; 21]}).to_string();
        assert!(read(many.as_bytes()).is_err());
    }

    #[test]
    fn what_is_told_of_a_task_is_taken_only_in_our_own_shape() {
        let event = json!({"event_type": "comment", "content": "x"});
        let ours = json!({"events": [event], "status": "review"}).to_string();
        let answer = read(ours.as_bytes()).unwrap();
        assert_eq!((answer.reply, answer.events), (None, vec![event.clone()]));
        assert_eq!(answer.status, Some(json!("review")));
        let gateway = json!({
            "status": "ok", "events": [event], "result": {"payloads": [{"text": "a"}]},
        });
        let answer = read(gateway.to_string().as_bytes()).unwrap();
        assert_eq!((answer.events.len(), answer.status), (0, None));
        // Somebody asked for JSON.
        assert_eq!(
            reply(r#"{"status": "ok"}"#).as_deref(),
            Some(r#"{"status": "ok"}"#)
        );
        let many = json!({"reply": "a", "events": vec![event; 51]}).to_string();
        assert!(read(many.as_bytes()).is_err());
    }
}
