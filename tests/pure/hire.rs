//! What may be asked for when an agent is hired.

use clawdos_bridge::model::hire::{BadHire, Hire, is_emoji};

fn short(short: &str) -> Result<Hire, BadHire> {
    Hire::parse("Nova", short, None, None)
}

#[test]
fn what_is_asked_for_is_read_once_and_tidied() {
    let hire = Hire::parse("  Nova \n Prime ", " NOVA-2 ", Some(" "), Some(" 🛰️ ")).unwrap();
    assert_eq!(hire.key.as_str(), "agent:nova-2:main");
    assert_eq!(hire.name, "Nova Prime");
    assert_eq!((hire.role, hire.emoji.as_deref()), (None, Some("🛰️")));
}

#[test]
fn bad_short_ids_are_refused() {
    for bad in [
        "",
        "-a",
        "a-",
        "a b",
        "a:b",
        "a_b",
        "ä",
        "../a",
        "a/b",
        "$(x)",
        &"a".repeat(33),
    ] {
        assert!(matches!(short(bad), Err(BadHire::Short(_))), "{bad:?}");
    }
    for taken in ["agent", "ui", "Everyone", "project"] {
        assert!(
            matches!(short(taken), Err(BadHire::Reserved(_))),
            "{taken:?}"
        );
    }
    assert!(short(&"a".repeat(32)).is_ok());
}

#[test]
fn a_name_has_something_to_read_in_it() {
    let named = |name: &str| Hire::parse(name, "x", None, None);
    for empty in ["", " ", "\u{200b}\u{202e}", "!!", "🤖"] {
        assert_eq!(named(empty), Err(BadHire::NoName), "{empty:?}");
    }
    assert_eq!(
        named("Everyone"),
        Err(BadHire::Reserved("Everyone".to_owned()))
    );
    let long = named(&"n".repeat(81));
    assert_eq!(long, Err(BadHire::TooLong("name", 81, 80)));
    let role = Hire::parse("N", "x", Some(&"r".repeat(201)), None);
    assert_eq!(role, Err(BadHire::TooLong("role", 201, 200)));
}

#[test]
fn one_emoji_is_one() {
    for emoji in [
        "🔧",
        "🛰️",
        "👍🏽",
        "👩‍🚀",
        "👨‍👩‍👧‍👦",
        "🇩🇪",
        "1️⃣",
        "#⃣",
        "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
        "❤️",
        "🏳️‍🌈",
    ] {
        assert!(is_emoji(emoji), "{emoji}");
    }
    for none in [
        "",
        "a",
        "🔧🔧",
        "🔧 ",
        "1",
        "🇩",
        "<:a:1>",
        ":wrench:",
        "🔧a",
        "\u{200d}",
        "🔧\u{200d}",
        "👍🏽🏽",
    ] {
        assert!(!is_emoji(none), "{none:?}");
    }
}
