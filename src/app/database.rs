//! The database: configured or embedded, migrated, and what it can do for the feed.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection as _, PgConnection, PgPool};
use tokio::net::TcpSocket;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::switches::{Hand, hold};
use crate::config::Config;
use crate::embedded::{DataDirLock, EmbeddedPostgres, lock_data_dir};
use crate::executor::demo::write_skills;
use crate::lifecycle::Lifecycle;
use crate::model::ProjectId;
use crate::store::Store;
use crate::store::migrate::migrate;

/// Connections at most, of each kind: the bridge's own work needs few at once, hosted databases
/// give out few.
const CONNECTIONS: u32 = 6;
const HOT_CONNECTIONS: u32 = 4;

const UNREACHABLE: &str = "the database cannot be reached: check DATABASE_URL, or leave it out to \
                           use the embedded one";

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a part may wait for a connection of a pool. Who waits when the bridge is told to stop must still
/// end within its 8 s, and a pool tries for all of this time where the server is not there.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the database may take to show at the end that it is there. Parts have 8 s to end.
const LAST_LOOK: Duration = Duration::from_secs(2);

/// A database that is ready for use.
pub struct Database {
    /// Seen from our project.
    pub store: Store,
    /// The same, for parts that try again by themselves: without the question, at every use of a
    /// connection, whether it still lives.
    pub hot: Store,
    /// Its address, with the password.
    pub url: SecretString,
    /// Whether it is ours.
    pub embedded: bool,
}

/// Keeps a second bridge off the data folder.
pub fn lock(data_dir: &Path) -> anyhow::Result<DataDirLock> {
    Ok(lock_data_dir(data_dir)?)
}

/// Connects to the database of the configuration, or starts our own, and migrates it.
/// Our own can be switched off and on.
pub async fn open(
    lifecycle: &mut Lifecycle,
    config: &Config,
    hand: Hand,
) -> anyhow::Result<Database> {
    let (url, embedded) = match &config.database.url {
        Some(url) => (url.clone(), false),
        None => (start_embedded(lifecycle, config, hand).await?, true),
    };
    if !embedded {
        reach(&url).await?;
    }
    let pool = pool(CONNECTIONS).connect(url.expose_secret());
    let pool = pool.await.context(UNREACHABLE)?;
    migrate(&pool).await?;
    let store = Store::new(pool, config.project.id.clone());
    let hot = connect_hot(&url).await?;
    let hot = Store::new(hot, config.project.id.clone());
    let pools = [store.pool().clone(), hot.pool().clone()];
    lifecycle.spawn("pools", let_go(lifecycle.token(), url.clone(), pools));
    if embedded {
        // A shop that is not there is nothing to tell in somebody's own server.
        store.seed_demo(config.discord.token.is_none()).await?;
        let skills = &config.executor.skills;
        write_skills(skills).with_context(|| format!("{} cannot be made", skills.display()))?;
    } else {
        store.ensure_project(&config.project.name).await?;
    }
    Ok(Database {
        store,
        hot,
        url,
        embedded,
    })
}

/// Connects to a database that is in order, or that must not be changed.
pub async fn connect(url: &SecretString, project: ProjectId) -> anyhow::Result<Store> {
    reach(url).await?;
    let pool = pool(1).connect(url.expose_secret()).await;
    Ok(Store::new(pool.context(UNREACHABLE)?, project))
}

/// At the end nobody waits for a database that is away: who asks it is told so at once, and can end in time.
async fn let_go(
    cancel: CancellationToken,
    url: SecretString,
    pools: [PgPool; 2],
) -> anyhow::Result<()> {
    cancel.cancelled().await;
    let look = tokio::time::timeout(LAST_LOOK, PgConnection::connect(url.expose_secret())).await;
    if !matches!(look, Ok(Ok(_))) {
        for pool in pools {
            // Closed from now on; that what is lent out comes back is not waited for.
            tokio::spawn(async move { pool.close().await });
        }
    }
    Ok(())
}

async fn start_embedded(
    lifecycle: &mut Lifecycle,
    config: &Config,
    hand: Hand,
) -> anyhow::Result<SecretString> {
    let server = EmbeddedPostgres::start(&config.data_dir).await?;
    let url = SecretString::from(server.url().to_owned());
    let (keep, kept) = oneshot::channel();
    let tended = Tended {
        data_dir: config.data_dir.clone(),
        hand,
        cancel: lifecycle.token(),
    };
    lifecycle.spawn("postgres", tended.run(server, keep));
    lifecycle.on_shutdown("postgres", async move {
        // Without one it is off; or the part that tends it did not end in time, and it stops with that.
        if let Ok(server) = kept.await {
            server.stop().await;
        }
        Ok(())
    });
    Ok(url)
}

/// The embedded Postgres, which people may switch off and on. One that ends by itself ends the process.
struct Tended {
    data_dir: PathBuf,
    hand: Hand,
    cancel: CancellationToken,
}

impl Tended {
    /// At the end `keep` gets the server, unless it is off: other parts still need it.
    async fn run(
        mut self,
        mut server: EmbeddedPostgres,
        keep: oneshot::Sender<EmbeddedPostgres>,
    ) -> anyhow::Result<()> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, server.port()));
        loop {
            let asking = tokio::select! {
                () = self.cancel.cancelled() => {
                    // Nobody wants it where the hook is gone already; then it stops here.
                    let _ = keep.send(server);
                    return Ok(());
                }
                last_words = server.exited() => {
                    anyhow::bail!("the embedded Postgres ended by itself: {last_words}")
                }
                asking = self.hand.asked() => asking,
            };
            server.stop().await;
            tracing::info!("the embedded Postgres is switched off");
            self.hand.done(asking);
            let held = hold(address);
            let Some(again) = self.switched_on(address.port(), held).await else {
                return Ok(());
            };
            server = again;
        }
    }

    /// The server, once somebody has switched it on; none when the bridge ends before.
    async fn switched_on(
        &mut self,
        port: u16,
        mut held: Option<TcpSocket>,
    ) -> Option<EmbeddedPostgres> {
        loop {
            let cancel = self.cancel.clone();
            let asking = cancel.run_until_cancelled(self.hand.asked()).await?;
            drop(held.take());
            let starting = EmbeddedPostgres::start_on(&self.data_dir, port);
            match cancel.run_until_cancelled(starting).await? {
                Ok(server) => {
                    self.hand.done(asking);
                    return Some(server);
                }
                Err(error) => {
                    tracing::error!(%error, "the embedded Postgres cannot be switched on");
                    asking.failed(error.to_string());
                }
            }
        }
    }
}

/// A pool tells only that it waited in vain; a connection of its own tells why.
async fn reach(url: &SecretString) -> anyhow::Result<()> {
    let connecting = PgConnection::connect(url.expose_secret());
    let connection = tokio::time::timeout(CONNECT_TIMEOUT, connecting)
        .await
        .context("no answer in time")
        .and_then(|connected| Ok(connected?))
        .context(UNREACHABLE)?;
    // A goodbye that is not heard is none the worse.
    let _ = connection.close().await;
    Ok(())
}

fn pool(most: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(most)
        .min_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
}

/// For the same few statements again and again: each is planned once per connection. Left alone,
/// Postgres plans what takes an array anew every time (measured: 0.5 ms between COMMIT and
/// request).
async fn connect_hot(url: &SecretString) -> anyhow::Result<PgPool> {
    pool(HOT_CONNECTIONS)
        .test_before_acquire(false)
        .after_connect(|connection, _| {
            Box::pin(async move {
                sqlx::query("SET plan_cache_mode = force_generic_plan")
                    .execute(connection)
                    .await
                    .map(drop)
            })
        })
        .connect(url.expose_secret())
        .await
        .context(UNREACHABLE)
}

/// `clawdos-bridge migrate`.
pub async fn migrate_only(mut lifecycle: Lifecycle, config: &Config) -> anyhow::Result<ExitCode> {
    let _lock = match config.database.url {
        Some(_) => None,
        None => Some(lock(&config.data_dir)?),
    };
    let database = open(&mut lifecycle, config, Hand::fixed()).await?;
    println!("The database is up to date.");
    database.store.pool().close().await;
    lifecycle.token().cancel();
    Ok(lifecycle.run().await)
}
