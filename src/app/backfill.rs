//! `clawdos-bridge backfill`: finds the database that is meant, or starts it, and tells what was done.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::database;
use super::instance::{Holder, settled_holder};
use super::switches::Hand;
use crate::backfill::{Options, Outcome, Progress, Whose, convert, text};
use crate::cli::BackfillOptions;
use crate::config::Config;
use crate::embedded::DataDirLock;
use crate::lifecycle::Lifecycle;
use crate::store::Store;

/// How long the connections may take to be closed.
const GOODBYE: Duration = Duration::from_secs(1);

/// The database that is meant, and what has to be kept as long as it is used.
struct Opened {
    store: Store,
    whose: Whose,
    _folder: Option<DataDirLock>,
}

/// Converts, tells, and stops what it started. The exit code is 1 when something is left to convert.
pub async fn run(
    mut lifecycle: Lifecycle,
    config: Config,
    options: &BackfillOptions,
) -> anyhow::Result<ExitCode> {
    let cancel = lifecycle.token();
    let options = Options {
        batch: options.batch,
        dry_run: options.dry_run,
    };
    let opened = cancel.run_until_cancelled(Box::pin(open(&mut lifecycle, &config, options)));
    let mut outcome = Outcome::default();
    let done = match opened.await {
        Some(Ok(opened)) => {
            let (progress, began) = (Progress::on_stderr(), Instant::now());
            let work = convert(&opened.store, options, &progress, &mut outcome);
            let worked = cancel.run_until_cancelled(Box::pin(work)).await;
            progress.end();
            outcome.took = began.elapsed();
            // Whoever stopped reading still gets the exit code.
            let _ = std::io::stdout().write_all(text(&outcome, options, opened.whose).as_bytes());
            // What waits for somebody's lock would hold up the end; the server undoes it by itself.
            let _ = tokio::time::timeout(GOODBYE, opened.store.pool().close()).await;
            let failed = worked.transpose().err();
            failed.map_or(Ok(Some(opened)), |error| Err(error.into()))
        }
        Some(Err(error)) => Err(error),
        None => Ok(None),
    };
    cancel.cancel();
    lifecycle.run().await;
    // Only now is the data folder free for another.
    drop(done?);
    Ok(
        if outcome.is_complete() || (options.dry_run && outcome.finished) {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        },
    )
}

async fn open(
    lifecycle: &mut Lifecycle,
    config: &Config,
    options: Options,
) -> anyhow::Result<Opened> {
    if let Some(url) = &config.database.url {
        // A dry run changes nothing, not even the schema.
        let store = if options.dry_run {
            let store = database::connect(url, config.project.id.clone()).await?;
            anyhow::ensure!(store.has_old_tables().await?, EMPTY);
            store
        } else {
            opened(database::open(lifecycle, config, Hand::fixed()).await?).await
        };
        return Ok(Opened {
            store,
            whose: Whose::Configured,
            _folder: None,
        });
    }
    match settled_holder(&config.data_dir).await {
        Holder::Bridge(instance) => Ok(Opened {
            store: database::connect(&instance.database.url, instance.project_id).await?,
            whose: Whose::Bridge(instance.pid),
            _folder: None,
        }),
        Holder::Nobody => {
            let folder = database::lock(&config.data_dir)?;
            let store = opened(database::open(lifecycle, config, Hand::fixed()).await?).await;
            Ok(Opened {
                store,
                whose: Whose::Embedded,
                _folder: Some(folder),
            })
        }
        Holder::Other(why) => anyhow::bail!(why),
    }
}

async fn opened(database: database::Database) -> Store {
    // One thing after the other needs one pool.
    database.hot.pool().close().await;
    database.store
}

const EMPTY: &str =
    "the database has no tables of ClawdOS: run clawdos-bridge migrate, or check DATABASE_URL";
