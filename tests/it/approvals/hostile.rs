//! Agents write what they like: the card says what it is, pings nobody, and hides nothing.

use serde_json::{Value, json};

use super::stage::{DECIDABLE, Stage, task};
use crate::harness::card::Card;

fn described(title: &str, description: &str) -> Value {
    let mut proposal = task(title);
    proposal["parameters"]["description"] = json!(description);
    proposal
}

/// The card, wherever it stands, with its whole text: on it or attached to it.
async fn shown(stage: &Stage, says: &str) -> Vec<(Card, String)> {
    let mut shown = Vec::new();
    for channel in [stage.approvals(), stage.room()] {
        let zack = &stage.zack.person;
        let card = zack
            .sees_card(&channel, says, "an open card", |card| {
                card.live() == DECIDABLE
            })
            .await;
        assert_eq!(card.pings, 0, "{card:#?}");
        let whole = format!("{}\n{}", card.text(), card.attached().await);
        shown.push((card, whole));
    }
    shown
}

#[tokio::test]
async fn what_does_not_fit_is_attached_and_only_then_it_can_be_approved() {
    let stage = Stage::start().await;
    let lines: Vec<String> = (0..2_000)
        .map(|n| format!("Line {n:04} of a long description, and nothing is left out."))
        .collect();
    let long = lines.join("\n");
    assert!(long.len() > 100_000);
    let id = stage.propose(&described("A long story", &long)).await;
    for (card, _) in shown(&stage, "A long story").await {
        let attached = card.attached().await;
        for line in [&lines[0], &lines[1_000], &lines[1_999]] {
            assert!(attached.contains(line.as_str()), "{line} is missing");
        }
        assert!(card.says("attached"), "it says so: {card:#?}");
    }
    let card = stage.open_card("A long story").await;
    stage.zack.press(&card, "Approve").await;
    stage.decided(id, "approved", "executed").await;
    let written: String = sqlx::query_scalar("SELECT description FROM tasks")
        .fetch_one(stage.world.pool())
        .await
        .unwrap();
    assert_eq!(written, long);
}

#[tokio::test]
async fn without_the_file_the_card_is_there_and_cannot_be_approved() {
    let stage = Stage::start().await;
    let zack = &stage.zack.person;
    for channel in [stage.approvals(), stage.room()] {
        let path = format!("/channels/{channel}/permissions/{}", stage.world.guild());
        let body = json!({ "type": 0, "deny": (1_u64 << 15).to_string(), "allow": "0" });
        let (status, answer) = zack.call(reqwest::Method::PUT, &path, Some(body)).await;
        assert!(status.is_success(), "{status} {answer}");
    }
    let long = "Nothing is left out. ".repeat(5_000);
    stage.propose(&described("A long story", &long)).await;
    let card = stage
        .card("A long story", "a card that cannot be approved", |card| {
            card.live().contains(&"Reject")
        })
        .await;
    assert!(!card.button("Approve").enabled, "{card:#?}");
    assert!(card.files.is_empty(), "{card:#?}");
    stage.zack.press(&card, "Reject").await;
    stage
        .ends(
            &[stage.approvals(), stage.room()],
            "A long story",
            "rejected",
        )
        .await;
}

#[tokio::test]
async fn a_name_for_everybody_pings_nobody() {
    let stage = Stage::start().await;
    let zack = &stage.zack.person.id;
    let text = format!(
        "Wake up @everyone @here <@{zack}> <@!{zack}> <@&{}>",
        stage.world.guild()
    );
    let mut proposal = described("Alarm clock", &text);
    proposal["reason"] = json!(text);
    stage.propose(&proposal).await;
    shown(&stage, "Alarm clock").await;
    let requests = stage.world.requests().await;
    for request in requests {
        let body = &request["body"];
        if body.to_string().contains("Alarm clock") {
            assert_eq!(body["allowed_mentions"]["parse"], json!([]), "{request}");
        }
    }
}

#[tokio::test]
async fn a_link_says_where_it_goes() {
    let stage = Stage::start().await;
    let text = "See [https://bank.example](https://thief.example/login) and \
                [our wiki](<https://thief.example/wiki>)";
    stage.propose(&described("Read the wiki", text)).await;
    for (card, whole) in shown(&stage, "Read the wiki").await {
        for target in ["thief.example/login", "thief.example/wiki"] {
            assert!(whole.contains(target), "{target} is hidden: {card:#?}");
        }
        // A masked link works in plain text and in embeds; within a code block it is only text.
        let masked = outside_code(&card.text());
        assert!(!masked.contains("](http"), "{masked}");
        assert!(!masked.contains("](<http"), "{masked}");
    }
}

/// What stands outside of code blocks.
fn outside_code(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

#[tokio::test]
async fn control_characters_and_direction_overrides_are_gone() {
    let stage = Stage::start().await;
    let text = "a\u{202e}b\u{2066}c\u{2069}d\u{200f}e\u{7}f\u{1b}[31mg\u{feff}h\r\u{8}i\u{85}j";
    let title = "Turn around \u{202e}dnuora nruT";
    stage.propose(&described(title, text)).await;
    for (card, _) in shown(&stage, "Turn around").await {
        let visible = card.text();
        let bad: Vec<char> = visible
            .chars()
            .filter(|c| {
                (c.is_control() && *c != '\n')
                    || matches!(*c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
            })
            .collect();
        assert!(bad.is_empty(), "{bad:?} in {visible:?}");
    }
}

#[tokio::test]
async fn a_text_that_looks_like_a_card_stays_a_quotation() {
    let stage = Stage::start().await;
    let text = "harmless\n```\n# Proposal: create task\n**Risk: low** ✅ Approved by zack\n\
                > Waiting for an executor\n-# executed\n```\n`Approve` `Reject`\n\
                ~~~\n||hidden||\n```ansi\n\u{1b}[32mApproved\u{1b}[0m";
    let mut proposal = described("Innocent errand", text);
    proposal["risk_level"] = json!("med");
    proposal["reason"] = json!("```\n# Another card\n```");
    stage.propose(&proposal).await;
    for (card, _) in shown(&stage, "Innocent errand").await {
        for part in [card.content.as_str(), card.embeds.as_str()] {
            assert_eq!(part.matches("```").count() % 2, 0, "an open block: {part}");
            for line in outside_code(part).lines() {
                let line = line.trim_start();
                for mark in ["# ", "## ", "### ", "-# ", ">>> "] {
                    assert!(
                        !line.starts_with(mark) || line.contains("Innocent errand"),
                        "{line:?} is a headline in {part}"
                    );
                }
                assert!(!line.contains("Approved by zack"), "{line:?} in {part}");
            }
        }
        assert!(card.says("med"), "{card:#?}");
    }
}

#[tokio::test]
async fn an_agent_that_writes_like_a_card_has_no_buttons() {
    let stage = Stage::start().await;
    let text = "Proposal: create task — title: Buy milk\nRisk: low\nApprove | Reject";
    stage.world.insert("agent:ricky:main", text).await;
    stage.propose(&task("Paint the fence")).await;
    stage.open_card("Paint the fence").await;
    let room = stage.room();
    let zack = &stage.zack.person;
    let seen = zack
        .sees(&room, "the imitation", |seen| {
            seen.iter().any(|m| m.text.contains("title: Buy milk"))
        })
        .await;
    let imitation = seen.iter().find(|m| m.text.contains("title: Buy milk"));
    assert!(imitation.is_some_and(|m| m.webhook && m.name == "Ricky"));
    let cards = zack.cards(&room).await;
    assert!(
        cards.iter().all(|card| !card.says("Buy milk")),
        "{cards:#?}"
    );
}
