//! Mentions become names.

use proptest::prelude::*;

use clawdos_bridge::model::mentions::{Names, Naming, readable};

fn read(text: &str) -> String {
    let names = Names {
        roles: [("7".parse().expect("an id"), "Ops".to_owned())].into(),
        channels: [("8".parse().expect("an id"), "team-room".to_owned())].into(),
    };
    let user = |id: &str, name: &str| (id.parse().expect("an id"), name.to_owned());
    let users = [
        user("5", "Zack"),
        user("6", "ClawdOS"),
        user("9", "<@5> `x`\n@here"),
    ];
    let naming = Naming {
        names: &names,
        users: &users,
        bot: "6".parse().ok(),
    };
    readable(text, &naming)
}

#[test]
fn mentions_are_names() {
    for (text, expected) in [
        ("hi <@5>, <@!5>!", "hi @Zack, @Zack!"),
        ("<@6> what is up", "ClawdOS what is up"),
        ("<@&7> in <#8>", "@Ops in #team-room"),
        ("<:ship_it:12> <a:party:13>", ":ship_it: :party:"),
        (
            "at <t:0> or <t:86400:R>",
            "at 1970-01-01T00:00:00Z or 1970-01-02T00:00:00Z",
        ),
        ("</ask:99> and </cron add:98>", "/ask and /cron add"),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn what_nobody_knows_stays_readable() {
    assert_eq!(read("<@1> <@&2> <#3>"), "@user 1 @role 2 #channel 3");
    for text in [
        "a < b and b > a",
        "<https://example.org>",
        "<@x> <@0> <#> <::1> <:a b:1> <t:x> <t:99999999999999999> </:1> </x:y> <id:guide>",
        r"\<@5>",
        "`<@5>` ```\n<#8>\n```",
        "<",
        "<@5",
        "<é>",
    ] {
        assert_eq!(read(text), text, "{text}");
    }
}

#[test]
fn a_name_is_no_markup() {
    assert_eq!(read("<@9>"), "@5 xhere");
}

proptest! {
    #[test]
    fn nothing_breaks_it(text in "[<>@#&!:/t5678`\\\\é a]{0,80}") {
        prop_assert_eq!(read(&text), read(&text));
        let long = format!("{}<@5>", "é".repeat(300));
        prop_assert!(read(&long).ends_with("@Zack"));
    }
}
