//! Each card as a person sees it.

use clawdos_bridge::cards::proposal::{document, proposal_card};
use clawdos_bridge::cards::{Draft, digest};
use clawdos_bridge::model::message::Author;
use clawdos_bridge::model::proposal::{
    Ending, Execution, Proposal, ProposalSource, ProposalState, Verdict, read_event, read_task,
};
use insta::assert_snapshot;
use serde_json::json;

use crate::stage::{action, at, can_press, decided, drawn, file_write, personas, proposed, read};

fn card(proposal: &Proposal) -> Draft {
    proposal_card(proposal, &personas())
}

fn shown(proposal: &Proposal) -> String {
    drawn(&card(proposal))
}

fn ending(result: &str) -> Ending {
    Ending {
        at: at(3_000),
        result: result.to_owned(),
    }
}

#[test]
fn a_proposed_task_is_shown_with_everything_that_matters() {
    let parameters = json!({
        "title": "Fix the login page", "description": "It forgets people.\nEvery time.",
        "assignee_agent_key": "agent:elon:main",
    });
    assert_snapshot!(shown(&action("create_task", "low", &parameters)));
}

#[test]
fn a_scheduled_job_is_shown_with_its_hours_and_instructions() {
    let parameters = json!({
        "name": "Morning report", "schedule_expr": "0 8 * * 1-5",
        "instructions": "Summarise yesterday.", "target_agent_key": "agent:main:main",
    });
    assert_snapshot!(shown(&action("schedule_job", "med", &parameters)));
}

#[test]
fn an_edit_without_its_content_says_that_it_cannot_be_carried_out() {
    let parameters = json!({
        "doc_type": "soul", "agent_key": "agent:main:main", "content_preview": "# Who I am…",
    });
    assert_snapshot!(shown(&action("edit_doc", "med", &parameters)));
}

#[test]
fn a_message_is_shown_with_where_it_goes() {
    let parameters = json!({
        "channel": "dm", "recipient": "agent:elon:main", "content": "Please look at the logs.",
    });
    assert_snapshot!(shown(&action("send_message", "low", &parameters)));
}

#[test]
fn a_risky_call_is_shown_with_every_header_and_its_body() {
    let parameters = json!({
        "url": "https://api.example/v1/things", "method": "DELETE",
        "headers": {"Accept": "text/plain", "X-Reason": "cleanup"},
        "body": "{\"all\": true}", "body_preview": "{}",
    });
    assert_snapshot!(shown(&action("api_call", "high", &parameters)));
}

#[test]
fn a_file_is_shown_whole_while_it_is_short() {
    assert_snapshot!(shown(&file_write("# Today\n\n- wrote this")));
}

#[test]
fn what_does_not_fit_comes_as_a_file_and_can_be_approved() {
    let long = file_write(&"All work and no play. ".repeat(100));
    let card = card(&long);
    assert_eq!(can_press(&card, "Approve"), Some(true));
    let text = &card.files[0].text;
    assert!(text.contains(&"All work and no play. ".repeat(100)));
    assert!(drawn(&card).contains("the full text is in the attached file"));
    assert_snapshot!(drawn(&card).replace("All work and no play. ", "~"));
}

#[test]
fn where_discord_takes_no_file_the_card_stays_and_cannot_be_approved() {
    let card = card(&file_write(&"x".repeat(5_000)));
    let instead = card.instead.expect("there is a card without the file");
    assert_eq!(can_press(&instead, "Approve"), Some(false));
    assert_eq!(can_press(&instead, "Reject"), Some(true));
    let shown = drawn(&instead);
    assert!(shown.contains("Discord does not take the file"), "{shown}");
    assert_eq!(instead.content, card.content);
}

#[test]
fn what_is_too_long_for_a_file_cannot_be_approved() {
    let card = card(&file_write(&"x".repeat(6 * 1024 * 1024)));
    assert!(card.files.is_empty() && card.instead.is_none());
    assert_eq!(can_press(&card, "Approve"), Some(false));
    assert!(drawn(&card).contains("over 10 MiB"));
}

#[test]
fn a_text_with_hidden_characters_comes_as_a_file_that_shows_them() {
    let card = card(&file_write("pay\u{202e}fdp.exe"));
    let text = &card.files[0].text;
    assert!(text.contains("    pay⟨U+202E⟩fdp.exe\n"), "{text}");
    assert!(text.contains(r#""content": "pay\u202efdp.exe""#), "{text}");
}

#[test]
fn a_malformed_proposal_can_only_be_dismissed() {
    let odd = proposed(&json!({
        "action_type": "create_task", "parameters": {"title": "x", "descripton": "typo"},
    }));
    assert_snapshot!(shown(&odd));
    let dismissed = decided(odd, Verdict::Reject, Execution::Nothing);
    assert!(shown(&dismissed).contains("[Dismissed] by **Anna**"));
}

#[test]
fn an_action_that_nobody_here_knows_is_readable_to_the_last_detail() {
    let details = json!({
        "action_type": "send_email", "risk_level": "high", "to": "all@example.org",
        "Risk": "low", "attachments": [{"name": "a.pdf"}],
    });
    let reading = read_event(Some("Tell everybody."), &details);
    let proposal = Proposal {
        task_title: Some("Newsletter".to_owned()),
        proposer: Author::Other("mailer".to_owned()),
        ..read(ProposalSource::TaskEvent, reading)
    };
    assert_snapshot!(shown(&proposal));
    let approved = decided(proposal, Verdict::Approve, Execution::Waiting);
    let shown = shown(&approved);
    assert!(
        shown.contains("Only an executor that knows this action"),
        "{shown}"
    );
}

#[test]
fn a_task_that_waits_to_begin_is_a_proposal_too() {
    let reading = read_task("Tidy up", Some("All of it."), Some("agent:elon:main"), None);
    let proposal = Proposal {
        proposer: Author::Operator,
        task_title: Some("Tidy up".to_owned()),
        ..read(ProposalSource::Task, reading)
    };
    assert_snapshot!(shown(&proposal));
    let begun = decided(proposal, Verdict::Approve, Execution::Nothing);
    assert!(card(&begun).components.is_empty());
}

#[test]
fn a_decided_card_says_who_when_why_and_what_became_of_it() {
    let of = |verdict, execution| shown(&decided(file_write("x"), verdict, execution));
    assert_snapshot!("rejected", of(Verdict::Reject, Execution::Nothing));
    let executed = Execution::Executed(ending("Wrote notes/today.md (1 byte)"));
    assert_snapshot!("executed", of(Verdict::Approve, executed));
    for (execution, words) in [
        (Execution::Waiting, "Waiting for an executor"),
        (Execution::Running, "Running"),
        (
            Execution::Failed(ending("no space")),
            "[Failed] <t:3000:f>\n`no space`",
        ),
    ] {
        let card = of(Verdict::Approve, execution);
        assert!(card.contains(words), "{card}");
        assert!(!card.contains("v1:"), "there are live buttons: {card}");
    }
}

#[test]
fn an_unknown_outcome_asks_an_operator() {
    assert_snapshot!(shown(&decided(
        file_write("x"),
        Verdict::Approve,
        Execution::Unknown
    )));
}

#[test]
fn a_verdict_from_a_dashboard_is_shown_as_not_ours() {
    let proposal = Proposal {
        state: ProposalState::Elsewhere {
            status: "approved".to_owned(),
            by: Some("ui".to_owned()),
        },
        ..file_write("x")
    };
    let shown = shown(&proposal);
    assert!(
        shown.contains("Decided in a dashboard: `approved` by `ui`. It is not carried out"),
        "{shown}"
    );
    assert!(!shown.contains("v1:"), "there are live buttons: {shown}");
}

#[test]
fn the_first_line_stays_the_same_through_all_states() {
    let first = |proposal: &Proposal| card(proposal).content.lines().next().map(str::to_owned);
    let open = file_write("x");
    for execution in [Execution::Waiting, Execution::Executed(ending("done"))] {
        let later = decided(open.clone(), Verdict::Approve, execution);
        assert_eq!(first(&later), first(&open));
        assert_eq!(card(&later).files, card(&open).files);
    }
}

#[test]
fn a_card_has_the_same_file_before_and_after_its_verdict() {
    let open = file_write(&"x".repeat(5_000));
    let before = card(&open).hash();
    let after = card(&decided(open, Verdict::Approve, Execution::Waiting));
    assert_ne!(after.hash(), before);
    assert!(after.has_files_of(Some(&before)));
    let small = card(&file_write("x")).hash();
    assert!(!after.has_files_of(Some(&small)) && !after.has_files_of(None));
}

#[test]
fn the_file_reads_like_a_letter() {
    let parameters = json!({"title": "Fix it\nWhy:\nno", "description": ""});
    let proposal = action("create_task", "low", &parameters);
    assert_snapshot!(document(&proposal, &personas()));
}

#[test]
fn the_digest_counts_what_waits() {
    assert_snapshot!(digest::digest(4, Some(at(1_000))).content, @r"
    **Proposals to decide**
    4 waiting, oldest <t:1000:R>
    ");
    assert_snapshot!(digest::digest(0, None).content, @r"
    **Proposals to decide**
    Nothing is waiting.
    ");
}

#[test]
fn the_list_of_what_waits_leads_to_the_cards() {
    let (first, second) = (file_write("x"), file_write("y"));
    let link = digest::link(
        "1".parse().unwrap(),
        "2".parse().unwrap(),
        "3".parse().unwrap(),
    );
    let list = [(&first, Some(link)), (&second, None)]
        .map(|(proposal, card)| digest::Waiting { proposal, card });
    assert_snapshot!(digest::waiting(&list, 3, &personas()).content);
    assert_eq!(
        digest::waiting(&[], 0, &personas()).content,
        "Nothing is waiting."
    );
}
