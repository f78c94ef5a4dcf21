//! Agents as a person configures them.

use std::time::Duration;

use clawdos_bridge::config::{AgentInput, AgentProgram, FeedKind, Preset};

use crate::Start;

#[test]
fn agents_are_read_with_their_limits() {
    let file = "[executor]\nworkspace = \"shared\"\n[executor.agents.ricky]\n\
                argv = [\"claude\", \"-p\", \" spaced \"]\nenv = [\"ANTHROPIC_API_KEY\"]\n\
                [feed]\nkind = \"off\"\n";
    let start = Start::with_file(file);
    let config = start.config();
    let ricky = &config.executor.agents["ricky"];
    let argv = ["claude", "-p", " spaced "].map(str::to_owned).to_vec();
    let input = AgentInput::Json;
    assert_eq!(ricky.program, AgentProgram::Argv { argv, input });
    assert_eq!(ricky.timeout, Duration::from_mins(2));
    assert_eq!(ricky.output_limit, 1024 * 1024);
    assert_eq!(ricky.env, ["ANTHROPIC_API_KEY"]);
    assert_eq!(
        config.executor.workspace,
        start.folder.path().join("shared")
    );
    assert_eq!(config.feed.kind, FeedKind::Off);
    for name in ["\"a b\"", "\"agent:x:main\"", "\"a.b\""] {
        let text = format!("[executor.agents.{name}]\nargv = [\"x\"]\n");
        Start::with_file(&text).only_problem();
    }
    let none = Start::with_file("[executor.agents]\n").config();
    assert!(none.executor.agents.is_empty());
    Start::with_file("[executor]\nagents = 3\n").only_problem();
}

#[test]
fn a_preset_stands_for_a_command_line() {
    let file = "[executor.agents.main]\npreset = \"openclaw\"\n\
                [executor.agents.cloud]\npreset = \"claude\"\ntimeout_seconds = 30\n\
                [executor.agents.ricky]\npreset = \"demo\"\n\
                [executor.agents.plain]\nargv = [\"cat\"]\ninput = \"text\"\n";
    let agents = Start::with_file(file).config().executor.agents;
    let of = |short: &str| {
        (
            agents[short].program.clone(),
            agents[short].timeout.as_secs(),
        )
    };
    assert_eq!(of("main"), (AgentProgram::Preset(Preset::OpenClaw), 140));
    assert_eq!(of("cloud"), (AgentProgram::Preset(Preset::Claude), 30));
    assert_eq!(of("ricky"), (AgentProgram::Preset(Preset::Demo), 120));
    let argv = vec!["cat".to_owned()];
    let input = AgentInput::Text;
    assert_eq!(of("plain"), (AgentProgram::Argv { argv, input }, 120));
}

#[test]
fn an_agent_has_a_preset_or_an_argv_and_the_other_half_is_refused_once() {
    for (lines, what) in [
        (
            "preset = \"openclaw\"\nargv = [\"x\"]\n",
            "only one of them",
        ),
        (
            "preset = \"claude\"\ninput = \"text\"\n",
            "input says it, too",
        ),
        ("input = \"text\"\n", "does not say how to run"),
        ("preset = \"gpt\"\n", "no such preset"),
        ("argv = [\"x\"]\ninput = \"xml\"\n", "no such input"),
        ("preset = \"gpt\"\nargv = [\"x\"]\n", "no such preset"),
    ] {
        let text = format!("[executor.agents.main]\n{lines}");
        let problem = Start::with_file(&text).only_problem();
        assert!(problem.what.contains(what), "{lines}: {problem}");
    }
}
