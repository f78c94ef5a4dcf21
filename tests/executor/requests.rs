//! The Control API towards callers who get it wrong, and the two plain chat routes.

use clawdos_bridge::control::{ControlError, DeliverOutcome};
use clawdos_bridge::executor::{AgentCommand, Executor, Kick};
use clawdos_bridge::model::thread::Place;
use clawdos_bridge::store::chat::{Destination, NewMessage};
use reqwest::{Client, Method, RequestBuilder};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::stage::{Running, Stage, key, unknown_message};

async fn answer(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.expect("every answer is JSON"))
}

/// Status and words of a refusal.
async fn refusal(request: RequestBuilder) -> (u16, String) {
    let (status, body) = answer(request).await;
    assert_eq!(body["ok"], false, "{body}");
    (status, body["error"].as_str().unwrap().to_owned())
}

/// Sends each and expects status and word.
async fn all_are_refused(cases: Vec<(RequestBuilder, u16, &str)>) {
    for (request, status, word) in cases {
        let (found, error) = refusal(request).await;
        assert_eq!(found, status, "{error}");
        assert!(error.contains(word), "{error:?} says nothing of {word:?}");
    }
}

#[tokio::test]
async fn every_bad_body_is_refused_with_its_reason() {
    let stage = Stage::new().await;
    let noting = stage.script("echo hi >> \"$1/asked\"; echo hi");
    let executor = stage.executor(noting).await;
    let http = Client::new();
    let id = stage.message("main", "hello").await.to_string();
    let nowhere = unknown_message();
    let deliver = |body: String, status: u16, word| {
        let url = executor.url("/api/chat/deliver");
        (http.post(url).body(body), status, word)
    };
    let to = |id: &str, agent: &str, text: &str| {
        json!({"message_id": id, "target_agent_key": agent, "message": text}).to_string()
    };
    let post = |body: Value, status: u16, word| {
        let url = executor.url("/api/chat/post");
        (http.post(url).json(&body), status, word)
    };
    let large = "x".repeat(1_100_000);
    all_are_refused(vec![
        deliver(String::new(), 400, "EOF"),
        deliver("not json".to_owned(), 400, "expected"),
        deliver("{}".to_owned(), 400, "message_id"),
        deliver(to("7", "agent:main:main", "x"), 400, "UUID"),
        deliver(to(&id, "a b", "x"), 400, "agent key"),
        deliver(to(&id, "agent:main:main", " "), 400, "empty"),
        deliver(to(&id, "agent:main:main", &large), 413, "larger than"),
        post(json!({"message": ""}), 400, "empty"),
        post(json!({"message": 7}), 400, "string"),
        post(json!({"message": "x", "author": ""}), 400, "author"),
        post(json!({"message": "x", "metadata": [1]}), 400, "metadata"),
        post(
            json!({"message": "x", "thread_id": nowhere}),
            404,
            "no thread",
        ),
    ])
    .await;
    assert!(stage.lines("asked").is_empty(), "no agent was started");
    executor.stop().await;
}

#[tokio::test]
async fn every_bad_address_is_refused_with_its_reason() {
    let stage = Stage::new().await;
    let executor = stage.executor(stage.script("echo hi")).await;
    let http = Client::new();
    let get = |path: &str, status: u16, word| (http.get(executor.url(path)), status, word);
    let named = |project: &str, status: u16, word| {
        let request = http.get(executor.url("/api/chat/recent"));
        (request.header("X-ClawdOS-Project", project), status, word)
    };
    all_are_refused(vec![
        get("/api/chat/recent?limit=many", 400, "limit"),
        get("/api/chat/recent?thread_id=7", 400, "UUID"),
        get("/api/chat/deliver", 405, "method"),
        get("/api/projects", 404, "nothing at this path"),
        named("other", 404, "front-office"),
        named("No Slug", 400, "project id"),
    ])
    .await;
    executor.stop().await;
}

#[tokio::test]
async fn a_configured_token_is_required_of_everybody() {
    let stage = Stage::new().await;
    let mut settings = Stage::settings(&[("main", stage.script("echo hi"))]);
    settings.token = Some(SecretString::from("sesame"));
    let executor = Running::start(settings, stage.store.clone()).await;
    let question = stage.message("main", "hello").await;

    for token in [None, Some("sesam"), Some("sesame2")] {
        let client = executor.client(token);
        let outcome = client.deliver(question, &key("main"), "hello").await;
        assert!(
            matches!(&outcome, DeliverOutcome::Refused(why) if why.contains("token")),
            "{outcome:?}"
        );
        let check = client.executor_check().await;
        assert!(
            matches!(check, Err(ControlError::Status { status: 401, .. })),
            "{check:?}"
        );
        assert_eq!(client.healthz().await, Ok(()));
    }
    let basic = Client::new()
        .get(executor.url("/api/executor-check"))
        .basic_auth("x", Some("sesame"));
    assert_eq!(refusal(basic).await.0, 401);
    let client = executor.client(Some("sesame"));
    assert_eq!(
        client.deliver(question, &key("main"), "hello").await,
        DeliverOutcome::Done
    );
    assert!(client.executor_check().await.unwrap().is_ok());
    executor.stop().await;
}

#[tokio::test]
async fn beyond_loopback_it_listens_only_with_a_token() {
    let stage = Stage::new().await;
    let mut settings = Stage::settings(&[]);
    settings.listen = ([0, 0, 0, 0], 0).into();
    let error = Executor::start(settings, stage.store.clone(), Kick::default())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("executor.token"), "{error}");
}

#[tokio::test]
async fn a_taken_port_is_named_with_its_fix() {
    let stage = Stage::new().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut settings = Stage::settings(&[]);
    settings.listen = taken.local_addr().unwrap();
    let error = Executor::start(settings.clone(), stage.store.clone(), Kick::default())
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("executor.listen") && text.contains(&settings.listen.to_string()),
        "{text}"
    );
}

#[tokio::test]
async fn the_check_says_what_is_broken() {
    let stage = Stage::new().await;
    let good = stage.executor(stage.script("echo hi")).await;
    let health = good.client(None).executor_check().await.unwrap();
    assert!(health.is_ok() && health.built_in, "{health:?}");
    assert_eq!(health.version.as_deref(), Some(env!("CARGO_PKG_VERSION")));
    good.stop().await;

    let bad = stage
        .executor(AgentCommand::new(["no-such-program-anywhere"]))
        .await;
    let health = bad.client(None).executor_check().await.unwrap();
    assert_eq!(health.failures.len(), 1);
    assert!(
        health.failures[0].0 == "agents" && health.failures[0].1.contains("main"),
        "{health:?}"
    );
    stage.store.pool().close().await;
    let health = bad.client(None).executor_check().await.unwrap();
    assert!(
        health.failures.iter().any(|(name, _)| name == "database"),
        "{health:?}"
    );
    bad.stop().await;
}

#[tokio::test]
async fn what_is_posted_is_stored_and_read_back_newest_first() {
    let stage = Stage::new().await;
    let executor = stage
        .executor(stage.script("echo hi >> \"$1/asked\"; echo hi"))
        .await;
    let http = Client::new();
    let send = |body: Value| {
        answer(
            http.request(Method::POST, executor.url("/api/chat/post"))
                .json(&body),
        )
    };
    let room = Destination::NoThread;
    stage
        .store
        .post_message(NewMessage::text(room, "ui", "without a thread"))
        .await
        .unwrap();
    let (status, posted) = send(json!({"message": "one", "project_id": "ignored"})).await;
    assert_eq!((status, &posted["ok"]), (200, &json!(true)));
    let metadata = json!({"action_type": "create_task", "parameters": {"title": "nul \0"}});
    let proposal = json!({
        "message": "two\0", "author": "agent:ricky:main", "message_type": "task_proposal",
        "target_agent_key": "agent:main:main", "metadata": metadata,
    });
    let (_, second) = send(proposal).await;

    let thread = stage
        .store
        .find_or_create_thread(&Place::Room)
        .await
        .unwrap();
    let (_, all) = answer(http.get(executor.url("/api/chat/recent"))).await;
    let texts: Vec<&str> = all["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["message"].as_str().unwrap())
        .collect();
    assert_eq!(texts, ["two\u{fffd}", "one", "without a thread"]);
    assert_eq!(all["messages"][0]["id"], second["id"]);
    assert_eq!(all["messages"][1]["author"], "dashboard");
    assert_eq!(all["messages"][1]["thread_id"], json!(thread));
    let path = format!("/api/chat/recent?thread_id={thread}&limit=1");
    let (_, last) = answer(http.get(executor.url(&path))).await;
    assert_eq!(last["messages"].as_array().unwrap().len(), 1);
    let stored: (String, Value) = sqlx::query_as("SELECT message_type, metadata FROM project_chat_messages WHERE author = 'agent:ricky:main'")
        .fetch_one(stage.store.pool())
        .await
        .unwrap();
    assert_eq!(stored.0, "task_proposal");
    assert_eq!(stored.1["parameters"]["title"], "nul \u{fffd}");
    assert!(stage.lines("asked").is_empty(), "a post delivers nothing");
    executor.stop().await;
}
