//! Whatever an agent writes, a card stays within Discord's limits and says only what we say.

use clawdos_bridge::cards::custom_id::{LIMIT, Press};
use clawdos_bridge::cards::proposal::{document, exact_json, proposal_card};
use clawdos_bridge::cards::{Draft, Embed, Personas, digest, quote, verdict};
use clawdos_bridge::model::agent::Agent;
use clawdos_bridge::model::message::Author;
use clawdos_bridge::model::proposal::{
    Ending, Execution, Proposal, ProposalSource, ProposalState, Verdict, read_event, read_task,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::stage;

/// Text that means something to Discord, to a terminal or to an eye.
fn wild() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-z ]{1,40}",
        2 => Just("```".to_owned()),
        1 => Just("`".to_owned()),
        1 => Just("\n\n# **Approved** by Anna\n".to_owned()),
        1 => Just("\n```\n**Risk** 🟢 low\n".to_owned()),
        1 => Just("[click](https://evil.example)".to_owned()),
        1 => Just("@everyone <@1> <t:0:R> </approve:1>".to_owned()),
        1 => Just("\u{202e}gnp.exe\u{200b}\u{2066}".to_owned()),
        1 => Just("a\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}".to_owned()),
        1 => "[\\x00-\\x1f\\x7f]{1,10}",
        1 => "[ \n]{1,100}",
        1 => "\\PC{0,200}",
        1 => "[a-z]{500,3000}",
        1 => "[😀-😄]{500,2000}",
    ];
    let some = proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat());
    prop_oneof![
        40 => some,
        1 => "[a-z\n`]{20}".prop_map(|text| text.repeat(5_000)),
    ]
}

fn names() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z_]{1,20}", "\\PC{1,300}", Just("Risk".to_owned())]
}

fn readings() -> impl Strategy<Value = Proposal> {
    let texts = (wild(), wild(), wild());
    (
        0..9_u8,
        texts,
        proptest::collection::btree_map(names(), wild(), 0..30),
    )
        .prop_map(|(which, (a, b, c), map)| {
            let make = |name: &str, parameters: Value| {
                stage::proposed(&json!({
                    "action_type": name, "risk_level": "high", "reason": c,
                    "parameters": parameters,
                }))
            };
            let key = "agent:main:main";
            match which {
                0 => make("create_task", json!({"title": a, "description": b})),
                1 => make(
                    "schedule_job",
                    json!({"name": a, "schedule_expr": b,
                    "instructions": c, "target_agent_key": key}),
                ),
                2 => make(
                    "edit_doc",
                    json!({"doc_type": "soul", "agent_key": key, "content": a,
                    "content_preview": b}),
                ),
                3 => make(
                    "send_message",
                    json!({"channel": "team-room", "recipient": a,
                    "content": b}),
                ),
                4 => make(
                    "api_call",
                    json!({"url": "https://api.example/x", "method": "POST",
                    "headers": map, "body": a, "body_preview": b}),
                ),
                5 => make("file_write", json!({"path": a, "content": b})),
                6 => make(&a, json!({"odd": b})),
                7 => {
                    let mut details = json!(map);
                    details["action_type"] = json!(if a.trim().is_empty() { "x" } else { &a });
                    stage::read(ProposalSource::TaskEvent, read_event(Some(&b), &details))
                }
                _ => stage::read(
                    ProposalSource::Task,
                    read_task(&a, Some(&b), Some(&c), None),
                ),
            }
        })
}

fn proposals() -> impl Strategy<Value = Proposal> {
    let states = (0..8_u8, wild(), wild());
    let author = prop_oneof![
        Just(Author::Agent("agent:ricky:main".parse().unwrap())),
        Just(Author::Operator),
        wild().prop_map(Author::Other),
    ];
    (readings(), states, author, proptest::option::of(wild())).prop_map(
        |(proposal, (which, a, b), proposer, task_title)| {
            let ending = || Ending {
                at: stage::at(3_000),
                result: b.clone(),
            };
            let execution = match which {
                0 => Execution::Executed(ending()),
                1 => Execution::Failed(ending()),
                2 => Execution::Unknown,
                3 => Execution::Running,
                4 => Execution::Waiting,
                _ => Execution::Nothing,
            };
            let verdict = if which == 5 {
                Verdict::Reject
            } else {
                Verdict::Approve
            };
            let mut proposal = match which {
                0..=5 => stage::decided(proposal, verdict, execution),
                6 => Proposal {
                    state: ProposalState::Elsewhere {
                        status: a.clone(),
                        by: Some(b.clone()),
                    },
                    ..proposal
                },
                _ => proposal,
            };
            if let ProposalState::Decided(decision) = &mut proposal.state {
                decision.by_name.clone_from(&a);
                decision.reason = decision.reason.take().map(|_| b.clone());
            }
            Proposal {
                proposer,
                task_title,
                ..proposal
            }
        },
    )
}

fn long(text: &str) -> usize {
    quote::length(text.trim())
}

/// Discord's limits (source: its Message and Components pages).
fn check_limits(draft: &Draft) -> Result<(), TestCaseError> {
    prop_assert!(
        (1..=2000).contains(&long(&draft.content)),
        "{}",
        draft.content
    );
    let json = serde_json::to_value(draft).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for embed in json["embeds"].as_array().unwrap() {
        let title = text(&embed["title"]);
        let below = text(&embed["description"]);
        let footer = text(&embed["footer"]["text"]);
        prop_assert!((1..=256).contains(&long(&title)));
        prop_assert!(long(&below) <= 4096 && (1..=2048).contains(&long(&footer)));
        let mut total = long(&title) + long(&below) + long(&footer);
        let fields = embed["fields"].as_array().unwrap();
        prop_assert!(fields.len() <= 25, "{} fields", fields.len());
        for field in fields {
            let (name, value) = (text(&field["name"]), text(&field["value"]));
            prop_assert!((1..=256).contains(&long(&name)), "{name:?}");
            prop_assert!((1..=1024).contains(&long(&value)), "{value:?}");
            total += long(&name) + long(&value);
        }
        prop_assert!(total <= 6000, "{total} in all");
    }
    prop_assert!(draft.components.len() <= 5);
    let mut ids = std::collections::HashSet::new();
    for row in &draft.components {
        prop_assert!((1..=5).contains(&row.buttons().len()));
        for button in row.buttons() {
            prop_assert!((1..=80).contains(&long(&button.label)));
            prop_assert!((1..=LIMIT).contains(&button.custom_id.len()));
            prop_assert!(
                button.custom_id.parse::<Press>().is_ok(),
                "{}",
                button.custom_id
            );
            prop_assert!(
                ids.insert(button.custom_id.clone()),
                "two buttons are the same"
            );
        }
    }
    Ok(())
}

/// What is left of a text when everything that Discord shows as code is taken away, and escaped
/// characters too: only our own words may be left.
fn outside_of_quotation(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let fence = if rest.starts_with("```") { "```" } else { "`" };
        if c == '\\' {
            rest = &rest[1..];
            rest = &rest[rest.chars().next().map_or(0, char::len_utf8)..];
        } else if c == '`' {
            let inside = &rest[fence.len()..];
            let end = inside
                .find(fence)
                .unwrap_or_else(|| panic!("{text:?} ends inside of code"));
            rest = &inside[end + fence.len()..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

fn texts(draft: &Draft) -> Vec<String> {
    let fields = draft.embeds.iter().flat_map(Embed::fields);
    let fields = fields.flat_map(|field| [field.name.clone(), field.value.clone()]);
    fields.chain([draft.content.clone()]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_card_can_be_sent_and_what_it_cannot_show_comes_with_it(proposal in proposals()) {
        let card = proposal_card(&proposal, &stage::personas());
        check_limits(&card)?;
        let elsewhere = matches!(proposal.state, ProposalState::Elsewhere { .. });
        prop_assert!(card.components.is_empty() || !elsewhere);
        match &card.instead {
            None => prop_assert!(card.files.is_empty()),
            Some(instead) => {
                check_limits(instead)?;
                prop_assert_eq!(card.files.len(), 1);
                prop_assert!(instead.files.is_empty());
                prop_assert_eq!(instead.mark(), card.mark());
                prop_assert_ne!(stage::can_press(instead, "Approve"), Some(true));
            }
        }
        let text = document(&proposal, &stage::personas());
        let json = text.split_once("\nExactly (JSON):\n").expect("it ends with JSON").1;
        let frozen: Value = serde_json::from_str(json).expect("the JSON is JSON");
        if let Ok(payload) = &proposal.reading.payload {
            prop_assert_eq!(&frozen["parameters"], &payload.parameters());
        } else {
            prop_assert_eq!(&frozen, &proposal.reading.raw);
        }
    }

    #[test]
    fn what_others_wrote_stays_in_its_quotation(proposal in proposals()) {
        let card = proposal_card(&proposal, &stage::personas());
        for text in texts(&card) {
            let ours = outside_of_quotation(&text);
            for sign in ["@everyone", "](", "://", "</approve", "\u{202e}", "\u{200b}", "**Approved**", "# "] {
                prop_assert!(!ours.contains(sign), "{sign:?} in {text:?}");
            }
            prop_assert!(text.matches("```").count() <= 2, "{text:?}");
        }
    }

    #[test]
    fn an_unabridged_card_shows_every_character(text in wild()) {
        let card = proposal_card(&stage::file_write(&text), &stage::personas());
        let shown = card.embeds[0].fields().iter().any(|field| field.value.contains(&text));
        prop_assert!(shown || !card.files.is_empty());
        prop_assert_eq!(stage::can_press(&card, "Approve"), Some(true));
    }

    #[test]
    fn every_answer_can_be_sent(proposal in proposals(), name in wild()) {
        let personas = Personas::new(&[Agent {
            key: "agent:ricky:main".parse().unwrap(),
            name: name.clone(),
            role: None,
            emoji: None,
        }]);
        check_limits(&verdict::details(&proposal))?;
        check_limits(&verdict::question(&proposal, &personas, stage::at(4_000)))?;
        check_limits(&proposal_card(&proposal, &personas))?;
        let elsewhere = verdict::decided_elsewhere(&name, Some(&name));
        prop_assert!(long(&elsewhere) <= 2000);
        let card = Some("https://discord.com/channels/1/2/3".to_owned());
        let waiting: Vec<_> = (0..40)
            .map(|_| digest::Waiting { proposal: &proposal, card: card.clone() })
            .collect();
        let list = digest::waiting(&waiting, 55, &personas);
        check_limits(&list)?;
        let shown = list.content.lines().count() - 2;
        let rest = format!("\n…and {} more.", 55 - shown);
        prop_assert!(shown > 0 && list.content.contains(&rest), "{}", list.content);
        let json: Value = serde_json::from_str(&exact_json(&proposal)).expect("it is JSON");
        prop_assert!(json.is_object());
    }
}
