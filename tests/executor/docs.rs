//! The routes by which texts are written, as their callers see them.

use clawdos_bridge::control::Asked;
use clawdos_bridge::control::Save;
use clawdos_bridge::control::wire::{DocSave, OverviewSave, Writer};
use clawdos_bridge::executor::AgentCommand;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::stage::{Running, Stage};

async fn call(executor: &Running, method: Method, path: &str, body: Value) -> (u16, Value) {
    let request = Client::new()
        .request(method, executor.url(path))
        .json(&body);
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn post(executor: &Running, path: &str, body: Value) -> (u16, String) {
    let (status, answer) = call(executor, Method::POST, path, body).await;
    (
        status,
        answer["error"].as_str().unwrap_or_default().to_owned(),
    )
}

#[tokio::test]
async fn mission_and_overview_are_read_and_written_as_existing_dashboards_do() {
    let stage = Stage::new().await;
    sqlx::raw_sql("DELETE FROM brain_docs")
        .execute(stage.store.pool())
        .await
        .unwrap();
    let executor = stage.executor(AgentCommand::new(["true"])).await;
    let path = "/api/project/overview";
    let (status, body) = call(&executor, Method::GET, path, json!({})).await;
    assert_eq!(
        (status, &body["mission"], &body["overviewMeta"]),
        (200, &Value::Null, &Value::Null)
    );
    let both = json!({ "mission": "Ring the bells.", "overview": "A tower.", "updated_by": "ui" });
    assert_eq!(post(&executor, path, both).await.0, 200);
    let (_, body) = call(&executor, Method::GET, path, json!({})).await;
    assert_eq!(body["mission"], "Ring the bells.");
    assert_eq!(body["overview"], "A tower.");
    assert_eq!(body["missionMeta"]["updated_by"], "ui");
    let written: i64 =
        sqlx::query_scalar("SELECT count(*) FROM activities WHERE type = 'brain_doc_updated'")
            .fetch_one(stage.store.pool())
            .await
            .unwrap();
    assert_eq!(written, 2);
    let save = Save::Overview(OverviewSave {
        overview: Some("Two towers.".to_owned()),
        writer: Writer {
            updated_by: Some("ui".to_owned()),
            ..Writer::default()
        },
        ..OverviewSave::default()
    });
    assert_eq!(executor.client(None).save(&save).await, Asked::Done);
    executor.stop().await;
}

#[tokio::test]
async fn what_cannot_be_is_refused_and_so_is_who_has_seen_something_else() {
    let stage = Stage::new().await;
    let executor = stage.executor(AgentCommand::new(["true"])).await;
    let path = "/api/project/overview";
    let overview = json!({ "overview": "A tower." });
    assert_eq!(post(&executor, path, overview).await.0, 200);
    for (body, status, why) in [
        (json!({}), 400, "Neither mission nor overview"),
        (json!({ "mission": "x".repeat(201) }), 400, "201 characters"),
        (json!({ "mission": "" }), 400, "empty"),
        (
            json!({ "overview": "x", "updated_by": "a\nb" }),
            400,
            "updated_by must be a word",
        ),
        (
            json!({ "overview": "x", "expected": "zz" }),
            400,
            "16 hexadecimal digits",
        ),
        (
            json!({ "mission": "Other.", "expected": "0000000000000000" }),
            409,
            "Somebody else",
        ),
        (
            json!({ "overview": "Other.", "expected": "0000000000000000" }),
            409,
            "Somebody else",
        ),
    ] {
        let (found, said) = post(&executor, path, body.clone()).await;
        assert!(
            found == status && said.contains(why),
            "{body}: {found} {said}"
        );
    }
    let asked = json!({ "doc": "b1", "content": "x" });
    let (status, said) = post(&executor, "/api/docs", asked).await;
    assert!(status == 400 && said.contains("doc: "), "{status} {said}");
    executor.stop().await;
}

#[tokio::test]
async fn a_document_of_a_megabyte_is_written_once_and_a_secret_never() {
    let stage = Stage::new().await;
    let executor = stage.executor(AgentCommand::new(["true"])).await;
    sqlx::raw_sql(
        "INSERT INTO projects (id, name) VALUES ('other', 'Other') ON CONFLICT DO NOTHING;
         INSERT INTO project_documents (id, project_id, title, source_type, content_text, sensitivity) VALUES
            ('90000000-0000-0000-0000-000000000001', 'front-office', 'Book', 'note', 'short', 'normal'),
            ('90000000-0000-0000-0000-000000000002', 'front-office', 'Keys', 'note', 'hunter2', 'contains_secrets'),
            ('90000000-0000-0000-0000-000000000003', 'other', 'Theirs', 'note', 'theirs', 'normal')",
    )
    .execute(stage.store.pool())
    .await
    .unwrap();
    let client = executor.client(None);
    let doc = |n: u8| format!("n9000000000000000000000000000000{n}");
    let book = stage
        .store
        .document(doc(1).parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    let save = |n, version: u64| {
        Save::Document(DocSave {
            doc: doc(n),
            // Longer in JSON than as it is.
            content: "\n\"".repeat(500_000),
            writer: Writer {
                expected: Some(format!("{version:016x}")),
                ..Writer::default()
            },
        })
    };
    assert_eq!(client.save(&save(1, book.version)).await, Asked::Done);
    // The same is no conflict; another version of before is one.
    assert_eq!(client.save(&save(1, book.version)).await, Asked::Done);
    for n in [2, 3] {
        let asked = client.save(&save(n, 0)).await;
        assert!(matches!(asked, Asked::Refused(_)), "{n}: {asked:?}");
    }
    let texts: Vec<(i32, Option<i32>)> = sqlx::query_as(
        "SELECT length(content_text), size_bytes FROM project_documents ORDER BY id LIMIT 3",
    )
    .fetch_all(stage.store.pool())
    .await
    .unwrap();
    assert_eq!(texts, [(1_000_000, Some(1_000_000)), (7, None), (6, None)]);
    let keys = stage
        .store
        .document(doc(2).parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    assert!(keys.text.is_empty() && keys.version == 0, "{keys:?}");
    executor.stop().await;
}
