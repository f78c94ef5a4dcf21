//! The edge to Discord: REST calls and their pacing below, the gateway and what it hears above.

pub mod events;
pub mod gateway;
pub mod inbound;
pub mod lanes;
pub mod layout;
pub mod own_bots;
pub mod portal;
mod presence;
pub mod presses;
pub mod receipts;
pub mod rest;
pub mod sessions;
pub mod switchboard;
