//! How settings fit together. Single values were checked when they were read.

use secrecy::ExposeSecret;

use super::problem::{Place, Problem};
use super::sections::FeedKind;
use super::{Config, secret};

impl Config {
    /// Everything that contradicts itself or is missing its other half, in one list.
    pub fn validate(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut refuse = |key: &'static str, what: &str, fix: &str| {
            problems.push(Problem {
                place: Place::Key(key),
                what: what.to_owned(),
                fix: fix.to_owned(),
            });
        };
        let discords_own = self.discord.api_base == secret::discords_own_api();
        match &self.discord.token {
            Some(token)
                if discords_own && !secret::looks_like_discords_token(token.expose_secret()) =>
            {
                refuse(
                    "discord.token",
                    "it is not a bot token: those have three parts with dots between them",
                    "Open your app at https://discord.com/developers/applications, choose Bot, \
                     Reset Token, and set DISCORD_TOKEN to what it shows; the client secret and \
                     the public key are something else.",
                );
            }
            // Starting the sandbox instead would look like a bridge that lost its server.
            None if !discords_own || self.discord.guild_id.is_some() => refuse(
                "discord.token",
                "it is missing, although a Discord server is configured",
                "Set DISCORD_TOKEN; or remove discord.api_base (DISCORD_API_BASE) and \
                 discord.guild_id (DISCORD_GUILD_ID) to use the sandbox.",
            ),
            _ => {}
        }
        if self.control_api.token.is_some() && self.control_api.url.is_none() {
            refuse(
                "control_api.url",
                "it is missing, although its token is set",
                "Set CONTROL_API_URL; or remove control_api.token (CONTROL_API_TOKEN) to use the \
                 built-in executor.",
            );
        }
        if !self.executor.listen.ip().is_loopback() && self.executor.token.is_none() {
            refuse(
                "executor.token",
                "it is missing, although the executor listens beyond this machine and runs \
                 programs",
                "Set EXECUTOR_TOKEN to a long random text, or let executor.listen start with \
                 127.0.0.1.",
            );
        }
        self.validate_supabase(&mut refuse);
        problems.extend(self.validate_own_bots());
        problems
    }

    /// Each of the agents' own bots is another one, and none is the bridge's.
    fn validate_own_bots(&self) -> Vec<Problem> {
        const FIX: &str = "Make an app of its own for this agent at \
                           https://discord.com/developers/applications, choose Bot, Reset Token, \
                           and use what it shows; or remove the key.";
        let discords_own = self.discord.api_base == secret::discords_own_api();
        let main = self.discord.token.as_ref().map(ExposeSecret::expose_secret);
        let mut seen: Vec<(&str, &str)> = Vec::new();
        let mut problems = Vec::new();
        for (short, bot) in &self.own_bots {
            let token = bot.discord_token.expose_secret();
            let same = seen.iter().find(|(_, known)| *known == token);
            let what = if main == Some(token) {
                Some("it is the token of the bridge's own bot, which cannot speak for an agent as well".to_owned())
            } else if let Some((other, _)) = same {
                Some(format!(
                    "it is the same token as agents.{other}.discord_token, and one bot cannot be two agents"
                ))
            } else if main.is_some() && discords_own && !secret::looks_like_discords_token(token) {
                Some(
                    "it is not a bot token: those have three parts with dots between them"
                        .to_owned(),
                )
            } else {
                None
            };
            problems.extend(what.map(|what| Problem {
                place: Place::NamedKey(format!("agents.{short}.discord_token")),
                what,
                fix: FIX.to_owned(),
            }));
            seen.push((short, token));
        }
        problems
    }

    /// The websocket feed needs an address and one key.
    fn validate_supabase(&self, refuse: &mut impl FnMut(&'static str, &str, &str)) {
        let supabase = &self.supabase;
        let websocket = self.feed.kind == FeedKind::Websocket;
        if websocket && supabase.url.is_none() {
            refuse(
                "supabase.url",
                "it is missing, although feed.kind is \"websocket\"",
                "Set SUPABASE_URL to the project's address, such as https://abc.supabase.co; or \
                 remove feed.kind to use replication.",
            );
        }
        match (&supabase.key, &supabase.key_file) {
            (None, None) if websocket => refuse(
                "supabase.key",
                "it is missing, although feed.kind is \"websocket\"",
                "Set SUPABASE_KEY to a key of the project (Project Settings, API Keys); or remove \
                 feed.kind to use replication.",
            ),
            (Some(_), Some(_)) if websocket => refuse(
                "supabase.key_file",
                "supabase.key (SUPABASE_KEY) is set as well, and only one of them can be right",
                "Remove one of them.",
            ),
            _ => {}
        }
    }

    /// What is allowed but probably not meant, as sentences for the log.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let control = &self.control_api;
        let in_clear = |url: &url::Url| url.scheme() == "http" && !secret::is_loopback(url);
        if control.token.is_some() && control.url.as_ref().is_some_and(in_clear) {
            warnings.push(
                "The Control API's token travels unencrypted: control_api.url is http:// to \
                 another machine. Use https, unless the network between them is private."
                    .to_owned(),
            );
        }
        let supabase = self.supabase.url.as_ref();
        if self.feed.kind == FeedKind::Websocket && supabase.is_some_and(in_clear) {
            warnings.push(
                "The key of Supabase travels unencrypted: supabase.url is http:// to another \
                 machine. Use https, unless the network between them is private."
                    .to_owned(),
            );
        }
        warnings
    }
}
