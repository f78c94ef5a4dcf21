//! One connection: the socket, its heartbeats, and the channels on it.

use std::{collections::VecDeque, future::Future, sync::Arc, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _};
use metrics::counter;
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use secrecy::{ExposeSecret, SecretString};
use tokio::{
    net::TcpStream,
    time::{Instant, sleep_until, timeout},
};
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};
use tracing::debug;

use super::{
    channels::{Channels, Confirmed},
    frame::{self, Frame},
    problem::{RealtimeProblem, Refusal, shortened},
    settings::WebsocketSettings,
};
use crate::{
    feed::reconnect::UNREADABLE,
    model::change::{Change, Table},
};

/// Largest message that is read. Realtime shortens rows over 1 MB.
const MESSAGE_LIMIT: usize = 16 << 20;

/// The shortest time between two wishes for a sweep. Nineteen channels that are confirmed anew, or a
/// server that talks nonsense, ask for one.
const SWEEP_PAUSE: Duration = Duration::from_secs(1);

/// What a connection tells.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    /// Every table is heard that can be.
    Connected,
    /// Why some tables are not heard; nothing when all are. Told when it changes.
    Gaps(Vec<RealtimeProblem>),
    /// Rows changed.
    Changes(Vec<Change>),
    /// Rows may have changed that nobody named.
    Sweep(String),
}

/// An open connection. Dropping it closes it.
pub(super) struct Session {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    settings: WebsocketSettings,
    key: SecretString,
    channels: Channels,
    /// The number of the latest request.
    reference: u64,
    next_heartbeat: Instant,
    /// Until when something has to be heard.
    answer_due: Option<Instant>,
    sweep: Option<String>,
    next_sweep: Instant,
    connected: bool,
    gaps: Vec<RealtimeProblem>,
    news: VecDeque<News>,
}

impl Session {
    /// Connects. Nothing is subscribed yet: that happens in [`Session::next`].
    pub(super) async fn open(settings: &WebsocketSettings) -> Result<Self, RealtimeProblem> {
        let key = settings.key.read().await?;
        let answer = settings.timing.answer;
        let socket = timeout(answer, connect(settings, &key)).await;
        let socket = socket.unwrap_or_else(|_| {
            let limit = format!("no answer within {} seconds", answer.as_secs());
            Err(RealtimeProblem::Unreachable(limit))
        })?;
        let now = Instant::now();
        Ok(Self {
            socket,
            key,
            channels: Channels::new(Table::ALL, settings.timing.subscription, now),
            reference: 0,
            next_heartbeat: now + settings.timing.heartbeat,
            answer_due: None,
            sweep: None,
            next_sweep: now,
            connected: false,
            gaps: Vec::new(),
            news: VecDeque::new(),
            settings: settings.clone(),
        })
    }

    /// The next news. Asks for tables, beats, and fails when the connection is of no use any more.
    pub(super) async fn next(&mut self) -> Result<News, RealtimeProblem> {
        loop {
            if let Some(news) = self.news.pop_front() {
                return Ok(news);
            }
            self.work().await?;
            if !self.news.is_empty() {
                continue;
            }
            let wake = self.wake();
            tokio::select! {
                biased;
                message = self.socket.next() => match message {
                    Some(message) => self.message(message?)?,
                    None => return Err(RealtimeProblem::Closed("without a word".to_owned())),
                },
                () = sleep_until(wake) => {}
            }
        }
    }

    /// Waits for something else while the connection is kept alive, though nothing is read from it.
    pub(super) async fn wait_for<T>(
        &mut self,
        other: impl Future<Output = T>,
    ) -> Result<T, RealtimeProblem> {
        tokio::pin!(other);
        loop {
            tokio::select! {
                biased;
                done = &mut other => {
                    // Whatever was due may lie unread.
                    if self.answer_due.is_some() {
                        self.answer_due = Some(Instant::now() + self.settings.timing.answer);
                    }
                    return Ok(done);
                }
                () = sleep_until(self.next_heartbeat) => self.beat().await?,
            }
        }
    }

    /// Everything that is due.
    async fn work(&mut self) -> Result<(), RealtimeProblem> {
        let now = Instant::now();
        if self.answer_due.is_some_and(|due| due <= now) {
            let timing = &self.settings.timing;
            let silence = timing.heartbeat + timing.answer;
            return Err(RealtimeProblem::Silent(silence.as_secs()));
        }
        if self.next_heartbeat <= now {
            self.beat().await?;
        }
        self.channels.expire(now);
        while let Some(table) = self.channels.ask(self.reference + 1, now) {
            self.reference += 1;
            let key = self.key.expose_secret();
            let join = frame::join(table, self.reference, &self.settings.project, key);
            self.send(join).await?;
        }
        if self.next_sweep <= now
            && let Some(reason) = self.sweep.take()
        {
            self.next_sweep = now + SWEEP_PAUSE;
            self.news.push_back(News::Sweep(reason));
        }
        self.standing()
    }

    /// Looks at the channels: are we connected, is something missing, is everything lost?
    fn standing(&mut self) -> Result<(), RealtimeProblem> {
        if !self.connected && !self.channels.settled() {
            return Ok(());
        }
        let gaps = self.channels.gaps();
        if !self.channels.any()
            && let Some(gap) = gaps.first()
        {
            return Err(gap.clone());
        }
        if !self.connected {
            self.connected = true;
            self.news.push_back(News::Connected);
        }
        if self.gaps != gaps {
            self.news.push_back(News::Gaps(gaps.clone()));
            self.gaps = gaps;
        }
        Ok(())
    }

    fn wake(&self) -> Instant {
        let sweep = self.sweep.as_ref().map(|_| self.next_sweep);
        let due = [self.channels.wake(), self.answer_due, sweep];
        let due = due.into_iter().flatten().min();
        due.map_or(self.next_heartbeat, |due| due.min(self.next_heartbeat))
    }

    fn message(&mut self, message: Message) -> Result<(), RealtimeProblem> {
        // Whatever it is, somebody lives at the other end.
        self.answer_due = None;
        match message {
            Message::Text(text) => {
                let key = self.key.expose_secret();
                // What the server says may be told on; it could repeat the key.
                let clean = text.contains(key).then(|| text.replace(key, "[key]"));
                self.frame(clean.as_deref().unwrap_or(&text))
            }
            Message::Binary(_) => {
                self.unreadable("a binary frame");
                Ok(())
            }
            Message::Close(frame) => Err(RealtimeProblem::Closed(frame.map_or_else(
                || "without a word".to_owned(),
                |frame| format!("code {}, {:?}", frame.code, shortened(&frame.reason)),
            ))),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(()),
        }
    }

    fn frame(&mut self, text: &str) -> Result<(), RealtimeProblem> {
        let now = Instant::now();
        match Frame::read(text) {
            Ok(Frame::Changes(changes)) => self.news.push_back(News::Changes(changes)),
            Ok(Frame::Nameless(table, error)) => self.sweep(nameless(table, error.as_deref())),
            Ok(Frame::Subscription(table, join, Ok(()))) => {
                match self.channels.confirmed(table, join) {
                    Confirmed::New if !self.connected => {}
                    Confirmed::New | Confirmed::Again => self.sweep(format!(
                        "Supabase Realtime announces changes of {table} anew"
                    )),
                    Confirmed::Stale => {}
                }
            }
            Ok(
                Frame::Subscription(table, join, Err(words)) | Frame::Trouble(table, join, words),
            ) => {
                let why = grave(&words)?;
                self.channels.lost(table, join, why, now);
            }
            Ok(Frame::Reply(join, Err(words))) => {
                self.channels.refused(join, grave(&words)?, now);
            }
            Ok(Frame::Closed(table, join)) => self.channels.closed(table, join, now),
            // Joined is not subscribed: that says another frame.
            Ok(Frame::Reply(_, Ok(())) | Frame::Nothing) => {}
            Err(problem) => self.unreadable(&problem.to_string()),
        }
        Ok(())
    }

    fn unreadable(&mut self, what: &str) {
        counter!(UNREADABLE).increment(1);
        debug!("skipped what Supabase Realtime sent: {what}");
        self.sweep(format!(
            "Supabase Realtime sent {what}, which may have been a change"
        ));
    }

    /// Wishes for a sweep, soon. Several wishes are one.
    fn sweep(&mut self, reason: String) {
        self.sweep.get_or_insert(reason);
    }

    /// Sends a heartbeat, and before it a key that has become another one.
    async fn beat(&mut self) -> Result<(), RealtimeProblem> {
        self.refresh().await?;
        self.reference += 1;
        self.send(frame::heartbeat(self.reference)).await?;
        let now = Instant::now();
        self.next_heartbeat = now + self.settings.timing.heartbeat;
        self.answer_due
            .get_or_insert(now + self.settings.timing.answer);
        Ok(())
    }

    async fn refresh(&mut self) -> Result<(), RealtimeProblem> {
        let key = match self.settings.key.read().await {
            Ok(key) => key,
            Err(problem) => {
                // Perhaps it is being written. The one we have may serve for a while.
                debug!(%problem, "the key is not refreshed: {problem}");
                return Ok(());
            }
        };
        if key.expose_secret() == self.key.expose_secret() {
            return Ok(());
        }
        self.key = key;
        let joined: Vec<_> = self.channels.joined().collect();
        for (table, join) in joined {
            self.reference += 1;
            let key = self.key.expose_secret();
            let token = frame::access_token(table, join, self.reference, key);
            self.send(token).await?;
        }
        debug!("Supabase Realtime was told the new key");
        Ok(())
    }

    async fn send(&mut self, text: String) -> Result<(), RealtimeProblem> {
        let limit = self.settings.timing.answer;
        match timeout(limit, self.socket.send(Message::text(text))).await {
            Ok(sent) => Ok(sent?),
            Err(_) => Err(RealtimeProblem::Silent(limit.as_secs())),
        }
    }
}

/// What a refusal is; one that concerns every table ends the connection.
fn grave(words: &str) -> Result<Refusal, RealtimeProblem> {
    let why = Refusal::read(words);
    if why.concerns_all() {
        return Err(why.of(Vec::new()));
    }
    Ok(why)
}

fn nameless(table: Table, error: Option<&str>) -> String {
    match error {
        Some(error) if error.contains("401") => format!(
            "Supabase Realtime withholds which rows of {table} change ({}): run GRANT SELECT ON \
             public.{table} for the role of SUPABASE_KEY, or use the service_role key",
            shortened(error)
        ),
        Some(error) => format!(
            "Supabase Realtime does not say which row of {table} changed: {}",
            shortened(error)
        ),
        None => format!("Supabase Realtime does not say which row of {table} changed"),
    }
}

async fn connect(
    settings: &WebsocketSettings,
    key: &SecretString,
) -> Result<WebSocketStream<MaybeTlsStream<TcpStream>>, RealtimeProblem> {
    let connector = if settings.url.scheme() == "http" {
        Connector::Plain
    } else {
        Connector::Rustls(tls().await?)
    };
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_LIMIT))
        .max_frame_size(Some(MESSAGE_LIMIT));
    let endpoint = settings.endpoint(key);
    let connecting = connect_async_tls_with_config(
        endpoint.expose_secret(),
        Some(config),
        true,
        Some(connector),
    );
    let (socket, _) = connecting.await?;
    Ok(socket)
}

/// TLS with the certificates that this machine trusts: a company's proxy signs with its own. The
/// provider is named, because the tree holds two and rustls would not choose.
async fn tls() -> Result<Arc<ClientConfig>, RealtimeProblem> {
    let loaded = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs);
    let loaded = loaded
        .await
        .map_err(|error| RealtimeProblem::Tls(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(loaded.certs);
    if added == 0 {
        let why = "this machine has no certificates it trusts (ca-certificates)";
        return Err(RealtimeProblem::Tls(why.to_owned()));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| RealtimeProblem::Tls(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
