//! Documents as people see them: nothing of a secret, nothing that lies, everything within Discord's limits.

use chrono::DateTime;
use clawdos_bridge::cards::custom_id::LIMIT;
use clawdos_bridge::cards::docs::press::DocPress;
use clawdos_bridge::cards::docs::{answers, card, file, form, list, mission_form, version_of};
use clawdos_bridge::cards::text::CONTENT_LIMIT;
use clawdos_bridge::cards::{Draft, Personas};
use clawdos_bridge::model::document::{Access, DocLine, DocRef, Document};
use clawdos_bridge::model::proposal::action::DOC_TYPES;
use uuid::Uuid;

fn note(title: &str, text: &str) -> Document {
    Document {
        line: DocLine {
            doc: DocRef::Note(Uuid::from_u128(7)),
            kind: "note".to_owned(),
            title: Some(title.to_owned()),
            owner: None,
            pinned: false,
            access: Access::Open,
            bytes: text.len() as u64,
            by: None,
            at: DateTime::UNIX_EPOCH,
        },
        text: text.to_owned(),
        cut: false,
        version: 0xab,
    }
}

fn nobody() -> Personas {
    Personas::new(&[])
}

fn fits(draft: &Draft) {
    assert!(draft.content.chars().count() <= CONTENT_LIMIT, "{draft:?}");
    for row in serde_json::to_value(&draft.components)
        .unwrap()
        .as_array()
        .unwrap()
    {
        for part in row["components"].as_array().unwrap() {
            assert!(part["custom_id"].as_str().unwrap().len() <= LIMIT);
        }
    }
}

#[test]
fn what_a_control_says_is_read_back_and_nothing_else_is() {
    let (brain, row) = (DocRef::Brain(Uuid::from_u128(1)), Uuid::from_u128(2));
    let mut all = vec![
        DocPress::Page(3),
        DocPress::Pick,
        DocPress::Edit(brain),
        DocPress::Form(DocRef::Note(row), u64::MAX),
        DocPress::Pin(row, true),
        DocPress::Pin(row, false),
        DocPress::Mission,
        DocPress::MissionForm(0),
        DocPress::New(None, true),
    ];
    all.extend(DOC_TYPES.map(|kind| DocPress::New(Some(kind), false)));
    for press in all {
        let text = press.to_string();
        assert!(text.len() <= LIMIT, "{text}");
        assert_eq!(text.parse(), Ok(press), "{text}");
    }
    for text in [
        "v1:doc-page:+3",
        "v1:doc-edit:x00000000000000000000000000000001",
        "v1:doc-edit:b00000000-0000-0000-0000-000000000001",
        "v1:doc-form:n00000000000000000000000000000002:1",
        "v1:doc-form:n00000000000000000000000000000002",
        "v1:doc-new:constitution:no",
        "v1:doc-pick:1",
        "v1:job-pick",
        "",
    ] {
        assert!(text.parse::<DocPress>().is_err(), "{text}");
    }
}

#[test]
fn hostile_titles_and_texts_are_text() {
    let nasty = "@everyone [safe](https://evil.example)\n# big `code` \u{202e}gnp.exe ```";
    let draft = card(&note(nasty, nasty), &nobody(), true);
    fits(&draft);
    let head = draft.content.lines().next().unwrap();
    assert!(
        head.contains("\\[safe\\]\\(https") && head.contains("\\@everyone"),
        "{head}"
    );
    assert!(!draft.content.contains('\u{202e}'), "{}", draft.content);
    // What cannot be shown exactly comes as a file, exactly.
    assert_eq!(&*draft.files[0].text, nasty);
    assert_eq!(
        draft.files[0].name,
        "everyone-safe-https-evil-example-big-cod.00000000000000ab.md"
    );
    let draft = list(&vec![note(nasty, nasty).line; 60], 1, &nobody());
    fits(&draft);
    assert!(draft.content.contains("60, page 2 of"), "{}", draft.content);
}

#[test]
fn a_secret_is_named_and_nothing_more() {
    let mut secret = note("Keys", "hunter2");
    secret.line.access = Access::Secret;
    let draft = card(&secret, &nobody(), true);
    assert!(
        draft.content.contains("**Keys** holds secrets"),
        "{draft:?}"
    );
    assert!(draft.files.is_empty() && draft.components.is_empty());
    let draft = list(&[secret.line], 0, &nobody());
    assert!(
        draft.content.contains("🔒 Keys") && draft.components.is_empty(),
        "{draft:?}"
    );
    assert!(!draft.content.contains("bytes"));
}

#[test]
fn a_long_document_is_a_file_and_its_way_back_is_told() {
    let long = note("Long", &"line\n".repeat(200_000));
    let draft = card(&long, &nobody(), true);
    fits(&draft);
    assert!(
        draft.content.contains("A form takes 4,000 characters"),
        "{}",
        draft.content
    );
    assert!(draft.content.contains("977 KB"), "{}", draft.content);
    let labels = |draft: &Draft| serde_json::to_string(&draft.components).unwrap();
    assert!(!labels(&draft).contains("Edit") && labels(&draft).contains("Pin"));
    assert_eq!(draft.files[0].text.len(), 1_000_000);
    // Who may not change it sees no controls.
    assert!(card(&long, &nobody(), false).components.is_empty());
    let draft = card(&note("Short", "Knock first."), &nobody(), true);
    assert!(
        draft.files.is_empty() && labels(&draft).contains("Edit"),
        "{draft:?}"
    );
    assert!(
        draft.content.ends_with("```\nKnock first.\n```"),
        "{}",
        draft.content
    );
}

#[test]
fn the_name_of_a_file_tells_its_version_whatever_a_browser_makes_of_it() {
    let name = file(&note("House rules", "x"), &nobody()).name;
    assert_eq!(name, "house-rules.00000000000000ab.md");
    assert_eq!(version_of(&name), Some(0xab));
    assert_eq!(
        version_of("house-rules.00000000000000ab (1).md"),
        Some(0xab)
    );
    assert_eq!(
        version_of("house-rules.00000000000000ab.md.txt"),
        Some(0xab)
    );
    assert_eq!(version_of("rules.md"), None);
    assert_eq!(version_of("+00000000000000a"), None);
}

#[test]
fn of_two_texts_both_are_shown() {
    let now = note("Rules", "Knock twice.");
    let draft = answers::changed(&now, "Knock\n```\nonce.", &nobody());
    fits(&draft);
    assert!(draft.content.contains("Knock twice.") && draft.content.contains("once."));
    assert!(draft.files.is_empty());
    let draft = answers::changed(&now, &"x".repeat(5_000), &nobody());
    fits(&draft);
    assert_eq!(draft.files.len(), 2);
    assert_eq!(&*draft.files[0].text, "Knock twice.");
}

#[test]
fn a_form_holds_what_fits_and_of_a_long_mission_the_beginning() {
    let text = "ä".repeat(4_000);
    assert_eq!(form(&note("x", &text)).fields[0].value, text);
    let long = note("x", &"m".repeat(10_000));
    let field = &mission_form(Some(&long)).fields[0];
    assert_eq!(field.value.chars().count(), 200);
    assert!(field.value.ends_with('…') && field.label.contains("longer"));
    assert!(mission_form(None).fields[0].value.is_empty());
    assert!(
        mission_form(Some(&note("x", "_none_"))).fields[0]
            .value
            .is_empty()
    );
}
