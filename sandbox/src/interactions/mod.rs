//! Interactions: what people do with commands, components and modals, and what applications answer.
//!
//! [`router`] holds the routes that are only about interactions (`POST /interactions`, the callback,
//! the command index of people's clients). An interaction's follow-ups share their path with webhooks
//! (`/webhooks/{application}/{token}…`), so the webhook handlers ask [`owns`] and pass those requests
//! on to [`follow_up`] and [`message`].
//!
//! Locks are taken in the order state, then [`Interactions`]; the hub comes last.

mod callback;
mod choices;
mod command;
mod component;
mod index;
mod invocation;
mod modal;
mod notify;
mod reply;
mod store;
mod submit;
mod webhook;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;

pub(crate) use store::Interactions;
pub(crate) use webhook::{follow_up, message, owns};

/// The routes below `/api/v10`.
pub(crate) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/interactions", post(submit::submit))
        .route(
            "/interactions/{interaction_id}/{interaction_token}/callback",
            post(callback::callback),
        )
        .route(
            "/guilds/{guild_id}/application-command-index",
            get(index::in_guild),
        )
        .route(
            "/channels/{channel_id}/application-command-index",
            get(index::in_channel),
        )
        .route("/users/@me/application-command-index", get(index::for_user))
}
