//! The skills of the built-in executor: folders, each with a manifest that says what it needs. What is there is
//! looked at anew each time, and the mirror follows.

mod manifest;
mod routes;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::settings::on_path;
use crate::model::skill::BUILT_IN;
use crate::store::skills::Report;
use crate::store::{Result, Store};
use manifest::{Found, Requires};

pub(super) use routes::routes;

/// The time between two looks that nobody has asked for.
const EVERY: Duration = Duration::from_mins(1);

/// Characters of a text of a manifest that are kept.
const TEXT: usize = 1_000;

/// The folder with the skills.
#[derive(Debug, Clone)]
pub(super) struct Skills {
    folder: PathBuf,
    store: Store,
}

impl Skills {
    pub(super) fn new(folder: PathBuf, store: Store) -> Self {
        Self { folder, store }
    }

    /// Keeps the mirror true until it is told to stop.
    pub(super) async fn run(&self, cancel: &CancellationToken) {
        while !cancel.is_cancelled() {
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "the skills cannot be reported: {error}");
            }
            tokio::select! {
                () = cancel.cancelled() => {}
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    /// Looks at all of them, and writes down what is there.
    pub(super) async fn look(&self) -> Result<Vec<Report>> {
        let folder = self.folder.clone();
        let found = tokio::task::spawn_blocking(move || {
            let found = manifest::find(&folder);
            found.iter().map(report).collect::<Vec<_>>()
        });
        // Only what panics ends otherwise.
        let reports = found.await.unwrap_or_default();
        self.store.report_skills(&reports, true).await?;
        Ok(reports)
    }

    /// Looks at one of them, and writes down how it is; none where there is no such skill.
    pub(super) async fn check(&self, id: String) -> Result<Option<Report>> {
        let folder = self.folder.clone();
        let found =
            tokio::task::spawn_blocking(move || manifest::one(&folder, &id).as_ref().map(report));
        let report = found.await.ok().flatten();
        if let Some(report) = &report {
            self.store
                .report_skills(std::slice::from_ref(report), false)
                .await?;
        }
        Ok(report)
    }
}

/// What is told of a skill. One that cannot be read needs somebody to repair it.
fn report(found: &Found) -> Report {
    let cut = |text: &str| text.chars().take(TEXT).collect::<String>();
    let manifest = match &found.manifest {
        Ok(manifest) => manifest,
        Err(why) => {
            let broken = json!({
                "source": BUILT_IN, "eligible": false, "disabled": false,
                "blockedByAllowlist": false, "missing": null, "emoji": null, "homepage": null,
            });
            return Report {
                id: found.id.clone(),
                name: found.id.clone(),
                description: cut(why),
                version: String::new(),
                updated: found.updated.clone(),
                extra: broken,
            };
        }
    };
    let missing = missing(&manifest.requires, &found.folder);
    Report {
        id: found.id.clone(),
        name: cut(manifest.name.as_deref().unwrap_or(&found.id)),
        description: cut(&manifest.description),
        version: cut(&manifest.version),
        updated: found.updated.clone(),
        extra: json!({
            "emoji": manifest.emoji.as_deref().map(cut),
            "homepage": manifest.homepage.as_deref().map(cut),
            "source": BUILT_IN,
            "eligible": missing.is_null(),
            "disabled": manifest.disabled,
            "blockedByAllowlist": false,
            "missing": missing,
        }),
    }
}

/// What is not there now; null where all of it is.
fn missing(requires: &Requires, folder: &Path) -> Value {
    let lacks = |list: &[String], there: &dyn Fn(&str) -> bool| -> Vec<String> {
        let lacks = list.iter().filter(|it| !there(it));
        lacks.map(|it| it.chars().take(TEXT).collect()).collect()
    };
    let one_of = |list: &[String], there: &dyn Fn(&str) -> bool| -> Vec<String> {
        let lacks = lacks(list, there);
        if lacks.len() == list.len() {
            lacks
        } else {
            Vec::new()
        }
    };
    let is_set = |name: &str| {
        let named = !name.is_empty() && !name.contains(['=', '\0']);
        named && std::env::var_os(name).is_some_and(|value| !value.is_empty())
    };
    let bins = lacks(&requires.bins, &|name| on_path(name).is_some());
    let any_bins = one_of(&requires.any_bins, &|name| on_path(name).is_some());
    let env = lacks(&requires.env, &is_set);
    let config = lacks(&requires.config, &|file| folder.join(file).is_file());
    let config: Vec<String> = config
        .iter()
        .map(|file| folder.join(file).to_string_lossy().into_owned())
        .collect();
    let os = one_of(&requires.os, &|name| system(name) == std::env::consts::OS);
    if [&bins, &any_bins, &env, &config, &os]
        .iter()
        .all(|list| list.is_empty())
    {
        return Value::Null;
    }
    json!({ "bins": bins, "anyBins": any_bins, "env": env, "config": config, "os": os })
}

/// An operating system by Rust's name; Node has names of its own for two of them.
fn system(name: &str) -> &str {
    match name {
        "darwin" => "macos",
        "win32" => "windows",
        other => other,
    }
}
