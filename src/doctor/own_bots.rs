//! Agents' own bots: whether Discord takes their tokens, and whether anybody can write to them.

use futures_util::future::join_all;
use secrecy::SecretString;

use super::discord::{PATIENCE, refused};
use super::{Bot, Group, Line};
use crate::discord::lanes::{Class, Lanes};
use crate::discord::portal::{Account, Application, Guild};
use crate::discord::rest::{ErrorKind, Request, Rest, RestError, Route};

const GROUP: Group = Group::Discord;

/// A line for each of them.
pub(super) async fn look(bot: &Bot) -> Vec<Line> {
    let own = bot.own_bots.iter();
    join_all(own.map(|(short, token)| one(bot, short, token.clone()))).await
}

async fn one(bot: &Bot, short: &str, token: SecretString) -> Line {
    let name = format!("own bot of {short}");
    let setting = format!("agents.{short}.discord_token");
    let rest = match Rest::of_setting(&bot.api_base, token, &setting) {
        Ok(rest) => rest,
        Err(error) => return Line::failure(GROUP, name, "").explained(&error.to_string()),
    };
    let (lanes, driver) = Lanes::new(rest);
    let looking = async {
        let account: Account = get(&lanes, Route::current_user()).await?;
        let application: Application = get(&lanes, Route::current_application()).await?;
        let guilds: Vec<Guild> = get(&lanes, Route::current_guilds()).await?;
        Ok::<_, RestError>((account, application, guilds))
    };
    let found = tokio::select! {
        found = looking => found,
        () = driver.run() => return Line::failure(GROUP, name, "it was not asked"),
    };
    match found {
        Ok((account, application, guilds)) => {
            let there = |guild: &Guild| bot.guild.is_none_or(|wanted| wanted == guild.id);
            if guilds.iter().any(there) {
                return Line::ok(GROUP, name, format!("accepted: it is {}", account.username));
            }
            Line::warning(
                GROUP,
                name,
                format!(
                    "{} is not in the server, so nobody finds it there",
                    account.username
                ),
            )
            .next(format!(
                "Invite it: https://discord.com/oauth2/authorize?client_id={}&scope=bot",
                application.id
            ))
        }
        Err(error) if error.status() == Some(401) || error.kind() == ErrorKind::TokenRefused => {
            Line::failure(GROUP, name, "Discord does not accept its token").next(format!(
                "Set {setting} to the token that the Developer Portal shows for the agent's app \
                 under Bot, Reset Token, and start the bridge again; or remove it."
            ))
        }
        Err(error) => refused(&name, &error),
    }
}

async fn get<T: serde::de::DeserializeOwned>(lanes: &Lanes, route: Route) -> Result<T, RestError> {
    let request = Request::new(route)
        .timeout(PATIENCE)
        .give_up_after(PATIENCE);
    let outcome = lanes.submit(Class::Interactive, request).await;
    outcome.json().into_result()
}
