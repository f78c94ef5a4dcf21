//! Ids are parsed once, at the edge.

use clawdos_bridge::model::{AgentKey, ChannelId, DiscordMessageId, MessageId, ProjectId};

#[test]
fn agent_keys_are_read_in_every_form_that_clawdos_writes() {
    for text in [
        "agent:ricky:main",
        "agent:agent:ricky:main",
        "ricky",
        "agent:ricky",
        " agent:ricky:main:s1 ",
    ] {
        let key: AgentKey = text.parse().unwrap();
        assert_eq!(key.as_str(), "agent:ricky:main", "{text}");
        assert_eq!(key.short(), "ricky");
    }
    for text in [
        "",
        "agent:",
        "agent::main",
        "agent:$(id):main",
        "agent:a b:main",
        "agent:`x`:main",
    ] {
        assert!(text.parse::<AgentKey>().is_err(), "{text}");
    }
}

#[test]
fn project_ids_are_slugs() {
    assert!("front-office".parse::<ProjectId>().is_ok());
    for text in ["", "Front", "a b", "x/y", "$x"] {
        assert!(text.parse::<ProjectId>().is_err(), "{text}");
    }
}

#[test]
fn discord_ids_are_digits_within_a_bigint() {
    assert!("1574006713592315904".parse::<ChannelId>().is_ok());
    for text in ["0", "-1", "18446744073709551615", "abc", "", "1e3"] {
        assert!(text.parse::<ChannelId>().is_err(), "{text}");
    }
}

#[test]
fn one_discord_message_is_always_the_same_row() {
    let id = |text: &str| text.parse::<DiscordMessageId>().unwrap();
    let row = |text| MessageId::for_discord(id(text));
    assert_eq!(row("1574006713592315904"), row("1574006713592315904"));
    assert_ne!(row("1574006713592315904"), row("1574006713592315905"));
}

#[test]
fn an_id_made_for_a_time_tells_that_time() {
    let time = chrono::DateTime::from_timestamp_millis(1_795_342_843_123).unwrap();
    assert_eq!(DiscordMessageId::at(time).created_at(), time);
}
