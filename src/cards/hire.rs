//! Hiring in words: what was asked for, and what has become of it.

use super::team::name;
use super::team_press::TeamPress;
use super::{Button, Draft, Row, Style, quote};
use crate::model::ChannelId;
use crate::model::hire::{Request, RequestState};

/// Characters of a reason, and of a key.
const REASON: usize = 400;
const WORD: usize = 80;

/// How a request stands, for whoever asked. `live` says whether an executor is there.
pub fn request(request: &Request, live: bool, channel: Option<ChannelId>) -> Draft {
    let who = format!(
        "**{}** ({})",
        name(&request.name),
        quote::line(&request.agent_key, WORD).markup
    );
    let id = request.id;
    let look = Button::new(
        "Look again",
        Style::Secondary,
        &TeamPress::Hire { request: id },
    );
    let (text, button) = match &request.state {
        RequestState::Queued if live => (
            format!("⏳ {who} is asked for; the executor takes it in a moment."),
            Some(look),
        ),
        RequestState::Queued => (
            format!("🕓 Queued - {who} will be provisioned when the executor is online."),
            Some(look),
        ),
        RequestState::Running => (format!("⏳ {who} is being provisioned."), Some(look)),
        RequestState::Done => {
            let place = match channel {
                Some(channel) => format!("Say hello in <#{channel}>."),
                None => "The channel comes in a moment, as far as the Labs have switched it on: `/labs`."
                    .to_owned(),
            };
            (format!("✅ {who} is in the team. {place}"), None)
        }
        RequestState::Failed(why) => {
            let why = quote::quoted(why, REASON).markup;
            let press = TeamPress::RetryHire { request: id };
            let retry = Button::new("Retry", Style::Secondary, &press);
            (
                format!("❌ {who} could not be provisioned: {why}"),
                Some(retry),
            )
        }
    };
    Draft {
        components: button
            .map(|it| Row::Buttons(vec![it]))
            .into_iter()
            .collect(),
        ..Draft::text(text)
    }
}

/// Why nobody can be hired like that: a sentence that may repeat what was typed.
pub fn bad_hire(why: &str) -> String {
    format!(
        "{} Nothing was asked for.",
        quote::visible(&why.replace('`', "'"))
    )
}

/// The team has somebody of this short id.
pub fn short_taken(short: &str) -> String {
    format!("The team has an agent `{short}` already. Nothing was asked for.")
}

/// The team has somebody of this name.
pub fn name_taken(who: &str) -> String {
    let who = name(who);
    format!(
        "The team has an agent named {who} already, and one could not tell them apart. Nothing was asked for."
    )
}

/// Somebody has asked for the same.
pub fn asked_before(short: &str) -> String {
    format!("Somebody has asked for `{short}` already: `/agents` says how that stands.")
}

/// The executor has refused.
pub fn refused(why: &str) -> String {
    let why = quote::line(why, REASON).markup;
    format!("The executor has refused this: {why}")
}

/// Nobody can know whether it was filed.
pub fn unknown_outcome() -> String {
    "The executor did not say in time whether it has the request. Look into `/agents` before you ask again."
        .to_owned()
}

/// The database is away, or too slow.
pub fn database_away() -> String {
    "The database cannot be reached in time. If you asked for something, it may not have happened: look again when \
     `#status` says that it is back."
        .to_owned()
}

/// The request is gone.
pub fn request_gone() -> String {
    "This request does not exist any more.".to_owned()
}

/// The request has not failed.
pub fn not_failed() -> String {
    "This request has not failed, so there is nothing to try again.".to_owned()
}
