//! `api_call`: what is on the list is called, once, with limits; nothing else is.

use std::time::Duration;

use serde_json::{Value, json};

use crate::approved::{SHORT, Target};
use crate::stage::{Running, Stage, eventually};

fn get(url: &str) -> Value {
    json!({"url": url, "method": "GET"})
}

/// An executor that may call a target.
async fn caller(stage: &Stage, target: &Target) -> Running {
    stage.actions(&[&target.addr.to_string()]).await
}

#[tokio::test]
async fn a_call_is_made_as_the_card_said_and_its_answer_is_told() {
    let stage = Stage::new().await;
    let target = Target::start().await;
    let parameters = json!({
        "url": target.url("/orders#part"), "method": "POST", "body_preview": "{",
        "headers": {"X-Token": "sesame", "Content-Type": "application/json"}, "body": "{\"a\": 1}",
    });
    let reference = stage.approve("api_call", parameters).await;
    let executor = caller(&stage, &target).await;
    let result = stage.executed(reference).await;
    assert_eq!(result, "HTTP 200 OK, 15 bytes: all is well now");
    assert_eq!(target.seen(), ["POST /orders sesame {\"a\": 1}"]);
    let told = stage.metadata(reference).await;
    assert_eq!(told["status"], "executed");
    assert_eq!(told["execution_result"], json!(result));
    executor.stop().await;
}

#[tokio::test]
async fn by_default_nothing_may_be_called() {
    let stage = Stage::new().await;
    let target = Target::start().await;
    let reference = stage.approve("api_call", get(&target.url("/"))).await;
    let executor = stage.actions(&[]).await;
    let result = stage.failed(reference).await;
    assert!(
        result.contains("executor.api_call.allowed_hosts"),
        "{result}"
    );
    assert_eq!(target.seen(), Vec::<String>::new());
    executor.stop().await;
}

#[tokio::test]
async fn what_is_not_on_the_list_is_never_called_however_it_is_spelled() {
    let stage = Stage::new().await;
    // The list names a host; a server stands where the tricks would lead.
    let trap = Target::start().await;
    let port = trap.addr.port();
    let urls = [
        format!("http://127.0.0.1:{port}/"),
        format!("http://localhost:{port}/"),
        format!("http://LOCALHOST.:{port}/"),
        format!("http://[::1]:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://0x7f.1:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("http://0177.0.0.1:{port}/"),
        format!("http://127.1:{port}/"),
        format!("http://0:{port}/"),
        format!("http://①②⑦.0.0.1:{port}/"),
        format!("http://listed.example\\@127.0.0.1:{port}/"),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://[fe80::1]/".to_owned(),
        "http://listed.example.:8080/".to_owned(),
        "http://listed.example:8081/".to_owned(),
    ];
    let mut references = Vec::new();
    for url in &urls {
        references.push(stage.approve("api_call", get(url)).await);
    }
    let executor = stage.actions(&["listed.example:8080"]).await;
    for (reference, url) in references.into_iter().zip(&urls) {
        let result = stage.failed(reference).await;
        assert!(result.contains("is not on the list"), "{url}: {result}");
        assert!(result.contains("Nothing was sent"), "{url}: {result}");
    }
    assert_eq!(trap.seen(), Vec::<String>::new());
    executor.stop().await;
}

#[tokio::test]
async fn a_name_on_the_list_is_called_where_it_leads_now_and_this_machine_only_by_its_own_name() {
    let stage = Stage::new().await;
    let target = Target::start().await;
    let url = format!("http://localhost:{}/", target.addr.port());
    let own = stage.approve("api_call", get(&url)).await;
    let lost = stage
        .approve("api_call", get("http://nowhere.invalid/"))
        .await;
    let executor = stage.actions(&["localhost", "nowhere.invalid"]).await;
    assert!(stage.executed(own).await.starts_with("HTTP 200 OK"));
    let result = stage.failed(lost).await;
    assert!(result.starts_with("The connection failed"), "{result}");
    executor.stop().await;
}

#[tokio::test]
async fn a_redirect_is_told_and_not_followed() {
    let stage = Stage::new().await;
    let (target, other) = (Target::start().await, Target::start().await);
    let mut references = Vec::new();
    let hosts = [other.addr.to_string(), "169.254.169.254".to_owned()];
    for host in &hosts {
        let url = target.url(&format!("/redirect/{host}"));
        references.push(stage.approve("api_call", get(&url)).await);
    }
    let executor = caller(&stage, &target).await;
    for (reference, host) in references.into_iter().zip(&hosts) {
        let result = stage.failed(reference).await;
        let told = format!("a redirect to http://{host}/landed, which is not followed");
        assert!(result.contains(&told), "{result}");
        assert!(!result.contains("secret"), "{result}");
    }
    assert_eq!(other.seen(), Vec::<String>::new());
    executor.stop().await;
}

#[tokio::test]
async fn an_answer_without_end_is_cut() {
    let stage = Stage::new().await;
    let target = Target::start().await;
    let large = stage.approve("api_call", get(&target.url("/large"))).await;
    let endless = stage
        .approve("api_call", get(&target.url("/endless")))
        .await;
    let executor = caller(&stage, &target).await;
    for (reference, letter) in [(large, "x"), (endless, "y")] {
        let result = stage.executed(reference).await;
        assert!(
            result.starts_with("HTTP 200 OK, more than 65536 bytes: "),
            "{result}"
        );
        let (_, shown) = result.split_once(": ").unwrap();
        assert_eq!(shown, format!("{}…", letter.repeat(1000)));
    }
    executor.stop().await;
}

#[tokio::test]
async fn a_server_that_says_no_makes_a_failure() {
    let stage = Stage::new().await;
    let target = Target::start().await;
    let reference = stage.approve("api_call", get(&target.url("/broken"))).await;
    let executor = caller(&stage, &target).await;
    let result = stage.failed(reference).await;
    assert_eq!(
        result,
        "HTTP 500 Internal Server Error, 14 bytes: it is \u{fffd} broken"
    );
    executor.stop().await;
}

#[tokio::test]
async fn a_server_that_is_silent_is_not_waited_for_and_not_called_again() {
    let stage = Stage::new().await;
    let target = Target::start().await;
    let parameters = json!({"url": target.url("/never"), "method": "POST"});
    let reference = stage.approve("api_call", parameters).await;
    let mut settings = stage.action_settings(&[&target.addr.to_string()]);
    settings.api_timeout = SHORT;
    let executor = Running::start(settings, stage.store.clone()).await;
    let result = stage.failed(reference).await;
    assert!(result.contains("no answer within 0.7 s"), "{result}");
    assert!(result.contains("may have been carried out"), "{result}");
    let other = stage.approve("api_call", get(&target.url("/after"))).await;
    stage.executed(other).await;
    assert_eq!(target.seen().len(), 2);
    executor.stop().await;
}

#[tokio::test]
async fn silent_servers_hold_up_no_other_action() {
    let stage = Stage::new().await;
    let target = Target::start().await;
    let slow = target.url("/gated");
    let first = stage.approve("api_call", get(&slow)).await;
    let executor = caller(&stage, &target).await;
    target.wait_for_requests(1).await;
    let quick = stage.approve("api_call", get(&target.url("/quick"))).await;
    stage.executed(quick).await;
    let mut calls = vec![first];
    for _ in 0..8 {
        calls.push(stage.approve("api_call", get(&slow)).await);
    }
    // More than are made at once: what needs no server goes on all the same.
    target.wait_for_requests(5).await;
    let inside = stage.approve("create_task", json!({"title": "x"})).await;
    stage.executed(inside).await;
    assert_eq!(target.seen().len(), 5);
    eventually("every call is answered", async || {
        target.open_the_gate();
        let open = "SELECT count(*) FROM bridge.decision WHERE state <> 'executed'";
        let open = stage.count(open).await;
        (open == 0).then_some(()).ok_or(format!("{open} are open"))
    })
    .await;
    assert_eq!(target.seen().len(), 10);
    executor.stop().await;
}

#[tokio::test]
async fn nobody_listening_is_a_failure_in_words() {
    let stage = Stage::new().await;
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let reference = stage
        .approve("api_call", get(&format!("http://{port}/?key=secret")))
        .await;
    let executor = stage.actions(&[&port.to_string()]).await;
    let result = stage.failed(reference).await;
    assert!(result.contains("Connection refused"), "{result}");
    assert!(
        result.contains("Nothing was sent") && !result.contains("secret"),
        "{result}"
    );
    executor.stop().await;
}

#[tokio::test]
async fn a_call_that_cannot_be_sent_as_it_is_is_not_sent() {
    let stage = Stage::new().await;
    let target = Target::start().await;
    let url = target.url("/");
    let mut references = Vec::new();
    for (parameters, word) in [
        (
            json!({"url": url, "method": "POST", "body_preview": "{..."}),
            "no `body`",
        ),
        (
            json!({"url": url, "method": "POST", "body": "x".repeat(1_048_577)}),
            "larger than",
        ),
        (
            json!({"url": url, "method": "GET", "headers": {"Host": "evil.example"}}),
            "host",
        ),
        (
            json!({"url": url, "method": "GET", "headers": {"Transfer-Encoding": "chunked"}}),
            "transfer-encoding",
        ),
        (
            json!({"url": url, "method": "GET", "headers": {"X": "a\r\nY: b"}}),
            "cannot be sent",
        ),
    ] {
        references.push((stage.approve("api_call", parameters).await, word));
    }
    let executor = caller(&stage, &target).await;
    for (reference, word) in references {
        let result = stage.failed(reference).await;
        assert!(
            result.contains(word) && result.contains("Nothing was sent"),
            "{result}"
        );
    }
    assert_eq!(target.seen(), Vec::<String>::new());
    executor.stop().await;
}

#[tokio::test]
async fn a_proxy_of_the_environment_is_not_asked() {
    // The variables of a process belong to all of its tests, so another process looks.
    let stage = Stage::new().await;
    let (target, proxy) = (Target::start().await, Target::start().await);
    let reference = stage.approve("api_call", get(&target.url("/direct"))).await;
    let config = stage.folder.path().join("bridge.toml");
    let file = format!(
        "[executor]\nlisten = \"127.0.0.1:0\"\n[executor.api_call]\nallowed_hosts = [\"{}\"]\n",
        target.addr
    );
    std::fs::write(&config, file).unwrap();
    let child = tokio::process::Command::new(env!("CARGO_BIN_EXE_clawdos-bridge"))
        .arg("executor")
        .arg("--config")
        .arg(&config)
        .arg("--data-dir")
        .arg(stage.folder.path())
        .env("DATABASE_URL", stage.database_url())
        .env("HTTP_PROXY", proxy.url(""))
        .env("http_proxy", proxy.url(""))
        .env("ALL_PROXY", proxy.url(""))
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let result = tokio::time::timeout(Duration::from_mins(1), stage.executed(reference)).await;
    assert!(result.unwrap().starts_with("HTTP 200 OK"));
    assert_eq!(proxy.seen(), Vec::<String>::new());
    drop(child);
}
