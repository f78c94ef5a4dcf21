//! An executor that is not as it should be.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::DATE;
use axum::response::IntoResponse as _;
use axum::routing::any;
use chrono::{TimeDelta, Utc};

use super::{Examined, examine_world};
use crate::harness::world::World;

/// What an existing executor answers to everything: the status, how far its clock is ahead, the body.
type Answer = (StatusCode, TimeDelta, &'static str);

const GOOD: &str =
    r#"{"binary":"/usr/bin/openclaw","version":"1.2","checks":{"cron":{"ok":true}}}"#;
const BAD: &str = r#"{"binary":"/usr/bin/openclaw","checks":{"cron":{"ok":true},"key":{"ok":false,"error":"no key"}}}"#;

async fn executor(answer: Arc<Mutex<Answer>>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answering = move || {
        let (status, ahead, body) = *answer.lock().unwrap();
        let date = (Utc::now() + ahead).format("%a, %d %b %Y %H:%M:%S GMT");
        async move { (status, [(DATE, date.to_string())], body).into_response() }
    };
    let service = Router::new().fallback(any(answering));
    tokio::spawn(async move { axum::serve(listener, service).await });
    format!("http://{address}")
}

#[tokio::test]
async fn what_an_executor_says_of_itself_and_of_the_time_is_judged() {
    let mut world = World::without_bridge().await;
    let ok = StatusCode::OK;
    let answer = Arc::new(Mutex::new((ok, TimeDelta::zero(), GOOD)));
    let url = executor(Arc::clone(&answer)).await;
    world.set("CONTROL_API_URL", &url);
    world.set("CONTROL_API_TOKEN", "between-us");
    let look = async |next: Answer| -> Examined {
        *answer.lock().unwrap() = next;
        let found = examine_world(&world).await;
        assert!(!found.text.contains("between-us"));
        found
    };
    let found = look((ok, TimeDelta::zero(), GOOD)).await;
    assert_eq!(found.complaints(), ["commands"], "{}", found.text);
    assert_eq!(found.says("executor"), "ok: /usr/bin/openclaw, version 1.2");

    let found = look((ok, TimeDelta::seconds(-30), BAD)).await;
    assert_eq!(found.code, Some(1));
    assert_eq!(found.says("its check key"), "failure: no key");
    assert!(
        found.says("clock").starts_with("warning"),
        "{}",
        found.says("clock")
    );
    assert!(found.says("clock").contains("behind ours"));

    let found = look((ok, TimeDelta::minutes(10), GOOD)).await;
    assert_eq!(found.code, Some(1));
    assert!(
        found.says("clock").starts_with("failure"),
        "{}",
        found.says("clock")
    );
    assert!(found.says("clock").contains("ahead of ours"));
    assert!(found.step("clock").contains("date -u"));

    let found = look((StatusCode::UNAUTHORIZED, TimeDelta::zero(), "{}")).await;
    assert!(found.says("executor").starts_with("failure"));
    assert!(
        found.step("executor").contains("CONTROL_API_TOKEN"),
        "{}",
        found.text
    );

    world.set("CONTROL_API_URL", "http://127.0.0.1:1");
    let found = examine_world(&world).await;
    assert_eq!(found.code, Some(1));
    assert!(
        found.says("executor").starts_with("failure"),
        "{}",
        found.text
    );
    assert!(found.step("executor").contains("Start the executor"));
}
