//! What a skill says of itself: `skill.toml` or `skill.json` in its folder.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;

/// Most skills that are looked at.
const MOST: usize = 200;

/// Bytes of a manifest that are read.
const LONGEST: u64 = 64 * 1024;

/// Characters of a folder's name.
const ID: usize = 64;

/// A folder with a skill.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// The folder's name.
    pub(super) id: String,
    /// The folder.
    pub(super) folder: PathBuf,
    /// When the manifest changed last, RFC 3339.
    pub(super) updated: String,
    /// What it says, or why it cannot be read.
    pub(super) manifest: Result<Manifest, String>,
}

/// The manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Manifest {
    /// What people call it; without it the folder's name.
    pub(super) name: Option<String>,
    /// What it does.
    pub(super) description: String,
    /// Its version.
    pub(super) version: String,
    /// One emoji that stands for it.
    pub(super) emoji: Option<String>,
    /// Where one can read more.
    pub(super) homepage: Option<String>,
    /// Whether somebody has switched it off.
    pub(super) disabled: bool,
    /// What it needs.
    pub(super) requires: Requires,
}

/// What a skill needs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Requires {
    /// Programs on the `PATH`, all of them.
    pub(super) bins: Vec<String>,
    /// Programs on the `PATH`, one of them.
    pub(super) any_bins: Vec<String>,
    /// Environment variables of the executor.
    pub(super) env: Vec<String>,
    /// Files, from the skill's folder.
    pub(super) config: Vec<String>,
    /// Operating systems, one of them: `linux`, `macos`, `windows`.
    pub(super) os: Vec<String>,
}

/// Every skill of a folder, by name. A folder that is not there holds none.
pub(super) fn find(skills: &Path) -> Vec<Found> {
    let Ok(entries) = std::fs::read_dir(skills) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| is_id(name))
        .collect();
    names.sort();
    let found = names.into_iter().filter_map(|id| one(skills, &id));
    found.take(MOST).collect()
}

/// One skill by its folder's name.
pub(super) fn one(skills: &Path, id: &str) -> Option<Found> {
    if !is_id(id) {
        return None;
    }
    let folder = skills.join(id);
    ["skill.toml", "skill.json"].iter().find_map(|name| {
        let file = folder.join(name);
        let data = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
        let updated = data.modified().map(DateTime::<Utc>::from);
        Some(Found {
            id: id.to_owned(),
            updated: updated
                .map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true))
                .unwrap_or_default(),
            manifest: read(&file).map_err(|why| format!("{name} cannot be read: {why}")),
            folder: folder.clone(),
        })
    })
}

/// A name that leads nowhere else.
fn is_id(name: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=ID).contains(&name.len()) && name.chars().all(known) && !name.starts_with('.')
}

fn read(file: &Path) -> Result<Manifest, String> {
    let mut text = String::new();
    let opened = File::open(file).map_err(|error| error.to_string())?;
    let read = opened.take(LONGEST + 1).read_to_string(&mut text);
    read.map_err(|error| error.to_string())?;
    if text.len() as u64 > LONGEST {
        return Err(format!("it is longer than {LONGEST} bytes"));
    }
    if file.extension().is_some_and(|it| it == "json") {
        return serde_json::from_str(&text).map_err(|error| error.to_string());
    }
    toml::from_str(&text).map_err(|error| error.message().to_owned())
}
