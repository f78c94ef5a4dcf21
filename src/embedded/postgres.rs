//! The embedded Postgres as the rest of the bridge sees it.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::ChildStdin;
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::{info, warn};

use super::account::Account;
use super::binaries::{Sources, locate};
use super::cluster::{Cluster, DATABASE, ROLE};
use super::data_dir::{self, DataDirLock};
use super::error::EmbeddedError;
use super::orphans;
use super::server::{self, Server};

/// Held while a server of ours runs, so that nobody takes it for an orphan.
const LOCK: &str = "postgres.lock";
const LOG: &str = "postgres.log";
/// The guardian takes at most five seconds before it turns to immediate shutdown, which takes well under two.
const STOP_LIMIT: Duration = Duration::from_secs(7);

/// A Postgres server of our own. It stops when this is dropped, and also when our process is killed.
pub struct EmbeddedPostgres {
    url: String,
    port: u16,
    lifeline: ChildStdin,
    /// The guardian and the postmaster are this process group.
    group: Option<Pid>,
    /// The reason once the server has ended.
    ended: watch::Receiver<Option<String>>,
    _lock: DataDirLock,
}

/// Without the address: it holds the password.
impl fmt::Debug for EmbeddedPostgres {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("EmbeddedPostgres")
            .field("group", &self.group)
            .finish_non_exhaustive()
    }
}

impl EmbeddedPostgres {
    /// Starts the server on the files in `data_dir/postgres` and makes them at the first start.
    ///
    /// Programs are found on this machine or fetched ([`Sources::of_this_machine`]); what an earlier run left behind,
    /// running or half made, is cleared away first. The server takes connections when this returns. The log is
    /// `data_dir/postgres.log`, the password `data_dir/postgres.secret`.
    pub async fn start(data_dir: &Path) -> Result<Self, EmbeddedError> {
        Self::start_with(data_dir, &Sources::of_this_machine()).await
    }

    /// [`Self::start`] with the programs of the given sources.
    pub async fn start_with(data_dir: &Path, sources: &Sources) -> Result<Self, EmbeddedError> {
        Self::launch(data_dir, sources, None).await
    }

    /// [`Self::start`] where an earlier one listened, for clients that know its address.
    pub async fn start_on(data_dir: &Path, port: u16) -> Result<Self, EmbeddedError> {
        Self::launch(data_dir, &Sources::of_this_machine(), Some(port)).await
    }

    async fn launch(
        data_dir: &Path,
        sources: &Sources,
        port: Option<u16>,
    ) -> Result<Self, EmbeddedError> {
        let home = data_dir::prepare(data_dir)?;
        let lock = data_dir::lock(&home, LOCK)?;
        let cluster = Cluster::in_folder(&home);
        let account = Account::choose(&cluster.data)?;
        data_dir::let_through(&home, &account).await?;
        orphans::end(&cluster.data).await?;
        cluster.sweep().await?;
        let binaries = locate(sources, cluster.version()?, &home, &account).await?;
        let password = cluster.ensure(&binaries, &account).await?;
        let server =
            server::launch(&cluster.data, &home.join(LOG), &binaries, &account, port).await?;
        info!(
            port = server.port,
            version = binaries.major,
            programs = %binaries.folder.display(),
            user = account.name(),
            "the embedded Postgres listens on 127.0.0.1"
        );
        Ok(Self::attend(server, &password, lock))
    }

    fn attend(server: Server, password: &str, lock: DataDirLock) -> Self {
        let Server {
            mut child,
            lifeline,
            port,
            log,
        } = server;
        let group = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .map(Pid::from_raw);
        let (tell, ended) = watch::channel(None);
        tokio::spawn(async move {
            let reason = match child.wait().await {
                Ok(status) => log.explain(status),
                Err(error) => format!("it cannot be watched: {error}."),
            };
            // Nobody listens any more when we stopped it ourselves.
            let _ = tell.send(Some(reason));
        });
        Self {
            url: format!("postgres://{ROLE}:{password}@127.0.0.1:{port}/{DATABASE}"),
            port,
            lifeline,
            group,
            ended,
            _lock: lock,
        }
    }

    /// `postgres://clawdos:<password>@127.0.0.1:<port>/clawdos`. It holds the password: keep it out of logs.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it listens on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Stops the server and waits for its end: clients are disconnected and everything is written out; after five
    /// seconds it is stopped at once, and the next start recovers from the write-ahead log. Close logical replication
    /// clients before: the server waits for them.
    pub async fn stop(self) {
        let Self {
            lifeline,
            group,
            mut ended,
            _lock,
            ..
        } = self;
        drop(lifeline);
        if timeout(STOP_LIMIT, ended.wait_for(Option::is_some))
            .await
            .is_ok()
        {
            return;
        }
        warn!("the embedded Postgres did not stop: killing it, the next start recovers");
        if let Some(group) = group {
            // It may have ended just now.
            let _ = killpg(group, Signal::SIGKILL);
            let _ = timeout(Duration::from_secs(1), ended.wait_for(Option::is_some)).await;
        }
    }

    /// Resolves when the server ends without being asked to, with the reason and the last lines of its log. It waits
    /// for ever while all is well, and may be called any number of times.
    pub async fn exited(&self) -> String {
        let mut ended = self.ended.clone();
        let reason = match ended.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone(),
            Err(_) => None,
        };
        reason.unwrap_or_else(|| "it is no longer watched.".to_owned())
    }
}
