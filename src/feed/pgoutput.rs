//! Reads pgoutput, protocol version 1, for one purpose: which row of which table changed.
//!
//! Message formats: Postgres documentation, "Logical Replication Message Formats". Column values
//! other than the key are stepped over by their length and never copied: a row of a megabyte costs
//! as much as a row of ten bytes.

use std::{collections::HashMap, str::FromStr};

use chrono::{DateTime, Utc};

use crate::model::change::{Change, Op, RowKey, Table, Xid};

/// Microseconds from the Unix epoch to Postgres' epoch, 2000-01-01 00:00 UTC.
const POSTGRES_EPOCH_MICROS: i64 = 946_684_800_000_000;

/// The primary key of every Mission Control table.
const PRIMARY_KEY: &str = "id";

/// The only schema the bridge subscribes to.
const SCHEMA: &str = "public";

/// Flag of a column in a relation message: part of the replica identity.
const PART_OF_IDENTITY: u8 = 1;

/// A message that tells nothing: counted, and answered with a sweep where rows may have changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The message ends before its content does.
    #[error("a message of the replication stream ended early")]
    Short,
    /// A message type that protocol version 1 does not have.
    #[error("the replication stream sent a message of unknown type 0x{0:02x}")]
    UnknownMessage(u8),
    /// A row of a table that was not described before.
    #[error("the replication stream named a table it had not described")]
    UnknownRelation,
    /// The key of a changed row is not in the message: its replica identity does not include the
    /// primary key, or replication does not carry the value.
    #[error("a change of {0} came without its primary key")]
    NoKey(Table),
}

impl Unreadable {
    /// Whether rows may have changed that nobody will hear of.
    const fn hides_changes(&self) -> bool {
        !matches!(self, Self::UnknownMessage(_))
    }
}

/// What the stream said about a table.
enum Relation {
    /// Another schema, or a table nobody reads.
    Ignored,
    Watched {
        table: Table,
        /// Positions of the key columns, ascending.
        key: Vec<usize>,
    },
}

/// Collects the changes of a transaction, message by message.
#[derive(Default)]
pub struct Decoder {
    relations: HashMap<u32, Relation>,
    changes: Vec<Change>,
    commit_at: Option<DateTime<Utc>>,
    xid: Option<Xid>,
    sweep: Option<String>,
}

impl Decoder {
    /// A transaction begins; it was committed at this time (microseconds since 2000-01-01 UTC).
    pub fn begin(&mut self, xid: u32, commit_micros: i64) {
        self.changes.clear();
        self.xid = Some(Xid(xid));
        self.commit_at = commit_micros
            .checked_add(POSTGRES_EPOCH_MICROS)
            .and_then(DateTime::from_timestamp_micros);
    }

    /// How many changes wait for [`Decoder::take`].
    pub fn waiting(&self) -> usize {
        self.changes.len()
    }

    /// The changes collected so far.
    pub fn take(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// Why the reader has to sweep, if it has to: once per transaction, however often it happened.
    pub fn take_sweep(&mut self) -> Option<String> {
        self.sweep.take()
    }

    /// Reads one message. After an error the next one can be read all the same.
    pub fn message(&mut self, data: &[u8]) -> Result<(), Unreadable> {
        let read = self.read(data);
        if let Err(problem) = &read
            && problem.hides_changes()
        {
            self.sweep.get_or_insert_with(|| problem.to_string());
        }
        read
    }

    fn read(&mut self, data: &[u8]) -> Result<(), Unreadable> {
        let (&kind, rest) = data.split_first().ok_or(Unreadable::Short)?;
        let mut input = Input(rest);
        match kind {
            b'R' => self.relation(&mut input),
            b'I' => self.insert(&mut input),
            b'U' => self.update(&mut input),
            b'D' => self.delete(&mut input),
            b'T' => self.truncate(&mut input),
            // Begin and commit reach us as events of the connection; types, origins and messages
            // say nothing of rows.
            b'B' | b'C' | b'Y' | b'O' | b'M' => Ok(()),
            other => Err(Unreadable::UnknownMessage(other)),
        }
    }

    fn relation(&mut self, input: &mut Input<'_>) -> Result<(), Unreadable> {
        let id = input.u32()?;
        let schema = input.text()?;
        let name = input.text()?;
        let _replica_identity = input.u8()?;
        let columns = input.u16()?;
        let mut flagged = Vec::new();
        let mut primary = None;
        for position in 0..usize::from(columns) {
            let flags = input.u8()?;
            let column = input.text()?;
            let _type = input.u32()?;
            let _modifier = input.u32()?;
            if column == PRIMARY_KEY.as_bytes() {
                primary = Some(position);
            }
            if flags & PART_OF_IDENTITY != 0 {
                flagged.push(position);
            }
        }
        let table = std::str::from_utf8(name)
            .ok()
            .filter(|_| schema == SCHEMA.as_bytes())
            .and_then(|name| Table::from_str(name).ok());
        let relation = match table {
            // The flags tell the replica identity, which with REPLICA IDENTITY FULL is every column
            // and with USING INDEX is another key: the known name of the primary key is right in
            // all of them.
            Some(table) => Relation::Watched {
                table,
                key: primary.map_or(flagged, |position| vec![position]),
            },
            None => Relation::Ignored,
        };
        self.relations.insert(id, relation);
        Ok(())
    }

    fn insert(&mut self, input: &mut Input<'_>) -> Result<(), Unreadable> {
        let Some((table, key)) = watched(&self.relations, input)? else {
            return Ok(());
        };
        let _new = input.u8()?;
        let row = input.key(key)?.ok_or(Unreadable::NoKey(table))?;
        self.push(table, Op::Insert, row);
        Ok(())
    }

    fn update(&mut self, input: &mut Input<'_>) -> Result<(), Unreadable> {
        let Some((table, key)) = watched(&self.relations, input)? else {
            return Ok(());
        };
        let mut part = input.u8()?;
        let mut before = None;
        if part == b'K' || part == b'O' {
            before = input.key(key)?;
            part = input.u8()?;
        }
        if part != b'N' {
            return Err(Unreadable::NoKey(table));
        }
        // A key too big to be sent again did not change, and then the old row carries it.
        let after = input
            .key(key)?
            .or_else(|| before.clone())
            .ok_or(Unreadable::NoKey(table))?;
        // Under another key it is another row: what was shown of the old one has to go.
        if let Some(before) = before.filter(|before| *before != after) {
            self.push(table, Op::Delete, before);
        }
        self.push(table, Op::Update, after);
        Ok(())
    }

    fn delete(&mut self, input: &mut Input<'_>) -> Result<(), Unreadable> {
        let Some((table, key)) = watched(&self.relations, input)? else {
            return Ok(());
        };
        let _key_or_old = input.u8()?;
        let row = input.key(key)?.ok_or(Unreadable::NoKey(table))?;
        self.push(table, Op::Delete, row);
        Ok(())
    }

    fn truncate(&mut self, input: &mut Input<'_>) -> Result<(), Unreadable> {
        let count = input.u32()?;
        let _options = input.u8()?;
        for _ in 0..count {
            if let Some((table, _)) = watched(&self.relations, input)? {
                let reason = || format!("all rows of {table} were removed at once");
                self.sweep.get_or_insert_with(reason);
            }
        }
        Ok(())
    }

    fn push(&mut self, table: Table, op: Op, key: RowKey) {
        self.changes.push(Change {
            table,
            op,
            key,
            commit_at: self.commit_at,
            xid: self.xid,
        });
    }
}

/// The table that the next four bytes name and the positions of its key, or `None` if nobody reads
/// it.
fn watched<'a>(
    relations: &'a HashMap<u32, Relation>,
    input: &mut Input<'_>,
) -> Result<Option<(Table, &'a [usize])>, Unreadable> {
    match relations.get(&input.u32()?) {
        Some(Relation::Watched { table, key }) => Ok(Some((*table, key))),
        Some(Relation::Ignored) => Ok(None),
        None => Err(Unreadable::UnknownRelation),
    }
}

/// What is left of a message. Every read checks the length: the bytes come from outside.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn bytes(&mut self, count: usize) -> Result<&'a [u8], Unreadable> {
        let (head, rest) = self.0.split_at_checked(count).ok_or(Unreadable::Short)?;
        self.0 = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Unreadable> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(Unreadable::Short)?;
        self.0 = rest;
        Ok(*head)
    }

    fn u8(&mut self) -> Result<u8, Unreadable> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn u16(&mut self) -> Result<u16, Unreadable> {
        self.array().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Result<u32, Unreadable> {
        self.array().map(u32::from_be_bytes)
    }

    /// Bytes up to a zero byte.
    fn text(&mut self) -> Result<&'a [u8], Unreadable> {
        let end = self
            .0
            .iter()
            .position(|byte| *byte == 0)
            .ok_or(Unreadable::Short)?;
        let text = self.bytes(end)?;
        self.u8()?;
        Ok(text)
    }

    /// Steps over a row and picks its key. `None` if a key column has no value here.
    fn key(&mut self, positions: &[usize]) -> Result<Option<RowKey>, Unreadable> {
        let columns = self.u16()?;
        let mut wanted = positions.iter().copied().peekable();
        let mut key: Option<RowKey> = None;
        let mut complete = !positions.is_empty();
        for position in 0..usize::from(columns) {
            let value = self.value()?;
            if wanted.next_if_eq(&position).is_none() {
                continue;
            }
            match value.and_then(|value| std::str::from_utf8(value).ok()) {
                Some(text) => key = Some(joined(key, text)),
                None => complete = false,
            }
        }
        Ok(key.filter(|_| complete && wanted.peek().is_none()))
    }

    /// One column's value; `None` for null, and for a big value that did not change and is not
    /// sent.
    fn value(&mut self) -> Result<Option<&'a [u8]>, Unreadable> {
        match self.u8()? {
            kind @ (b't' | b'b') => {
                let length = usize::try_from(self.u32()?).map_err(|_| Unreadable::Short)?;
                let value = self.bytes(length)?;
                // Binary values are never asked for, and are no text.
                Ok((kind == b't').then_some(value))
            }
            b'n' | b'u' => Ok(None),
            // A new kind of unknown length: reading on would read nonsense.
            _ => Err(Unreadable::Short),
        }
    }
}

fn joined(so_far: Option<RowKey>, text: &str) -> RowKey {
    match so_far {
        None => RowKey::from(text),
        Some(first) => RowKey::Text(format!("{first}{}{text}", RowKey::SEPARATOR).into_boxed_str()),
    }
}
