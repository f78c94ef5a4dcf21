//! The sandbox's gateway and interactions, over real websockets and HTTP.

mod answers;
mod applications;
mod closes;
mod commands;
mod components;
mod events;
mod faults;
mod guilds;
mod modals;
mod people;
mod resume;
mod serenity_client;
mod sessions;
mod support;
mod transport;
mod window;
