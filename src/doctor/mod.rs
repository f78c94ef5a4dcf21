//! `clawdos-bridge doctor`: looks at everything an installation stands on, and proves that changes arrive.
//!
//! | file | what it looks at |
//! |---|---|
//! | `database` | the server, the schema, row security, and what stands in the feed's way |
//! | `probe` | a row per table, from COMMIT to the feed |
//! | `discord`, `channels`, `registered` | token, intent, endpoint, server, permissions, channels; commands |
//! | `own_bots` | the token of each of the agents' own bots |
//! | `control` | the executor, its own checks, its clock |
//! | `report`, `text` | lines, and how people and machines read them |
//!
//! Whoever calls decides what is looked at ([`Subject`]): nothing is started or found here. Checks that do not need
//! each other run at the same time, and one that hangs costs its own time only.

mod channels;
mod control;
mod database;
mod discord;
mod own_bots;
mod probe;
pub mod registered;
pub mod report;
pub mod text;

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::clock::Clock;
use crate::control::ControlClient;
use crate::feed::WebsocketSettings;
use crate::model::{ChannelId, GuildId, ProjectId};
pub use report::{Group, Line, Report, Status};
pub use text::text;

/// How long one check may take. Everything that it asks answers within a second when all is well.
const LIMIT: Duration = Duration::from_secs(15);

/// What is looked at. A part that could not be started or found is the reason why, with its fix.
pub struct Subject {
    /// The project that the bridge shows.
    pub project: ProjectId,
    /// The process of the bridge that runs here, if one does.
    pub bridge_pid: Option<u32>,
    /// The database's address, with the password.
    pub database: Result<SecretString, String>,
    /// How changes are heard of.
    pub feed: Feed,
    /// Which Discord.
    pub discord: Result<Bot, String>,
    /// The executor.
    pub control: Control,
    /// Who may approve, by the configuration; `None` where that is the sandbox's to say, and it cannot be asked.
    pub operators: Option<Operators>,
    /// What time it is.
    pub clock: Clock,
}

/// How changes are heard of.
pub enum Feed {
    /// Through logical replication.
    Replication,
    /// Over Supabase Realtime.
    Websocket(WebsocketSettings),
    /// Not at all: the sweep alone.
    Off,
}

/// The bot, and where it works.
pub struct Bot {
    /// REST address, `…/api/v10`.
    pub api_base: Url,
    /// The bot's token.
    pub token: SecretString,
    /// The server, where it is known.
    pub guild: Option<GuildId>,
    /// The commands that have to be registered there, as Discord takes them: an array.
    pub commands: Value,
    /// The channels of the bridge that runs, by what they are to it.
    pub channels: BTreeMap<String, ChannelId>,
    /// The agents that have bots of their own, by short name, with their tokens.
    pub own_bots: Vec<(String, SecretString)>,
}

/// The executor.
pub enum Control {
    /// One that answers somewhere.
    At(ControlClient),
    /// Ours, which runs while the bridge does.
    WithTheBridge,
    /// One that cannot be asked, and why.
    Unusable(String),
}

/// How many may approve.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Operators {
    /// People.
    pub users: usize,
    /// Roles of the server.
    pub roles: usize,
}

/// Looks at everything. `None` when it was cancelled: what was written is removed by then.
pub async fn examine(subject: &Subject, cancel: &CancellationToken) -> Option<Report> {
    let (database, chosen, discord, control) = tokio::join!(
        database::look(subject, cancel),
        database::chosen(subject),
        cancel.run_until_cancelled(discord::look(subject)),
        cancel.run_until_cancelled(control::look(subject)),
    );
    let (discord, control) = (discord?, control?);
    if cancel.is_cancelled() {
        return None;
    }
    let mut lines = database;
    lines.extend(discord);
    lines.extend(control);
    lines.extend(subject.operators.map(|it| operators(it, chosen)));
    Some(Report::new(subject.bridge_pid, &lines))
}

fn operators(configured: Operators, chosen: Operators) -> Line {
    let words = |it: Operators| {
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        let Operators { users, roles } = it;
        let users = (users > 0).then(|| format!("{users} user{}", plural(users)));
        let roles = (roles > 0).then(|| format!("{roles} role{}", plural(roles)));
        let all: Vec<String> = users.into_iter().chain(roles).collect();
        all.join(", ")
    };
    let found = match (words(configured), words(chosen)) {
        (fixed, here) if fixed.is_empty() && here.is_empty() => {
            return Line::failure(
                Group::Operators,
                "operators",
                "there is none: nobody may approve, and agents get no messages",
            )
            .next(
                "Use /setup in Discord as the owner of the bot, and choose some. Or in Discord: Settings, \
                 Advanced, Developer Mode; right-click your name, Copy User ID; set OPERATOR_IDS to it \
                 (discord.operators in bridge.toml) and start the bridge again.",
            );
        }
        (fixed, here) if here.is_empty() => fixed,
        (fixed, here) if fixed.is_empty() => format!("{here}, chosen with /setup"),
        (fixed, here) => format!("{fixed}; {here} chosen with /setup"),
    };
    Line::ok(Group::Operators, "operators", found)
}

/// The lines of a check, or that it took too long.
async fn in_time(group: Group, name: &str, check: impl Future<Output = Vec<Line>>) -> Vec<Line> {
    let done = tokio::time::timeout(LIMIT, check).await;
    done.unwrap_or_else(|_| vec![late(group, name)])
}

fn late(group: Group, name: &str) -> Line {
    let found = format!("no answer within {} s", LIMIT.as_secs());
    Line::failure(group, name, found)
        .next("Run doctor again; if it stays, look at the load and the network of that server.")
}
