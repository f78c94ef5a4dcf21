//! Channels of agents that are gone, in words.

use crate::model::view::Surface;

/// Somebody has written in a channel whose agent is gone.
pub fn archived(surface: &Surface) -> String {
    format!(
        "`#{}` is archived: its agent is not in the team any more, so nobody gets this message. \
         Everything in it stays, and it opens again when the agent is back.",
        surface.in_server()
    )
}
