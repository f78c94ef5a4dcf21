//! The release binary.

use std::fs;

use anyhow::Context as _;

use crate::process::failing as run_to_the_end;
use crate::table::Row;

pub fn measure() -> anyhow::Result<Vec<Row>> {
    let path = env!("CARGO_BIN_EXE_clawdos-bridge");
    let size = fs::metadata(path).context("the binary is not there")?.len();
    // A binary that cannot even tell its version is not the one whose size matters.
    let (code, version) = run_to_the_end(&["--version"], &[]);
    anyhow::ensure!(code == Some(0), "the binary does not run: {version}");
    Ok(vec![Row::told(
        format!("release binary, stripped: {}", version.trim()),
        format!("{size} bytes"),
    )])
}
