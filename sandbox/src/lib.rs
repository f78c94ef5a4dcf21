//! A local Discord-compatible server: REST API v10 and gateway, for bots and for people.

mod app;
mod gateway;
mod interactions;
mod page;
mod rest;
mod server;
mod state;
