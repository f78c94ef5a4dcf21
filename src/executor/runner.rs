//! One agent's turn as a process: started without a shell, fed, watched, and ended with everything
//! it has started.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::output::complaint;
use super::question::Question;
use super::settings::AgentCommand;

/// Bytes of the error output that are kept, from its end.
const STDERR_TAIL: usize = 8 * 1024;

/// Characters of the last error line that people get to read.
const ERROR_LINE: usize = 200;

/// Time for the last bytes in the pipes after a process has ended; only a process that left the
/// group on purpose can hold them open.
const DRAIN: Duration = Duration::from_secs(1);

/// What an agent gets of our environment besides its own list.
const ENVIRONMENT: [&str; 3] = ["PATH", "HOME", "LANG"];

/// Why a turn has no answer.
struct Failure {
    /// For people.
    words: String,
    /// What the agent itself said about it.
    said: String,
}

impl From<String> for Failure {
    fn from(words: String) -> Self {
        let said = String::new();
        Self { words, said }
    }
}

/// Runs one turn and returns what the agent printed, or why there is nothing, in words. When the
/// future is dropped, the processes are killed.
pub(super) async fn run(command: &AgentCommand, question: &Question) -> Result<Vec<u8>, String> {
    let deadline = Instant::now() + command.timeout;
    let mut ended = once(command, &command.argv, question, deadline).await;
    if let (Err(failure), Some(fresh)) = (&ended, &command.fresh)
        && failure.said.contains(&fresh.when)
    {
        ended = once(command, &fresh.argv, question, deadline).await;
    }
    ended.map_err(|failure| failure.words)
}

async fn once(
    command: &AgentCommand,
    argv: &[String],
    question: &Question,
    deadline: Instant,
) -> Result<Vec<u8>, Failure> {
    let input = question.input(command);
    let mut child = start(command, argv, question, input.is_some())?;
    let mut group = Group::of(&child);
    let mut output = Vec::new();
    let mut errors = Vec::new();
    let work = converse(
        &mut child,
        &mut group,
        input,
        (&mut output, command.output_limit),
        &mut errors,
    );
    let ended = tokio::time::timeout_at(deadline, work).await;
    group.kill();
    let name = question.agent.short();
    let status = match ended {
        Ok(Ok(status)) => status,
        Ok(Err(reason)) => {
            let _ = child.wait().await;
            return Err(format!("Agent {name} was stopped: {reason}").into());
        }
        Err(_) => {
            let _ = child.wait().await;
            return Err(format!(
                "Agent {name} did not finish within {} s and was stopped; it may have done part of its work.",
                command.timeout.as_secs()
            )
            .into());
        }
    };
    if status.success() {
        return Ok(output);
    }
    let errors = String::from_utf8_lossy(&errors);
    // Some tell their errors where answers stand.
    let said = format!("{}\n{errors}", complaint(&output).unwrap_or_default());
    let words = format!("Agent {name} {}", death(status, &said));
    Err(Failure { words, said })
}

fn start(
    command: &AgentCommand,
    argv: &[String],
    question: &Question,
    takes_input: bool,
) -> Result<Child, String> {
    let mut argv = argv
        .iter()
        .filter(|part| question.needs(part))
        .map(|part| question.fill_in(part));
    let name = question.agent.short();
    let program = argv
        .next()
        .ok_or_else(|| format!("Agent {name} has no program: set executor.agents.{name}.argv."))?;
    let stdin = if takes_input {
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
                 Check executor.agents.{name}."
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
fn death(status: ExitStatus, errors: &str) -> String {
    use std::os::unix::process::ExitStatusExt;
    let how = match (status.code(), status.signal()) {
        (Some(code), _) => format!("failed with exit code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended in an unknown way".to_owned(),
    };
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
