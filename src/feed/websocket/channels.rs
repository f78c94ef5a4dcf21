//! One channel per table, and how far each has come. Pure: time and frames come from outside.
//!
//! All bindings of a channel are subscribed in one transaction, so one unpublished table in a
//! channel silences the others (source: Supabase Realtime, `subscriptions.ex`). With a channel per
//! table, every confirmation is the proof for one table.

use std::time::Duration;

use tokio::time::Instant;

use super::problem::{RealtimeProblem, Refusal};
use crate::{feed::reconnect::jittered, model::change::Table};

/// The first wait before a refused table is asked for again; it doubles from there.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// The longest wait before a refused table is asked for again.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The channels of a connection.
pub(super) struct Channels {
    all: Vec<Channel>,
    patience: Duration,
}

struct Channel {
    table: Table,
    state: State,
    /// The number of the latest join, which also names it in frames of the server.
    join: u64,
    wait: Duration,
    /// Why it had no subscription last, until it has one.
    refused: Option<Refusal>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// To be asked for, from this time on.
    Due(Instant),
    /// Asked for; to be answered and confirmed before this time.
    Asked(Instant),
    /// Confirmed.
    Subscribed,
}

/// What a confirmation means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Confirmed {
    /// For the first time since the channel was asked for.
    New,
    /// The server has subscribed anew by itself, and may have missed something meanwhile.
    Again,
    /// It is about a join that was given up.
    Stale,
}

impl Channels {
    /// Channels for these tables, all to be asked for. A confirmation may take `patience`.
    pub(super) fn new(tables: &[Table], patience: Duration, now: Instant) -> Self {
        let channel = |table: &Table| Channel {
            table: *table,
            state: State::Due(now),
            join: 0,
            wait: FIRST_WAIT,
            refused: None,
        };
        Self {
            all: tables.iter().map(channel).collect(),
            patience,
        }
    }

    /// The next table to ask for. `join` numbers the request.
    pub(super) fn ask(&mut self, join: u64, now: Instant) -> Option<Table> {
        let until = now + self.patience;
        let due = |channel: &&mut Channel| matches!(channel.state, State::Due(at) if at <= now);
        let channel = self.all.iter_mut().find(due)?;
        channel.state = State::Asked(until);
        channel.join = join;
        Some(channel.table)
    }

    /// Gives up what was not confirmed in time.
    pub(super) fn expire(&mut self, now: Instant) {
        for channel in &mut self.all {
            if matches!(channel.state, State::Asked(until) if until <= now) {
                channel.refuse(Refusal::Unconfirmed, now);
            }
        }
    }

    /// The join with this number was refused.
    pub(super) fn refused(&mut self, join: u64, why: Refusal, now: Instant) {
        let asked = |channel: &&mut Channel| channel.join == join;
        if let Some(channel) = self.all.iter_mut().find(asked) {
            channel.refuse(why, now);
        }
    }

    /// The subscription of a table stands.
    pub(super) fn confirmed(&mut self, table: Table, join: Option<u64>) -> Confirmed {
        let Some(channel) = self.find(table, join) else {
            return Confirmed::Stale;
        };
        channel.refused = None;
        channel.wait = FIRST_WAIT;
        match std::mem::replace(&mut channel.state, State::Subscribed) {
            State::Subscribed => Confirmed::Again,
            // One that was refused may be confirmed all the same: the server tries again by itself.
            State::Asked(_) | State::Due(_) => Confirmed::New,
        }
    }

    /// The subscription of a table does not stand, or not any more.
    pub(super) fn lost(&mut self, table: Table, join: Option<u64>, why: Refusal, now: Instant) {
        if let Some(channel) = self.find(table, join) {
            channel.refuse(why, now);
        }
    }

    /// The channel is closed. Why was perhaps said before.
    pub(super) fn closed(&mut self, table: Table, join: Option<u64>, now: Instant) {
        if let Some(channel) = self.find(table, join)
            && !matches!(channel.state, State::Due(_))
        {
            channel.refuse(Refusal::Closed, now);
        }
    }

    /// Tables that were asked for on this connection, with the number of their join.
    pub(super) fn joined(&self) -> impl Iterator<Item = (Table, u64)> {
        let asked = self.all.iter().filter(|channel| channel.join > 0);
        asked.map(|channel| (channel.table, channel.join))
    }

    /// When something is due.
    pub(super) fn wake(&self) -> Option<Instant> {
        let times = self.all.iter().filter_map(|channel| match channel.state {
            State::Due(at) | State::Asked(at) => Some(at),
            State::Subscribed => None,
        });
        times.min()
    }

    /// Whether it is known of every table that it is heard, or why not.
    pub(super) fn settled(&self) -> bool {
        let settled =
            |channel: &Channel| channel.state == State::Subscribed || channel.refused.is_some();
        self.all.iter().all(settled)
    }

    /// Whether some table is heard.
    pub(super) fn any(&self) -> bool {
        let subscribed = |channel: &Channel| channel.state == State::Subscribed;
        self.all.iter().any(subscribed)
    }

    /// Why some tables are not heard: tables with the same reason together.
    pub(super) fn gaps(&self) -> Vec<RealtimeProblem> {
        let mut gaps: Vec<(&Refusal, Vec<Table>)> = Vec::new();
        for channel in &self.all {
            let Some(why) = &channel.refused else {
                continue;
            };
            match gaps.iter_mut().find(|(other, _)| *other == why) {
                Some((_, tables)) => tables.push(channel.table),
                None => gaps.push((why, vec![channel.table])),
            }
        }
        let gaps = gaps.into_iter();
        gaps.map(|(why, tables)| why.clone().of(tables)).collect()
    }

    /// The channel that a frame is about, unless it is about an earlier join.
    fn find(&mut self, table: Table, join: Option<u64>) -> Option<&mut Channel> {
        let present = |channel: &&mut Channel| {
            channel.table == table && join.is_none_or(|join| join == channel.join)
        };
        self.all.iter_mut().find(present)
    }
}

impl Channel {
    fn refuse(&mut self, why: Refusal, now: Instant) {
        // Refused twice, by a message and by the channel's end, is refused once.
        if !matches!(self.state, State::Due(_)) {
            self.state = State::Due(now + jittered(self.wait));
            self.wait = (self.wait * 2).min(LONGEST_WAIT);
        }
        self.refused = Some(why);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    fn asked(tables: &[Table]) -> (Channels, Instant) {
        let now = Instant::now();
        let mut channels = Channels::new(tables, PATIENCE, now);
        for join in 1..=tables.len() {
            assert!(channels.ask(join as u64, now).is_some());
        }
        assert!(channels.ask(99, now).is_none(), "each is asked for once");
        (channels, now)
    }

    #[test]
    fn nothing_is_settled_before_the_last_table_is() {
        let (mut channels, now) = asked(&[Table::Tasks, Table::Agents]);
        assert!(!channels.settled());
        assert_eq!(channels.confirmed(Table::Tasks, Some(1)), Confirmed::New);
        assert!(!channels.settled() && channels.any());
        channels.refused(2, Refusal::Unpublished, now);
        assert!(channels.settled() && channels.any());
        let gaps = channels.gaps();
        assert!(matches!(gaps.as_slice(), [gap] if gap.to_string().contains("public.agents")));
    }

    #[test]
    fn what_concerns_an_earlier_join_changes_nothing() {
        let (mut channels, now) = asked(&[Table::Tasks]);
        channels.closed(Table::Tasks, Some(1), now);
        let later = now + LONGEST_WAIT;
        assert_eq!(channels.ask(7, later), Some(Table::Tasks));
        assert_eq!(channels.confirmed(Table::Tasks, Some(1)), Confirmed::Stale);
        channels.refused(1, Refusal::Unpublished, later);
        assert_eq!(channels.confirmed(Table::Tasks, Some(7)), Confirmed::New);
        channels.closed(Table::Tasks, Some(1), later);
        assert!(channels.any() && channels.gaps().is_empty());
        assert_eq!(channels.confirmed(Table::Tasks, None), Confirmed::Again);
    }

    #[test]
    fn a_table_that_stays_refused_is_asked_for_less_and_less_often() {
        let (mut channels, mut now) = asked(&[Table::Tasks]);
        let mut waits = Vec::new();
        for join in 1..20 {
            channels.refused(join, Refusal::Unpublished, now);
            let again = channels.wake().unwrap();
            waits.push(again - now);
            now = again;
            assert_eq!(channels.ask(join + 1, now), Some(Table::Tasks));
        }
        assert!(waits[0] <= FIRST_WAIT && waits[0] >= FIRST_WAIT / 2);
        let last = waits[18];
        assert!(
            last <= LONGEST_WAIT && last >= LONGEST_WAIT / 2,
            "{waits:?}"
        );
    }

    #[test]
    fn a_confirmation_that_does_not_come_is_a_refusal() {
        let (mut channels, now) = asked(&[Table::Tasks]);
        channels.expire(now + PATIENCE / 2);
        assert!(!channels.settled());
        assert_eq!(channels.wake(), Some(now + PATIENCE));
        channels.expire(now + PATIENCE);
        assert!(channels.settled() && !channels.any());
        // It comes late, and the server's word counts.
        assert_eq!(channels.confirmed(Table::Tasks, Some(1)), Confirmed::New);
        assert!(channels.any() && channels.gaps().is_empty());
    }
}
