//! The REST API (`/api/v10`), attachments, the control routes (`/_sandbox`).

pub(crate) mod attachments;
pub(crate) mod buckets;
mod channel_form;
mod channels;
mod commands;
mod console;
mod control;
pub(crate) mod draft;
pub(crate) mod error;
pub(crate) mod faults;
mod guilds;
mod invites;
pub(crate) mod login;
mod messages;
pub(crate) mod payload;
mod picture;
mod pipeline;
mod reactions;
pub(crate) mod request;
pub(crate) mod request_log;
mod router;
mod rules;
mod threads;
pub(crate) mod users;
pub(crate) mod validate;
pub(crate) mod weather;
mod webhook_messages;
mod webhooks;

pub(crate) use router::router;
