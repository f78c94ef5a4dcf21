//! What the sandbox's REST API promises, over real HTTP.

mod channels;
mod console;
mod faults;
mod forms;
mod guilds;
mod journal;
mod limits;
mod messages;
mod permissions;
mod reactions;
mod threads;
mod weather;
mod webhooks;
mod window;
mod world;
