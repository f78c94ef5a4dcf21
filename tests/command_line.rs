//! The command line, and whether help and example file tell the truth about the settings.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser as _};
use clawdos_bridge::cli::{Cli, Command};
use clawdos_bridge::config::{self, AgentProgram, Config, LogFormat, Overrides, Preset};

const EXAMPLE: &str = include_str!("../deploy/bridge.example.toml");

/// The example with every setting switched on.
fn example_switched_on() -> String {
    let is_setting = |rest: &str| rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '[');
    let lines = EXAMPLE.lines().map(|line| match line.strip_prefix('#') {
        Some(rest) if is_setting(rest) => rest,
        _ => line,
    });
    lines.flat_map(|line| [line, "\n"]).collect()
}

fn load(text: &str) -> Config {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join(config::FILE_NAME), text).expect("a written file");
    let loaded = Config::load(
        &Overrides::default(),
        &|_| None,
        folder.path(),
        Path::new("data"),
    );
    loaded.unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn the_example_documents_every_key_and_no_other() {
    let table: toml::Table = example_switched_on().parse().expect("the example is TOML");
    let mut documented = BTreeSet::new();
    collect("", &table, &mut documented);
    let known = config::known_keys();
    let general = known
        .iter()
        .map(|known| known.key.replace("<short>", "main"));
    // A preset and an argv cannot stand together: the example has two agents.
    let documented = documented
        .iter()
        .map(|key| key.replace("agents.ricky.", "agents.main."));
    assert_eq!(
        documented.collect::<BTreeSet<_>>(),
        general.collect::<BTreeSet<_>>()
    );
    let help = <Cli as CommandFactory>::command()
        .render_long_help()
        .to_string();
    for variable in known.iter().filter_map(|known| known.variable) {
        assert!(
            EXAMPLE.contains(&format!("({variable}")),
            "{variable} in the example"
        );
        assert!(help.contains(variable), "{variable} in --help");
    }
}

fn collect(prefix: &str, table: &toml::Table, into: &mut BTreeSet<String>) {
    for (name, value) in table {
        match value {
            toml::Value::Table(inner) => collect(&format!("{prefix}{name}."), inner, into),
            _ => assert!(into.insert(format!("{prefix}{name}"))),
        }
    }
}

#[test]
fn the_example_changes_nothing_as_it_is_and_shows_the_real_defaults() {
    let default =
        load("[executor.agents.main]\nargv = [\"x\"]\n[executor.agents.ricky]\nargv = [\"x\"]\n");
    assert_eq!(
        format!("{:?}", load(EXAMPLE).log),
        format!("{:?}", default.log)
    );
    let mut shown = load(&example_switched_on());
    assert_eq!(shown.discord.api_base, default.discord.api_base);
    assert_eq!(shown.project, default.project);
    assert_eq!(shown.sandbox, default.sandbox);
    assert_eq!(shown.executor.listen, default.executor.listen);
    assert_eq!(shown.executor.parallel, default.executor.parallel);
    assert_eq!(shown.executor.batch, default.executor.batch);
    assert_eq!(
        shown.executor.api_allowed_hosts,
        default.executor.api_allowed_hosts
    );
    assert_eq!(shown.delivery, default.delivery);
    assert_eq!(shown.mirror, default.mirror);
    assert_eq!(shown.feed, default.feed);
    assert_eq!(shown.health, default.health);
    assert_eq!(shown.log, default.log);
    assert_eq!(shown.mode, default.mode);
    assert_eq!(shown.control_api.shell_safe, default.control_api.shell_safe);
    let main = shown.executor.agents.get_mut("main").expect("an agent");
    assert_eq!(main.program, AgentProgram::Preset(Preset::OpenClaw));
    main.program = default.executor.agents["main"].program.clone();
    let ricky = shown.executor.agents.get_mut("ricky").expect("an agent");
    if let AgentProgram::Argv { argv, .. } = &mut ricky.program {
        *argv = vec!["x".to_owned()];
    }
    assert_eq!(shown.executor.agents, default.executor.agents);
}

#[test]
fn global_options_are_accepted_before_and_after_the_subcommand() {
    let options = [
        "--data-dir",
        "D",
        "--config",
        "c.toml",
        "--log-format",
        "json",
    ];
    let mut commands = vec!["run", "migrate", "executor"];
    if cfg!(feature = "sandbox") {
        commands.push("sandbox");
    }
    for command in commands {
        let before = [&["clawdos-bridge"], &options[..], &[command]].concat();
        let after = [&["clawdos-bridge", command], &options[..]].concat();
        for line in [before, after] {
            let overrides = Cli::try_parse_from(line)
                .expect("a command line")
                .overrides();
            assert_eq!(overrides.data_dir, Some(PathBuf::from("D")));
            assert_eq!(overrides.config, Some(PathBuf::from("c.toml")));
            assert_eq!(overrides.log_format, Some(LogFormat::Json));
        }
    }
}

#[test]
fn no_subcommand_means_run() {
    let cli = Cli::try_parse_from(["clawdos-bridge", "--data-dir", "D"]).expect("a command line");
    assert_eq!(cli.command(), Command::Run);
    <Cli as CommandFactory>::command().debug_assert();
}

#[test]
fn listen_belongs_to_the_subcommand_it_follows() {
    let overrides = |command: &str| {
        Cli::try_parse_from(["clawdos-bridge", command, "--listen", "127.0.0.1:7"])
            .map(|cli| cli.overrides())
    };
    let address: Option<SocketAddr> = Some(([127, 0, 0, 1], 7).into());
    let executor = overrides("executor").expect("executor takes --listen");
    assert_eq!(
        (executor.executor_listen, executor.sandbox_listen),
        (address, None)
    );
    if cfg!(feature = "sandbox") {
        let sandbox = overrides("sandbox").expect("sandbox takes --listen");
        assert_eq!(
            (sandbox.executor_listen, sandbox.sandbox_listen),
            (None, address)
        );
    }
    assert!(overrides("run").is_err());
}
