//! What goes wrong on the way in: settings, permissions, texts, and a Discord that misbehaves.

mod deliveries;
mod discord;
mod people;
mod start;
mod texts;
