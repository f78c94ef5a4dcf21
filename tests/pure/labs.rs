//! The flags of the Labs: strict in what is on, and never in the way of what others keep beside them.

use clawdos_bridge::cards::labs as words;
use clawdos_bridge::cards::text::CONTENT_LIMIT;
use clawdos_bridge::model::AgentKey;
use clawdos_bridge::model::labs::{Feature, LONGEST, Labs, Unreadable, primary_agent, written};
use clawdos_bridge::model::view::Surface;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn on(text: &str) -> Vec<&'static str> {
    let labs = Labs::read(Some(text));
    let on = Feature::ALL.into_iter().filter(|it| labs.is_on(*it));
    on.map(Feature::as_str).collect()
}

#[test]
fn only_true_is_on() {
    assert_eq!(
        on(r#"{"team_room": true, "multi_dm":true }"#),
        ["team_room", "multi_dm"]
    );
    for value in [
        "false",
        "null",
        "1",
        "\"true\"",
        "[true]",
        "{\"on\":true}",
        "1e999",
    ] {
        assert_eq!(
            on(&format!("{{\"team_room\": {value}}}")),
            [""; 0],
            "{value}"
        );
    }
    assert_eq!(
        on(r#"{"TEAM_ROOM": true, "team_room ": true, "teamRoom": true}"#),
        [""; 0]
    );
    assert_eq!(
        on(r#"{"team\u005froom": true}"#),
        ["team_room"],
        "the same word to JSON"
    );
    assert_eq!(
        on(r#"{"more": {"team_room": true}}"#),
        [""; 0],
        "not at the top"
    );
}

#[test]
fn of_a_flag_that_stands_there_twice_the_last_counts_and_both_are_set() {
    let twice = r#"{"team_room":true,"x":1,"team_room":false,"x":2}"#;
    assert_eq!(on(twice), [""; 0]);
    assert_eq!(
        written(Some(twice), Feature::TeamRoom, true).unwrap(),
        r#"{"team_room":true,"x":1,"team_room":true,"x":2}"#
    );
}

#[test]
fn what_is_no_object_is_all_off_and_is_not_written_over() {
    for text in [
        "",
        " ",
        "null",
        "true",
        "[]",
        "\"{}\"",
        "{",
        "{}{}",
        "{\"a\"}",
        "{'a':1}",
        "\u{feff}{}",
    ] {
        let labs = Labs::read(Some(text));
        assert!(labs.all_off(), "{text:?}");
        assert_eq!(labs.problem(), Some(Unreadable::NoObject), "{text:?}");
        let refused = written(Some(text), Feature::TeamRoom, true);
        assert_eq!(refused, Err(Unreadable::NoObject), "{text:?}");
    }
    let huge = format!("{{\"a\":\"{}\",\"team_room\":true}}", "x".repeat(LONGEST));
    assert_eq!(Labs::read(Some(&huge)).problem(), Some(Unreadable::TooLong));
    assert_eq!(
        written(Some(&huge), Feature::TeamRoom, true),
        Err(Unreadable::TooLong)
    );
}

#[test]
fn no_row_is_all_off_and_becomes_one() {
    assert_eq!(Labs::read(None), Labs::default());
    assert!(Labs::default().all_off() && Labs::default().problem().is_none());
    let made = written(None, Feature::MultiDm, true).unwrap();
    assert_eq!(made, r#"{"multi_dm":true}"#);
}

#[test]
fn what_others_keep_there_stays_to_the_last_digit() {
    let text = r#"{ "z" : 1.10, "big":123456789012345678901234567890, "lone":"\ud800", "\ud800":1,
        "team_room":false, "deep":{"b":[{ }],"a":null}, "a":"\u0000" }"#;
    assert_eq!(
        written(Some(text), Feature::TeamRoom, true).unwrap(),
        r#"{"z":1.10,"big":123456789012345678901234567890,"lone":"\ud800","\ud800":1,"team_room":true,"deep":{"b":[{ }],"a":null},"a":"\u0000"}"#
    );
    let deep = format!("{{\"deep\":{}{}}}", "[".repeat(20_000), "]".repeat(20_000));
    let set = written(Some(&deep), Feature::TeamRoom, true).unwrap();
    assert_eq!(set, deep.replace("]}", "],\"team_room\":true}"));
    assert_eq!(on(&set), ["team_room"]);
}

fn json_values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map(any::<String>(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn keys() -> impl Strategy<Value = String> {
    let known = proptest::sample::select(Feature::ALL.map(Feature::as_str).to_vec());
    prop_oneof![known.prop_map(str::to_owned), any::<String>()]
}

proptest! {
    #[test]
    fn unknown_keys_survive(
        object in proptest::collection::hash_map(keys(), json_values(), 0..10),
        pretty in any::<bool>(),
        feature in proptest::sample::select(Feature::ALL.to_vec()),
        switch in any::<bool>(),
    ) {
        let before: Value = object.into_iter().collect::<Map<String, Value>>().into();
        let text = if pretty { format!("{before:#}") } else { before.to_string() };
        // As this reader reads it: not every number comes back from it to the last digit.
        let mut object: Map<String, Value> = serde_json::from_str(&text).unwrap();
        let set = written(Some(&text), feature, switch).unwrap();
        object.insert(feature.as_str().to_owned(), json!(switch));
        prop_assert_eq!(serde_json::from_str::<Value>(&set).unwrap(), Value::Object(object));
        let expected = Labs::read(Some(&text)).with(feature, switch);
        prop_assert_eq!(Labs::read(Some(&set)), expected);
    }

    #[test]
    fn whatever_stands_there_is_read(text in "\\PC{0,60}") {
        let labs = Labs::read(Some(&text));
        prop_assert!(labs.problem().is_none() || labs.all_off());
    }

    #[test]
    fn every_word_is_a_feature_or_refused(word in "\\PC{0,200}") {
        prop_assert_eq!(word.parse::<Feature>().is_ok(), Feature::ALL.iter().any(|it| it.as_str() == word));
    }
}

#[test]
fn the_primary_agent_is_the_one_of_that_name_or_the_oldest() {
    let keys =
        |names: &[&str]| -> Vec<AgentKey> { names.iter().map(|it| it.parse().unwrap()).collect() };
    assert_eq!(primary_agent(&[]), None);
    let agents = keys(&["agent:ricky:main", "agent:main:main"]);
    assert_eq!(primary_agent(&agents).unwrap().as_str(), "agent:main:main");
    let agents = keys(&["agent:ricky:main", "agent:nova:main"]);
    assert_eq!(primary_agent(&agents).unwrap().short(), "ricky");
    let (ricky, nova) = (Surface::dm(&agents[0]), Surface::dm(&agents[1]));
    assert_eq!(Feature::of(&ricky, Some(&ricky)), [Feature::OperatorChat]);
    assert_eq!(
        Feature::of(&nova, Some(&ricky)),
        [Feature::OperatorChat, Feature::MultiDm]
    );
}

fn every_setting() -> impl Iterator<Item = Labs> {
    let broken = [Unreadable::NoObject, Unreadable::TooLong].map(Labs::unreadable);
    let mixed = (0..64).map(|bits: usize| {
        let features = Feature::ALL.into_iter().enumerate();
        features.fold(Labs::default(), |labs, (at, it)| {
            labs.with(it, bits & 1 << at != 0)
        })
    });
    broken.into_iter().chain(mixed)
}

#[test]
fn the_list_fits_into_a_message_and_says_how_to_switch_each() {
    for labs in every_setting() {
        let list = words::list(labs);
        assert!(list.chars().count() <= CONTENT_LIMIT, "{list}");
        for feature in Feature::ALL {
            let other = if labs.is_on(feature) { "False" } else { "True" };
            assert!(
                list.contains(&format!("/labs flag:{feature} on:{other}")),
                "{list}"
            );
        }
        if let Some(problem) = labs.problem() {
            let problem = problem.to_string();
            assert!(
                list.contains(&problem) && list.contains("labs_features"),
                "{list}"
            );
        }
    }
}

#[test]
fn every_other_text_fits_as_well() {
    let wild = "`@everyone\u{202e}**".repeat(1_000);
    for labs in every_setting() {
        for feature in Feature::ALL {
            for text in [
                words::switched(feature, labs, true),
                words::switched(feature, labs, false),
                words::one(feature, labs),
                words::unknown(&wild),
            ] {
                assert!(text.chars().count() <= CONTENT_LIMIT, "{text}");
            }
        }
    }
    let away = words::switched_off(
        &Surface::Dm("x".repeat(64)),
        &[Feature::OperatorChat, Feature::MultiDm],
    );
    assert!(away.chars().count() <= CONTENT_LIMIT);
    for flag in ["operator_chat", "multi_dm"] {
        assert!(
            away.contains(&format!("/labs flag:{flag} on:True")),
            "{away}"
        );
    }
}
