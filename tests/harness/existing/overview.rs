//! The mission and the overview, as that one writes them.

use serde_json::json;

use super::Shared;
use crate::harness::http::Request;
use crate::harness::world::PROJECT;

/// Writes over whatever is there, and says that all went well in any case.
pub(super) async fn write(shared: &Shared, request: &Request) -> String {
    let body = &request.body;
    for (field, kind) in [("mission", "mission"), ("overview", "project_overview")] {
        let Some(text) = body[field].as_str() else {
            continue;
        };
        let written = sqlx::query(
            "INSERT INTO brain_docs (project_id, agent_key, doc_type, content, updated_by) \
             VALUES ($1, 'project', $2, $3, $4) ON CONFLICT (project_id, agent_key, doc_type) \
             DO UPDATE SET content = excluded.content, updated_by = excluded.updated_by",
        );
        let by = body["updated_by"].as_str();
        let written = written.bind(PROJECT).bind(kind).bind(text).bind(by);
        let _ = written.execute(&shared.pool).await;
    }
    json!({ "ok": true }).to_string()
}
