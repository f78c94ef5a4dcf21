//! One websocket: HELLO, heartbeats, IDENTIFY or RESUME, and the events of the session.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use futures_util::stream::SplitSink;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::json;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::Instant;

use super::close::{self, Close};
use super::frame::{self, Encoder};
use super::limits::Window;
use super::presence;
use super::session::{Outgoing, Outlet, Viewer};
use crate::app::App;

/// What Discord's HELLO says.
const HEARTBEAT: Duration = Duration::from_millis(41_250);
/// A client that is this late is asked for a heartbeat (op 1).
const ASK_FOR_HEARTBEAT: Duration = HEARTBEAT.saturating_add(Duration::from_secs(10));
/// A bot that is this late has lost its session (4009). People's scripts are let off: whether they
/// keep a heart beating says nothing about the bridge.
const HEARTBEAT_LOST: Duration = HEARTBEAT.saturating_add(Duration::from_secs(20));
/// How long a session without a connection can be resumed. Discord says "a few minutes".
const RESUMABLE: Duration = Duration::from_mins(3);
/// How long an event waits for another one to overtake it when reordering is asked for.
const REORDER_WAIT: Duration = Duration::from_millis(250);
/// How long a client has to answer a close frame.
const CLOSE_WAIT: Duration = Duration::from_secs(2);
/// Larger messages than this are refused by the websocket itself; 4096 bytes are allowed.
const READ_LIMIT: usize = 256 * 1024;
/// Payloads that are written before the socket is flushed.
const BATCH: usize = 64;

/// Turns a request into a gateway connection. `query` is that of the request (`v`, `encoding`,
/// `compress`).
pub(crate) fn upgrade(
    socket: WebSocketUpgrade,
    app: Arc<App>,
    query: HashMap<String, String>,
) -> Response {
    socket
        .max_message_size(READ_LIMIT)
        .max_frame_size(READ_LIMIT)
        .on_upgrade(move |socket| serve(socket, app, query))
}

/// How a connection ended.
enum Ended {
    /// The client closed with 1000 or 1001, which ends the session.
    Goodbye,
    /// The socket broke, or the client closed with another code: the session can be resumed.
    Lost,
    /// The server closes.
    Closed(Close),
}

/// One connection and what it knows of its client.
pub(super) struct Connection {
    pub app: Arc<App>,
    /// The way for the hub to this connection.
    pub outlet: Outlet,
    pub encoder: Encoder,
    /// The session, once identified or resumed.
    pub session: Option<String>,
    pub viewer: Option<Viewer>,
    pub last_beat: Instant,
    pub sends: Window,
    pub presences: Window,
    asked_for_beat: bool,
    release_at: Option<Instant>,
}

async fn serve(socket: WebSocket, app: Arc<App>, query: HashMap<String, String>) {
    let (number, kill) = app.hub.connection_opened();
    let (sender, outbox) = unbounded_channel();
    let mut connection = Connection {
        outlet: Outlet {
            connection: number,
            sender,
            pending: Arc::new(AtomicUsize::new(0)),
            kill: kill.clone(),
        },
        encoder: Encoder::new(query.get("compress").map(String::as_str)),
        session: None,
        viewer: None,
        last_beat: Instant::now(),
        sends: Window::sends(),
        presences: Window::presences(),
        asked_for_beat: false,
        release_at: None,
        app,
    };
    let ended = tokio::select! {
        biased;
        () = kill.cancelled() => Ended::Lost,
        ended = connection.run(socket, outbox, &query) => ended,
    };
    connection.finish(&ended);
}

/// Discord speaks version 10 and JSON here; an absent version means the current one.
fn check_query(query: &HashMap<String, String>) -> Result<(), Close> {
    if query
        .get("v")
        .is_some_and(|version| version != "10" && version != "9")
    {
        return Err(close::INVALID_VERSION);
    }
    if query
        .get("encoding")
        .is_some_and(|encoding| encoding != "json")
    {
        return Err(close::DECODE_ERROR);
    }
    Ok(())
}

impl Connection {
    async fn run(
        &mut self,
        socket: WebSocket,
        mut outbox: UnboundedReceiver<Outgoing>,
        query: &HashMap<String, String>,
    ) -> Ended {
        let (mut sink, mut stream) = socket.split();
        let ended = if let Err(close) = check_query(query) {
            Ended::Closed(close)
        } else {
            self.hello();
            self.converse(&mut sink, &mut stream, &mut outbox).await
        };
        if matches!(ended, Ended::Goodbye)
            && let Some(id) = self.session.take()
        {
            // Before the client sees the end of the connection, so that it cannot come back first.
            end_session(&self.app, &id, self.outlet.connection);
        }
        if let Ended::Closed(close) = ended {
            let frame = CloseFrame {
                code: close.code,
                reason: close.reason.into(),
            };
            // The client's close must be read, or the system resets the connection and the code is
            // lost on its way.
            let goodbye = async {
                if sink.send(Message::Close(Some(frame))).await.is_ok() {
                    while let Some(Ok(_)) = stream.next().await {}
                }
            };
            let _ = tokio::time::timeout(CLOSE_WAIT, goodbye).await;
        }
        ended
    }

    async fn converse(
        &mut self,
        sink: &mut SplitSink<WebSocket, Message>,
        stream: &mut futures_util::stream::SplitStream<WebSocket>,
        outbox: &mut UnboundedReceiver<Outgoing>,
    ) -> Ended {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let wake = self.wake_at();
            tokio::select! {
                _ = outbox.recv_many(&mut batch, BATCH) => {
                    if self.write(sink, &mut batch).await.is_err() {
                        return Ended::Lost;
                    }
                }
                received = stream.next() => match received {
                    Some(Ok(Message::Close(frame))) => {
                        let code = frame.map_or(1005, |frame| frame.code);
                        return if matches!(code, 1000 | 1001) { Ended::Goodbye } else { Ended::Lost };
                    }
                    Some(Ok(Message::Text(text))) => {
                        if let Err(close) = self.receive(text.as_bytes()) {
                            return Ended::Closed(close);
                        }
                    }
                    Some(Ok(Message::Binary(bytes))) => {
                        if let Err(close) = self.receive(&bytes) {
                            return Ended::Closed(close);
                        }
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Err(_)) | None => return Ended::Lost,
                },
                () = tokio::time::sleep_until(wake) => {
                    if let Err(close) = self.wake() {
                        return Ended::Closed(close);
                    }
                }
            }
        }
    }

    async fn write(
        &mut self,
        sink: &mut SplitSink<WebSocket, Message>,
        batch: &mut Vec<Outgoing>,
    ) -> Result<(), axum::Error> {
        self.outlet
            .pending
            .fetch_sub(batch.len(), Ordering::Relaxed);
        for outgoing in batch.drain(..) {
            let text = match outgoing {
                Outgoing::Dispatch(event) => frame::dispatch(&event),
                Outgoing::Control(text) => text,
                Outgoing::Invalidated => {
                    self.session = None;
                    self.viewer = None;
                    r#"{"op":9,"d":false}"#.into()
                }
                Outgoing::Held => {
                    self.release_at = Some(Instant::now() + REORDER_WAIT);
                    continue;
                }
            };
            sink.feed(self.encoder.encode(text).map_err(axum::Error::new)?)
                .await?;
        }
        sink.flush().await
    }

    fn hello(&self) {
        let millis = u64::try_from(HEARTBEAT.as_millis()).unwrap_or(u64::MAX);
        self.control(&json!({
            "t": null, "s": null, "op": 10,
            "d": {"heartbeat_interval": millis, "_trace": ["sandbox"]},
        }));
    }

    /// Sends a payload that is not a dispatch.
    pub(super) fn control(&self, payload: &impl ToString) {
        self.outlet.send(Outgoing::Control(payload.to_string()));
    }

    /// A heartbeat arrived.
    pub(super) fn beat(&mut self) {
        self.last_beat = Instant::now();
        self.asked_for_beat = false;
    }

    fn wake_at(&self) -> Instant {
        let patience = if self.asked_for_beat {
            HEARTBEAT_LOST
        } else {
            ASK_FOR_HEARTBEAT
        };
        let beat = self.last_beat + patience;
        self.release_at.map_or(beat, |release| release.min(beat))
    }

    fn wake(&mut self) -> Result<(), Close> {
        if self
            .release_at
            .take_if(|release| *release <= Instant::now())
            .is_some()
            && let Some(id) = &self.session
        {
            self.app
                .hub
                .with_session(id, |session, _| session.release());
        }
        let late = self.last_beat.elapsed();
        if late >= HEARTBEAT_LOST {
            if self
                .viewer
                .is_none_or(|viewer| viewer.application.is_some())
            {
                return Err(close::SESSION_TIMED_OUT);
            }
            self.beat();
        }
        if late >= ASK_FOR_HEARTBEAT && !self.asked_for_beat {
            self.asked_for_beat = true;
            self.control(&r#"{"op":1,"d":null}"#);
        }
        Ok(())
    }

    fn finish(self, ended: &Ended) {
        let Connection {
            app,
            outlet,
            session,
            ..
        } = self;
        app.hub.connection_closed(outlet.connection);
        let Some(id) = session else { return };
        if matches!(ended, Ended::Closed(close) if *close == close::SESSION_TIMED_OUT) {
            end_session(&app, &id, outlet.connection);
            return;
        }
        app.hub.detach(&id, outlet.connection);
        let app = Arc::downgrade(&app);
        tokio::spawn(async move {
            tokio::time::sleep(RESUMABLE).await;
            if let Some(app) = app.upgrade() {
                end_session(&app, &id, outlet.connection);
            }
        });
    }
}

/// Ends a session unless another connection serves it; others see its user go offline.
fn end_session(app: &App, id: &str, connection: u64) {
    if let Some(user) = app.hub.end(id, connection) {
        app.read(|state| {
            let offline = app.hub.with_presences(|presences| presences.offline(user));
            for event in presence::events(state, user, &offline) {
                app.hub.publish(state, event);
            }
        });
    }
}
