//! Ends what an earlier bridge that was killed left running on the same database files.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::Command;
use tokio::time::{Instant, sleep};
use tracing::info;

use super::error::EmbeddedError;

/// How long each signal may take: fast, then immediate, then the end.
const PATIENCE: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(5);

/// The server processes on one folder of database files.
#[derive(Debug)]
struct Servers {
    /// The postmaster first, where it is known.
    pids: Vec<Pid>,
    /// Whether the first one is the postmaster, which ends the others in good order.
    headed: bool,
}

/// Ends every server process on these files and clears the way for the next; does nothing where none runs.
pub(super) async fn end(data: &Path) -> Result<(), EmbeddedError> {
    let mut running = servers(data).await;
    for signal in [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGKILL] {
        if running.pids.is_empty() {
            break;
        }
        // Without a postmaster SIGINT would only cancel queries.
        if signal == Signal::SIGINT && !running.headed {
            continue;
        }
        info!(pids = ?running.pids, %signal, "ending a Postgres that an earlier run left behind");
        let told = if running.headed && signal != Signal::SIGKILL {
            &running.pids[..1]
        } else {
            &running.pids[..]
        };
        for pid in told {
            // One that has ended meanwhile is what we want.
            let _ = kill(*pid, signal);
        }
        let deadline = Instant::now() + PATIENCE;
        while !running.pids.is_empty() && Instant::now() < deadline {
            sleep(POLL).await;
            running = servers(data).await;
        }
    }
    if let Some(pid) = running.pids.first() {
        return Err(EmbeddedError::Orphan {
            pid: pid.as_raw(),
            folder: data.to_path_buf(),
        });
    }
    remove_stale_pid_file(data)
}

/// Postgres itself refuses to start if the number in a stale file belongs to some other process by now.
///
/// Where we cannot see every process that uses the files, a file whose process is gone is left to Postgres, which then
/// also looks for shared memory still in use.
fn remove_stale_pid_file(data: &Path) -> Result<(), EmbeddedError> {
    let path = data.join("postmaster.pid");
    let taken = recorded_postmaster(data).is_some_and(|pid| kill(pid, None).is_ok());
    if path.exists() && (taken || has_proc()) {
        fs::remove_file(&path).map_err(EmbeddedError::at(&path))?;
    }
    Ok(())
}

/// The first line of `postmaster.pid` is the postmaster's number.
fn recorded_postmaster(data: &Path) -> Option<Pid> {
    let bytes = fs::read(data.join("postmaster.pid")).ok()?;
    let first = bytes.split(|byte| *byte == b'\n').next()?;
    let pid: i32 = str::from_utf8(first).ok()?.trim().parse().ok()?;
    (pid > 0).then(|| Pid::from_raw(pid))
}

async fn servers(data: &Path) -> Servers {
    let recorded = recorded_postmaster(data);
    let mut pids = if has_proc() {
        standing_in(data)
    } else {
        let mut found = Vec::new();
        if let Some(pid) = recorded
            && command_names(pid, data).await
        {
            found.push(pid);
        }
        found
    };
    let head = pids.iter().position(|pid| Some(*pid) == recorded);
    if let Some(head) = head {
        pids.swap(0, head);
    }
    Servers {
        pids,
        headed: head.is_some(),
    }
}

fn has_proc() -> bool {
    Path::new("/proc/self/cwd").exists()
}

/// Every process of a Postgres server has its database folder as current folder, for as long as it lives.
fn standing_in(data: &Path) -> Vec<Pid> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|entry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            let folder = fs::read_link(entry.path().join("cwd")).ok()?;
            let name = fs::read_to_string(entry.path().join("comm")).ok()?;
            (folder == data && name.starts_with("post")).then(|| Pid::from_raw(pid))
        })
        .collect()
}

/// Where there is no `/proc`: whether this process is a Postgres that was started on the folder.
async fn command_names(pid: Pid, data: &Path) -> bool {
    let listed = Command::new("ps")
        .args(["-ww", "-o", "command=", "-p", &pid.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .await;
    listed.is_ok_and(|output| {
        let command = String::from_utf8_lossy(&output.stdout);
        // With what we write after it: a folder's name may go on after a space.
        command.contains("postgres") && command.contains(&format!("-D {} -c port=", data.display()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn another_program_that_got_the_old_number_is_left_alone() {
        let data = tempfile::tempdir().unwrap();
        let mut other = Command::new("sleep")
            .arg("60")
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let pid = other.id().unwrap();
        fs::write(data.path().join("postmaster.pid"), format!("{pid}\n")).unwrap();
        end(data.path()).await.unwrap();
        assert!(!data.path().join("postmaster.pid").exists());
        assert_eq!(other.try_wait().unwrap(), None);
    }

    #[tokio::test]
    async fn without_proc_a_server_is_known_by_its_command() {
        let program = tempfile::tempdir().unwrap();
        let sleep = program.path().join("postgres");
        fs::write(&sleep, "read line\n").unwrap();
        let child = Command::new("sh")
            .arg(&sleep)
            .args(["-D", "/srv/data of mine", "-c", "port=1"])
            .stdin(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let pid = Pid::from_raw(child.id().unwrap().try_into().unwrap());
        assert!(command_names(pid, Path::new("/srv/data of mine")).await);
        assert!(!command_names(pid, Path::new("/srv/data")).await);
    }
}
