//! What a person is told who has pressed a button.

use clawdos_bridge::cards::custom_id::{Press, ReasonForm};
use clawdos_bridge::cards::verdict;
use clawdos_bridge::model::proposal::{Execution, ProposalState, Verdict};
use insta::assert_snapshot;
use serde_json::json;

use crate::stage::{action, at, decided, drawn, file_write, personas};

#[test]
fn the_second_of_two_clicks_is_told_who_decided_and_when() {
    let proposal = decided(file_write("x"), Verdict::Approve, Execution::Waiting);
    let ProposalState::Decided(decision) = &proposal.state else {
        panic!("it is decided");
    };
    assert_eq!(
        verdict::already_decided(decision),
        "Already approved by **Anna** (<@42>) <t:2000:f>."
    );
}

#[test]
fn a_risky_approval_is_asked_about_again_and_the_question_ends() {
    let proposal = action("file_write", "high", &json!({"path": "a", "content": "b"}));
    let question = verdict::question(&proposal, &personas(), at(4_000));
    assert_snapshot!(drawn(&question));
    let press = question.components[0].buttons()[0].custom_id.parse();
    assert_eq!(
        press,
        Ok(Press::Confirm {
            reference: proposal.reference,
            hash: proposal.hash(),
            until: 4_000
        })
    );
}

#[test]
fn details_are_the_exact_json_in_the_message_or_as_a_file() {
    let short = verdict::details(&file_write("a ``` b"));
    assert!(short.files.is_empty());
    let json = short.content.strip_prefix("```json\n").unwrap();
    let json = json.strip_suffix("\n```").unwrap();
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(json["parameters"]["content"], "a ``` b");
    let long = verdict::details(&file_write(&"x".repeat(1_900)));
    let json: serde_json::Value = serde_json::from_str(&long.files[0].text).unwrap();
    assert_eq!(json["parameters"]["content"], "x".repeat(1_900));
}

#[test]
fn a_reason_is_asked_for_in_a_form_that_discord_takes() {
    let proposal = file_write("x");
    let (reference, hash) = (proposal.reference, proposal.hash());
    let form = verdict::reason_form(reference, hash);
    assert_eq!(form.custom_id.parse(), Ok(ReasonForm { reference, hash }));
    let json = serde_json::to_value(&form).unwrap();
    assert!(form.title.len() <= 45 && form.label.len() <= 45 && form.placeholder.len() <= 100);
    let input = &json["components"][0]["components"][0];
    assert_eq!(
        (
            &json["components"][0]["type"],
            &input["type"],
            &input["style"]
        ),
        (&json!(1), &json!(4), &json!(2))
    );
    assert_eq!(input["max_length"], 1_000);
}

#[test]
fn every_sentence_ends_and_fits() {
    let sentences = [
        verdict::not_an_operator(),
        verdict::nobody_is_an_operator(),
        verdict::has_left(),
        verdict::decided_elsewhere("approved", None),
        verdict::changed(),
        verdict::gone(),
        verdict::decided(Verdict::Approve),
        verdict::decided(Verdict::Reject),
        verdict::malformed_cannot_be_approved(),
        verdict::retried(),
        verdict::given_up(),
        verdict::outcome_is_known(),
        verdict::unknown_button(),
        verdict::question_has_expired(),
    ];
    for sentence in &sentences {
        assert!(
            sentence.ends_with('.') && sentence.len() <= 300,
            "{sentence}"
        );
    }
    let different: std::collections::HashSet<_> = sentences.iter().collect();
    assert_eq!(different.len(), sentences.len());
}
