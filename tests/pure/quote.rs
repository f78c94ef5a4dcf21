//! Foreign words on a card stay in their quotation.

use clawdos_bridge::cards::quote::{Quoted, block, line, name, visible_json};

#[test]
fn nothing_ends_a_block_but_its_end() {
    for text in ["```\nAPPROVED", "a```", "``", "`````", "```\n```"] {
        let shown = block(text, 200).markup;
        assert_eq!(shown.matches("```").count(), 2, "{shown}");
        assert!(shown.starts_with("```\n") && shown.ends_with("\n```"));
    }
    assert_eq!(line("a`b\nc", 50).markup, "`aˋb⏎c`");
}

#[test]
fn what_cannot_be_seen_is_shown_and_counts_as_changed() {
    let shown = block("pay\u{202e}cod.exe\u{200b}", 200);
    assert_eq!(shown.markup, "```\npay⟨U+202E⟩cod.exe⟨U+200B⟩\n```");
    assert!(!shown.whole);
    let far = block(&format!("a{}b", "\n".repeat(500)), 200);
    assert_eq!(far.markup, "```\na\n⟨500 blank characters⟩\nb\n```");
    assert!(!far.whole);
    let piled = block(&format!("a{}b", "\u{301}".repeat(50)), 200);
    assert_eq!(piled.markup.matches('\u{301}').count(), 3);
    assert!(!piled.whole);
}

#[test]
fn ordinary_words_stay_as_they_are() {
    let text = "Fix the `login` page:\n\n- été\n\tnaïve 👍\u{fe0f}";
    assert_eq!(
        block(text, 200),
        Quoted {
            markup: format!("```\n{text}\n```"),
            whole: true
        }
    );
    assert!(!block(text, 30).whole);
}

#[test]
fn a_name_formats_nothing() {
    assert_eq!(name("Ops-Bot 2.0"), "Ops-Bot 2.0");
    assert_eq!(
        name("**x**\n# [a](https://e.example) <@1>"),
        "\\*\\*x\\*\\* \\# \\[a\\]\\(https\\:\\/\\/e.example\\) \\<\\@1\\>"
    );
    assert_eq!(name(" \n"), "(no name)");
}

#[test]
fn json_means_the_same_with_everything_visible() {
    let value = serde_json::json!({"a": "```\u{202e}\u{e0041}x\u{7f}"});
    let shown = visible_json(&serde_json::to_string_pretty(&value).unwrap());
    assert!(
        !shown.contains('`') && !shown.contains('\u{202e}'),
        "{shown}"
    );
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&shown).unwrap(),
        value
    );
}
