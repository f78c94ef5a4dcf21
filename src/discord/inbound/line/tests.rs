//! The line against every order of events.

use std::collections::HashMap;

use chrono::DateTime;
use proptest::prelude::*;

use super::{Line, What};
use crate::model::view::Surface;
use crate::model::{ChannelId, DiscordMessageId, UserId};
use crate::spool::Held;

fn id(message: u64) -> DiscordMessageId {
    DiscordMessageId::new(message).expect("an id")
}

/// A message in one of its versions; 0 is how it was written first.
fn held(message: u64, version: u8) -> Held {
    Held {
        project: "front-office".parse().expect("a project"),
        message: id(message),
        channel: ChannelId::new(7).expect("an id"),
        surface: Surface::Room,
        agent: None,
        user: UserId::new(9).expect("an id"),
        name: "zack".to_owned(),
        roles: Vec::new(),
        text: version.to_string(),
        files: Vec::new(),
        named: Vec::new(),
        reply_to: None,
        edited_at: (version > 0)
            .then(|| DateTime::from_timestamp(version.into(), 0))
            .flatten(),
    }
}

#[derive(Debug, Clone)]
enum Step {
    Say(u64),
    Edit(u64, u8),
    Delete(u64),
    /// The first of the line is begun, and done after so many more steps, well or not.
    Work(u8, End),
}

/// How it ends.
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Well,
    Unwritten,
    /// It is written, and nobody heard.
    Unheard,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (1..4_u64).prop_map(Step::Say),
        (1..4_u64, 1..4_u8).prop_map(|(of, version)| Step::Edit(of, version)),
        (1..4_u64).prop_map(Step::Delete),
        (0..4_u8, ends()).prop_map(|(after, end)| Step::Work(after, end)),
    ];
    prop::collection::vec(step, 0..40)
}

fn ends() -> impl Strategy<Value = End> {
    prop_oneof![Just(End::Well), Just(End::Unwritten), Just(End::Unheard)]
}

/// What the operations do with the first of the line.
fn finish(line: &mut Line, rows: &mut HashMap<u64, Held>, end: End) {
    line.busy = false;
    let Some(first) = line.first() else { return };
    let message = first.message().get();
    let known = rows.contains_key(&message);
    match &first.what {
        _ if end == End::Unwritten => {}
        What::Message(held) | What::Edit(held) if known => {
            let row = rows.entry(message).or_insert_with(|| (**held).clone());
            super::follow(row, held);
        }
        What::Message(held) => {
            rows.insert(message, (**held).clone());
        }
        What::Delete(_) => {
            rows.remove(&message);
        }
        What::Edit(_) => {}
    }
    if end != End::Well {
        return line.put_back();
    }
    if let Some(edit @ What::Edit(_)) = line.pop().map(|it| it.what).filter(|_| !known) {
        line.unknown(edit);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    /// Discord's events may come in any order, and any of them several times.
    #[test]
    fn in_the_end_rows_are_what_discord_shows(steps in steps()) {
        let (mut line, mut rows) = (Line::default(), HashMap::new());
        let (mut left, mut ending) = (0, End::Well);
        for step in &steps {
            if line.busy {
                if left == 0 {
                    finish(&mut line, &mut rows, ending);
                } else {
                    left -= 1;
                }
            }
            match *step {
                Step::Say(message) if !line.has(id(message)) => {
                    line.say(held(message, 0), None);
                }
                Step::Edit(message, version) => line.edit(held(message, version)),
                Step::Delete(message) => line.delete(id(message)),
                Step::Work(after, end) if !line.busy && line.first().is_some() => {
                    (line.busy, left, ending) = (true, after, end);
                }
                Step::Say(_) | Step::Work(..) => {}
            }
        }
        while line.first().is_some() {
            finish(&mut line, &mut rows, End::Well);
        }
        for message in 1..4 {
            let said = steps.iter().any(|it| matches!(it, Step::Say(of) if *of == message));
            let gone = steps.iter().any(|it| matches!(it, Step::Delete(of) if *of == message));
            let versions = steps.iter().filter_map(|it| match it {
                Step::Edit(of, version) if *of == message => Some(*version),
                _ => None,
            });
            let wanted = (said && !gone).then(|| versions.max().unwrap_or_default().to_string());
            let row = rows.get(&message).map(|row| row.text.clone());
            prop_assert_eq!(row, wanted, "message {}", message);
        }
    }
}
