//! A plain text view of channels for a browser.

use std::fmt::Write as _;

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::rest::error::{ApiError, ApiResult};
use crate::rest::request::Call;
use crate::state::{Channel, Message, State, iso};

/// Messages that a channel's page shows.
const SHOWN: usize = 100;

/// `GET /`: the channels.
pub(crate) fn index(state: &State) -> Response {
    let mut page = format!("{}\n\n", state.guild.name);
    let mut channels: Vec<&Channel> = state.channels.values().collect();
    channels.sort_by_key(|channel| (channel.parent, channel.position, channel.id));
    for channel in channels {
        let count = state
            .messages
            .get(&channel.id)
            .map_or(0, std::collections::BTreeMap::len);
        let line = format!(
            "/channels/{}  {}  {count} messages\n",
            channel.id,
            title(state, channel)
        );
        page.push_str(&line);
    }
    text(page)
}

/// `GET /channels/{channel_id}`: the last messages.
pub(crate) async fn channel(call: Call) -> ApiResult {
    let id = call.id("channel_id")?;
    call.app.read(|state| {
        let channel = state
            .channels
            .get(&id)
            .ok_or_else(|| ApiError::unknown(10003, "Channel"))?;
        let mut page = format!("{}\n\n", title(state, channel));
        let last: Vec<&Message> = state
            .messages
            .get(&id)
            .into_iter()
            .flat_map(|list| list.values().rev().take(SHOWN).map(Box::as_ref))
            .collect();
        for message in last.into_iter().rev() {
            show(&mut page, &state.message_json(message, None), message);
        }
        Ok(text(page))
    })
}

fn title(state: &State, channel: &Channel) -> String {
    let parent = channel.parent.and_then(|id| state.channels.get(&id));
    let parent = parent
        .map(|found| format!("{} / ", found.name))
        .unwrap_or_default();
    let sign = match channel.kind {
        1 => "@",
        4 => "category ",
        10..=12 => "thread ",
        15 | 16 => "forum ",
        _ => "#",
    };
    let name = if channel.is_private() {
        let names = channel
            .recipients
            .iter()
            .filter_map(|id| state.users.get(id));
        names
            .map(|user| user.name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    } else {
        channel.name.clone()
    };
    format!("{parent}{sign}{name}")
}

fn show(page: &mut String, json: &Value, message: &Message) {
    let name = json["author"]["username"].as_str().unwrap_or_default();
    let edited = if message.edited_ms.is_some() {
        " (edited)"
    } else {
        ""
    };
    let head = format!("[{}] {name}{edited}", iso(message.written_ms()));
    let mut lines = vec![head];
    lines.extend(message.content.lines().map(|line| format!("    {line}")));
    for embed in message.embeds.list() {
        for part in ["title", "description"] {
            let text = embed[part].as_str().unwrap_or_default();
            lines.extend(text.lines().map(|line| format!("    | {line}")));
        }
        for field in embed["fields"].as_array().into_iter().flatten() {
            let part = |key: &str| field[key].as_str().unwrap_or_default().to_owned();
            lines.push(format!("    | {}: {}", part("name"), part("value")));
        }
    }
    for row in message.components.list() {
        let labels: Vec<String> = row["components"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|item| {
                let label = item["label"]
                    .as_str()
                    .or_else(|| item["placeholder"].as_str());
                format!("[{}]", label.unwrap_or("…"))
            })
            .collect();
        lines.push(format!("    {}", labels.join(" ")));
    }
    lines.extend(
        message
            .attachments
            .iter()
            .map(|file| format!("    file {} ({} bytes)", file.name, file.size)),
    );
    let reactions: Vec<String> = message
        .reactions
        .iter()
        .map(|found| format!("{} {}", found.emoji, found.users.len()))
        .collect();
    if !reactions.is_empty() {
        lines.push(format!("    {}", reactions.join("  ")));
    }
    if writeln!(page, "{}", lines.join("\n")).is_err() {
        tracing::debug!("a page could not be written");
    }
}

fn text(page: String) -> Response {
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], page).into_response()
}
