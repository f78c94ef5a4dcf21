//! The REST wrapper and the lanes, against a server with Discord's rate limits on loopback.

mod discord;
mod outcomes;
mod pacing;
mod priority;
mod refusals;
