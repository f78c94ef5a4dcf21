//! `run.json`: what a script needs to know of a running bridge. For its owner only, gone at exit.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;

/// Writes the file whole or not at all, readable by its owner only: it holds tokens.
pub fn write(path: &Path, content: &serde_json::Value) -> anyhow::Result<()> {
    let new = path.with_extension("json.new");
    let write = || -> std::io::Result<()> {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)?;
        serde_json::to_writer_pretty(&mut file, content)?;
        file.write_all(b"\n")?;
        fs::rename(&new, path)
    };
    write().with_context(|| format!("{} cannot be written", path.display()))
}

/// Removes the file; one that is gone already is fine.
pub fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "{} cannot be removed", path.display());
    }
}
