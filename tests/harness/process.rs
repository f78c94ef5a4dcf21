//! The real binary as a child process: started, watched, killed by its pid and nothing else.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

/// How long anything may take to start. The first start of a data folder makes a database.
const START: Duration = Duration::from_mins(1);

/// How long a stop may take (the promise is 10 s).
const STOP: Duration = Duration::from_secs(12);

/// One run of `clawdos-bridge`.
pub struct Process {
    child: Child,
    log: PathBuf,
    /// What `run.json` says.
    pub run: Value,
}

impl Process {
    /// Starts a subcommand and waits until it has written its run file and said that it is ready.
    pub fn start(
        arguments: &[&str],
        environment: &[(&str, &str)],
        run_file: &Path,
        log: &Path,
    ) -> Self {
        let before = std::fs::metadata(log).map_or(0, |it| it.len());
        let mut started = Self {
            child: spawn(arguments, environment, log),
            log: log.to_owned(),
            run: Value::Null,
        };
        let deadline = Instant::now() + START;
        loop {
            if let Some(run) = std::fs::read(run_file)
                .ok()
                .and_then(|text| serde_json::from_slice::<Value>(&text).ok())
                .filter(|run| run["pid"] == started.child.id() && says_ready(log, before))
            {
                started.run = run;
                return started;
            }
            if let Ok(Some(status)) = started.child.try_wait() {
                panic!("{arguments:?} ended with {status}:\n{}", started.log());
            }
            assert!(
                Instant::now() < deadline,
                "{arguments:?} was not ready in time:\n{}",
                started.log()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Everything it has printed.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Kills it as a crash would.
    pub fn kill_hard(&mut self) {
        self.signal(Signal::SIGKILL);
        let _ = self.child.wait();
    }

    /// Asks it to stop and waits for the end.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.ends()
    }

    /// Waits for an end that was asked for, or that has another reason.
    pub fn ends(&mut self) -> ExitStatus {
        let deadline = Instant::now() + STOP;
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return status;
            }
            assert!(
                Instant::now() < deadline,
                "it did not stop in time:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("pids are small"));
        // It may have ended by itself.
        let _ = kill(pid, signal);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.kill_hard();
        }
        if std::thread::panicking() {
            eprintln!("--- log of {}:\n{}", self.log.display(), self.log());
        }
    }
}

/// Whether the last word of a start stands in a log that had so many bytes before.
fn says_ready(log: &Path, before: u64) -> bool {
    let text = std::fs::read(log).unwrap_or_default();
    let from = usize::try_from(before).unwrap_or(usize::MAX);
    let new = text.get(from..).unwrap_or_default();
    new.split(|byte| *byte == b'\n')
        .any(|line| line == b"ready")
}

fn spawn(arguments: &[&str], environment: &[(&str, &str)], log: &Path) -> Child {
    let output = File::options()
        .create(true)
        .append(true)
        .open(log)
        .expect("the log can be written");
    Command::new(env!("CARGO_BIN_EXE_clawdos-bridge"))
        .args(arguments)
        .env_clear()
        .envs(std::env::vars().filter(|(name, _)| name == "PATH" || name == "HOME"))
        .env(
            "RUST_LOG",
            "info,clawdos_bridge=debug,serenity=warn,sqlx=warn",
        )
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(output.try_clone().expect("a file handle can be cloned"))
        .stderr(output)
        .spawn()
        .expect("the binary can be started")
}

/// Runs a subcommand that is expected to fail, and gives back its exit code and what it printed.
pub fn failing(arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().expect("the temporary folder is writable");
    let log = folder.path().join("log");
    let mut child = spawn(arguments, environment, &log);
    let deadline = Instant::now() + START;
    let status = loop {
        if let Ok(Some(status)) = child.try_wait() {
            break status;
        }
        if Instant::now() >= deadline {
            let _ = child.kill();
            let _ = child.wait();
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            panic!("{arguments:?} should have failed, and runs:\n{said}");
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    (
        status.code(),
        std::fs::read_to_string(&log).unwrap_or_default(),
    )
}
