//! A server that speaks Supabase Realtime's protocol, on a real websocket.
//!
//! It shares no type with the bridge, and `official.rs` proves it with the official client: a
//! misunderstanding of ours would otherwise pass on both sides.

mod channel;
mod connection;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{Notify, mpsc},
    task::JoinHandle,
    time::timeout,
};
use tokio_tungstenite::tungstenite::Message;

use channel::Channel;

/// How long anything may take before a test gives up: the machine may be busy.
const DEADLINE: Duration = Duration::from_secs(40);

/// The key that the server knows at first.
pub const KEY: &str = "eyJhbGciOiJIUzI1NiJ9.first-s3cret.key";

/// A running server.
pub struct Realtime {
    pub url: url::Url,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    state: Mutex<State>,
    changed: Notify,
}

/// What the server knows and how it misbehaves.
pub struct State {
    /// Keys and tokens that are accepted.
    pub keys: BTreeSet<String>,
    /// Tables that are in the publication.
    pub published: BTreeSet<String>,
    /// Reads, and answers nothing.
    pub mute: bool,
    /// Answers joins, and never confirms a subscription.
    pub unconfirmed: bool,
    /// The reason with which joins are refused.
    pub refusal: Option<String>,
    /// Every frame that came, in order, of all connections.
    pub heard: Vec<Value>,
    /// Connections that were made so far.
    pub connections: usize,
    clients: Vec<Client>,
}

struct Client {
    number: usize,
    out: mpsc::UnboundedSender<Message>,
    reading: tokio::task::AbortHandle,
    channels: Vec<Channel>,
}

impl Realtime {
    /// A server that publishes these tables.
    pub async fn start(tables: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                keys: BTreeSet::from([KEY.to_owned()]),
                published: tables.iter().map(|table| (*table).to_owned()).collect(),
                mute: false,
                unconfirmed: false,
                refusal: None,
                heard: Vec::new(),
                connections: 0,
                clients: Vec::new(),
            }),
            changed: Notify::new(),
        });
        let task = tokio::spawn(connection::accept(listener, Arc::clone(&shared)));
        Self {
            url: format!("http://{address}").parse().unwrap(),
            shared,
            task,
        }
    }

    /// Changes what the server knows or how it misbehaves.
    pub fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.shared.lock());
    }

    /// Waits until something can be seen in the server's state, and gives it back.
    pub async fn until<T>(&self, what: &str, look: impl Fn(&State) -> Option<T>) -> T {
        let seen = timeout(DEADLINE, async {
            loop {
                let changed = self.shared.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                if let Some(seen) = look(&self.shared.lock()) {
                    return seen;
                }
                changed.await;
            }
        });
        if let Ok(seen) = seen.await {
            return seen;
        }
        let heard = self.shared.lock().heard.clone();
        panic!("never: {what}; heard {heard:#?}");
    }

    /// Accepts this key from now on.
    pub fn accept(&self, key: &str) {
        self.shared.lock().keys.insert(key.to_owned());
    }

    /// Adds a table to the publication.
    pub fn publish(&self, table: &str) {
        self.shared.lock().published.insert(table.to_owned());
    }

    /// A row changed and was committed: everybody who subscribed to it is told.
    pub fn change(&self, kind: &str, table: &str, record: &Value, old: &Value) {
        let data = channel::data(kind, table, record, old);
        for client in &self.shared.lock().clients {
            for channel in &client.channels {
                client.send(channel.told(kind, table, record, old, &data));
            }
        }
    }

    /// Says something in every channel of this table.
    pub fn say(&self, table: &str, event: &str, payload: &Value) {
        for client in &self.shared.lock().clients {
            let channels = client.channels.iter();
            for channel in channels.filter(|channel| channel.is_about(table)) {
                client.send(Some(channel.frame(event, payload)));
            }
        }
    }

    /// Sends something to everybody, frame or not.
    pub fn send(&self, message: &Message) {
        for client in &self.shared.lock().clients {
            let _ = client.out.send(message.clone());
        }
    }

    /// A key has expired: the channels of everybody are told and closed, and it opens nothing more.
    pub fn expire(&self, key: &str) {
        let mut state = self.shared.lock();
        state.keys.remove(key);
        for client in &mut state.clients {
            for channel in client.channels.drain(..) {
                let words = "Token has expired 0 seconds ago";
                for frame in channel.shut_down(words) {
                    let _ = client.out.send(frame);
                }
            }
        }
    }

    /// Cuts every line without a word.
    pub fn cut(&self) {
        for client in self.shared.lock().clients.drain(..) {
            client.reading.abort();
        }
    }

    /// Whether somebody sent this event; with which payload.
    pub async fn heard(&self, event: &str) -> Value {
        let find = |state: &State| {
            let mut all = state.heard.iter();
            all.find(|frame| frame[3] == json!(event)).cloned()
        };
        self.until(event, find).await[4].clone()
    }
}

impl Drop for Realtime {
    fn drop(&mut self) {
        self.task.abort();
        self.cut();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A test that fails must not take the others with it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Client {
    fn send(&self, message: Option<Message>) {
        // One that has gone is told nothing.
        let _ = message.map(|message| self.out.send(message));
    }
}
