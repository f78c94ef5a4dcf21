//! `clawdos-bridge doctor`: finds what is to be looked at, or starts it, and tells what was found.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use secrecy::SecretString;

use super::database::{self, Database};
use super::instance::{Holder, Instance, holder, settled_holder};
use super::switches::Hand;
use super::{discord, feed};
use crate::cli::DoctorOptions;
use crate::clock::Clock;
use crate::commands;
use crate::config::{Config, FeedKind};
use crate::control::ControlClient;
use crate::doctor::{Bot, Control, Feed, Group, Line, Operators, Report, Subject, examine, text};
use crate::embedded::DataDirLock;
use crate::lifecycle::Lifecycle;
use crate::model::{GuildId, ProjectId};

/// What was started for the look, and ends with it.
#[derive(Default)]
struct Started {
    folder: Option<DataDirLock>,
    database: Option<Database>,
}

/// Looks, tells, and stops what it started. The exit code is 1 when something does not work.
pub async fn run(
    mut lifecycle: Lifecycle,
    config: Config,
    options: &DoctorOptions,
) -> anyhow::Result<ExitCode> {
    let cancel = lifecycle.token();
    let mut started = Started::default();
    let subject = cancel
        .run_until_cancelled(Box::pin(subject(&mut lifecycle, &config, &mut started)))
        .await;
    let report = match subject {
        // Not cut off when it is cancelled: it removes first what it wrote.
        Some(Ok(subject)) => Ok(Box::pin(examine(&subject, &cancel)).await),
        Some(Err(error)) => Err(error),
        None => Ok(None),
    };
    if let Some(database) = started.database.take() {
        database.store.pool().close().await;
        database.hot.pool().close().await;
    }
    cancel.cancel();
    let told = report.and_then(|report| tell(report.as_ref(), options));
    lifecycle.run().await;
    // Only now is the data folder free for another.
    drop(started);
    told
}

/// A configuration that is not understood is a finding, too.
pub fn misconfigured(problem: &anyhow::Error, options: &DoctorOptions) -> anyhow::Result<ExitCode> {
    let line = Line::failure(
        Group::Configuration,
        "configuration",
        format!("{problem:#}"),
    )
    .next("Mend it and run doctor again: nothing else was looked at.");
    tell(Some(&Report::new(None, &[line])), options)
}

fn tell(report: Option<&Report>, options: &DoctorOptions) -> anyhow::Result<ExitCode> {
    let report = report.context("stopped before everything was looked at")?;
    let told = if options.json {
        serde_json::to_string_pretty(report)? + "\n"
    } else {
        text(report)
    };
    // Whoever stopped reading still gets the exit code.
    let _ = std::io::stdout().write_all(told.as_bytes());
    Ok(if report.ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn subject(
    lifecycle: &mut Lifecycle,
    config: &Config,
    started: &mut Started,
) -> anyhow::Result<Subject> {
    let ours = config.database.url.is_none() || config.discord.token.is_none();
    let found = if ours {
        settled_holder(&config.data_dir).await
    } else {
        holder(&config.data_dir)
    };
    match found {
        Holder::Bridge(instance) => of_bridge(*instance, config),
        Holder::Nobody if ours => match database::lock(&config.data_dir) {
            Ok(folder) => {
                started.folder = Some(folder);
                of_config(lifecycle, config, started, None).await
            }
            Err(error) => of_config(lifecycle, config, started, Some(error.to_string())).await,
        },
        Holder::Nobody => of_config(lifecycle, config, started, None).await,
        Holder::Other(why) => of_config(lifecycle, config, started, Some(why)).await,
    }
}

/// What the bridge that runs here uses.
fn of_bridge(instance: Instance, config: &Config) -> anyhow::Result<Subject> {
    let Instance {
        pid,
        project_id,
        discord,
        database,
        control_api,
    } = instance;
    let operators = discord.users.iter().filter(|user| user.operator).count();
    let token = discord.bot_token.or(config.discord.token.clone());
    let wanted = commands()?;
    let bot = token.map(|token| Bot {
        api_base: discord.api,
        token,
        guild: discord.guild_id,
        commands: wanted,
        channels: discord.channels,
        own_bots: own_bots(config),
    });
    let missing = "the bridge that runs here uses a bot token that is not configured here. Set \
                   DISCORD_TOKEN as it is set for the bridge.";
    Ok(Subject {
        project: project_id.clone(),
        bridge_pid: Some(pid),
        database: Ok(database.url),
        feed: feed_of(config)?,
        discord: bot.ok_or_else(|| missing.to_owned()),
        control: control(&control_api.url, control_api.token, project_id),
        operators: Some(operators_of(config, operators)),
        clock: Clock::System,
    })
}

/// What the configuration names; what it does not name is started, unless somebody is in the way.
async fn of_config(
    lifecycle: &mut Lifecycle,
    config: &Config,
    started: &mut Started,
    in_the_way: Option<String>,
) -> anyhow::Result<Subject> {
    let database = match (&config.database.url, &in_the_way) {
        // Somebody else's: it is looked at, and not changed.
        (Some(url), _) => Ok(url.clone()),
        (None, Some(why)) => Err(why.clone()),
        (None, None) => match database::open(lifecycle, config, Hand::fixed()).await {
            Ok(database) => Ok(started.database.insert(database).url.clone()),
            Err(error) => Err(format!("{error:#}")),
        },
    };
    let place = match (&config.discord.token, in_the_way) {
        (None, Some(why)) => Err(why),
        _ => discord::place(lifecycle, config)
            .await
            .map(|(place, _)| place)
            .map_err(|error| format!("{error:#}")),
    };
    let guild = match config.discord.guild_id {
        Some(guild) => Some(guild),
        None => chosen(config, &database).await,
    };
    let operators = place.as_ref().ok();
    let operators = operators.map(|place| operators_of(config, place.operators.len()));
    let commands = commands()?;
    let control = match &config.control_api.url {
        Some(url) => control(
            url.as_str(),
            config.control_api.token.clone(),
            config.project.id.clone(),
        ),
        None => Control::WithTheBridge,
    };
    Ok(Subject {
        project: config.project.id.clone(),
        bridge_pid: None,
        database,
        feed: feed_of(config)?,
        discord: place.map(|place| Bot {
            api_base: place.api_base,
            token: place.token,
            guild: guild.or(place.guild),
            commands,
            channels: BTreeMap::new(),
            own_bots: own_bots(config),
        }),
        control,
        operators,
        clock: Clock::System,
    })
}

/// The server that somebody has chosen for the project, as far as the database tells.
async fn chosen(config: &Config, database: &Result<SecretString, String>) -> Option<GuildId> {
    let project = &config.project.id;
    let store = database::connect(database.as_ref().ok()?, project.clone()).await;
    let store = store.ok()?;
    let known = store.known_project(project).await;
    store.pool().close().await;
    known.ok()??.guild
}

fn own_bots(config: &Config) -> Vec<(String, SecretString)> {
    let own = config.own_bots.iter();
    own.map(|(short, own)| (short.clone(), own.discord_token.clone()))
        .collect()
}

fn commands() -> anyhow::Result<serde_json::Value> {
    Ok(serde_json::to_value(commands::registration())?)
}

fn feed_of(config: &Config) -> anyhow::Result<Feed> {
    Ok(match config.feed.kind {
        FeedKind::Replication => Feed::Replication,
        FeedKind::Off => Feed::Off,
        FeedKind::Websocket => {
            let settings = feed::websocket(config, &config.project.id);
            let missing = "feed.kind is websocket: set SUPABASE_URL and SUPABASE_KEY";
            Feed::Websocket(settings.context(missing)?)
        }
    })
}

fn control(url: &str, token: Option<SecretString>, project: ProjectId) -> Control {
    match ControlClient::new(url, token, project) {
        Ok(client) => Control::At(client),
        Err(error) => Control::Unusable(error.to_string()),
    }
}

fn operators_of(config: &Config, of_the_sandbox: usize) -> Operators {
    Operators {
        users: config.discord.operators.len() + of_the_sandbox,
        roles: config.discord.operator_roles.len(),
    }
}
