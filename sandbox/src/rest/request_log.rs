//! The last requests that bots made, for tests and for the curious.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::Method;
use serde_json::{Value, json};

/// Requests that are kept.
const KEPT: usize = 20_000;
/// Longer bodies are cut, so that the ring stays small.
const BODY_BYTES: usize = 64 * 1024;

/// One request. The path holds no token.
#[derive(Debug)]
pub(crate) struct Entry {
    /// When it arrived, in microseconds since 1970.
    pub(crate) at_us: u64,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    /// The path as the `OpenAPI` description names it.
    pub(crate) route: Arc<str>,
    /// The JSON body as text; of multipart its `payload_json`.
    pub(crate) body: String,
    /// The HTTP status; 0 when nobody waited for the answer or it was lost on purpose.
    pub(crate) status: u16,
}

#[derive(Default)]
struct Ring {
    entries: VecDeque<Entry>,
    /// Each route's name once.
    routes: HashSet<Arc<str>>,
    /// The number of the last entry; they are counted from 1 in the order of their answers.
    last: u64,
}

/// The ring of requests.
#[derive(Default)]
pub(crate) struct RequestLog {
    ring: Mutex<Ring>,
}

impl RequestLog {
    /// Adds a request.
    pub(crate) fn push(&self, mut entry: Entry) {
        if entry.body.len() > BODY_BYTES {
            entry.body.clear();
        }
        let mut ring = self.ring();
        ring.last += 1;
        match ring.routes.get(&entry.route) {
            Some(known) => entry.route = Arc::clone(known),
            None => drop(ring.routes.insert(Arc::clone(&entry.route))),
        }
        entry.path.shrink_to_fit();
        ring.entries.push_back(entry);
        if ring.entries.len() > KEPT {
            ring.entries.pop_front();
        }
    }

    /// The requests after the `n`-th, oldest first.
    pub(crate) fn after(&self, n: u64) -> Value {
        let ring = self.ring();
        let first = ring.last - ring.entries.len() as u64 + 1;
        let skip = usize::try_from((n + 1).saturating_sub(first)).unwrap_or(usize::MAX);
        let numbered = (first..).zip(&ring.entries).skip(skip);
        numbered.map(|(n, entry)| entry.json(n)).collect()
    }

    /// How many requests there were.
    pub(crate) fn count(&self) -> u64 {
        self.ring().last
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn json(&self, n: u64) -> Value {
        json!({
            "n": n,
            "at_us": self.at_us,
            "method": self.method.as_str(),
            "path": self.path,
            "query": self.query,
            "route": &*self.route,
            "body": serde_json::from_str::<Value>(&self.body).unwrap_or(Value::Null),
            "status": self.status,
        })
    }
}
