//! The agents of the built-in executor: each is a program that we know, or a command line.

use std::collections::BTreeMap;

use super::load::seconds;
use super::secret;
use super::sections::{AgentConfig, AgentInput, AgentProgram, OwnBotConfig, Preset};
use super::source::Source;
use super::value::{self, Raw, Refused};

/// The section with one table per agent.
const AGENTS: &str = "executor.agents";

/// How long a turn may take (source: `ClawdOS` runs agents with `--timeout 120`).
const TURN_SECONDS: u64 = 120;

/// An agent of `OpenClaw` ends by itself after 120 s, and says so (source: `ClawdOS` waits 140 s).
const OPENCLAW_SECONDS: u64 = 140;

/// The section with one table per agent that has a bot of its own.
const OWN_BOTS: &str = "agents";

/// All agents of the file.
pub(super) fn agents(from: &mut Source<'_>) -> BTreeMap<String, AgentConfig> {
    by_short(from, AGENTS, agent)
}

/// All agents that have a bot of their own.
pub(super) fn own_bots(from: &mut Source<'_>) -> BTreeMap<String, OwnBotConfig> {
    by_short(from, OWN_BOTS, own_bot)
}

/// A section with one table per agent, named by its short name.
fn by_short<T>(
    from: &mut Source<'_>,
    section: &'static str,
    read: impl Fn(&mut Source<'_>, &str) -> Option<T>,
) -> BTreeMap<String, T> {
    let mut agents = BTreeMap::new();
    for short in from.names_below(section) {
        if let Err(refused) = value::agent_short(&short) {
            from.refuse_name(section, &short, refused);
        } else if let Some(agent) = read(from, &short) {
            agents.insert(short, agent);
        }
    }
    agents
}

/// The bot of one agent.
pub(super) fn own_bot(from: &mut Source<'_>, short: &str) -> Option<OwnBotConfig> {
    let key = format!("{OWN_BOTS}.{short}.discord_token");
    let discord_token = from.get(&key, None, secret::token)?;
    Some(OwnBotConfig { discord_token })
}

/// One agent.
pub(super) fn agent(from: &mut Source<'_>, short: &str) -> Option<AgentConfig> {
    let key = |name: &str| format!("{AGENTS}.{short}.{name}");
    let problems_before = from.problems.len();
    let preset = from.get(&key("preset"), None, preset);
    let argv = from.get(&key("argv"), None, value::argv);
    let input = from.get(&key("input"), None, input);
    let readable = from.problems.len() == problems_before;
    let limit = match preset {
        Some(Preset::OpenClaw) => OPENCLAW_SECONDS,
        _ => TURN_SECONDS,
    };
    let timeout = seconds(from, &key("timeout_seconds"), limit);
    let output_limit = from.get(
        &key("output_limit_bytes"),
        None,
        value::count(1024, u32::MAX),
    );
    let env = from.get(&key("env"), None, value::variable_names);
    let program = match program(preset, argv, input) {
        Ok(program) => program,
        Err(refused) => {
            if readable {
                from.refuse_name(AGENTS, short, refused);
            }
            return None;
        }
    };
    Some(AgentConfig {
        program,
        timeout,
        // A long answer is some ten kilobytes; a megabyte is a program that went wrong.
        output_limit: output_limit.unwrap_or(1024 * 1024),
        env: env.unwrap_or_default(),
    })
}

/// One of both, and what belongs to it.
fn program(
    preset: Option<Preset>,
    argv: Option<Vec<String>>,
    input: Option<AgentInput>,
) -> Result<AgentProgram, Refused> {
    match (preset, argv, input) {
        (Some(preset), None, None) => Ok(AgentProgram::Preset(preset)),
        (None, Some(argv), input) => Ok(AgentProgram::Argv {
            argv,
            input: input.unwrap_or(AgentInput::Json),
        }),
        (None, None, _) => Err(Refused::new(
            "it does not say how to run the agent",
            "Add `preset = \"openclaw\"`, \"claude\" or \"demo\" to it, or \
             `argv = [\"program\", \"argument\"]`.",
        )),
        (Some(_), Some(_), _) => Err(Refused::new(
            "it has a preset and an argv, and only one of them can be meant",
            "Remove one of them.",
        )),
        (Some(_), None, Some(_)) => Err(Refused::new(
            "its preset knows how the message reaches the agent, and input says it, too",
            "Remove input, or write an argv instead of the preset.",
        )),
    }
}

/// A program that we know.
fn preset(raw: &Raw<'_>) -> Result<Preset, Refused> {
    match raw {
        Raw::Text("openclaw") => Ok(Preset::OpenClaw),
        Raw::Text("claude") => Ok(Preset::Claude),
        Raw::Text("demo") => Ok(Preset::Demo),
        _ => Err(Refused::new(
            "there is no such preset",
            "Write \"openclaw\", \"claude\" or \"demo\"; any other program needs an argv.",
        )),
    }
}

/// What stands on standard input.
fn input(raw: &Raw<'_>) -> Result<AgentInput, Refused> {
    match raw {
        Raw::Text("json") => Ok(AgentInput::Json),
        Raw::Text("text") => Ok(AgentInput::Text),
        _ => Err(Refused::new(
            "there is no such input",
            "Write \"json\" or \"text\".",
        )),
    }
}
