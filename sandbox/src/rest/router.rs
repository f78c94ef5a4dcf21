//! Which path is whose.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::Query;
use axum::extract::State as AxumState;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::HeaderMap;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};

use super::error::ApiError;
use super::{
    attachments, channels, commands, control, guilds, invites, login, messages, pipeline,
    reactions, threads, users, webhook_messages, webhooks,
};
use crate::app::App;
use crate::{gateway, interactions, window};

type Routes = Router<Arc<App>>;

/// Everything the server answers.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let api = Router::new()
        .merge(general())
        .merge(guild())
        .merge(channel())
        .merge(message())
        .merge(thread())
        .merge(webhook())
        .merge(command())
        .merge(interactions::router())
        .method_not_allowed_fallback(wrong_method);
    // Laid around after nesting, so that the whole path has been matched.
    let api = Router::new()
        .nest(pipeline::PREFIX, api)
        .layer(from_fn_with_state(Arc::clone(app), pipeline::run));
    let control = Router::new()
        .nest("/_sandbox", control::router())
        .layer(from_fn_with_state(Arc::clone(app), pipeline::control));
    Router::new()
        .route("/", get(root))
        .route(
            "/attachments/{channel_id}/{attachment_id}/{filename}",
            get(attachments::serve),
        )
        .merge(window::router())
        .merge(api)
        .merge(control)
        .fallback(not_found)
        .with_state(Arc::clone(app))
}

/// `/` is the gateway for websockets and a page for browsers.
async fn root(
    AxumState(app): AxumState<Arc<App>>,
    query: Query<HashMap<String, String>>,
    headers: HeaderMap,
    socket: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    match socket {
        Ok(socket) => gateway::upgrade(socket, app, query.0),
        Err(_) => window::index(&app, &headers),
    }
}

async fn not_found() -> Response {
    ApiError::new(404, 0, "404: Not Found").into_response()
}

async fn wrong_method() -> Response {
    ApiError::new(405, 0, "405: Method Not Allowed").into_response()
}

fn general() -> Routes {
    Router::new()
        .route(login::ROUTE, post(login::login))
        .route("/gateway", get(users::gateway))
        .route("/gateway/bot", get(users::gateway_bot))
        .route("/oauth2/applications/@me", get(users::own_application))
        .route("/applications/@me", get(users::own_application))
        .route("/users/@me", get(users::get))
        .route("/users/@me/guilds", get(users::guilds))
        .route("/users/@me/guilds/{guild_id}", delete(invites::leave))
        .route("/users/@me/guilds/{guild_id}/member", get(guilds::member))
        .route("/oauth2/authorize", post(invites::authorize))
        .route(
            "/users/@me/channels",
            get(users::private_channels).post(users::open_private_channel),
        )
        .route("/users/{user_id}", get(users::get))
}

fn guild() -> Routes {
    Router::new()
        .route("/guilds", post(invites::create))
        .route("/guilds/{guild_id}", get(guilds::get))
        .route(
            "/guilds/{guild_id}/channels",
            get(channels::list_guild)
                .post(channels::create)
                .patch(channels::reorder),
        )
        .route("/guilds/{guild_id}/members", get(guilds::members))
        .route(
            "/guilds/{guild_id}/members/search",
            get(guilds::search_members),
        )
        .route(
            "/guilds/{guild_id}/members/{user_id}",
            get(guilds::member).delete(invites::kick),
        )
        .route("/guilds/{guild_id}/roles", get(guilds::roles))
        .route(
            "/guilds/{guild_id}/roles/{role_id}",
            get(guilds::role)
                .patch(guilds::change_role)
                .delete(guilds::remove_role),
        )
        .route("/guilds/{guild_id}/webhooks", get(webhooks::list_guild))
        .route("/guilds/{guild_id}/threads/active", get(threads::active))
}

fn channel() -> Routes {
    Router::new()
        .route(
            "/channels/{channel_id}",
            get(channels::get)
                .patch(channels::patch)
                .delete(channels::delete),
        )
        .route(
            "/channels/{channel_id}/permissions/{overwrite_id}",
            put(channels::put_overwrite).delete(channels::delete_overwrite),
        )
        .route("/channels/{channel_id}/typing", post(messages::typing))
        .route("/channels/{channel_id}/pins", get(reactions::old_pins))
        .route(
            "/channels/{channel_id}/pins/{message_id}",
            put(reactions::pin).delete(reactions::unpin),
        )
        .route("/channels/{channel_id}/messages/pins", get(reactions::pins))
        .route(
            "/channels/{channel_id}/messages/pins/{message_id}",
            put(reactions::pin).delete(reactions::unpin),
        )
}

fn message() -> Routes {
    Router::new()
        .route(
            "/channels/{channel_id}/messages",
            get(messages::list).post(messages::create),
        )
        .route(
            "/channels/{channel_id}/messages/bulk-delete",
            post(messages::bulk_delete),
        )
        .route(
            "/channels/{channel_id}/messages/{message_id}",
            get(messages::get)
                .patch(messages::edit)
                .delete(messages::delete),
        )
        .route(
            "/channels/{channel_id}/messages/{message_id}/reactions",
            delete(reactions::clear),
        )
        .route(
            "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}",
            get(reactions::list).delete(reactions::clear),
        )
        .route(
            "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me",
            put(reactions::add).delete(reactions::remove_own),
        )
        .route(
            "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/{user_id}",
            delete(reactions::remove_of),
        )
}

fn thread() -> Routes {
    Router::new()
        .route(
            "/channels/{channel_id}/messages/{message_id}/threads",
            post(threads::from_message),
        )
        .route("/channels/{channel_id}/threads", post(threads::create))
        .route(
            "/channels/{channel_id}/threads/archived/public",
            get(threads::archived_public),
        )
        .route(
            "/channels/{channel_id}/threads/archived/private",
            get(threads::archived_private),
        )
        .route(
            "/channels/{channel_id}/users/@me/threads/archived/private",
            get(threads::archived_joined),
        )
        .route(
            "/channels/{channel_id}/thread-members",
            get(threads::members),
        )
        .route(
            "/channels/{channel_id}/thread-members/@me",
            put(threads::join).delete(threads::leave),
        )
        .route(
            "/channels/{channel_id}/thread-members/{user_id}",
            put(threads::join).delete(threads::leave),
        )
}

fn webhook() -> Routes {
    let of_message = || {
        get(webhook_messages::get)
            .patch(webhook_messages::edit)
            .delete(webhook_messages::delete)
    };
    Router::new()
        .route(
            "/channels/{channel_id}/webhooks",
            get(webhooks::list_channel).post(webhooks::create),
        )
        .route(
            "/webhooks/{webhook_id}",
            get(webhooks::get)
                .patch(webhooks::patch)
                .delete(webhooks::delete),
        )
        .route(
            "/webhooks/{webhook_id}/{webhook_token}",
            get(webhooks::get)
                .patch(webhooks::patch)
                .delete(webhooks::delete)
                .post(webhook_messages::execute),
        )
        .route(
            "/webhooks/{webhook_id}/{webhook_token}/messages/@original",
            of_message(),
        )
        .route(
            "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}",
            of_message(),
        )
}

fn command() -> Routes {
    let all = || {
        get(commands::list)
            .put(commands::replace)
            .post(commands::create)
    };
    let one = || {
        get(commands::get)
            .patch(commands::patch)
            .delete(commands::delete)
    };
    Router::new()
        .route("/applications/{application_id}/commands", all())
        .route(
            "/applications/{application_id}/commands/{command_id}",
            one(),
        )
        .route(
            "/applications/{application_id}/guilds/{guild_id}/commands",
            all(),
        )
        .route(
            "/applications/{application_id}/guilds/{guild_id}/commands/permissions",
            get(commands::permissions),
        )
        .route(
            "/applications/{application_id}/guilds/{guild_id}/commands/{command_id}",
            one(),
        )
}
