//! Where each setting comes from: its key, its environment variable, its default.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::problem::{ConfigProblems, Place, Problem};
use super::sections::{
    ControlApiConfig, DEFAULT_LOG_FILTER, DatabaseConfig, DeliveryConfig, DiscordConfig,
    ExecutorConfig, FeedConfig, FeedKind, HealthConfig, LOOPBACK, LogConfig, LogFormat,
    MirrorConfig, ModeConfig, ProjectConfig, SandboxConfig, SpoolConfig, SupabaseConfig,
};
use super::source::{Environment, KnownKey, Source};
use super::{Config, DATA_DIR_VARIABLE, FILE_NAME, Overrides, agents, secret, value};

const DAY: u64 = 24 * 60 * 60;
const HOUR: u64 = 60 * 60;
const KIB: u64 = 1024;
const MIB: u32 = 1024 * 1024;

/// Longest time between two rounds of anything: a day.
const LONGEST_PERIOD: u64 = DAY;

impl Config {
    /// Reads file and environment, checks every value and how they fit together.
    ///
    /// `env` looks up one environment variable, `cwd` is the folder that relative paths of the
    /// command line start from, `default_data_dir` is the platform's data folder.
    pub fn load(
        overrides: &Overrides,
        env: Environment<'_>,
        cwd: &Path,
        default_data_dir: &Path,
    ) -> Result<Self, ConfigProblems> {
        let from_env = env(DATA_DIR_VARIABLE).filter(|dir| !dir.trim().is_empty());
        let data_dir = overrides.data_dir.clone().or(from_env.map(PathBuf::from));
        let data_dir = cwd.join(data_dir.unwrap_or_else(|| default_data_dir.to_owned()));

        let (file, text) = match find_file(overrides.config.as_deref(), cwd, &data_dir) {
            Ok(Some((path, text))) => (Some(path), text),
            Ok(None) => (None, String::new()),
            Err(problem) => return Err(ConfigProblems(vec![problem])),
        };
        let path = file.clone().unwrap_or_else(|| PathBuf::from(FILE_NAME));
        let mut source = Source::new(&path, &text, env);
        let config = read(&mut source, overrides, data_dir, file);
        let file_is_broken = source.file_is_broken;
        let (mut problems, _) = source.finish();
        if !file_is_broken {
            // Half a file would be blamed for what stands in its other half.
            problems.extend(config.validate());
        }
        if problems.is_empty() {
            Ok(config)
        } else {
            Err(ConfigProblems(problems))
        }
    }
}

/// Every key and variable the bridge knows. Agents appear as `<short>`.
pub fn known_keys() -> Vec<KnownKey> {
    let mut source = Source::new(Path::new(FILE_NAME), "", &|_| None);
    read(&mut source, &Overrides::default(), PathBuf::new(), None);
    agents::agent(&mut source, "<short>");
    agents::own_bot(&mut source, "<short>");
    source.finish().1
}

/// The file to read and its text: the one that was asked for, or the first that exists.
fn find_file(
    asked: Option<&Path>,
    cwd: &Path,
    data_dir: &Path,
) -> Result<Option<(PathBuf, String)>, Problem> {
    let asked = asked.map(|path| cwd.join(path));
    let required = asked.is_some();
    let candidates = asked.map_or_else(
        || vec![cwd.join(FILE_NAME), data_dir.join(FILE_NAME)],
        |path| vec![path],
    );
    for path in candidates {
        match std::fs::read_to_string(&path) {
            Ok(text) => return Ok(Some((path, text))),
            Err(error) if is_absent(&error) && !required => {}
            Err(error) => {
                let fix = match error.kind() {
                    io::ErrorKind::NotFound => {
                        "Name an existing file with --config, or leave it out."
                    }
                    io::ErrorKind::InvalidData => "Save the file as UTF-8 text.",
                    _ => "Let the user the bridge runs as read it, or name another with --config.",
                };
                let place = Place::File {
                    path,
                    line: None,
                    key: None,
                };
                let what = format!("cannot be read ({error})");
                return Err(Problem {
                    place,
                    what,
                    fix: fix.to_owned(),
                });
            }
        }
    }
    Ok(None)
}

fn read(
    from: &mut Source<'_>,
    overrides: &Overrides,
    data_dir: PathBuf,
    file: Option<PathBuf>,
) -> Config {
    let beside_file = file.as_deref().and_then(Path::parent).unwrap_or(&data_dir);
    Config {
        discord: discord(from),
        own_bots: agents::own_bots(from),
        database: DatabaseConfig {
            url: from.get("database.url", Some("DATABASE_URL"), secret::database_url),
        },
        control_api: ControlApiConfig {
            url: from.get(
                "control_api.url",
                Some("CONTROL_API_URL"),
                secret::control_url,
            ),
            token: from.get(
                "control_api.token",
                Some("CONTROL_API_TOKEN"),
                secret::token,
            ),
            shell_safe: from
                .get("control_api.shell_safe", None, value::flag)
                .unwrap_or(true),
        },
        project: project(from),
        sandbox: SandboxConfig {
            listen: listen(
                from,
                "sandbox.listen",
                "SANDBOX_LISTEN",
                overrides.sandbox_listen,
            ),
        },
        executor: executor(from, overrides, beside_file, &data_dir),
        delivery: DeliveryConfig {
            members_may_ask: from
                .get("delivery.members_may_ask", None, value::flag)
                .unwrap_or(false),
            watchdog: seconds(from, "delivery.watchdog_seconds", 120),
            parallel: from
                .get("delivery.parallel", None, value::count(1, 256))
                .unwrap_or(16),
        },
        mirror: MirrorConfig {
            sweep: seconds(from, "mirror.sweep_seconds", 30),
            horizon: from
                .get("mirror.horizon_days", None, value::duration(DAY, 3650))
                .unwrap_or(Duration::from_secs(14 * DAY)),
            first_link: from
                .get(
                    "mirror.first_link_hours",
                    None,
                    value::duration(HOUR, 24 * 3650),
                )
                .unwrap_or(Duration::from_secs(24 * HOUR)),
        },
        feed: FeedConfig {
            kind: from
                .get("feed.kind", None, value::feed_kind)
                .unwrap_or(FeedKind::Replication),
        },
        supabase: supabase(from, beside_file),
        health: HealthConfig {
            listen: listen(from, "health.listen", "HEALTH_LISTEN", None),
        },
        log: log(from, overrides),
        mode: ModeConfig {
            poll: seconds(from, "mode.poll_seconds", 30),
        },
        spool: SpoolConfig {
            // An afternoon of a small team.
            messages: from
                .get("spool.messages", None, value::count(1, 1_000_000))
                .unwrap_or(1_000),
            // At least one message of the longest kind, with its files.
            bytes: from
                .get("spool.bytes", None, value::count(64 * KIB, 1024 * MIB))
                .unwrap_or(8 * 1024 * 1024),
        },
        data_dir,
        file,
    }
}

/// No file, or no folder in which it could be: what is wrong with that folder is told by who needs it.
fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

pub(super) fn seconds(from: &mut Source<'_>, key: &str, default: u64) -> Duration {
    let found = from.get(key, None, value::duration(1, LONGEST_PERIOD));
    found.unwrap_or(Duration::from_secs(default))
}

fn listen(
    from: &mut Source<'_>,
    key: &str,
    variable: &'static str,
    overridden: Option<SocketAddr>,
) -> SocketAddr {
    let found = from.get(key, Some(variable), value::listen);
    overridden.or(found).unwrap_or(LOOPBACK)
}

fn discord(from: &mut Source<'_>) -> DiscordConfig {
    let api_base = from.get(
        "discord.api_base",
        Some("DISCORD_API_BASE"),
        secret::discord_api_base,
    );
    DiscordConfig {
        token: from.get("discord.token", Some("DISCORD_TOKEN"), secret::token),
        api_base: api_base.unwrap_or_else(secret::discords_own_api),
        guild_id: from.get(
            "discord.guild_id",
            Some("DISCORD_GUILD_ID"),
            value::snowflake,
        ),
        operators: from
            .get("discord.operators", Some("OPERATOR_IDS"), value::snowflakes)
            .unwrap_or_default(),
        operator_roles: from
            .get(
                "discord.operator_roles",
                Some("OPERATOR_ROLE_IDS"),
                value::snowflakes,
            )
            .unwrap_or_default(),
    }
}

fn project(from: &mut Source<'_>) -> ProjectConfig {
    let id = from.get("project.id", Some("PROJECT_ID"), value::project_id);
    let id = id.unwrap_or_else(value::default_project_id);
    let name = from.get("project.name", None, value::text);
    let name = name.unwrap_or_else(|| title_case(id.as_str()));
    ProjectConfig { id, name }
}

fn executor(
    from: &mut Source<'_>,
    overrides: &Overrides,
    beside_file: &Path,
    data_dir: &Path,
) -> ExecutorConfig {
    let workspace = from.get("executor.workspace", None, value::text);
    let skills = from.get("executor.skills", None, value::text);
    ExecutorConfig {
        listen: listen(
            from,
            "executor.listen",
            "EXECUTOR_LISTEN",
            overrides.executor_listen,
        ),
        parallel: from
            .get("executor.parallel", None, value::count(1, 256))
            .unwrap_or(4),
        batch: from
            .get("executor.batch", None, value::count(1, 1000))
            .unwrap_or(5),
        token: from.get("executor.token", Some("EXECUTOR_TOKEN"), secret::token),
        workspace: workspace
            .map_or_else(|| data_dir.join("workspace"), |dir| beside_file.join(dir)),
        skills: skills.map_or_else(|| data_dir.join("skills"), |dir| beside_file.join(dir)),
        api_allowed_hosts: from
            .get(
                "executor.api_call.allowed_hosts",
                None,
                value::allowed_hosts,
            )
            .unwrap_or_default(),
        agents: agents::agents(from),
    }
}

fn supabase(from: &mut Source<'_>, beside_file: &Path) -> SupabaseConfig {
    let file = "supabase.key_file";
    let key_file = from.get(file, Some("SUPABASE_KEY_FILE"), value::text);
    SupabaseConfig {
        url: from.get("supabase.url", Some("SUPABASE_URL"), secret::supabase_url),
        key: from.get("supabase.key", Some("SUPABASE_KEY"), secret::token),
        key_file: key_file.map(|file| beside_file.join(file)),
    }
}

fn log(from: &mut Source<'_>, overrides: &Overrides) -> LogConfig {
    let format = from.get("log.format", Some("LOG_FORMAT"), value::log_format);
    let filter = from.get("log.filter", Some("RUST_LOG"), value::log_filter);
    LogConfig {
        format: overrides.log_format.or(format).unwrap_or(LogFormat::Text),
        filter: filter.unwrap_or_else(|| DEFAULT_LOG_FILTER.to_owned()),
    }
}

/// `front-office` → `Front Office`.
fn title_case(id: &str) -> String {
    let words = id.split('-').filter(|word| !word.is_empty());
    let titled: Vec<String> = words
        .map(|word| {
            let mut letters = word.chars();
            let first = letters.next().map(|letter| letter.to_ascii_uppercase());
            first.into_iter().chain(letters).collect()
        })
        .collect();
    titled.join(" ")
}
