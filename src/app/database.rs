//! The database: configured or embedded, migrated, and what it can do for the feed.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection as _, PgConnection, PgPool};

use crate::config::Config;
use crate::embedded::{DataDirLock, EmbeddedPostgres, lock_data_dir};
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
pub async fn open(lifecycle: &mut Lifecycle, config: &Config) -> anyhow::Result<Database> {
    let (url, embedded) = match &config.database.url {
        Some(url) => (url.clone(), false),
        None => (start_embedded(lifecycle, config).await?, true),
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
    if embedded {
        store.seed_demo().await?;
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

async fn start_embedded(
    lifecycle: &mut Lifecycle,
    config: &Config,
) -> anyhow::Result<SecretString> {
    let server = Arc::new(EmbeddedPostgres::start(&config.data_dir).await?);
    let url = SecretString::from(server.url().to_owned());
    let watched = Arc::clone(&server);
    let cancel = lifecycle.token();
    lifecycle.spawn("postgres", async move {
        tokio::select! {
            () = cancel.cancelled() => Ok(()),
            last_words = watched.exited() => {
                anyhow::bail!("the embedded Postgres ended by itself: {last_words}")
            }
        }
    });
    lifecycle.on_shutdown("postgres", async move {
        match Arc::try_unwrap(server) {
            Ok(server) => server.stop().await,
            // The part that watches it did not end in time; the guard stops it with the process.
            Err(server) => drop(server),
        }
        Ok(())
    });
    Ok(url)
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
        .acquire_timeout(CONNECT_TIMEOUT)
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
    let database = open(&mut lifecycle, config).await?;
    println!("The database is up to date.");
    database.store.pool().close().await;
    lifecycle.token().cancel();
    Ok(lifecycle.run().await)
}
