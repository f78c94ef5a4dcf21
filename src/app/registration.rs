//! Which commands there are, told to a server.

use crate::commands;
use crate::discord::lanes::{Class, Lanes};
use crate::discord::rest::{Request, Route};
use crate::model::{ApplicationId, GuildId};

/// Tells a server. Nobody waits for it.
pub(super) async fn register(lanes: Lanes, application: ApplicationId, guild: GuildId) {
    let route = Route::put_guild_commands(application.get(), guild.get());
    let request = Request::new(route).json(&commands::registration());
    let outcome = lanes.submit(Class::Backlog, request).await.done();
    if let Some(error) = outcome.error() {
        tracing::error!(%guild, %error, "the slash commands could not be registered: {error}");
    }
}
