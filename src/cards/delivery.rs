//! What people read about messages on their way to agents.

use super::custom_id::Press;
use super::{Button, Draft, Personas, Row, Style, quote};
use crate::model::delivery::{GONE, PERHAPS, STALE_ERROR};
use crate::model::receipt::Progress;

/// Longest reason that is shown.
const REASON: usize = 700;

/// The reply under a message that did not get through, or was not answered.
pub fn failed(delivery: &Progress, personas: &Personas) -> Draft {
    let name = match &delivery.agent {
        Some(agent) => quote::name(&personas.agent(agent).name),
        None => "Somebody".to_owned(),
    };
    let content = match delivery.error.as_deref() {
        _ if delivery.is_untouched() => {
            format!("This did not reach **{name}**: nobody took it in time.")
        }
        Some(STALE_ERROR) => format!(
            "**{name}** has not answered in time. The message may have been processed: look for \
             its effects before you retry. An answer that comes late still counts."
        ),
        Some(reason) if reason.ends_with(GONE) => reason.to_owned(),
        Some(reason) if reason.ends_with(PERHAPS) => {
            let reason = quote::line(reason.trim_end_matches(PERHAPS).trim(), REASON).markup;
            format!(
                "The connection was lost while **{name}** had this. It may have been processed: look \
                 for its effects before you retry. An answer that comes late still counts.\n-# {reason}"
            )
        }
        Some(reason) if !reason.trim().is_empty() => {
            let reason = quote::quoted(reason, REASON).markup;
            format!("**{name}** did not answer this. The reason: {reason}")
        }
        _ => format!("**{name}** did not answer this, and nobody said why."),
    };
    let retry = Press::Again {
        delivery: delivery.id,
    };
    Draft {
        components: vec![Row::Buttons(vec![Button::new(
            "Retry",
            Style::Secondary,
            &retry,
        )])],
        ..Draft::text(content)
    }
}

/// The reply under the first message of a channel that waits for an executor that is away.
pub fn waits() -> Draft {
    Draft::text("Will be delivered when agent comes online.")
}

/// The answer to who sends something that has to wait.
pub fn queued() -> String {
    "Queued - agent will process when online.".to_owned()
}

/// The answer to Retry.
pub fn again(live: bool) -> String {
    if live {
        "It is on its way again.".to_owned()
    } else {
        queued()
    }
}

/// It was given up, and its agent was not.
pub fn still_at_work() -> String {
    "The agent is still at work on it, and its answer will count. Nothing was sent again."
        .to_owned()
}

/// Somebody was faster, or an answer has come after all.
pub fn not_failed() -> String {
    "Nothing to retry: it is on its way already, or has been answered.".to_owned()
}

/// The message is gone.
pub fn delivery_gone() -> String {
    "This message does not exist any more, so there is nothing to retry.".to_owned()
}

/// Whoever pressed is neither an operator nor the author.
pub fn may_not_retry() -> String {
    "Only operators and whoever wrote the message can retry it. Nothing has changed.".to_owned()
}
