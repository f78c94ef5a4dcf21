//! The context pack: its order, its caps, and what does not go in.

use chrono::{DateTime, Utc};
use clawdos_bridge::cards::context::preview;
use clawdos_bridge::model::context::{
    About, Change, Found, Knowledge, Known, LeftOut, Part, Pinned, assemble, search_words,
};
use serde_json::json;

fn at() -> DateTime<Utc> {
    "2026-11-28T09:05:00Z".parse().unwrap()
}

fn note(title: &str, text: &str) -> Knowledge {
    Knowledge {
        title: title.to_owned(),
        text: Some(text.to_owned()),
        ..Knowledge::default()
    }
}

fn pinned(documents: Vec<Knowledge>, in_all: usize) -> Pinned {
    Pinned { documents, in_all }
}

fn known() -> Known {
    Known {
        built: at(),
        agent: "agent:ricky:main".to_owned(),
        version: Some("3".to_owned()),
        mission: Some("Open the shop by spring".to_owned()),
        overview: Some("A shop for bells.".to_owned()),
        changes: vec![Change {
            at: at(),
            message: "Task moved\n# to done".to_owned(),
            by: Some("agent:main:main".to_owned()),
        }],
        global: pinned(vec![note("House rules", "Knock first.")], 1),
        own: pinned(vec![note("Ricky's notes", "Bells are loud.")], 1),
        task: Some(About {
            title: "Order bells".to_owned(),
            status: "in_progress".to_owned(),
            description: Some("Brass ones.".to_owned()),
            comments: vec![("dashboard".to_owned(), "Ten of them".to_owned())],
        }),
        found: vec![Found {
            source: "Suppliers".to_owned(),
            text: "Brass comes from Dorset.".to_owned(),
        }],
    }
}

#[test]
fn sections_stand_in_their_order_and_say_what_is_known() {
    let expected = "\
# Context Pack
Built: 2026-11-28T09:05:00Z
Agent: agent:ricky:main
Capabilities: 3

## Mission
Open the shop by spring

## Project Overview
A shop for bells.

## Recent Changes
- [09:05] Task moved # to done _(agent:main:main)_

## Pinned Knowledge (Global)
### House rules
Knock first.

## Your Knowledge
### Ricky's notes
Bells are loud.

## Task
### Order bells
Status: in_progress
Brass ones.
Last comments:
- Ten of them _(dashboard)_

## Relevant Knowledge
### Suppliers
Brass comes from Dorset.
";
    assert_eq!(assemble(&known()).markdown(), expected);
}

#[test]
fn what_is_not_there_has_no_section_and_a_placeholder_is_nothing() {
    let known = Known {
        built: at(),
        agent: "agent:ricky:main".to_owned(),
        mission: Some("_No mission yet_".to_owned()),
        overview: Some("  \n".to_owned()),
        ..Known::default()
    };
    let parts: Vec<_> = assemble(&known).0.iter().map(|it| it.part).collect();
    assert_eq!(parts, [Part::Header]);
}

/// Far too much of everything.
fn everything() -> Known {
    let long = "ä".repeat(1_000_000);
    Known {
        mission: Some("m".repeat(10_000)),
        overview: Some(long.clone()),
        changes: vec![
            Change {
                at: at(),
                message: long.clone(),
                by: Some(long.clone()),
            };
            40
        ],
        global: pinned(vec![note("Big", &long), note("Next", "small")], 9),
        own: pinned(
            (0..7)
                .map(|n| note(&n.to_string(), &"x".repeat(3_000)))
                .collect(),
            7,
        ),
        task: Some(About {
            title: long.clone(),
            status: "inbox".to_owned(),
            description: Some(long.clone()),
            comments: vec![(long.clone(), long.clone()); 9],
        }),
        found: vec![
            Found {
                source: long.clone(),
                text: long.clone(),
            };
            9
        ],
        ..known()
    }
}

#[test]
fn no_section_grows_beyond_its_cap_however_much_there_is() {
    let pack = assemble(&everything());
    for section in &pack.0 {
        let room = section.part.cap().unwrap_or(20 * 550) + 2_000;
        assert!(
            section.size() <= room,
            "{:?}: {}",
            section.part,
            section.size()
        );
        let whole = section.part == Part::Header;
        assert_eq!(section.left_out.is_empty(), whole, "{:?}", section.part);
    }
    assert!(pack.markdown().len() < 150_000);
    let of = |part| pack.0.iter().find(|it| it.part == part).unwrap();
    assert_eq!(of(Part::Mission).size(), "## Mission\n".len() + 2_000);
    assert_eq!(of(Part::Changes).text.lines().count(), 21);
    // The first one always, and five at most.
    let global = of(Part::Global);
    assert!(
        global
            .text
            .starts_with("## Pinned Knowledge (Global)\n### Big\nää")
    );
    let cut = |what: &str| LeftOut::Cut(what.to_owned());
    let whole = |what: &str| LeftOut::Whole(what.to_owned());
    let left = [cut("Big"), whole("Next"), LeftOut::More(7)];
    assert_eq!(global.left_out, left);
    let own = of(Part::Own);
    assert_eq!(own.text.matches("### ").count(), 2);
    assert_eq!(
        own.left_out,
        [whole("2"), whole("3"), whole("4"), LeftOut::More(2)]
    );
    assert_eq!(of(Part::Task).text.matches("\n- ").count(), 5);
}

#[test]
fn notes_and_rules_go_before_the_text_and_secrets_stay_out() {
    let summary: Vec<_> = (0..20).map(|n| format!("point {n}\nof it")).collect();
    let noted = Knowledge {
        notes: Some(json!({ "summary": summary, "rules": ["knock", 7, "- wait"], "other": 1 })),
        ..note("Manners", "The whole text.")
    };
    let secret = Knowledge {
        title: "Keys\n# root".to_owned(),
        secret: true,
        notes: Some(json!({ "summary": ["hunter2"] })),
        text: Some("hunter2".to_owned()),
    };
    let odd = Knowledge {
        notes: Some(json!(["no object"])),
        ..note("Odd", "As it is.")
    };
    let known = Known {
        global: pinned(vec![noted, secret, odd], 3),
        ..Known::default()
    };
    let pack = assemble(&known);
    let section = &pack.0[1];
    assert_eq!(section.text.matches("\n- point").count(), 10);
    assert!(
        section.text.contains("Rules:\n- knock\n- wait"),
        "{}",
        section.text
    );
    assert!(!section.text.contains("The whole text"));
    assert!(section.text.contains("### Odd\nAs it is."));
    assert!(section.text.contains("### Keys # root\n_It holds secrets"));
    assert!(!pack.markdown().contains("hunter2"));
    assert_eq!(
        section.left_out,
        [LeftOut::Secret("Keys # root".to_owned())]
    );
}

#[test]
fn a_task_is_searched_for_by_words_that_mean_nothing_to_a_search() {
    let task = About {
        title: "Order -bells OR \"brass\" & a:* bells".to_owned(),
        description: Some("x ".repeat(400) + "unseen"),
        ..About::default()
    };
    assert_eq!(search_words(&task), ["order", "bells", "brass"]);
}

#[test]
fn the_preview_counts_what_is_there_and_names_what_is_not() {
    let mut known = known();
    known.mission = Some("m".repeat(10_000));
    known.global.in_all = 8;
    let draft = preview(
        &assemble(&known),
        ("Ricky", &"ricky".parse().unwrap()),
        Some("Order `bells`"),
    );
    insta::assert_snapshot!(draft.content);
    assert_eq!(draft.files[0].name, "context.md");
    assert_eq!(&*draft.files[0].text, assemble(&known).markdown());
}
