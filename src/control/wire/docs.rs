//! What travels about documents. `updated_by` is who writes, as the row keeps it; `name` and `expected` are known to
//! our executor alone.

use serde::{Deserialize, Serialize};

/// `POST /api/project/overview` (source: `ClawdOS`): the mission, the overview, or both.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct OverviewSave {
    /// The mission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mission: Option<String>,
    /// The overview.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overview: Option<String>,
    /// Who writes, and what they have seen.
    #[serde(flatten)]
    pub writer: Writer,
}

/// `POST /api/docs`, which only our executor knows: the text of a document.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct DocSave {
    /// Which, as [`crate::model::document::DocRef`] writes it.
    pub doc: String,
    /// All of its text from now on.
    pub content: String,
    /// Who writes, and what they have seen.
    #[serde(flatten)]
    pub writer: Writer,
}

/// Who writes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Writer {
    /// As the row keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_by: Option<String>,
    /// As people know them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The version that they have seen, 16 hexadecimal digits: another text stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
}

/// The answer to `GET /api/project/overview` (source: `ClawdOS`).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// Always true; a failure is a refusal.
    pub ok: bool,
    /// The mission, where there is one.
    pub mission: Option<String>,
    /// The overview, where there is one.
    pub overview: Option<String>,
    /// Who wrote the mission, and when.
    pub mission_meta: Option<Meta>,
    /// Who wrote the overview, and when.
    pub overview_meta: Option<Meta>,
}

/// Who wrote a text, and when.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Meta {
    /// RFC 3339.
    pub updated_at: String,
    /// As the row keeps it.
    pub updated_by: Option<String>,
}
