//! Configuration as a person meets it: file, environment, command line, and what is said when
//! something is wrong with them.

#[path = "config/agents.rs"]
mod agents;
#[path = "config/own_bots.rs"]
mod own_bots;
#[path = "config/spool.rs"]
mod spool;
#[path = "config/supabase.rs"]
mod supabase;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clawdos_bridge::config::{Config, ConfigProblems, LogFormat, Overrides, Place, Problem};
use secrecy::ExposeSecret as _;

const TOKEN: &str = "MTA5NzY1NDMyMTA.GhIjKl.s3cr3t-bot-token_value";

/// A folder to start in, with what stands in the environment.
struct Start {
    folder: tempfile::TempDir,
    env: HashMap<String, String>,
    overrides: Overrides,
}

impl Start {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            env: HashMap::new(),
            overrides: Overrides::default(),
        }
    }

    fn with_file(text: &str) -> Self {
        Self::new().file("bridge.toml", text)
    }

    fn file(self, name: &str, text: &str) -> Self {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        std::fs::write(path, text).expect("a written file");
        self
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    fn load(&self) -> Result<Config, ConfigProblems> {
        let env = |name: &str| self.env.get(name).cloned();
        let default = self.folder.path().join("data");
        Config::load(&self.overrides, &env, self.folder.path(), &default)
    }

    fn config(&self) -> Config {
        self.load().unwrap_or_else(|problems| panic!("{problems}"))
    }

    fn problems(&self) -> Vec<Problem> {
        self.load().expect_err("problems").0
    }

    fn only_problem(&self) -> Problem {
        let mut problems = self.problems();
        assert_eq!(problems.len(), 1, "{problems:#?}");
        problems.remove(0)
    }
}

fn stands_at(problem: &Problem, wanted_line: usize, wanted_key: &str) -> bool {
    matches!(&problem.place, Place::File { line, key, .. }
        if *line == Some(wanted_line) && key.as_deref() == Some(wanted_key))
}

#[test]
fn nothing_configured_means_everything_embedded() {
    let start = Start::new();
    let config = start.config();
    assert!(config.discord.token.is_none());
    assert!(config.database.url.is_none());
    assert!(config.control_api.url.is_none());
    assert!(config.executor.agents.is_empty());
    assert_eq!(config.project.id.as_str(), "front-office");
    assert_eq!(config.project.name, "Front Office");
    assert_eq!(
        config.discord.api_base.as_str(),
        "https://discord.com/api/v10"
    );
    assert!(config.health.listen.ip().is_loopback() && config.health.listen.port() == 0);
    assert_eq!(config.delivery.watchdog, Duration::from_mins(2));
    assert_eq!(config.data_dir, start.folder.path().join("data"));
    assert_eq!(config.executor.workspace, config.data_dir.join("workspace"));
    assert_eq!(config.file, None);
    assert_eq!(config.spool.messages, 1_000);
    assert_eq!(config.spool.bytes, 8 * 1024 * 1024);
}

#[test]
fn the_command_line_wins_over_the_environment_and_that_over_the_file() {
    let file = "[log]\nformat = \"json\"\n[project]\nid = \"from-file\"\n\
                [health]\nlisten = \"127.0.0.1:1\"\n";
    let mut start = Start::with_file(file);
    assert_eq!(start.config().log.format, LogFormat::Json);
    start = start
        .env("PROJECT_ID", "from-env")
        .env("LOG_FORMAT", "json")
        .env("HEALTH_LISTEN", "");
    start.overrides.log_format = Some(LogFormat::Text);
    let config = start.config();
    assert_eq!(config.log.format, LogFormat::Text);
    assert_eq!(config.project.id.as_str(), "from-env");
    assert_eq!(config.project.name, "From Env");
    assert_eq!(
        config.health.listen.port(),
        1,
        "an empty variable counts as not set"
    );
}

#[test]
fn the_file_is_the_named_one_else_the_one_here_else_the_one_in_the_data_folder() {
    let project = |name: &str| format!("[project]\nid = \"{name}\"\n");
    let mut start = Start::new().file("data/bridge.toml", &project("data"));
    assert_eq!(start.config().project.id.as_str(), "data");
    start = start.file("bridge.toml", &project("here"));
    assert_eq!(start.config().project.id.as_str(), "here");
    start = start.file("other.toml", &project("named"));
    start.overrides.config = Some(PathBuf::from("other.toml"));
    let config = start.config();
    assert_eq!(config.project.id.as_str(), "named");
    assert_eq!(config.file, Some(start.folder.path().join("other.toml")));
    start.overrides.config = Some(PathBuf::from("missing.toml"));
    let problem = start.only_problem().to_string();
    assert!(
        problem.contains("missing.toml") && problem.contains("--config"),
        "{problem}"
    );
}

#[test]
fn the_data_folder_comes_from_the_command_line_else_the_environment() {
    let mut start = Start::new().env("CLAWDOS_BRIDGE_DATA_DIR", "/elsewhere");
    assert_eq!(start.config().data_dir, Path::new("/elsewhere"));
    start.overrides.data_dir = Some(PathBuf::from("relative"));
    assert_eq!(
        start.config().data_dir,
        start.folder.path().join("relative")
    );
}

#[test]
fn every_problem_is_in_one_list_each_with_its_place_and_its_fix() {
    let file = "[discord]\n\
                guild_id = \"my server\"\n\
                tokn = \"x\"\n\
                [delivery]\n\
                members_may_ask = \"perhaps\"\n\
                watchdog_seconds = 0\n\
                [executor]\n\
                listen = \"0.0.0.0:8787\"\n\
                [executor.agents.main]\n\
                argv = \"rm -rf\"\n\
                [executor.agents.idle]\n\
                timeout_seconds = 5\n\
                [strange]\n\
                thing = 1\n";
    let start = Start::with_file(file)
        .env("OPERATOR_IDS", "1234, somebody")
        .env("CONTROL_API_TOKEN", "t")
        .env("DATABASE_URL", "mysql://root@host/db");
    let problems = start.problems();
    for (line, key) in [
        (2, "discord.guild_id"),
        (3, "discord.tokn"),
        (5, "delivery.members_may_ask"),
        (6, "delivery.watchdog_seconds"),
        (10, "executor.agents.main.argv"),
        (11, "executor.agents.idle"),
        (13, "strange"),
    ] {
        let found = problems
            .iter()
            .filter(|one| stands_at(one, line, key))
            .count();
        assert_eq!(found, 1, "line {line}, {key}: {problems:#?}");
    }
    for place in [
        Place::Variable("OPERATOR_IDS"),
        Place::Variable("DATABASE_URL"),
        Place::Key("control_api.url"),
        Place::Key("executor.token"),
    ] {
        assert!(
            problems.iter().any(|one| one.place == place),
            "{place}: {problems:#?}"
        );
    }
    assert_eq!(problems.len(), 11, "{problems:#?}");
    assert!(
        problems.iter().all(|one| one.fix.ends_with(['.', '?'])),
        "{problems:#?}"
    );
    let text = ConfigProblems(problems).to_string();
    assert_eq!(text.lines().count(), 12, "{text}");
}

#[test]
fn a_broken_file_is_explained_by_line_and_key_without_quoting_it() {
    let cases = [
        (
            "[discord]\n\ntoken = \"abc.hunter2\nguild_id = 1\n",
            3,
            "discord.token",
        ),
        ("[log]\nformat = text\n", 2, "log.format"),
        (
            "[log]\nformat = \"text\"\nformat = \"json\"\n",
            3,
            "log.format",
        ),
        (
            "[executor.agents.main]\nargv = [\"x\", hunter2]\n",
            2,
            "executor.agents.main.argv",
        ),
    ];
    for (text, line, key) in cases {
        let problem = Start::with_file(text).only_problem();
        assert!(stands_at(&problem, line, key), "{text}: {problem:?}");
        let shown = problem.to_string();
        assert!(
            shown.contains("bridge.toml") && shown.contains("TOML"),
            "{shown}"
        );
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn a_misspelt_key_names_the_one_that_was_meant() {
    for (text, meant) in [
        (
            "[discord]\noperator = []\n",
            "Did you mean `discord.operators`?",
        ),
        ("[dicsord]\ntoken = \"x\"\n", "Did you mean `discord`?"),
        ("guild_id = 5\n", "Did you mean `discord.guild_id`?"),
        (
            "[mirror]\nhorizon_day = 3\n",
            "Did you mean `mirror.horizon_days`?",
        ),
        (
            "[executor.agents.main]\nargv = [\"x\"]\ntimeout_second = 3\n",
            "Did you mean `executor.agents.main.timeout_seconds`?",
        ),
        ("discord = \"yes\"\n", "[discord]"),
        ("[discord]\nfavourite_colour = 1\n", "Remove it"),
    ] {
        let problem = Start::with_file(text).only_problem();
        assert!(problem.fix.contains(meant), "{text}: {problem}");
    }
}

#[test]
fn a_token_that_is_none_is_refused_with_the_way_to_get_one() {
    let refused = |token: &str| Start::new().env("DISCORD_TOKEN", token).only_problem();
    for token in [
        "hunter2",
        "hunter2.b",
        "hunter2..c",
        "hunter2.b.c.d",
        "hünter2.b.c",
        "Bot hunter2.b.c",
    ] {
        let problem = refused(token);
        assert!(!problem.to_string().contains("nter2"), "{problem}");
    }
    assert!(refused("abc").fix.contains("Reset Token"));
    let elsewhere = Start::new()
        .env("DISCORD_TOKEN", "any-visible-text")
        .env("DISCORD_API_BASE", "http://127.0.0.1:4000/api/v10/");
    let discord = elsewhere.config().discord;
    assert_eq!(discord.api_base.as_str(), "http://127.0.0.1:4000/api/v10");
}

#[test]
fn an_api_base_must_be_the_tenth_version_and_keep_the_token_secret_on_the_way() {
    let start = |base: &str| {
        Start::new()
            .env("DISCORD_TOKEN", TOKEN)
            .env("DISCORD_API_BASE", base)
    };
    for base in [
        "discord.com",
        "ftp://discord.com/api/v10",
        "https://discord.com/api/v9",
        "https://discord.com/",
        "http://example.com/api/v10",
        "https://bot:hunter2@example.com/api/v10",
        "https://example.com/api/v10?token=hunter2",
    ] {
        let problem = start(base).only_problem();
        assert_eq!(problem.place, Place::Variable("DISCORD_API_BASE"), "{base}");
        assert!(!problem.to_string().contains("hunter2"), "{problem}");
    }
    for base in [
        "http://localhost:1/api/v10",
        "http://[::1]:1/api/v10",
        "https://x.example/api/v10",
    ] {
        assert_eq!(start(base).config().discord.api_base.as_str(), base);
    }
}

#[test]
fn a_server_without_a_token_is_a_mistake_and_not_the_sandbox() {
    let problem = Start::new().env("DISCORD_GUILD_ID", "42").only_problem();
    assert_eq!(problem.place, Place::Key("discord.token"));
    assert!(problem.fix.contains("DISCORD_TOKEN"), "{problem}");
}

#[test]
fn an_executor_beyond_this_machine_needs_a_token() {
    let start = Start::new().env("EXECUTOR_LISTEN", "0.0.0.0:8787");
    assert_eq!(start.only_problem().place, Place::Key("executor.token"));
    let config = start.env("EXECUTOR_TOKEN", "long-and-random").config();
    assert_eq!(config.executor.listen.port(), 8787);
}

#[test]
fn secrets_are_used_but_never_shown() {
    let start = Start::new()
        .env("DISCORD_TOKEN", TOKEN)
        .env(
            "DATABASE_URL",
            "postgres://me:hunter2@db.example.com/postgres",
        )
        .env("CONTROL_API_URL", "http://control.example.com:8787/")
        .env("CONTROL_API_TOKEN", "hunter3")
        .env("EXECUTOR_TOKEN", "hunter4");
    let config = start.config();
    let token = config.discord.token.as_ref().expect("a token");
    assert_eq!(token.expose_secret(), TOKEN);
    let shown = format!("{config:?} {config:#?} {:?}", config.warnings());
    for secret in ["hunter", "s3cr3t"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    let sentences = config.warnings().join(" ");
    assert!(sentences.contains("unencrypted"));
    for wrong in [
        "postgres//me:hunter2@host/db",
        "postgres://me:hunter2@:x/db",
        "http://me:hunter2@host/",
    ] {
        let problem = Start::new().env("DATABASE_URL", wrong).only_problem();
        assert!(
            !format!("{problem} {problem:?}").contains("hunter2"),
            "{problem}"
        );
    }
}
