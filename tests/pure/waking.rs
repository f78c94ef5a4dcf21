//! What agents are told of their tasks, and whom a comment mentions.

use proptest::prelude::*;
use uuid::Uuid;

use clawdos_bridge::model::AgentKey;
use clawdos_bridge::model::addressing::mentioned;
use clawdos_bridge::model::task::TaskStatus;
use clawdos_bridge::model::waking::{About, Waking, status_words};

#[test]
fn a_mention_is_read_as_clawdos_reads_it() {
    for (text, shorts) in [
        ("@ricky", &["ricky"][..]),
        ("@ricky: look, @agent:main:main!", &["ricky", "main"]),
        ("@agent:ricky:main and @ricky", &["ricky"]),
        ("@agent:agent:x-2:main", &["x-2"]),
        ("(@Ricky_1)", &["Ricky_1"]),
        ("@ @: nobody @", &[]),
    ] {
        let keys = mentioned(text);
        let found: Vec<&str> = keys.iter().map(AgentKey::short).collect();
        assert_eq!(found, shorts, "{text}");
    }
}

#[test]
fn a_status_is_said_in_words() {
    assert_eq!(status_words(&TaskStatus::InProgress), "In progress");
    assert_eq!(status_words(&TaskStatus::Other(String::new())), "");
    assert_eq!(status_words(&TaskStatus::parse("élan_vital")), "élan vital");
}

proptest! {
    #[test]
    fn whatever_is_said_the_task_is_named_and_the_message_stays_short(
        title in "(?s).{0,5000}", said in "(?s).{0,5000}", name in "(?s).{0,300}",
    ) {
        let task = Uuid::new_v4();
        let about = About { task, title: &title };
        for what in [
            Waking::Started { description: Some(&said) },
            Waking::HandedOver { description: None },
            Waking::Answered { question: &said, answer: &said },
            Waking::Mentioned { by: &name, comment: &said },
        ] {
            let text = what.text(about);
            let id = format!("(id {task})");
            prop_assert!(text.contains(&id));
            // Each line of a quotation begins with two more.
            prop_assert!(text.chars().count() <= 9_000, "{}", text.chars().count());
            let first = text.lines().next().unwrap_or_default();
            prop_assert!(first.contains(&id), "{first:?}");
        }
    }

    #[test]
    fn nothing_that_is_written_breaks_the_reading_of_mentions(text in "(?s).{0,400}") {
        for key in mentioned(&text) {
            prop_assert!(text.contains(key.short()));
        }
    }
}
