//! The words of Mission Control as types: pure, no input or output, imported by everybody.

pub mod activity;
pub mod addressing;
pub mod agent;
pub mod attention;
pub mod bots;
pub mod change;
pub mod context;
pub mod delivery;
pub mod document;
pub mod file;
pub mod hire;
pub mod ids;
pub mod labs;
pub mod markup;
pub mod mentions;
pub mod message;
pub mod mission;
pub mod mode;
pub mod operators;
pub mod output;
pub mod presence;
pub mod proposal;
pub mod realtime;
pub mod receipt;
pub mod rights;
pub mod schedule;
pub mod skill;
pub mod status;
pub mod task;
pub mod team;
pub mod thread;
pub mod view;
pub mod waking;

pub use ids::{
    AgentKey, ApplicationId, ChannelId, DeliveryId, DiscordMessageId, GuildId, InteractionId,
    MessageId, ParseIdError, ProjectId, RoleId, ThreadId, UserId, WebhookId,
};
