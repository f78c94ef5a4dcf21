//! Whose turn it is: authors take turns, so that nobody waits for all messages of another.

use std::collections::VecDeque;

use crate::model::{DiscordMessageId, UserId};

/// Messages in line, by their author; nobody knows of some who that is.
#[derive(Debug, Default)]
pub(super) struct Fair {
    lines: VecDeque<(Option<UserId>, VecDeque<DiscordMessageId>)>,
}

impl Fair {
    /// Puts a message at the end of its author's line, unless it stands there.
    pub(super) fn push(&mut self, by: Option<UserId>, message: DiscordMessageId) {
        let line = self.line(by);
        if !line.contains(&message) {
            line.push_back(message);
        }
    }

    /// Puts a message back to where it was taken from: it is not done with.
    pub(super) fn push_back_to_front(&mut self, by: Option<UserId>, message: DiscordMessageId) {
        let line = self.line(by);
        if !line.contains(&message) {
            line.push_front(message);
        }
    }

    /// The next message; its author stands last then.
    pub(super) fn pop(&mut self) -> Option<DiscordMessageId> {
        let (by, mut line) = self.lines.pop_front()?;
        let message = line.pop_front();
        if !line.is_empty() {
            self.lines.push_back((by, line));
        }
        message
    }

    fn line(&mut self, by: Option<UserId>) -> &mut VecDeque<DiscordMessageId> {
        let known = self.lines.iter().position(|(whose, _)| *whose == by);
        let at = known.unwrap_or_else(|| {
            self.lines.push_back((by, VecDeque::new()));
            self.lines.len() - 1
        });
        &mut self.lines[at].1
    }
}

#[cfg(test)]
mod tests {
    use super::Fair;

    #[test]
    fn authors_take_turns() {
        let id = |id: u64| id.to_string().parse().unwrap();
        let by = |id: u64| Some(id.to_string().parse().unwrap());
        let mut fair = Fair::default();
        for message in 1..=3 {
            fair.push(by(100), id(message));
        }
        fair.push(by(200), id(9));
        fair.push(by(100), id(3));
        let order: Vec<String> = std::iter::from_fn(|| fair.pop())
            .map(|message| message.to_string())
            .collect();
        assert_eq!(order, ["1", "9", "2", "3"]);
    }
}
