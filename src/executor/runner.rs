//! One agent's turn as a process: started without a shell, fed, watched, and ended with everything
//! it has started.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use super::settings::AgentCommand;
use crate::model::{AgentKey, MessageId, ProjectId, ThreadId};

/// Bytes of the error output that are kept, from its end.
const STDERR_TAIL: usize = 8 * 1024;

/// Characters of the last error line that people get to read.
const ERROR_LINE: usize = 200;

/// Time for the last bytes in the pipes after a process has ended; only a process that left the
/// group on purpose can hold them open.
const DRAIN: Duration = Duration::from_secs(1);

/// What an agent gets of our environment besides its own list.
const ENVIRONMENT: [&str; 3] = ["PATH", "HOME", "LANG"];

/// What an agent is asked.
#[derive(Debug, Clone)]
pub(super) struct Question {
    /// Who is asked.
    pub agent: AgentKey,
    /// In which project.
    pub project: ProjectId,
    /// In which thread.
    pub thread: Option<ThreadId>,
    /// By which message.
    pub message_id: MessageId,
    /// What.
    pub text: String,
}

impl Question {
    /// The agent's own memory of a thread (source: `ClawdOS` builds the same word).
    fn session(&self) -> String {
        match self.thread {
            Some(thread) => format!("clawdos:{}:{thread}", self.project),
            None => format!("clawdos:{}:{}", self.project, self.agent),
        }
    }

    fn as_json(&self) -> String {
        json!({
            "message": self.text,
            "agent": self.agent,
            "thread_id": self.thread,
            "message_id": self.message_id,
            "project_id": self.project,
        })
        .to_string()
    }

    /// In one pass: what a message says is never looked at again.
    fn fill_in(&self, template: &str) -> String {
        let mut filled = String::new();
        let mut rest = template;
        while let Some(start) = rest.find('{') {
            filled.push_str(&rest[..start]);
            rest = &rest[start..];
            let (name, value) = match rest {
                _ if rest.starts_with("{short}") => ("{short}", self.agent.short().to_owned()),
                _ if rest.starts_with("{key}") => ("{key}", self.agent.to_string()),
                _ if rest.starts_with("{session}") => ("{session}", self.session()),
                // The one character that an argument cannot hold.
                _ if rest.starts_with("{message}") => {
                    ("{message}", self.text.replace('\0', "\u{fffd}"))
                }
                _ => ("{", "{".to_owned()),
            };
            filled.push_str(&value);
            rest = &rest[name.len()..];
        }
        filled + rest
    }
}

/// Runs one turn and returns what the agent printed, or why there is nothing, in words. When the
/// future is dropped, the processes are killed.
pub(super) async fn run(command: &AgentCommand, question: &Question) -> Result<Vec<u8>, String> {
    let mut child = start(command, question)?;
    let mut group = Group::of(&child);
    let input = takes_input(command).then(|| question.as_json());
    let mut output = Vec::new();
    let mut errors = Vec::new();
    let work = converse(
        &mut child,
        &mut group,
        input,
        (&mut output, command.output_limit),
        &mut errors,
    );
    let ended = tokio::time::timeout(command.timeout, work).await;
    group.kill();
    let name = question.agent.short();
    let status = match ended {
        Ok(Ok(status)) => status,
        Ok(Err(reason)) => {
            let _ = child.wait().await;
            return Err(format!("Agent {name} was stopped: {reason}"));
        }
        Err(_) => {
            let _ = child.wait().await;
            return Err(format!(
                "Agent {name} did not finish within {} s and was stopped; it may have done part of its work.",
                command.timeout.as_secs()
            ));
        }
    };
    if status.success() {
        return Ok(output);
    }
    Err(format!("Agent {name} {}", death(status, &errors)))
}

fn takes_input(command: &AgentCommand) -> bool {
    !command.argv.iter().any(|part| part.contains("{message}"))
}

fn start(command: &AgentCommand, question: &Question) -> Result<Child, String> {
    let mut argv = command.argv.iter().map(|part| question.fill_in(part));
    let name = question.agent.short();
    let program = argv
        .next()
        .ok_or_else(|| format!("Agent {name} has no program: set executor.agents.{name}.argv."))?;
    let stdin = if takes_input(command) {
        Stdio::piped()
    } else {
        Stdio::null()
    };
    let kept = ENVIRONMENT
        .into_iter()
        .chain(command.env.iter().map(String::as_str))
        .filter_map(|name| Some((name, std::env::var_os(name)?)));
    Command::new(&program)
        .args(argv)
        .env_clear()
        .envs(kept)
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::ArgumentListTooLong => format!(
                "The message is too long for an argument of agent {name}: leave {{message}} out of \
                 executor.agents.{name}.argv, and it arrives on standard input."
            ),
            _ => format!(
                "Agent {name} cannot be started: {program:?}: {error}. \
                 Check executor.agents.{name}.argv."
            ),
        })
}

/// Feeds and reads until the process has ended and its pipes are empty. Stops early with a reason
/// when it prints too much.
async fn converse(
    child: &mut Child,
    group: &mut Group,
    input: Option<String>,
    (output, limit): (&mut Vec<u8>, usize),
    errors: &mut Vec<u8>,
) -> Result<ExitStatus, String> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let ended = CancellationToken::new();
    let feed = async {
        if let (Some(mut stdin), Some(input)) = (stdin, input) {
            // An agent may answer without reading; then the pipe breaks, and that is its right.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
        Ok(())
    };
    let read = read_all(stdout, output, limit);
    let read_errors = async {
        read_tail(stderr, errors).await;
        Ok(())
    };
    let wait = async {
        let status = child.wait().await;
        // What it leaves behind holds the pipes, and nobody would ever end it.
        group.kill();
        ended.cancel();
        status.map_err(|error| format!("its end could not be seen: {error}."))
    };
    let ((), (), (), status) = tokio::try_join!(
        until_drained(&ended, feed),
        until_drained(&ended, read),
        until_drained(&ended, read_errors),
        wait,
    )?;
    Ok(status)
}

async fn until_drained(
    ended: &CancellationToken,
    work: impl Future<Output = Result<(), String>>,
) -> Result<(), String> {
    tokio::select! {
        done = work => done,
        () = async { ended.cancelled().await; tokio::time::sleep(DRAIN).await } => Ok(()),
    }
}

async fn read_all(
    pipe: Option<impl AsyncRead + Unpin>,
    output: &mut Vec<u8>,
    limit: usize,
) -> Result<(), String> {
    let Some(mut pipe) = pipe else { return Ok(()) };
    let mut chunk = vec![0; 16 * 1024];
    while let Ok(size @ 1..) = pipe.read(&mut chunk).await {
        if output.len() + size > limit {
            return Err(format!(
                "it printed more than {limit} bytes. Raise its output_limit_bytes, or let it say less."
            ));
        }
        output.extend_from_slice(&chunk[..size]);
    }
    Ok(())
}

async fn read_tail(pipe: Option<impl AsyncRead + Unpin>, tail: &mut Vec<u8>) {
    let Some(mut pipe) = pipe else { return };
    let mut chunk = vec![0; 4 * 1024];
    while let Ok(size @ 1..) = pipe.read(&mut chunk).await {
        tail.extend_from_slice(&chunk[..size]);
        if tail.len() > 2 * STDERR_TAIL {
            tail.drain(..tail.len() - STDERR_TAIL);
        }
    }
}

/// Why it died, with its last line: agents echo whole commands and prompts, which is too much.
fn death(status: ExitStatus, errors: &[u8]) -> String {
    use std::os::unix::process::ExitStatusExt;
    let how = match (status.code(), status.signal()) {
        (Some(code), _) => format!("failed with exit code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended in an unknown way".to_owned(),
    };
    let errors = String::from_utf8_lossy(errors);
    let last = errors
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| !line.is_empty());
    match last {
        Some(line) => {
            let mut line: String = line
                .chars()
                .map(|c| if c.is_control() { ' ' } else { c })
                .collect();
            if let Some((end, _)) = line.char_indices().nth(ERROR_LINE) {
                line.truncate(end);
                line.push('…');
            }
            format!("{how}: {line}")
        }
        None => format!("{how} and gave no reason."),
    }
}

/// The process group of an agent: the agent and everything it has started.
#[derive(Debug)]
struct Group(Option<Pid>);

impl Group {
    /// `process_group(0)` makes the child's id the id of its group.
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.map(Pid::from_raw))
    }

    /// Once: afterwards the number may belong to somebody else.
    fn kill(&mut self) {
        if let Some(group) = self.0.take() {
            // Usually nobody is left, and the answer is ESRCH.
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}
