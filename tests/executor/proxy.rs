//! A bad connection to Postgres: it ends where the test wants, once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use clawdos_bridge::store::Store;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::stage::Stage;

/// Where a connection ends, once it has said a certain statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Before the statement.
    Before,
    /// The statement is carried out, and nobody hears of it.
    After,
    /// Before the COMMIT that follows.
    BeforeCommit,
    /// The COMMIT that follows is carried out, and nobody hears of it.
    AfterCommit,
    /// The client hears that the connection is gone; the COMMIT that follows is still on its way, and is
    /// carried out when the test lets it pass.
    LateCommit,
}

/// Stands between an executor and its database.
#[derive(Clone)]
pub struct Proxy {
    shared: Arc<Shared>,
    options: PgConnectOptions,
}

#[derive(Default)]
struct Shared {
    /// Part of a statement, and where the connection that says it ends.
    plan: Mutex<Option<(&'static str, Cut)>>,
    has_cut: AtomicBool,
    pass: Notify,
    passed: Notify,
}

impl Proxy {
    pub async fn start(stage: &Stage) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to: PgConnectOptions = stage.database_url().parse().unwrap();
        let server = (to.get_host().to_owned(), to.get_port());
        let shared = Arc::<Shared>::default();
        let port = listener.local_addr().unwrap().port();
        // Without a cache every statement says its text before it is carried out.
        let options = to.host("127.0.0.1").port(port).ssl_mode(PgSslMode::Disable);
        let proxy = Self {
            shared: Arc::clone(&shared),
            options: options.statement_cache_capacity(0),
        };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(server.clone()).await.unwrap();
                tokio::spawn(Wire::new(Arc::clone(&shared), client, server).carry());
            }
        });
        proxy
    }

    /// The database behind the bad connection.
    pub async fn store(&self) -> Store {
        let pool = PgPoolOptions::new().max_connections(8);
        let pool = pool.connect_with(self.options.clone()).await.unwrap();
        Store::new(pool, "front-office".parse().unwrap())
    }

    /// Ends the next connection that says this, there.
    pub fn cut(&self, statement: &'static str, cut: Cut) {
        *self.shared.plan.lock().unwrap() = Some((statement, cut));
    }

    /// Whether that has happened.
    pub fn has_cut(&self) -> bool {
        self.shared.has_cut.load(Ordering::SeqCst)
    }

    /// Lets a late COMMIT pass, and waits until it is on its way to the server.
    pub async fn pass(&self) {
        self.shared.pass.notify_one();
        self.shared.passed.notified().await;
    }
}

/// One connection.
struct Wire {
    shared: Arc<Shared>,
    from_client: OwnedReadHalf,
    to_server: OwnedWriteHalf,
    /// Nothing more is said to the client; what comes first from the server ends the connection.
    mute: Arc<AtomicBool>,
    answers: JoinHandle<(OwnedReadHalf, OwnedWriteHalf)>,
}

impl Wire {
    fn new(shared: Arc<Shared>, client: TcpStream, server: TcpStream) -> Self {
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let mute = Arc::new(AtomicBool::new(false));
        Self {
            shared,
            from_client,
            to_server,
            answers: tokio::spawn(answer(from_server, to_client, Arc::clone(&mute))),
            mute,
        }
    }

    async fn carry(mut self) {
        let mut said = None;
        let mut begun = false;
        while let Some(message) = read(&mut self.from_client, begun).await {
            begun = true;
            if message[0] == b'P' {
                let mut plan = self.shared.plan.lock().unwrap();
                let planned = plan.take_if(|(part, _)| contains(&message, part));
                said = said.or(planned.map(|(_, cut)| cut));
            }
            let commits = message.ends_with(b"\x0bCOMMIT\0") && message[0] == b'Q';
            match said {
                Some(Cut::Before) => break,
                Some(Cut::BeforeCommit) if commits => break,
                Some(Cut::After) if message[0] == b'E' => self.mute.store(true, Ordering::SeqCst),
                Some(Cut::AfterCommit) if commits => self.mute.store(true, Ordering::SeqCst),
                Some(Cut::LateCommit) if commits => return self.commit_late(&message).await,
                _ => {}
            }
            if self.to_server.write_all(&message).await.is_err() {
                break;
            }
            let all_said = commits || message[0] == b'S';
            if all_said && self.mute.load(Ordering::SeqCst) {
                // What comes first is the answer.
                self.shared.has_cut.store(true, Ordering::SeqCst);
                let _ = (&mut self.answers).await;
                break;
            }
        }
        if said.is_some() {
            self.shared.has_cut.store(true, Ordering::SeqCst);
        }
        self.answers.abort();
    }

    async fn commit_late(self, message: &[u8]) {
        self.answers.abort();
        let Wire {
            shared,
            from_client,
            mut to_server,
            answers,
            ..
        } = self;
        // With the other halves: the client's end closes, the server's stays.
        let _ = answers.await;
        drop(from_client);
        shared.has_cut.store(true, Ordering::SeqCst);
        shared.pass.notified().await;
        to_server.write_all(message).await.unwrap();
        shared.passed.notify_one();
        std::future::pending::<()>().await;
    }
}

async fn answer(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mute: Arc<AtomicBool>,
) -> (OwnedReadHalf, OwnedWriteHalf) {
    let mut bytes = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        if mute.load(Ordering::SeqCst) || to.write_all(&bytes[..count]).await.is_err() {
            break;
        }
    }
    (from, to)
}

/// A message of the client's, whole: a letter, a length, and the rest. The first one has no letter.
async fn read(from: &mut OwnedReadHalf, begun: bool) -> Option<Vec<u8>> {
    let mut message = vec![0; if begun { 5 } else { 4 }];
    from.read_exact(&mut message).await.ok()?;
    let length = message.last_chunk::<4>()?;
    let rest = usize::try_from(u32::from_be_bytes(*length)).ok()? - 4;
    let head = message.len();
    message.resize(head + rest, 0);
    from.read_exact(&mut message[head..]).await.ok()?;
    Some(message)
}

fn contains(message: &[u8], part: &str) -> bool {
    String::from_utf8_lossy(message).contains(part)
}
