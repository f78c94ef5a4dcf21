//! The bot: its token, its application, its server, what it may do there, and its commands.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::registered::Difference;
use super::{Bot, Group, Line, Subject, channels, own_bots};
use crate::discord::lanes::{Class, Lanes};
use crate::discord::portal::{
    Account, Application, Guild, INTENT_FIX, PERMISSIONS, TOKEN_FIX, invite,
};
use crate::discord::rest::{ErrorKind, Request, Rest, RestError, Route};
use crate::model::GuildId;

/// How long Discord may ask us to be slower, or be away, before that is what we tell.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// A bridge that has just started tells its commands a moment later.
const AGAIN: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_millis(500),
    Duration::from_secs(2),
];

const GROUP: Group = Group::Discord;

/// What is told of Discord.
pub(super) async fn look(subject: &Subject) -> Vec<Line> {
    let bot = match &subject.discord {
        Ok(bot) => bot,
        Err(reason) => return vec![Line::failure(GROUP, "token", "").explained(reason)],
    };
    let rest = match Rest::new(&bot.api_base, bot.token.clone()) {
        Ok(rest) => rest,
        Err(error) => return vec![Line::failure(GROUP, "token", "").explained(&error.to_string())],
    };
    let (lanes, driver) = Lanes::new(rest);
    let look = Look {
        bot,
        lanes,
        running: subject.bridge_pid.is_some(),
    };
    let looking = async { tokio::join!(look.all(), own_bots::look(bot)) };
    tokio::select! {
        (mut told, own) = looking => {
            told.extend(own);
            told
        }
        () = driver.run() => Vec::new(),
    }
}

struct Look<'a> {
    bot: &'a Bot,
    lanes: Lanes,
    /// A bridge runs, and so has registered its commands.
    running: bool,
}

impl Look<'_> {
    async fn all(&self) -> Vec<Line> {
        let host = self.bot.api_base.host_str().unwrap_or_default();
        let account: Account = match self.get(Route::current_user()).await {
            Ok(account) => account,
            // Whoever is not let in learns nothing else.
            Err(error) => return vec![refused("token", &error)],
        };
        let found = format!("accepted by {host}: the bot is {}", account.username);
        let mut lines = vec![Line::ok(GROUP, "token", found)];
        let (application, guilds) = tokio::join!(
            self.get::<Application>(Route::current_application()),
            self.get::<Vec<Guild>>(Route::current_guilds()),
        );
        let application = match application {
            Ok(application) => application,
            Err(error) => {
                lines.push(refused("application", &error));
                return lines;
            }
        };
        lines.push(intent(&application));
        lines.push(endpoint(&application));
        let guild = match guilds {
            Ok(guilds) => server(self.bot.guild, &guilds, &application),
            Err(error) => Err(refused("server", &error)),
        };
        match guild {
            Ok(guild) => {
                lines.push(Line::ok(GROUP, "server", guild.name.clone()));
                lines.extend(permissions(&guild, &application));
                let whose = (guild.id, account.id);
                lines.extend(channels::look(self.bot, &self.lanes, whose).await);
                lines.push(self.commands(&application, &guild).await);
            }
            Err(line) => lines.push(line),
        }
        lines
    }

    async fn get<T: DeserializeOwned>(&self, route: Route) -> Result<T, RestError> {
        let request = Request::new(route)
            .timeout(PATIENCE)
            .give_up_after(PATIENCE);
        let outcome = self.lanes.submit(Class::Interactive, request).await;
        outcome.json().into_result()
    }

    async fn commands(&self, application: &Application, guild: &Guild) -> Line {
        let mut difference = Difference::default();
        let mut any = false;
        for wait in AGAIN {
            tokio::time::sleep(wait).await;
            let route = Route::guild_commands(application.id.get(), guild.id.get());
            let registered: Value = match self.get(route).await {
                Ok(registered) => registered,
                Err(error) => return refused("commands", &error),
            };
            any = registered.as_array().is_some_and(|list| !list.is_empty());
            difference = Difference::between(&self.bot.commands, &registered);
            if difference.is_none() || !self.running {
                break;
            }
        }
        let wanted = self.bot.commands.as_array().map_or(0, Vec::len);
        match (difference.is_none(), self.running) {
            (true, _) => {
                let found = format!("all {wanted} are registered as they should be");
                Line::ok(GROUP, "commands", found)
            }
            (false, true) => Line::failure(GROUP, "commands", difference.words()).next(
                "Restart the bridge, which registers them, and look for \"commands\" in its log.",
            ),
            (false, false) if !any => Line::warning(GROUP, "commands", "none is registered yet")
                .next("Start the bridge: it registers them."),
            (false, false) => Line::warning(GROUP, "commands", difference.words())
                .next("Start the bridge: it registers its own, and no others."),
        }
    }
}

fn intent(application: &Application) -> Line {
    let name = "Message Content intent";
    if application.reads_messages() {
        Line::ok(GROUP, name, "switched on")
    } else {
        Line::failure(
            GROUP,
            name,
            "switched off: the bot sees no text that people write",
        )
        .next(INTENT_FIX)
    }
}

fn endpoint(application: &Application) -> Line {
    let name = "Interactions Endpoint";
    match application.interactions_endpoint() {
        None => Line::ok(GROUP, name, "no URL is set, so the bridge hears commands and buttons"),
        Some(_) => Line::failure(
            GROUP,
            name,
            "a URL is set: Discord sends commands and buttons there, and the bridge hears none",
        )
        .next(
            "Empty the field Interactions Endpoint URL in the Developer Portal, under General Information.",
        ),
    }
}

/// The server of the bridge, as it chooses it.
fn server(
    wanted: Option<GuildId>,
    guilds: &[Guild],
    application: &Application,
) -> Result<Guild, Line> {
    let failure = |found: String| Line::failure(GROUP, "server", found);
    let invitation = format!("Invite it: {}", invite(application.id));
    match (wanted, guilds) {
        (Some(wanted), _) => guilds
            .iter()
            .find(|guild| guild.id == wanted)
            .cloned()
            .ok_or_else(|| {
                failure(format!("the bot is not in the server {wanted}")).next(invitation)
            }),
        (None, [only]) => Ok(only.clone()),
        (None, []) => Err(failure("the bot is in no server yet".to_owned()).next(invitation)),
        (None, several) => {
            let names = several
                .iter()
                .map(|guild| format!("{} ({})", guild.id, guild.name));
            let names: Vec<String> = names.collect();
            Err(
                failure("the bot is in several servers".to_owned()).next(format!(
                    "Use /setup in the one that should show the project, or set DISCORD_GUILD_ID to one of them: {}",
                    names.join(", ")
                )),
            )
        }
    }
}

fn permissions(guild: &Guild, application: &Application) -> Vec<Line> {
    let missing = guild.missing();
    let line = |(_, name): &(u32, &'static str)| {
        if missing.contains(name) {
            Line::failure(Group::Permissions, *name, "missing").next(format!(
                "Give it to the bot's role (Server Settings, Roles), or invite the bot again: {}",
                invite(application.id)
            ))
        } else {
            Line::ok(Group::Permissions, *name, "granted")
        }
    };
    PERMISSIONS.iter().map(line).collect()
}

pub(super) fn refused(name: &str, error: &RestError) -> Line {
    if error.status() == Some(401) || error.kind() == ErrorKind::TokenRefused {
        return Line::failure(GROUP, name, "Discord does not accept it").next(TOKEN_FIX);
    }
    let step = match error.kind() {
        ErrorKind::Unreachable | ErrorKind::TimedOut | ErrorKind::Interrupted => {
            "Check that this machine reaches discord.com (or DISCORD_API_BASE), and run doctor again."
        }
        ErrorKind::RateLimited => "Wait a minute and run doctor again.",
        _ => "Look at https://discordstatus.com and run doctor again.",
    };
    Line::failure(GROUP, name, error.to_string()).next(step)
}
