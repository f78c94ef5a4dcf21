//! Whom a text names.

use proptest::prelude::*;

use clawdos_bridge::model::addressing::Roster;
use clawdos_bridge::model::agent::Agent;

fn roster(agents: &[(&str, &str)]) -> Roster {
    let agent = |(key, name): &(&str, &str)| Agent {
        key: key.parse().expect("a key"),
        name: (*name).to_owned(),
        role: None,
        emoji: None,
    };
    Roster::new(&agents.iter().map(agent).collect::<Vec<_>>())
}

fn team() -> Roster {
    roster(&[
        ("agent:main:main", "Trunks"),
        ("agent:ricky:main", "Ricky"),
        ("agent:ricky-2:main", "Ricky the Second"),
        ("agent:elodie:main", "Élodie"),
    ])
}

fn named(text: &str) -> Vec<String> {
    let keys = team().addressed(text);
    keys.iter().map(|key| key.short().to_owned()).collect()
}

#[test]
fn a_name_a_short_id_and_a_key_name_an_agent_in_any_case() {
    for text in [
        "@Trunks",
        "hey @trunks!",
        "(@TRUNKS)",
        "@main, go",
        "@agent:main:main do it",
        "line\n@Trunks's turn",
        "**@Trunks**",
    ] {
        assert_eq!(named(text), ["main"], "{text}");
    }
    assert_eq!(named("@élodie and @ÉLODIE"), ["elodie"]);
}

#[test]
fn the_longest_name_counts_and_several_are_several() {
    assert_eq!(named("@Ricky  the second, please"), ["ricky-2"]);
    assert_eq!(named("@Ricky the first"), ["ricky"]);
    assert_eq!(named("@ricky-2"), ["ricky-2"]);
    assert_eq!(named("@Ricky and @Trunks and @ricky"), ["ricky", "main"]);
    let twins = roster(&[("agent:a:main", "Twin"), ("agent:b:main", "twin")]);
    assert_eq!(twins.addressed("@Twin").len(), 2);
}

#[test]
fn what_only_looks_like_a_name_is_none() {
    for text in [
        "Trunks",
        "@Trunksy",
        "@main_thing",
        "@ricky-3",
        "mail@trunks.example",
        "https://example.org/@Trunks",
        "`@Trunks` and ```\n@Ricky\n```",
        r"\@Trunks",
        "<@main>",
        "@",
        "@ Trunks",
        "",
    ] {
        assert_eq!(named(text), [""; 0], "{text}");
    }
    assert_eq!(roster(&[("agent:x:main", " ")]).addressed("@ hello"), []);
}

#[test]
fn an_agent_is_found_by_whatever_a_person_types() {
    let team = team();
    for word in ["agent:ricky:main", "ricky", "@Ricky", " RICKY "] {
        let found = team.find(word).map(|it| it.key.as_str());
        assert_eq!(found, Some("agent:ricky:main"), "{word}");
    }
    assert_eq!(team.find("nobody"), None);
    assert_eq!(team.find(""), None);
}

proptest! {
    #[test]
    fn nothing_breaks_it(text in "[@`Tt ru\\\\nksÉé\n:-]{0,80}") {
        prop_assert!(team().addressed(&text).len() <= 4);
    }

    #[test]
    fn a_name_between_blanks_always_counts(before in "[a-z ]{0,10}", after in "[a-z ]{0,10}") {
        let text = format!("{before} @Trunks {after}");
        prop_assert_eq!(team().addressed(&text).len(), 1);
    }
}
