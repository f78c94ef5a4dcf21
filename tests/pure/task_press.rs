//! What comes back from the controls of tasks is something that we have written, or nothing.

use clawdos_bridge::cards::custom_id::{LIMIT, Press, ReasonForm};
use clawdos_bridge::cards::task_press::TaskPress;
use clawdos_bridge::model::task::TimelineItem;
use proptest::prelude::*;
use uuid::Uuid;

fn items() -> impl Strategy<Value = TimelineItem> {
    (any::<bool>(), any::<u128>()).prop_map(|(event, id)| {
        let id = Uuid::from_u128(id);
        if event {
            TimelineItem::Event(id)
        } else {
            TimelineItem::Comment(id)
        }
    })
}

fn presses() -> impl Strategy<Value = TaskPress> {
    let parts = (0..7_u8, items(), any::<u128>(), b'A'..=b'Z', any::<u32>());
    parts.prop_map(|(which, item, task, letter, until)| {
        let task = Uuid::from_u128(task);
        match which {
            0 => TaskPress::Answer {
                item,
                letter: letter.into(),
            },
            1 => TaskPress::AnswerFreely { item },
            2 => TaskPress::AnswerForm { item },
            3 => TaskPress::Status { task },
            4 => TaskPress::Stop { task },
            5 => TaskPress::StopForm { task },
            _ => TaskPress::Delete { task, until },
        }
    })
}

proptest! {
    #[test]
    fn what_we_write_is_what_we_read_and_nothing_else_reads_it(press in presses()) {
        let text = press.to_string();
        prop_assert!((1..=LIMIT).contains(&text.len()), "{text}");
        prop_assert_eq!(text.parse(), Ok(press));
        prop_assert!(text.parse::<Press>().is_err(), "{text}");
        prop_assert!(text.parse::<ReasonForm>().is_err(), "{text}");
        prop_assert!(!(press.is_form() && press.is_list()));
    }

    #[test]
    fn a_text_has_one_spelling(press in presses(), cut in 0..100_usize, end in "[ :0a-fA-F]{1,40}") {
        let text = press.to_string();
        let cut = &text[..cut.min(text.len() - 1)];
        for other in [
            cut.to_owned(),
            text.to_uppercase(),
            format!(" {text}"),
            format!("{text}{end}"),
            text.replacen("v1", "v2", 1),
            text.replacen(":task:", ":event:", 1),
        ] {
            if let Ok(read) = other.parse::<TaskPress>() {
                prop_assert_eq!(read.to_string(), other);
            }
        }
        prop_assert!(cut.parse::<TaskPress>().is_err(), "{}", cut);
    }

    #[test]
    fn noise_is_nothing(text in "\\PC{0,200}", digits in "[v1:a-z0-9-]{0,120}") {
        prop_assert!(text.parse::<TaskPress>().is_err());
        prop_assert!(digits.parse::<TaskPress>().is_err());
    }
}

#[test]
fn nothing_is_added_taken_away_or_spelled_differently() {
    let id = "5f0c1d2e3b4a4c5d8e9f000102030405";
    for good in [
        format!("v1:answer:event:{id}:A"),
        format!("v1:custom-form:comment:{id}"),
        format!("v1:status:task:{id}"),
        format!("v1:delete:task:{id}:0000000001"),
    ] {
        assert!(good.parse::<TaskPress>().is_ok(), "{good}");
    }
    for bad in [
        String::new(),
        "v1".to_owned(),
        format!("v1:answer:event:{id}"),
        format!("v1:answer:event:{id}:"),
        format!("v1:answer:event:{id}:a"),
        format!("v1:answer:event:{id}:AB"),
        format!("v1:answer:event:{id}:Ä"),
        format!("v1:answer:event:{id}:A:B"),
        format!("v1:answer:task:{id}:A"),
        format!("v1:custom:task:{id}"),
        format!("v1:status:event:{id}"),
        format!("v1:status:task:{id}:done"),
        format!("v1:status:task:{}", id.to_uppercase()),
        format!("v1:status:task:{}", Uuid::try_parse(id).unwrap()),
        format!("v1:stop:task:{id}\n"),
        format!("v1:delete:task:{id}"),
        format!("v1:delete:task:{id}:1"),
        format!("v1:delete:task:{id}:-000000001"),
        format!("v1:delete:task:{id}:9999999999"),
        format!("v0:stop:task:{id}"),
        format!("v1:approve:task:{id}"),
    ] {
        assert!(
            bad.parse::<TaskPress>().is_err(),
            "{bad:?} is taken for ours"
        );
    }
}
