//! What Linux says of a process (source: proc(5)).

use std::fs;
use std::path::Path;

use anyhow::Context as _;

/// Clock ticks per second in `/proc/<pid>/stat`: 100 on every architecture that Rust's standard
/// library supports on Linux.
const TICKS: f64 = 100.0;

/// The fields of `/proc/<pid>/stat` after the name, which may hold spaces itself.
fn stat(pid: u32) -> anyhow::Result<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))
        .with_context(|| format!("process {pid} cannot be looked at: is this Linux?"))?;
    let (_, fields) = stat
        .rsplit_once(')')
        .context("/proc/<pid>/stat has no name")?;
    Ok(fields.split_whitespace().map(str::to_owned).collect())
}

/// Sum of some of the fields, in seconds. Field 11 here is the 14th of the manual.
fn ticks(fields: &[String], at: std::ops::Range<usize>) -> anyhow::Result<f64> {
    let fields = fields.get(at).context("/proc/<pid>/stat is too short")?;
    let ticks = fields
        .iter()
        .try_fold(0, |sum, field| anyhow::Ok(sum + field.parse::<u32>()?))?;
    Ok(f64::from(ticks) / TICKS)
}

/// CPU seconds that a process has used, in user and kernel mode.
pub fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    ticks(&stat(pid)?, 11..13)
}

/// CPU seconds of a process and its children, those that have ended included.
pub fn cpu_seconds_of_family(pid: u32) -> anyhow::Result<f64> {
    let mut sum = ticks(&stat(pid)?, 11..15)?;
    let parent = pid.to_string();
    for entry in fs::read_dir("/proc")?.flatten() {
        let child = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        // A process may end while we look.
        if let Some(Ok(fields)) = child.map(stat)
            && fields.get(1) == Some(&parent)
        {
            sum += ticks(&fields, 11..13)?;
        }
    }
    Ok(sum)
}

/// Memory of a process in MiB.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// Resident now.
    pub resident: f64,
    /// Resident at most so far.
    pub peak: f64,
}

/// Memory of a process.
pub fn memory(pid: u32) -> anyhow::Result<Memory> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))
        .with_context(|| format!("process {pid} cannot be looked at: is this Linux?"))?;
    let field = |name: &str| -> anyhow::Result<f64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib: u32 = line
            .and_then(|line| line.split_whitespace().next())
            .with_context(|| format!("/proc/{pid}/status has no {name}"))?
            .parse()?;
        Ok(f64::from(kib) / 1024.0)
    };
    Ok(Memory {
        resident: field("VmRSS:")?,
        peak: field("VmHWM:")?,
    })
}

/// The server that runs on a Postgres data folder.
pub fn postmaster(data: &Path) -> anyhow::Result<u32> {
    let file = fs::read_to_string(data.join("postmaster.pid"))?;
    Ok(file
        .lines()
        .next()
        .context("postmaster.pid is empty")?
        .trim()
        .parse()?)
}
