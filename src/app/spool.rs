//! The spool: opened in the data folder, written by a part of its own, shown on the boards.

use anyhow::Context as _;
use metrics::gauge;

use crate::config::Config;
use crate::health::Readiness;
use crate::lifecycle::Lifecycle;
use crate::model::status::Level;
use crate::spool::{Bounds, Found, Spool};
use crate::telemetry;

/// The file in the data folder.
const FILE_NAME: &str = "spool.jsonl";

/// Opens the spool and starts its parts.
pub async fn start(
    lifecycle: &mut Lifecycle,
    config: &Config,
    readiness: &Readiness,
) -> anyhow::Result<(Spool, Found)> {
    let path = config.data_dir.join(FILE_NAME);
    let bounds = Bounds {
        messages: config.spool.messages,
        bytes: config.spool.bytes,
    };
    let opening = tokio::task::spawn_blocking(move || Spool::open(path, bounds));
    let (spool, found, writer) = opening.await.context("the spool could not be opened")?;
    lifecycle.spawn("spool", writer.run(lifecycle.token()));
    show(lifecycle, readiness, &spool);
    Ok((spool, found))
}

fn show(lifecycle: &mut Lifecycle, readiness: &Readiness, spool: &Spool) {
    let (cancel, part, mut level) = (lifecycle.token(), readiness.part("spool"), spool.level());
    lifecycle.spawn("spool board", async move {
        loop {
            let now = level.borrow_and_update().clone();
            let held = u32::try_from(now.held).unwrap_or(u32::MAX);
            gauge!(telemetry::SPOOL_HELD).set(f64::from(held));
            // A spool that cannot keep anything is no reason to be called not ready: it is needed
            // only while the database is away, and then that is said already.
            match words(&now) {
                Some(words) => part.ok_with(words),
                None => part.ok(),
            }
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                changed = level.changed() => if changed.is_err() { break },
            }
        }
        cancel.cancelled().await;
        Ok(())
    });
}

fn words(level: &Level) -> Option<String> {
    let held = match level.held {
        0 => None,
        1 => Some("1 message is held for the database".to_owned()),
        count => Some(format!("{count} messages are held for the database")),
    };
    match (held, level.trouble.clone()) {
        (Some(held), Some(trouble)) => Some(format!("{held}; {trouble}")),
        (held, trouble) => held.or(trouble),
    }
}
