//! The first start: a guild, two people, an application and its bot, a channel; new users and applications.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::Rng as _;
use rand::distr::Alphanumeric;

use super::journal::Record;
use super::permissions::bits;
use super::{Application, PortalIntents, State, User};

impl State {
    /// Makes the guild "Front Office" if the data folder is new.
    pub(crate) fn mint(&mut self) {
        if !self.guilds.is_empty() {
            return;
        }
        let owner = self.mint_user("zack", false, true);
        let guild = self.mint_guild("Front Office", owner);
        let mallory = self.mint_user("mallory", false, false);
        self.join_guild(guild, mallory, Vec::new());
        self.mint_application("Mission Control");
    }

    /// Makes an application and a bot that is in the first guild with a role of the bridge's
    /// permissions. Privileged intents are on, except presences.
    pub(crate) fn mint_application(&mut self, name: &str) -> u64 {
        let id = self.snowflake();
        let guild = self.first_guild();
        let owner = self.guilds.get(&guild).map_or(0, |guild| guild.owner);
        let bot = self.mint_user(name, true, false);
        let application = Application {
            id,
            name: name.to_owned(),
            bot,
            owner,
            verify_key: format!(
                "{:032x}{:032x}",
                rand::rng().random::<u128>(),
                rand::rng().random::<u128>()
            ),
            intents: PortalIntents {
                message_content: true,
                members: true,
                presences: false,
            },
            interactions_endpoint: None,
        };
        self.record(&Record::Application(Cow::Borrowed(&application)));
        self.applications.insert(id, application);
        let role = self.mint_bot_role(guild, bot, bits::BRIDGE);
        self.join_guild(guild, bot, vec![role]);
        id
    }

    /// Accepts one more token for a user; it is not kept over a restart.
    pub(crate) fn accept_token(&mut self, token: String, user: u64) {
        self.tokens.insert(token, user);
    }

    fn mint_user(&mut self, name: &str, bot: bool, operator: bool) -> u64 {
        let id = self.snowflake();
        let token = mint_token(id);
        let user = User {
            id,
            name: name.to_owned(),
            bot,
            token: token.clone(),
            operator,
            closed_dms: false,
        };
        self.record(&Record::User(Cow::Borrowed(&user)));
        self.users.insert(id, user);
        self.tokens.insert(token, id);
        id
    }
}

/// A token of Discord's form: the user's id in base64, a part for the time, a random part.
fn mint_token(user: u64) -> String {
    format!(
        "{}.{}.{}",
        URL_SAFE_NO_PAD.encode(user.to_string()),
        random_text(6),
        random_text(38)
    )
}

/// Random letters and digits.
pub(crate) fn random_text(length: usize) -> String {
    rand::rng()
        .sample_iter(Alphanumeric)
        .take(length)
        .map(char::from)
        .collect()
}
