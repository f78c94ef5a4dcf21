//! Phoenix frames in their second version: `[join_ref, ref, topic, event, payload]`, each read once
//! into a type.
//!
//! Source: the official JavaScript client and the server of Supabase Realtime. Of a row only its key
//! is read.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use crate::model::{
    ProjectId,
    change::{Change, Op, RowKey, Table},
};

/// The version of the frames, as the URL names it.
pub(super) const VERSION: &str = "2.0.0";

/// Every topic of Supabase Realtime starts with this; what follows is the client's choice.
const TOPIC: &str = "realtime:clawdos-bridge:";

/// The topic of the connection itself.
const PHOENIX: &str = "phoenix";

/// The only schema the bridge subscribes to.
const SCHEMA: &str = "public";

/// The extension whose `system` messages tell of subscriptions to the database.
const POSTGRES_CHANGES: &str = "postgres_changes";

/// Asks for the changes of a table.
///
/// Two bindings: the server applies a filter to a deleted row only if the replica identity holds
/// the filtered column, and by default it holds the primary key alone. With the first binding alone
/// no deletion would ever be told (source: supabase/walrus, pull request 76). Deletions of other
/// projects come along; whoever loads the row finds nothing to do.
pub(super) fn join(table: Table, reference: u64, project: &ProjectId, token: &str) -> String {
    let reference = reference.to_string();
    let binding =
        |event: &str| json!({ "event": event, "schema": SCHEMA, "table": table.as_str() });
    let mut rows = binding("*");
    rows["filter"] = json!(format!("project_id=eq.{project}"));
    let payload = json!({
        "config": {
            "broadcast": { "ack": false, "self": false },
            "presence": { "key": "", "enabled": false },
            "postgres_changes": [rows, binding("DELETE")],
            "private": false,
        },
        "access_token": token,
    });
    json!([reference, reference, topic(table), "phx_join", payload]).to_string()
}

/// Tells a channel the new token.
pub(super) fn access_token(table: Table, join: u64, reference: u64, token: &str) -> String {
    let (join, reference) = (join.to_string(), reference.to_string());
    let payload = json!({ "access_token": token });
    json!([join, reference, topic(table), "access_token", payload]).to_string()
}

/// Asks the server whether it lives, and keeps it from closing an idle connection.
pub(super) fn heartbeat(reference: u64) -> String {
    json!([null, reference.to_string(), PHOENIX, "heartbeat", {}]).to_string()
}

fn topic(table: Table) -> String {
    format!("{TOPIC}{table}")
}

/// What a frame says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// The answer to what was sent with this number; `Err` with the server's reason.
    Reply(u64, Result<(), String>),
    /// About the subscription of a channel to the database. `None` where the channel's join is not
    /// named: the present one is meant.
    Subscription(Table, Option<u64>, Result<(), String>),
    /// Something else that went wrong in a channel; the server closes it next.
    Trouble(Table, Option<u64>, String),
    /// The channel is closed.
    Closed(Table, Option<u64>),
    /// Rows changed: one, or two when a row changed its key.
    Changes(Vec<Change>),
    /// A row changed, and the server does not say which.
    Nameless(Table, Option<String>),
    /// Nothing that concerns us.
    Nothing,
}

/// A frame that tells nothing: counted, and answered with a sweep.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    /// Not the array of five that every frame is.
    #[error("a frame that is none")]
    NoFrame,
    /// Its payload is not what its event promises.
    #[error("a frame whose payload does not fit its event")]
    Payload,
    /// A channel or a table that was not asked for.
    #[error("a frame about something that was not asked for")]
    Stranger,
}

/// A frame as it stands on the wire; not serde's enum, so that unknown events are no error.
#[derive(Deserialize)]
struct Wire<'a>(
    Option<Cow<'a, str>>,
    Option<Cow<'a, str>>,
    Cow<'a, str>,
    Cow<'a, str>,
    #[serde(borrow)] &'a RawValue,
);

#[derive(Deserialize)]
struct Reply {
    status: String,
    #[serde(default)]
    response: Value,
}

#[derive(Deserialize)]
struct System {
    extension: String,
    status: String,
    message: String,
}

#[derive(Deserialize)]
struct Told {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    schema: String,
    table: String,
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(default)]
    commit_timestamp: Option<String>,
    /// Absent where the server withholds the row, and in deletions.
    #[serde(default)]
    record: Option<Key>,
    #[serde(default)]
    old_record: Option<Key>,
    #[serde(default)]
    errors: Option<Vec<String>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Kind {
    Insert,
    Update,
    Delete,
}

/// A row, of which the primary key is read. It is named `id` in every Mission Control table.
#[derive(Deserialize)]
struct Key {
    #[serde(default)]
    id: Value,
}

impl Key {
    fn read(&self) -> Option<RowKey> {
        match &self.id {
            Value::String(text) => Some(RowKey::from(text.as_str())),
            Value::Number(number) => Some(RowKey::from(number.to_string().as_str())),
            _ => None,
        }
    }
}

impl Frame {
    /// Reads a frame.
    pub(super) fn read(text: &str) -> Result<Self, Unreadable> {
        let Wire(join, reference, topic, event, payload) =
            serde_json::from_str(text).map_err(|_| Unreadable::NoFrame)?;
        if event == "phx_reply" {
            let reply: Reply = read(payload)?;
            let reference = reference.and_then(|reference| reference.parse().ok());
            return Ok(Self::Reply(
                reference.ok_or(Unreadable::Stranger)?,
                reply.outcome(),
            ));
        }
        let known =
            matches!(&*event, "system" | "phx_close" | "phx_error") || event == POSTGRES_CHANGES;
        if !known {
            return Ok(Self::Nothing);
        }
        let table = topic.strip_prefix(TOPIC).unwrap_or_default().parse();
        let table = table.map_err(|_| Unreadable::Stranger)?;
        let join = join.map(|join| join.parse().map_err(|_| Unreadable::Stranger));
        let join = join.transpose()?;
        match &*event {
            "system" => Ok(read::<System>(payload)?.told(table, join)),
            "phx_close" | "phx_error" => Ok(Self::Closed(table, join)),
            _ => read::<Told>(payload)?.data.told(table),
        }
    }
}

impl Reply {
    fn outcome(self) -> Result<(), String> {
        if self.status == "ok" {
            return Ok(());
        }
        Err(match &self.response["reason"] {
            Value::String(reason) => reason.clone(),
            _ => self.response.to_string(),
        })
    }
}

impl System {
    fn told(self, table: Table, join: Option<u64>) -> Frame {
        let ok = self.status == "ok";
        if self.extension == POSTGRES_CHANGES {
            let outcome = if ok { Ok(()) } else { Err(self.message) };
            Frame::Subscription(table, join, outcome)
        } else if ok {
            Frame::Nothing
        } else {
            Frame::Trouble(table, join, self.message)
        }
    }
}

impl Data {
    fn told(self, table: Table) -> Result<Frame, Unreadable> {
        if self.schema != SCHEMA || self.table != table.as_str() {
            return Err(Unreadable::Stranger);
        }
        let key = |row: &Option<Key>| row.as_ref().and_then(Key::read);
        let (new, old) = (key(&self.record), key(&self.old_record));
        let commit_at = self.commit_timestamp.as_deref();
        let commit_at: Option<DateTime<Utc>> = commit_at.and_then(|at| at.parse().ok());
        let change = |op, key| Change {
            table,
            op,
            key,
            commit_at,
            xid: None,
        };
        let changes = match (self.kind, new, old) {
            (Kind::Insert, Some(key), _) => vec![change(Op::Insert, key)],
            (Kind::Delete, _, Some(key)) => vec![change(Op::Delete, key)],
            (Kind::Update, Some(new), Some(old)) if new != old => {
                vec![change(Op::Delete, old), change(Op::Update, new)]
            }
            (Kind::Update, Some(key), _) => vec![change(Op::Update, key)],
            _ => {
                let error = self.errors.unwrap_or_default().into_iter().next();
                return Ok(Frame::Nameless(table, error));
            }
        };
        Ok(Frame::Changes(changes))
    }
}

fn read<'a, T: Deserialize<'a>>(payload: &'a RawValue) -> Result<T, Unreadable> {
    serde_json::from_str(payload.get()).map_err(|_| Unreadable::Payload)
}
