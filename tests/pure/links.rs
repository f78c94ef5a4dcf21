//! Tests of `cards::links`.

use clawdos_bridge::cards::links::{disarmed, unfolded};

#[test]
fn a_link_reads_as_where_it_goes() {
    for (text, shown) in [
        (
            "[bank](https://evil.example)",
            "bank (https://evil.example)",
        ),
        (
            "[two\nlines](https://e.example)",
            "two\nlines (https://e.example)",
        ),
        (
            "[a [b] c](https://e.example)",
            "a [b] c (https://e.example)",
        ),
        (
            "[a [b](x:y) c](https://e.example)",
            "a b (x:y) c (https://e.example)",
        ),
        (
            "[note] and [docs](<https://e.example>)",
            "[note] and docs (<https://e.example>)",
        ),
        (
            "[`a`](https://e.example 'title')",
            "`a` (https://e.example 'title')",
        ),
        ("[x]( https://e.example)", "x (https://e.example)"),
    ] {
        assert_eq!(unfolded(text), shown);
    }
}

#[test]
fn what_is_no_link_stays_as_it_is() {
    for text in [
        "array[0](call) and f[x](y)",
        "`[code](https://e.example)` and ``[more](https://e.example)``",
        "```md\n[code](https://e.example)\n```",
        "[open and ] closed (https://e.example)",
        "a \\ b \\` c",
    ] {
        assert_eq!(unfolded(text), text);
        assert_eq!(disarmed(text.to_owned()), text);
    }
}

#[test]
fn no_trick_leaves_a_link_that_discord_would_hide() {
    for text in [
        "[a] b](https://e.example)",
        "[A] [b](https://x.example) c](https://e.example)",
        "`[x](https://e.example)``",
        "\\`[x](https://e.example)`",
        "`a``[x](https://e.example)``",
        "\\```[x](https://e.example)```",
        "```\n```[x](https://e.example)",
        "```[x](https://e.example)",
        "[a\\](https://e.example)",
    ] {
        let shown = unfolded(text);
        assert!(!shown.contains("]("), "{text:?} is shown as {shown:?}");
        let part = disarmed(text.to_owned());
        assert!(!part.contains("]("), "{text:?} is shown as {part:?}");
        assert_eq!(part.chars().count(), text.chars().count());
    }
}
