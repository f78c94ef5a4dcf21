//! The endpoints under channels, guilds, users and the application, named as Discord's `OpenAPI` description names
//! their paths. All ids are snowflakes.

use reqwest::Method;

use super::route::{Access, BodyRule, LaneKey, Route, percent_encode};

/// Which messages of a channel to read. The answer runs from newest to oldest whatever is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// The newest ones.
    Latest,
    /// The ones after this id.
    After(u64),
    /// The ones before this id.
    Before(u64),
    /// The ones around this id.
    Around(u64),
}

fn channel(method: Method, template: &'static str, id: u64, rest: &str) -> Route {
    let path = format!("/channels/{id}{rest}");
    Route::new(method, template, LaneKey::Channel(id), path)
}

fn guild(method: Method, template: &'static str, id: u64, rest: &str) -> Route {
    let path = format!("/guilds/{id}{rest}");
    Route::new(method, template, LaneKey::Guild(id), path)
}

fn application(method: Method, template: &'static str, path: impl Into<String>) -> Route {
    Route::new(method, template, LaneKey::Application, path.into())
}

/// Messages.
impl Route {
    /// Posts a message as the bot. The body becomes a message.
    pub fn create_message(channel_id: u64) -> Self {
        const TEMPLATE: &str = "POST /channels/{channel_id}/messages";
        channel(Method::POST, TEMPLATE, channel_id, "/messages").with_rule(BodyRule::Message)
    }

    /// Changes a message of the bot. The body becomes a message.
    pub fn edit_message(channel_id: u64, message: u64) -> Self {
        const TEMPLATE: &str = "PATCH /channels/{channel_id}/messages/{message_id}";
        let rest = format!("/messages/{message}");
        channel(Method::PATCH, TEMPLATE, channel_id, &rest).with_rule(BodyRule::Message)
    }

    /// Deletes a message.
    pub fn delete_message(channel_id: u64, message: u64) -> Self {
        const TEMPLATE: &str = "DELETE /channels/{channel_id}/messages/{message_id}";
        let rest = format!("/messages/{message}");
        channel(Method::DELETE, TEMPLATE, channel_id, &rest)
    }

    /// Reads one message.
    pub fn get_message(channel_id: u64, message: u64) -> Self {
        const TEMPLATE: &str = "GET /channels/{channel_id}/messages/{message_id}";
        let rest = format!("/messages/{message}");
        channel(Method::GET, TEMPLATE, channel_id, &rest)
    }

    /// Reads up to 100 messages (`limit` is brought into 1..=100, Discord's range).
    pub fn get_messages(channel_id: u64, page: Page, limit: u8) -> Self {
        const TEMPLATE: &str = "GET /channels/{channel_id}/messages";
        let limit = limit.clamp(1, 100);
        let rest = match page {
            Page::Latest => format!("/messages?limit={limit}"),
            Page::After(id) => format!("/messages?limit={limit}&after={id}"),
            Page::Before(id) => format!("/messages?limit={limit}&before={id}"),
            Page::Around(id) => format!("/messages?limit={limit}&around={id}"),
        };
        channel(Method::GET, TEMPLATE, channel_id, &rest)
    }

    /// Deletes 2 to 100 messages, none older than two weeks.
    pub fn bulk_delete_messages(channel_id: u64) -> Self {
        const TEMPLATE: &str = "POST /channels/{channel_id}/messages/bulk-delete";
        channel(Method::POST, TEMPLATE, channel_id, "/messages/bulk-delete")
    }

    /// Adds the bot's reaction: a Unicode emoji, or `name:id` of a custom one.
    pub fn create_reaction(channel_id: u64, message: u64, emoji: &str) -> Self {
        const TEMPLATE: &str =
            "PUT /channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me";
        let emoji = percent_encode(emoji);
        let rest = format!("/messages/{message}/reactions/{emoji}/@me");
        channel(Method::PUT, TEMPLATE, channel_id, &rest)
    }

    /// Takes the bot's reaction away.
    pub fn delete_own_reaction(channel_id: u64, message: u64, emoji: &str) -> Self {
        const TEMPLATE: &str =
            "DELETE /channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me";
        let emoji = percent_encode(emoji);
        let rest = format!("/messages/{message}/reactions/{emoji}/@me");
        channel(Method::DELETE, TEMPLATE, channel_id, &rest)
    }

    /// Shows the bot typing for ten seconds.
    pub fn typing(channel_id: u64) -> Self {
        const TEMPLATE: &str = "POST /channels/{channel_id}/typing";
        channel(Method::POST, TEMPLATE, channel_id, "/typing").harmless_to_repeat()
    }

    /// Pins a message (needs `PIN_MESSAGES`).
    pub fn pin_message(channel_id: u64, message: u64) -> Self {
        const TEMPLATE: &str = "PUT /channels/{channel_id}/messages/pins/{message_id}";
        let rest = format!("/messages/pins/{message}");
        channel(Method::PUT, TEMPLATE, channel_id, &rest)
    }

    /// Unpins a message (needs `PIN_MESSAGES`).
    pub fn unpin_message(channel_id: u64, message: u64) -> Self {
        const TEMPLATE: &str = "DELETE /channels/{channel_id}/messages/pins/{message_id}";
        let rest = format!("/messages/pins/{message}");
        channel(Method::DELETE, TEMPLATE, channel_id, &rest)
    }
}

/// Channels and threads.
impl Route {
    /// Reads a channel or thread.
    pub fn get_channel(channel_id: u64) -> Self {
        channel(Method::GET, "GET /channels/{channel_id}", channel_id, "")
    }

    /// Changes a channel or thread. Name and topic only 2 times in 10 minutes (observed; not in the headers).
    pub fn modify_channel(channel_id: u64) -> Self {
        channel(
            Method::PATCH,
            "PATCH /channels/{channel_id}",
            channel_id,
            "",
        )
    }

    /// Deletes a channel or thread; that cannot be undone.
    pub fn delete_channel(channel_id: u64) -> Self {
        channel(
            Method::DELETE,
            "DELETE /channels/{channel_id}",
            channel_id,
            "",
        )
    }

    /// Starts a thread, which gets the message's id.
    pub fn create_thread_from_message(channel_id: u64, message: u64) -> Self {
        const TEMPLATE: &str = "POST /channels/{channel_id}/messages/{message_id}/threads";
        let rest = format!("/messages/{message}/threads");
        channel(Method::POST, TEMPLATE, channel_id, &rest)
    }

    /// Starts a thread without a message. Always send `type`: the default is a private thread.
    pub fn create_thread(channel_id: u64) -> Self {
        const TEMPLATE: &str = "POST /channels/{channel_id}/threads";
        channel(Method::POST, TEMPLATE, channel_id, "/threads")
    }

    /// Starts a post in a forum. The body's `message` becomes its first message.
    pub fn create_forum_post(channel_id: u64) -> Self {
        Self::create_thread(channel_id).with_rule(BodyRule::Starter)
    }

    /// Makes the bot a member of a thread.
    pub fn join_thread(channel_id: u64) -> Self {
        const TEMPLATE: &str = "PUT /channels/{channel_id}/thread-members/@me";
        channel(Method::PUT, TEMPLATE, channel_id, "/thread-members/@me")
    }

    /// Reads archived public threads, newest first, 100 at most.
    pub fn archived_public_threads(channel_id: u64) -> Self {
        const TEMPLATE: &str = "GET /channels/{channel_id}/threads/archived/public";
        let rest = "/threads/archived/public?limit=100";
        channel(Method::GET, TEMPLATE, channel_id, rest)
    }

    /// Lists a channel's webhooks (needs `MANAGE_WEBHOOKS`).
    pub fn channel_webhooks(channel_id: u64) -> Self {
        const TEMPLATE: &str = "GET /channels/{channel_id}/webhooks";
        channel(Method::GET, TEMPLATE, channel_id, "/webhooks")
    }

    /// Creates a webhook; 15 per channel.
    pub fn create_webhook(channel_id: u64) -> Self {
        const TEMPLATE: &str = "POST /channels/{channel_id}/webhooks";
        channel(Method::POST, TEMPLATE, channel_id, "/webhooks")
    }

    /// Opens the direct-message channel with a user, or returns the one there is.
    pub fn create_dm() -> Self {
        const TEMPLATE: &str = "POST /users/@me/channels";
        Self::new(
            Method::POST,
            TEMPLATE,
            LaneKey::Dm,
            "/users/@me/channels".into(),
        )
        .harmless_to_repeat()
    }
}

/// Guilds.
impl Route {
    /// Reads a guild.
    pub fn get_guild(guild_id: u64) -> Self {
        guild(Method::GET, "GET /guilds/{guild_id}", guild_id, "")
    }

    /// Lists a guild's channels, without threads.
    pub fn guild_channels(guild_id: u64) -> Self {
        const TEMPLATE: &str = "GET /guilds/{guild_id}/channels";
        guild(Method::GET, TEMPLATE, guild_id, "/channels")
    }

    /// Creates a channel; 500 per guild, 50 per category.
    pub fn create_channel(guild_id: u64) -> Self {
        const TEMPLATE: &str = "POST /guilds/{guild_id}/channels";
        guild(Method::POST, TEMPLATE, guild_id, "/channels")
    }

    /// Lists the threads that are not archived.
    pub fn active_threads(guild_id: u64) -> Self {
        const TEMPLATE: &str = "GET /guilds/{guild_id}/threads/active";
        guild(Method::GET, TEMPLATE, guild_id, "/threads/active")
    }

    /// Lists the webhooks of a guild (needs `MANAGE_WEBHOOKS`).
    pub fn guild_webhooks(guild_id: u64) -> Self {
        const TEMPLATE: &str = "GET /guilds/{guild_id}/webhooks";
        guild(Method::GET, TEMPLATE, guild_id, "/webhooks")
    }

    /// Reads one member.
    pub fn guild_member(guild_id: u64, user: u64) -> Self {
        const TEMPLATE: &str = "GET /guilds/{guild_id}/members/{user_id}";
        guild(Method::GET, TEMPLATE, guild_id, &format!("/members/{user}"))
    }

    /// Lists up to 1000 members after this user id (needs the `GUILD_MEMBERS` intent).
    pub fn guild_members(guild_id: u64, after: u64) -> Self {
        const TEMPLATE: &str = "GET /guilds/{guild_id}/members";
        let rest = format!("/members?limit=1000&after={after}");
        guild(Method::GET, TEMPLATE, guild_id, &rest)
    }

    /// Lists a guild's roles.
    pub fn guild_roles(guild_id: u64) -> Self {
        const TEMPLATE: &str = "GET /guilds/{guild_id}/roles";
        guild(Method::GET, TEMPLATE, guild_id, "/roles")
    }
}

/// The application.
impl Route {
    /// Reads the gateway's address. Needs no token.
    pub fn gateway() -> Self {
        application(Method::GET, "GET /gateway", "/gateway").with_access(Access::Open)
    }

    /// Reads the gateway's address and how many sessions may still be started.
    pub fn gateway_bot() -> Self {
        application(Method::GET, "GET /gateway/bot", "/gateway/bot")
    }

    /// Reads the bot's own user: the cheapest proof that the token is right.
    pub fn current_user() -> Self {
        application(Method::GET, "GET /users/@me", "/users/@me")
    }

    /// Lists the guilds the bot is in.
    pub fn current_guilds() -> Self {
        application(Method::GET, "GET /users/@me/guilds", "/users/@me/guilds")
    }

    /// Reads the bot's own application, with its intents in `flags`.
    pub fn current_application() -> Self {
        application(Method::GET, "GET /applications/@me", "/applications/@me")
    }

    /// Replaces all commands of the application in a guild; at once.
    pub fn put_guild_commands(application_id: u64, guild_id: u64) -> Self {
        const TEMPLATE: &str = "PUT /applications/{application_id}/guilds/{guild_id}/commands";
        let path = format!("/applications/{application_id}/guilds/{guild_id}/commands");
        application(Method::PUT, TEMPLATE, path)
    }

    /// Lists the commands of the application in a guild.
    pub fn guild_commands(application_id: u64, guild_id: u64) -> Self {
        const TEMPLATE: &str = "GET /applications/{application_id}/guilds/{guild_id}/commands";
        let path = format!("/applications/{application_id}/guilds/{guild_id}/commands");
        application(Method::GET, TEMPLATE, path)
    }

    /// Replaces all global commands of the application.
    pub fn put_global_commands(application_id: u64) -> Self {
        const TEMPLATE: &str = "PUT /applications/{application_id}/commands";
        let path = format!("/applications/{application_id}/commands");
        application(Method::PUT, TEMPLATE, path)
    }
}
