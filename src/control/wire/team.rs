//! What travels about the team. The fields are `ClawdOS`'s; unknown ones are passed over.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// `POST /api/agents/request`: ask for an agent, or for several.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct HireRequest {
    /// Several; then what stands beside it is not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Vec<HireItem>>,
    /// One.
    #[serde(flatten)]
    pub item: HireItem,
}

/// An agent that is asked for.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HireItem {
    /// The request's id: the same one is filed once. Only our executor looks at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// Its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_key: Option<String>,
    /// Its short id; without it, the one in the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id_short: Option<String>,
    /// The name people will call it by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The same, where there is no `displayName`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// One emoji that stands for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emoji: Option<String>,
    /// What it will do in the team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_short: Option<String>,
}

/// The answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Hired {
    /// Always true; a failure is a refusal.
    pub ok: bool,
    /// How many requests were filed.
    #[serde(default)]
    pub created: u64,
}
