//! One client's connection: the handshake, and an answer to each of its frames.

use std::sync::Arc;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use tokio_tungstenite::{
    accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{Callback, ErrorResponse, Request, Response},
    },
};

use super::{Channel, Client, Shared, State};

/// Takes connections until the server ends.
pub async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream, Arc::clone(&shared)));
    }
}

/// Who may connect, and where.
struct Door<'a>(&'a Shared);

impl Callback for Door<'_> {
    fn on_request(self, request: &Request, response: Response) -> Result<Response, ErrorResponse> {
        let status = self.0.lock().refusal_at_the_door(request);
        let Some(status) = status else {
            return Ok(response);
        };
        let mut refused = ErrorResponse::new(None);
        *refused.status_mut() = status.try_into().unwrap();
        Err(refused)
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let Ok(socket) = accept_hdr_async(stream, Door(&shared)).await else {
        return;
    };
    let (mut sink, mut frames) = socket.split();
    let (out, mut queue) = mpsc::unbounded_channel();
    let number = {
        let mut state = shared.lock();
        state.connections += 1;
        state.connections
    };
    let reading = tokio::spawn({
        let shared = Arc::clone(&shared);
        async move {
            loop {
                tokio::select! {
                    biased;
                    Some(message) = queue.recv() => if sink.send(message).await.is_err() { break },
                    frame = frames.next() => match frame {
                        Some(Ok(Message::Text(text))) => {
                            heard(&shared, number, &text);
                        }
                        Some(Ok(_)) => {}
                        Some(Err(_)) | None => break,
                    },
                }
            }
            shared
                .lock()
                .clients
                .retain(|client| client.number != number);
            shared.changed.notify_waiters();
        }
    });
    shared.lock().clients.push(Client {
        number,
        out,
        reading: reading.abort_handle(),
        channels: Vec::new(),
    });
    shared.changed.notify_waiters();
}

fn heard(shared: &Shared, number: usize, text: &str) {
    let frame: Value = serde_json::from_str(text).unwrap();
    let mut state = shared.lock();
    state.heard.push(frame.clone());
    if !state.mute {
        state.answer(number, &frame);
    }
    drop(state);
    shared.changed.notify_waiters();
}

impl State {
    /// The status with which a connection is refused, if it is.
    fn refusal_at_the_door(&self, request: &Request) -> Option<u16> {
        let uri = request.uri();
        let query = uri.query().unwrap_or_default().as_bytes();
        let asked = |name: &str| {
            let mut pairs = url::form_urlencoded::parse(query);
            pairs.find(|(key, _)| key == name).map(|(_, value)| value)
        };
        let here = uri.path() == "/realtime/v1/websocket";
        if !here || asked("vsn").as_deref() != Some("2.0.0") {
            return Some(404);
        }
        let known = asked("apikey").is_some_and(|key| self.keys.contains(&*key));
        (!known).then_some(403)
    }

    fn answer(&mut self, number: usize, frame: &Value) {
        // Without a token, the key of the connection counts, which was known.
        let token = frame[4]["access_token"].as_str();
        let known = token.is_none_or(|token| self.keys.contains(token));
        let Some(client) = self.clients.iter_mut().find(|it| it.number == number) else {
            return;
        };
        let published = |table: &str| self.published.contains(table);
        let at = |client: &Client| {
            client
                .channels
                .iter()
                .position(|it| it.is_called(&frame[2]))
        };
        match frame[3].as_str().unwrap() {
            "heartbeat" => client.reply(frame, "ok", &json!({})),
            "phx_join" => {
                // A second join of a topic ends the first.
                if let Some(at) = at(client) {
                    let former = client.channels.remove(at);
                    client.send(Some(former.closed()));
                }
                let refused = self.refusal.clone();
                let refused = refused.or((!known)
                    .then(|| "JwtSignatureError: Failed to validate JWT signature".to_owned()));
                if let Some(reason) = refused {
                    return client.reply(frame, "error", &json!({ "reason": reason }));
                }
                let mut channel = Channel::joined(frame);
                client.send(Some(channel.accepted(&frame[1])));
                if !self.unconfirmed {
                    client.send(Some(channel.subscribe(published)));
                }
                client.channels.push(channel);
            }
            "access_token" => {
                let Some(at) = at(client) else { return };
                if known {
                    let system = client.channels[at].subscribe(published);
                    client.send(Some(system));
                } else {
                    let channel = client.channels.remove(at);
                    for frame in channel.shut_down("Failed to validate JWT signature") {
                        client.send(Some(frame));
                    }
                }
            }
            "phx_leave" => {
                client.reply(frame, "ok", &json!({}));
                if let Some(at) = at(client) {
                    let channel = client.channels.remove(at);
                    client.send(Some(channel.closed()));
                }
            }
            other => panic!("the server does not know {other}"),
        }
    }
}

impl Client {
    fn reply(&self, to: &Value, status: &str, response: &Value) {
        let payload = json!({ "status": status, "response": response });
        let frame = json!([to[0], to[1], to[2], "phx_reply", payload]);
        self.send(Some(Message::text(frame.to_string())));
    }
}
