//! The client towards executors that misbehave: what was surely not sent, what nobody can know.

use std::time::Duration;

use clawdos_bridge::control::{ControlClient, ControlError, DeliverOutcome};
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::stage::{key, unknown_message};

/// A server that answers every connection with the same bytes, then hangs up, or not.
struct Odd {
    url: String,
    task: JoinHandle<()>,
}

impl Drop for Odd {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn odd(answer: impl Into<Vec<u8>>, hang_up: bool) -> Odd {
    let answer = answer.into();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            request(&mut stream).await;
            // The client may have had enough before the end of an endless answer.
            let _ = stream.write_all(&answer).await;
            if !hang_up {
                kept.push(stream);
            }
        }
    });
    Odd { url, task }
}

/// Reads one request, its body included.
async fn request(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let size = stream.read(&mut chunk).await.unwrap();
        text.extend_from_slice(&chunk[..size]);
        let so_far = String::from_utf8_lossy(&text).to_lowercase();
        let Some((head, body)) = so_far.split_once("\r\n\r\n") else {
            assert!(size > 0, "the request is cut off: {so_far}");
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        if size == 0 || body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            return String::from_utf8_lossy(&text).into_owned();
        }
    }
}

fn http(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn client(url: &str) -> ControlClient {
    let token = Some(SecretString::from("sesame"));
    ControlClient::new(url, token, "front-office".parse().unwrap()).unwrap()
}

async fn deliver(url: &str) -> DeliverOutcome {
    let client = client(url).with_deliver_timeout(Duration::from_secs(1));
    client
        .deliver(unknown_message(), &key("main"), "hello")
        .await
}

#[tokio::test]
async fn what_never_left_may_be_sent_again() {
    let free = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    for url in [
        format!("http://{free}"),
        "http://no-such-host.invalid".to_owned(),
    ] {
        let outcome = deliver(&url).await;
        assert!(
            matches!(outcome, DeliverOutcome::NotSent(_)),
            "{url}: {outcome:?}"
        );
    }
    let server = odd(
        http(
            "503 Unavailable",
            r#"{"ok":false,"error":"closing","ran":false}"#,
        ),
        true,
    )
    .await;
    let outcome = deliver(&server.url).await;
    assert!(matches!(outcome, DeliverOutcome::NotSent(_)), "{outcome:?}");
}

#[tokio::test]
async fn what_left_without_a_clear_answer_is_unknown() {
    let endless = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n{}",
        " ".repeat(400_000)
    );
    let cases: [(String, bool); 9] = [
        (String::new(), false),
        (String::new(), true),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{\"ok\":".to_owned(),
            true,
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{\"ok\":".to_owned(),
            false,
        ),
        ("this is not http\r\n\r\n".to_owned(), true),
        (http("200 OK", "<html>"), true),
        (http("200 OK", r#"{"ok":false}"#), true),
        (
            http(
                "500 Internal Server Error",
                r#"{"ok":false,"error":"boom"}"#,
            ),
            true,
        ),
        (endless, true),
    ];
    for (answer, hang_up) in cases {
        let server = odd(answer.clone(), hang_up).await;
        let outcome = deliver(&server.url).await;
        let shown: String = answer.chars().take(80).collect();
        assert!(
            matches!(outcome, DeliverOutcome::Unknown(_)),
            "{shown:?}: {outcome:?}"
        );
    }
}

#[tokio::test]
async fn an_executor_that_says_no_is_believed() {
    let server = odd(
        http("404 Not Found", r#"{"ok":false,"error":"task_not_found"}"#),
        true,
    )
    .await;
    let DeliverOutcome::Refused(why) = deliver(&server.url).await else {
        panic!("a 404 is a refusal");
    };
    assert!(
        why.contains("404") && why.contains("task_not_found"),
        "{why}"
    );
    let moved = odd(
        "HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n",
        true,
    )
    .await;
    assert!(matches!(
        deliver(&moved.url).await,
        DeliverOutcome::Refused(_)
    ));
    let failed = http(
        "500 Internal Server Error",
        r#"{"ok":false,"error":"exit 1","ran":true}"#,
    );
    let server = odd(failed, true).await;
    assert_eq!(
        deliver(&server.url).await,
        DeliverOutcome::Failed("exit 1".to_owned())
    );
    let server = odd(http("200 OK", r#"{"ok":true}"#), true).await;
    assert_eq!(deliver(&server.url).await, DeliverOutcome::Done);
}

#[tokio::test]
async fn a_check_that_cannot_be_read_is_an_error_in_words() {
    let server = odd(http("200 OK", "[1]"), true).await;
    let check = client(&server.url).executor_check().await;
    assert!(matches!(check, Err(ControlError::Garbage(_))), "{check:?}");
    let server = odd(http("500 Oops", r#"{"error":"spawn E2BIG"}"#), true).await;
    let check = client(&server.url).executor_check().await;
    assert!(
        matches!(&check, Err(ControlError::Status { status: 500, message }) if message == "spawn E2BIG"),
        "{check:?}"
    );
    let server = odd("", true).await;
    let check = client(&server.url).executor_check().await;
    let Err(error @ ControlError::Unreachable(_)) = &check else {
        panic!("{check:?}");
    };
    assert!(!format!("{error} {error:?}").contains("sesame"));
    let server = odd(
        http(
            "200 OK",
            r#"{"binary":null,"version":null,"checks":{"resolve":{"ok":false}}}"#,
        ),
        true,
    )
    .await;
    assert!(!client(&server.url).executor_check().await.unwrap().is_ok());
}

#[tokio::test]
async fn every_request_names_project_and_token_and_is_sent_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let one_connection = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = request(&mut stream).await;
        drop(stream);
        let again = tokio::time::timeout(Duration::from_millis(300), listener.accept()).await;
        (request, again.is_ok())
    };
    let (outcome, (request, again)) = tokio::join!(deliver(&url), one_connection);
    assert!(matches!(outcome, DeliverOutcome::Unknown(_)), "{outcome:?}");
    assert!(!again, "a delivery was sent twice");
    assert!(
        request.starts_with("POST /api/chat/deliver HTTP/1.1"),
        "{request}"
    );
    assert!(
        request.contains("x-clawdos-project: front-office"),
        "{request}"
    );
    assert!(
        request.contains("authorization: Bearer sesame"),
        "{request}"
    );
    assert!(!format!("{:?}", client(&url)).contains("sesame"));
}
