//! Proposals to draw.

use chrono::{DateTime, Utc};
use clawdos_bridge::cards::{Draft, Personas, Row};
use clawdos_bridge::model::agent::Agent;
use clawdos_bridge::model::message::Author;
use clawdos_bridge::model::proposal::{
    ACTION_PROPOSAL, Decision, Execution, Proposal, ProposalRef, ProposalSource, ProposalState,
    Reading, Verdict, read_message,
};
use clawdos_bridge::model::thread::Place;
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

pub(crate) fn reference(source: ProposalSource) -> ProposalRef {
    ProposalRef {
        source,
        id: Uuid::from_u128(0x5f0c_1d2e_3b4a_4c5d_8e9f_0001_0203_0405),
    }
}

/// A proposal that stands in a chat message.
pub(crate) fn proposed(metadata: &Value) -> Proposal {
    read(
        ProposalSource::Message,
        read_message(ACTION_PROPOSAL, metadata),
    )
}

pub(crate) fn read(source: ProposalSource, reading: Reading) -> Proposal {
    Proposal {
        reference: reference(source),
        place: Place::Room,
        proposer: Author::Agent("agent:ricky:main".parse().unwrap()),
        proposed_at: at(1_000),
        task_title: None,
        reading,
        state: ProposalState::Open,
    }
}

pub(crate) fn action(name: &str, risk: &str, parameters: &Value) -> Proposal {
    proposed(&json!({
        "action_type": name, "risk_level": risk, "reason": "The operator asked for it.",
        "parameters": parameters,
    }))
}

pub(crate) fn file_write(content: &str) -> Proposal {
    let parameters = json!({ "path": "notes/today.md", "content": content });
    action("file_write", "med", &parameters)
}

pub(crate) fn personas() -> Personas {
    Personas::new(&[Agent {
        key: "agent:ricky:main".parse().unwrap(),
        name: "Ricky".to_owned(),
        role: None,
        emoji: None,
    }])
}

pub(crate) fn decided(proposal: Proposal, verdict: Verdict, execution: Execution) -> Proposal {
    let decision = Decision {
        verdict,
        by: "42".parse().unwrap(),
        by_name: "Anna".to_owned(),
        at: at(2_000),
        reason: (verdict == Verdict::Reject).then(|| "Not today.".to_owned()),
        execution,
    };
    Proposal {
        state: ProposalState::Decided(decision),
        ..proposal
    }
}

/// A card as a person sees it.
pub(crate) fn drawn(draft: &Draft) -> String {
    let json = serde_json::to_value(draft).unwrap();
    let mut lines = vec![draft.content.clone()];
    for embed in json["embeds"].as_array().unwrap() {
        let color = embed["color"].as_u64().unwrap();
        lines.push(format!("== {} (#{color:06x})", text(&embed["title"])));
        lines.extend(embed["description"].as_str().map(str::to_owned));
        for field in embed["fields"].as_array().unwrap() {
            lines.push(format!(
                "[{}] {}",
                text(&field["name"]),
                text(&field["value"])
            ));
        }
        lines.push(format!("-- {}", text(&embed["footer"]["text"])));
    }
    for button in json["components"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|row| row["components"].as_array().unwrap())
    {
        if button["type"] == 3 {
            lines.push(list(button));
            continue;
        }
        let off = if button["disabled"] == true {
            " (off)"
        } else {
            ""
        };
        let (style, press) = (&button["style"], text(&button["custom_id"]));
        let press = press.split(':').take(3).collect::<Vec<_>>().join(":");
        lines.push(format!("({}) {style} {press}{off}", text(&button["label"])));
    }
    for file in &draft.files {
        lines.push(format!("+ {}", file.name));
    }
    lines.join("\n")
}

/// A list to choose from: what holds now is in brackets.
fn list(select: &Value) -> String {
    let choices = select["options"].as_array().unwrap().iter().map(|choice| {
        let (label, value) = (text(&choice["label"]), text(&choice["value"]));
        if choice["default"] == true {
            format!("[{label}={value}]")
        } else {
            format!("{label}={value}")
        }
    });
    let choices = choices.collect::<Vec<_>>().join(", ");
    let press = text(&select["custom_id"]).split(':').take(3);
    let press = press.collect::<Vec<_>>().join(":");
    format!("<{}> {press} {choices}", text(&select["placeholder"]))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// Whether the button of this name can be pressed; `None` where there is none.
pub(crate) fn can_press(draft: &Draft, label: &str) -> Option<bool> {
    let mut buttons = draft.components.iter().flat_map(Row::buttons);
    buttons
        .find(|button| button.label == label)
        .map(|button| button.enabled)
}
