//! The bot's presence shows the mode: online, idle, or do not disturb.

use std::sync::Arc;

use serenity::all::{ActivityData, Context, OnlineStatus, ShardManager};
use tokio::sync::watch;

use crate::model::mode::{Mode, State};

/// What people see beside the bot's name.
fn presence(mode: Option<Mode>) -> (ActivityData, OnlineStatus) {
    let (words, status) = match mode {
        None => ("Starting", OnlineStatus::Idle),
        Some(Mode::Live) => ("Live", OnlineStatus::Online),
        Some(Mode::Backup) => ("Backup: messages are queued", OnlineStatus::Idle),
        Some(Mode::Offline) => ("Offline: no database", OnlineStatus::DoNotDisturb),
    };
    (ActivityData::custom(words), status)
}

/// Shows the mode in a session that has just begun.
pub(super) fn show(context: &Context, state: &State) {
    let (activity, status) = presence(state.mode);
    context.set_presence(Some(activity), status);
}

/// Shows every change of the mode in the sessions that are open. Returns never.
pub(super) async fn follow(shards: &Arc<ShardManager>, mut mode: watch::Receiver<State>) {
    let mut shown = mode.borrow_and_update().mode;
    while mode.changed().await.is_ok() {
        let now = mode.borrow_and_update().mode;
        if now == shown {
            continue;
        }
        shown = now;
        for shard in shards.runners.lock().await.values() {
            let (activity, status) = presence(now);
            shard.runner_tx.set_presence(Some(activity), status);
        }
    }
    // The mode's own part has ended, and with it soon the process.
    std::future::pending::<()>().await;
}
