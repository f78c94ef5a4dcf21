//! The gateway: websocket sessions of bots and people, and the hub that feeds them.
//!
//! The order of events is the order of state changes, because [`Hub::publish`] is called while the
//! state is locked: it takes `&State` as proof, never locks the state itself, and only appends to
//! queues. Locks are always taken in the order state, then hub.

mod close;
mod connection;
mod event;
mod filter;
mod frame;
mod hub;
mod identify;
mod limits;
mod payload;
mod presence;
mod ready;
mod requests;
mod session;

pub(crate) use connection::upgrade;
pub(crate) use event::{Audience, Event};
pub(crate) use hub::Hub;
