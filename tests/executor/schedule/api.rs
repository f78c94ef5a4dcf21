//! The routes of jobs.

use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::NOTING;
use crate::stage::Stage;

#[tokio::test]
async fn jobs_are_listed_run_switched_and_edited() {
    let stage = Stage::new().await;
    let timed = stage.timed(stage.script(NOTING)).await;
    let request = stage
        .ask_job("Report", "cron", "0 9 * * *", Some("task"))
        .await;
    let job = stage.job_of(&timed, request).await;
    let call = async |method: Method, path: String, body: Value| {
        let request = Client::new()
            .request(method, timed.running.url(&path))
            .json(&body);
        let answer = request.send().await.unwrap();
        (
            answer.status().as_u16(),
            answer.json::<Value>().await.unwrap(),
        )
    };
    let (status, list) = call(Method::GET, "/api/cron".to_owned(), json!(null)).await;
    assert_eq!((status, list.as_array().map(Vec::len)), (200, Some(1)));
    assert_eq!(list[0]["id"], job.as_str());
    assert_eq!(list[0]["nextRun"], "2026-05-05T09:00:00.000Z");
    assert_eq!(list[0]["nextRunAtMs"], 1_777_971_600_000_i64);
    let post = async |action: &str, body: Value| {
        call(Method::POST, format!("/api/cron/{job}/{action}"), body).await
    };
    let run = json!({"request_id": uuid::Uuid::new_v4()});
    assert_eq!(post("run", run.clone()).await.0, 200);
    let (_, again) = post("run", run).await;
    let id = again["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(stage.settled(id).await.0, "done");
    assert_eq!(
        stage.count("SELECT count(*) FROM cron_run_requests").await,
        1
    );

    for (action, body, enabled) in [
        ("toggle", json!({"enabled": false}), "false"),
        ("enable", json!({}), "true"),
        ("disable", json!({}), "false"),
    ] {
        assert_eq!(post(action, body).await.0, 200, "{action}");
        assert_eq!(
            stage.mirrored(&job, "enabled").await.as_deref(),
            Some(enabled)
        );
    }
    let edit =
        json!({"name": "Other", "schedule": "30 8 * * *", "scheduleKind": "cron", "enabled": true});
    assert_eq!(post("edit", edit).await.0, 200);
    assert_eq!(
        stage.mirrored(&job, "schedule_expr").await.as_deref(),
        Some("30 8 * * *")
    );
    let (status, refused) = post("edit", json!({"schedule": "99 * * * *"})).await;
    assert_eq!((status, &refused["ok"]), (400, &json!(false)));
    assert!(
        refused["error"]
            .as_str()
            .unwrap()
            .contains("schedule: the minute"),
        "{refused}"
    );
    assert_eq!(post("toggle", json!({"enabled": "no"})).await.0, 400);
    let (status, _) = call(Method::POST, "/api/cron/nothing/run".to_owned(), json!({})).await;
    assert_eq!(status, 404);
    timed.stop().await;
}
