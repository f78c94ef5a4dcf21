//! Sent, not sent, or unknown: what a caller is told, and that it is true.

use std::time::{Duration, Instant};

use clawdos_bridge::discord::lanes::Class;
use clawdos_bridge::discord::rest::{
    ErrorKind, FilePart, Mentions, Outcome, Page, Request, RestError, Route,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::discord::{BOT_TOKEN, Discord, Limits, Scripted, connect, webhook};

#[derive(Debug, Deserialize)]
struct Created {
    id: String,
}

fn post(channel: u64) -> Request {
    Request::new(Route::create_message(channel)).json(&json!({"content": "x"}))
}

fn unknown<T: std::fmt::Debug>(outcome: Outcome<T>) -> RestError {
    match outcome {
        Outcome::Unknown(error) => error,
        other => panic!("not unknown: {other:?}"),
    }
}

fn not_sent<T: std::fmt::Debug>(outcome: Outcome<T>) -> RestError {
    match outcome {
        Outcome::NotSent(error) => error,
        other => panic!("it may have been sent: {other:?}"),
    }
}

/// A server that reads one request per connection, writes this, and hangs up.
async fn hanging_up(answer: &'static [u8]) -> (String, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let server = tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = [0; 8192];
            let _ = socket.read(&mut request).await;
            let _ = socket.write_all(answer).await;
            let _ = socket.shutdown().await;
        }
    });
    (format!("http://{address}/api/v10"), server)
}

#[tokio::test]
async fn a_success_holds_what_the_caller_reads_from_it() {
    let (discord, _, lanes) = Discord::start(Limits::default()).await;
    let outcome = lanes
        .submit(Class::Backlog, post(1))
        .await
        .json::<Created>();
    assert_eq!(outcome.into_result().expect("sent").id, "1");
    let seen = &discord.seen()[0];
    assert_eq!(seen.headers["authorization"], format!("Bot {BOT_TOKEN}"));
    assert!(
        seen.headers["user-agent"]
            .as_bytes()
            .starts_with(b"DiscordBot (https://")
    );
    assert_eq!(seen.body["allowed_mentions"], json!({"parse": []}));
}

#[tokio::test]
async fn the_bot_token_goes_to_no_endpoint_that_has_its_own() {
    let (discord, _, lanes) = Discord::start(Limits::default()).await;
    let hook = webhook(1);
    for route in [
        Route::execute_webhook(&hook, Some(9)),
        Route::edit_webhook_message(&hook, 5, None),
        Route::interaction_callback(3, "interaction-token"),
        Route::edit_original(4, "interaction-token"),
    ] {
        let request = Request::new(route).json(&json!({"type": 4, "data": {"content": "x"}}));
        assert!(lanes.submit(Class::Interactive, request).await.is_sent());
    }
    for seen in discord.seen() {
        assert!(!seen.headers.contains_key("authorization"), "{}", seen.what);
        let at_the_top = seen.body["allowed_mentions"].is_object();
        let in_data = seen.body["data"]["allowed_mentions"].is_object();
        assert!(at_the_top != in_data, "{}", seen.what);
    }
}

#[tokio::test]
async fn files_travel_beside_a_guarded_document() {
    let (discord, _, lanes) = Discord::start(Limits::default()).await;
    let file = FilePart {
        name: "notes.txt".into(),
        content_type: Some("text/plain".into()),
        data: "the file's words".into(),
    };
    let request = Request::new(Route::create_message(1))
        .json_notifying(&json!({"content": "x"}), &Mentions::none().users([42]))
        .files(vec![file])
        .audit_reason("because");
    assert!(lanes.submit(Class::Backlog, request).await.is_sent());
    let seen = &discord.seen()[0];
    let body = seen.body.as_str().expect("multipart is text here");
    assert!(body.contains(r#""allowed_mentions":{"parse":[],"users":["42"]}"#));
    assert!(body.contains(r#"name="files[0]"; filename="notes.txt""#));
    assert!(body.contains("the file's words"));
    assert_eq!(seen.headers["x-audit-log-reason"], "because");
}

#[tokio::test]
async fn no_answer_in_time_is_unknown_and_not_repeated() {
    let (discord, _, lanes) = Discord::start(Limits::default()).await;
    let late = Scripted::status(200, json!({"id": "1"})).delayed(Duration::from_secs(30));
    discord.script("POST /channels/1/messages", late);
    let request = post(1).timeout(Duration::from_millis(200));
    let error = unknown(lanes.submit(Class::Backlog, request).await);
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(discord.asked().len(), 1);
}

#[tokio::test]
async fn a_connection_that_is_refused_is_not_sent_after_the_callers_patience() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let (_, lanes) = connect(&format!("http://{address}/api/v10"));
    let patience = Duration::from_millis(700);
    let began = Instant::now();
    let request = post(1).give_up_after(patience);
    let error = not_sent(lanes.submit(Class::Backlog, request).await);
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(began.elapsed() >= patience);
    assert!(error.to_string().contains("DISCORD_API_BASE"), "{error}");
}

#[tokio::test]
async fn a_connection_that_breaks_is_unknown_before_and_inside_the_answer() {
    let (api, _server) = hanging_up(b"").await;
    let (_, lanes) = connect(&api);
    let error = unknown(lanes.submit(Class::Backlog, post(1)).await);
    assert_eq!(error.kind(), ErrorKind::Interrupted);

    let (api, _server) =
        hanging_up(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"id\": \"1").await;
    let (_, lanes) = connect(&api);
    let outcome = lanes.submit(Class::Backlog, post(1)).await;
    // It happened; only who needs the answer does not know what.
    assert!(outcome.is_sent());
    let error = unknown(outcome.json::<Created>());
    assert_eq!(error.kind(), ErrorKind::Unreadable);
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let (discord, _, lanes) = Discord::start(Limits::default()).await;
    let huge = Scripted::status(200, Value::String("x".repeat(9 * 1024 * 1024)));
    discord.script("GET /channels/1/messages", huge);
    let request = Request::new(Route::get_messages(1, Page::Latest, 100));
    let error = unknown(lanes.submit(Class::Backlog, request).await.json::<Value>());
    assert_eq!(error.kind(), ErrorKind::Unreadable);
}

#[tokio::test]
async fn a_failing_discord_is_asked_again_only_where_a_repeat_is_harmless() {
    let (discord, _, lanes) = Discord::start(Limits::default()).await;
    let failure = || Scripted::status(503, json!({"message": "Service unavailable"}));
    discord.script("POST /channels/1/messages", failure());
    let error = unknown(lanes.submit(Class::Backlog, post(1)).await);
    assert_eq!(
        (error.kind(), error.status()),
        (ErrorKind::ServerFailed, Some(503))
    );
    assert_eq!(discord.asked().len(), 1);

    discord.script("PATCH /channels/1/messages/5", failure());
    discord.script("PATCH /channels/1/messages/5", failure());
    let edit = Request::new(Route::edit_message(1, 5)).json(&json!({"content": "x"}));
    assert!(lanes.submit(Class::Edit, edit).await.is_sent());
    assert_eq!(discord.asked().len(), 4);

    // With a nonce, Discord itself makes a repeated post harmless.
    discord.script("POST /channels/1/messages", failure());
    assert!(
        lanes
            .submit(Class::Backlog, post(1).repeatable())
            .await
            .is_sent()
    );
    assert_eq!(discord.asked().len(), 6);
}

#[tokio::test]
async fn what_may_have_happened_is_not_called_not_sent_later() {
    let (discord, _, lanes) = Discord::start(Limits::default()).await;
    let gone = json!({"message": "Unknown Message", "code": 10008});
    discord.script(
        "DELETE /channels/1/messages/5",
        Scripted::status(502, json!({})),
    );
    discord.script("DELETE /channels/1/messages/5", Scripted::status(404, gone));
    let delete = Request::new(Route::delete_message(1, 5));
    let error = unknown(lanes.submit(Class::Edit, delete).await);
    assert_eq!(error.code(), Some(10008));
}

#[tokio::test]
async fn draining_finishes_what_was_sent_and_refuses_the_rest() {
    let (discord, _, lanes) = Discord::start(Limits::default()).await;
    let slow = Scripted::status(200, json!({"id": "1"})).delayed(Duration::from_millis(300));
    discord.script("POST /channels/1/messages", slow);
    let running = lanes.submit(Class::Backlog, post(1));
    discord.arrived(1).await;
    let waiting = lanes.submit(Class::Backlog, post(1));
    let drained = lanes.drain(Duration::from_secs(5)).await;
    assert_eq!(drained.unfinished, 0);
    assert!(running.await.is_sent());
    assert_eq!(not_sent(waiting.await).kind(), ErrorKind::Stopping);
    let late = not_sent(lanes.submit(Class::Interactive, post(2)).await);
    assert_eq!(late.kind(), ErrorKind::Stopping);
    assert_eq!(discord.asked().len(), 1);
}

#[tokio::test]
async fn draining_does_not_wait_beyond_its_deadline() {
    let (discord, _, lanes) = Discord::start(Limits::default()).await;
    let never = Scripted::status(200, json!({})).delayed(Duration::from_mins(1));
    discord.script("POST /channels/1/messages", never);
    let _running = lanes.submit(Class::Backlog, post(1));
    discord.arrived(1).await;
    let drained = lanes.drain(Duration::from_millis(50)).await;
    assert_eq!(drained.unfinished, 1);
}
