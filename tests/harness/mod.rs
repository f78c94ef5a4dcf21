//! What the journeys share.

pub mod big;
pub mod card;
pub mod chat;
pub mod client;
pub mod demo;
pub mod existing;
pub mod http;
pub mod marks;
pub mod outage;
pub mod person;
pub mod postgres;
pub mod process;
pub mod says;
pub mod status;
pub mod tasks;
pub mod wait;
pub mod world;
