//! What the sandbox's REST API promises, over real HTTP.

mod channels;
mod faults;
mod forms;
mod journal;
mod limits;
mod messages;
mod permissions;
mod reactions;
mod threads;
mod webhooks;
mod world;
