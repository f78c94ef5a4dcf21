//! The Control API's route by which agents are asked for.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use uuid::Uuid;

use crate::control::wire::{HireItem, HireRequest, Hired};
use crate::executor::refusal::{Body, Refused};
use crate::executor::server::{Api, Shared, broken};
use crate::model::AgentKey;
use crate::model::hire::Hire;
use crate::store::provision::Filed;

/// Most agents that are asked for at once.
const MOST: usize = 20;

/// All of them.
pub(in crate::executor) fn routes() -> Router<Arc<Api>> {
    Router::new().route("/api/agents/request", post(request))
}

/// `POST /api/agents/request`: one agent, or several as `items`. A single one that is there already is refused;
/// of several only the new ones are asked for.
async fn request(
    State(api): Shared,
    Body(request): Body<HireRequest>,
) -> Result<Json<Hired>, Refused> {
    let (items, single) = match request.items {
        Some(items) => (items, false),
        None => (vec![request.item], true),
    };
    if items.is_empty() || items.len() > MOST {
        return Err(Refused::bad(format!("Ask for 1 to {MOST} agents at once.")));
    }
    // All of them are read before the first is filed.
    let hires: Vec<_> = items.iter().map(read).collect::<Result<_, _>>()?;
    let mut created = 0;
    for (id, hire) in hires {
        let filed = api.turns.store().file_hire(id, &hire).await;
        match filed.map_err(|error| broken(&error))? {
            Filed::Request(_) => created += 1,
            taken if single => return Err(conflict(&taken, &hire)),
            _ => {}
        }
    }
    api.kick.hires().notify_one();
    Ok(Json(Hired { ok: true, created }))
}

fn read(item: &HireItem) -> Result<(Uuid, Hire), Refused> {
    let key: Option<AgentKey> = match &item.agent_key {
        Some(key) => Some(
            key.parse()
                .map_err(|error| Refused::bad(format!("agentKey: {error}.")))?,
        ),
        None => None,
    };
    let short = item.agent_id_short.as_deref();
    let short = short.or(key.as_ref().map(AgentKey::short));
    let name = item.display_name.as_deref().or(item.name.as_deref());
    let (Some(short), Some(name)) = (short, name) else {
        let error = "agentKey (or agentIdShort) and displayName (or name) have to be there.";
        return Err(Refused::bad(error));
    };
    let role = item.role_short.as_deref();
    let hire = Hire::parse(name, short, role, item.emoji.as_deref());
    let hire = hire.map_err(|bad| Refused::bad(bad.to_string()))?;
    if key.is_some_and(|key| key != hire.key) {
        return Err(Refused::bad(
            "agentKey and agentIdShort do not fit together.",
        ));
    }
    Ok((item.id.unwrap_or_else(Uuid::new_v4), hire))
}

fn conflict(taken: &Filed, hire: &Hire) -> Refused {
    let short = hire.key.short();
    let error = match taken {
        Filed::ShortTaken => format!("The team has an agent {short:?} already."),
        Filed::NameTaken => format!("The team has an agent named {:?} already.", hire.name),
        Filed::Asked | Filed::Request(_) => format!("Somebody has asked for {short:?} already."),
    };
    Refused::new(StatusCode::CONFLICT, error)
}
