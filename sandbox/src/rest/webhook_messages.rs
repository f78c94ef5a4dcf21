//! What webhooks write, read, change and delete with their token. An application's interaction
//! answers use the same paths with the application's id; those go to [`crate::interactions`].

use axum::http::Method;
use axum::response::Response;
use serde_json::{Value, json};

use super::attachments;
use super::draft::{Draft, Purpose};
use super::error::{ApiError, ApiResult, FormErrors};
use super::request::{Call, no_content, ok};
use super::threads;
use super::validate::{address, text};
use super::webhooks::{check_name, with_token};
use crate::interactions;
use crate::limits;
use crate::state::{Author, Message, Persona, State, Webhook};

/// `POST /webhooks/{webhook_id}/{webhook_token}`.
pub(super) async fn execute(call: Call) -> ApiResult {
    if interactions::owns(&call.app, call.id("webhook_id")?) {
        let token = call.text("webhook_token");
        return interactions::follow_up(&call.app, call.id("webhook_id")?, token, call.payload()?)
            .await;
    }
    let hook = call.app.read(|state| find(&call, state))?;
    let payload = call.payload()?;
    let body = &payload.json;
    let persona = persona(&hook, body)?;
    let mut draft = Draft::parse(payload, Purpose::Webhook)?;
    draft.components = allowed_components(&hook, draft.components, call.flag("with_components"))?;
    draft.nonce = None;
    draft.reference = None;
    let author = Author::Webhook {
        webhook: hook.id,
        application: hook.application,
        persona,
    };
    let place = call.app.read(|state| place(&call, state, &hook, body))?;
    draft.attachments = attachments::store(&call.app, payload).await?;
    let message = call.app.write(|state| {
        // The webhook may have been deleted while files were written.
        find(&call, state)?;
        match place {
            Place::Channel(channel) => state.post(author, channel, draft),
            Place::NewPost => {
                let owner = application_user(state, &hook);
                let new = threads::parse_post(state, hook.channel, owner, &post_form(body), true)?;
                let mut thread = state.forum_post(new, author, draft)?;
                Ok(thread["message"].take())
            }
        }
    })?;
    Ok(if call.flag("wait") {
        ok(message)
    } else {
        no_content()
    })
}

/// Where a webhook's message goes.
enum Place {
    Channel(u64),
    /// A new post of the webhook's forum.
    NewPost,
}

fn place(call: &Call, state: &State, hook: &Webhook, body: &Value) -> ApiResult<Place> {
    let thread = call.query_id("thread_id")?;
    let named = body["thread_name"].is_string();
    let forum = state
        .channels
        .get(&hook.channel)
        .is_some_and(crate::state::Channel::is_forum);
    let error = |code, text| Err(ApiError::new(400, code, text));
    match (forum, thread, named) {
        (true, None, false) => error(
            220_001,
            "Webhooks posted to forum channels must have a thread_name or thread_id",
        ),
        (true, Some(_), true) => error(
            220_002,
            "Webhooks posted to forum channels cannot have both a thread_name and thread_id",
        ),
        (false, _, true) => error(
            220_003,
            "Webhooks can only create threads in forum channels",
        ),
        (true, None, true) => Ok(Place::NewPost),
        (_, Some(thread), false) => {
            let found = state.channels.get(&thread);
            match found.filter(|found| found.is_thread() && found.parent == Some(hook.channel)) {
                Some(found) => Ok(Place::Channel(found.id)),
                None => Err(ApiError::unknown(10003, "Channel")),
            }
        }
        (false, None, false) => Ok(Place::Channel(hook.channel)),
    }
}

fn post_form(body: &Value) -> Value {
    json!({ "name": body["thread_name"], "applied_tags": body["applied_tags"] })
}

fn application_user(state: &State, hook: &Webhook) -> u64 {
    hook.application
        .and_then(|id| state.application(id))
        .map_or(hook.id, |found| found.bot)
}

fn persona(hook: &Webhook, body: &Value) -> ApiResult<Persona> {
    let mut form = FormErrors::default();
    let name = text(&mut form, "username", &body["username"]).map(str::trim);
    if let Some(name) = name {
        check_name(&mut form, "username", name);
    }
    let avatar = text(&mut form, "avatar_url", &body["avatar_url"]).filter(|url| !url.is_empty());
    if let Some(url) = avatar {
        form.at_most("avatar_url", url, limits::EMBED_URL);
        address(&mut form, "avatar_url", url, false);
    }
    form.check()?;
    Ok(Persona {
        name: name.unwrap_or(&hook.name).to_owned(),
        avatar: avatar
            .map(ToOwned::to_owned)
            .or_else(|| hook.avatar.clone()),
    })
}

/// Webhooks of applications may send everything; the others only links, and only when asked to.
fn allowed_components(
    hook: &Webhook,
    components: Option<Vec<Value>>,
    asked: bool,
) -> ApiResult<Option<Vec<Value>>> {
    if hook.application.is_some() {
        return Ok(components);
    }
    let components = components.filter(|_| asked);
    let interactive = |row: &Value| {
        let children = row["components"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        children.iter().any(|item| item["custom_id"].is_string())
    };
    if components
        .as_ref()
        .is_some_and(|rows| rows.iter().any(interactive))
    {
        let text = "Only webhooks of an application may send interactive components.";
        return Err(ApiError::field(
            "components",
            "COMPONENT_TYPE_INVALID",
            text,
        ));
    }
    Ok(components)
}

fn find(call: &Call, state: &State) -> ApiResult<Webhook> {
    with_token(state, call.id("webhook_id")?, call.text("webhook_token")).cloned()
}

/// Passes a request about an interaction's message on; `@original` stands for the first answer.
async fn of_interaction(call: &Call, method: &Method) -> ApiResult {
    let which = match call.text("message_id") {
        "" => "@original",
        id => id,
    };
    let (application, token) = (call.id("webhook_id")?, call.text("webhook_token"));
    interactions::message(
        &call.app,
        application,
        token,
        which,
        method,
        call.payload()?,
    )
    .await
}

/// The webhook's own message in its channel, or in the thread that `thread_id` names.
fn own_message<'a>(call: &Call, state: &'a State) -> ApiResult<&'a Message> {
    let hook = find(call, state)?;
    let channel = call.query_id("thread_id")?.unwrap_or(hook.channel);
    let message = state.message(channel, call.id("message_id")?);
    message
        .filter(|message| message.persona.is_some() && message.webhook == Some(hook.id))
        .ok_or_else(|| ApiError::unknown(10008, "Message"))
}

/// `GET /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}`.
pub(super) async fn get(call: Call) -> ApiResult {
    if interactions::owns(&call.app, call.id("webhook_id")?) {
        return of_interaction(&call, &Method::GET).await;
    }
    call.app.read(|state| {
        own_message(&call, state).map(|message| ok(state.message_json(message, None)))
    })
}

/// `PATCH /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}`.
pub(super) async fn edit(call: Call) -> ApiResult {
    if interactions::owns(&call.app, call.id("webhook_id")?) {
        return of_interaction(&call, &Method::PATCH).await;
    }
    let payload = call.payload()?;
    let (hook, channel, id, flags) = call.app.read(|state| {
        let message = own_message(&call, state)?;
        Ok((
            find(&call, state)?,
            message.channel,
            message.id,
            message.flags,
        ))
    })?;
    let mut draft = Draft::parse_edit(payload, flags)?;
    if draft.components.is_some() {
        let asked = call.flag("with_components");
        draft.components = allowed_components(&hook, draft.components, asked)?;
    }
    draft.attachments = attachments::store(&call.app, payload).await?;
    call.app
        .write(|state| state.edit(channel, id, draft).map(ok))
}

/// `DELETE /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}`.
pub(super) async fn delete(call: Call) -> ApiResult<Response> {
    if interactions::owns(&call.app, call.id("webhook_id")?) {
        return of_interaction(&call, &Method::DELETE).await;
    }
    call.app.write(|state| {
        let (channel, id) =
            own_message(&call, state).map(|message| (message.channel, message.id))?;
        state.delete_message(channel, id)?;
        Ok(no_content())
    })
}
