//! The server of these tests, proved with the official JavaScript client.

use std::{
    io::ErrorKind,
    process::Stdio,
    time::{Duration, Instant},
};

use clawdos_bridge::feed::{WebsocketSettings, websocket::Key};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

use crate::{
    listener::Listener,
    realtime::{KEY, Realtime, State},
    websocket::{ALL, hurried, settings},
};

/// The packages, as npm installs them. `ws` serves a Node.js without a websocket of its own.
const PACKAGES: [&str; 2] = ["@supabase/supabase-js@2.109.0", "ws@8.18.3"];

/// The token that the client uses once it is subscribed.
const RENEWED: &str = "eyJhbGciOiJIUzI1NiJ9.renewed-s3cret.key";

/// How long npm may take.
const INSTALLATION: Duration = Duration::from_mins(5);

const DEADLINE: Duration = Duration::from_secs(40);

/// A running official client.
struct Official {
    lines: Lines<BufReader<ChildStdout>>,
    history: Vec<Value>,
    /// Ends with the test.
    _child: Child,
    _folder: tempfile::TempDir,
}

impl Official {
    /// Installs and starts the client; nothing where there is no npm.
    async fn start(server: &Realtime, tables: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("package.json"), "{\"private\":true}").unwrap();
        let script = folder.path().join("official.mjs");
        std::fs::write(&script, include_str!("official.mjs")).unwrap();
        let npm = Command::new("npm")
            .args(["install", "--ignore-scripts", "--no-audit", "--no-fund"])
            .args(PACKAGES)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let npm = match timeout(INSTALLATION, npm).await.expect("npm in time") {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                eprintln!(
                    "\n*** SKIPPED: npm is missing, the server of these tests is unproved ***"
                );
                return None;
            }
            npm => npm.unwrap(),
        };
        let said = String::from_utf8_lossy(&npm.stderr);
        assert!(npm.status.success(), "npm install: {said}");
        let mut child = Command::new("node")
            .arg(&script)
            .args([server.url.as_str(), KEY, RENEWED, "front-office"])
            .args(tables)
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Some(Self {
            lines,
            history: Vec::new(),
            _child: child,
            _folder: folder,
        })
    }

    /// Waits until the client has said all of this, in whatever order.
    async fn says(&mut self, wanted: &[Value]) {
        let deadline = Instant::now() + DEADLINE;
        while !wanted.iter().all(|line| self.history.contains(line)) {
            let left = deadline.saturating_duration_since(Instant::now());
            match timeout(left, self.lines.next_line()).await {
                Ok(Ok(Some(line))) => self.history.push(serde_json::from_str(&line).unwrap()),
                other => panic!("{other:?}: {wanted:?} is not in {:#?}", self.history),
            }
        }
    }
}

fn row(id: &str, project: &str) -> Value {
    json!({ "id": id, "project_id": project, "title": "a" })
}

#[tokio::test]
async fn the_official_client_subscribes_to_this_server_and_hears_what_the_bridge_hears() {
    let server = Realtime::start(ALL).await;
    server.accept(RENEWED);
    let Some(mut official) = Official::start(&server, &["tasks", "agents"]).await else {
        return;
    };
    let confirmed = "Subscribed to PostgreSQL";
    let mut wanted = Vec::new();
    for table in ["tasks", "agents"] {
        wanted.push(json!(["status", [table, "SUBSCRIBED", null]]));
        wanted.push(json!([
            "system",
            [table, "postgres_changes", "ok", confirmed]
        ]));
    }
    official.says(&wanted).await;
    let (mut bridge, _) = Listener::realtime(settings(&server));
    bridge.connected_now().await;

    let (one, two) = (row("1", "front-office"), row("2", "elsewhere"));
    server.change("INSERT", "tasks", &two, &json!({}));
    server.change("INSERT", "tasks", &one, &json!({}));
    server.change("UPDATE", "tasks", &one, &json!({ "id": "1" }));
    server.change("INSERT", "agents", &row("3", "front-office"), &json!({}));
    server.change("DELETE", "tasks", &json!({}), &json!({ "id": "1" }));
    official
        .says(&[
            json!(["change", ["INSERT", "tasks", "1"]]),
            json!(["change", ["UPDATE", "tasks", "1"]]),
            json!(["change", ["INSERT", "agents", "3"]]),
            json!(["deleted", ["tasks", "1"]]),
        ])
        .await;
    let strange = |line: &Value| line[1][2] == "2" || line[1][0] == "DELETE";
    assert!(!official.history.iter().any(strange), "the filter holds");
    for line in [
        "insert tasks 1",
        "update tasks 1",
        "insert agents 3",
        "delete tasks 1",
    ] {
        assert_eq!(bridge.lines().await, [line]);
    }
}

/// The first frame of each kind in the channel of the tasks, and the first heartbeat.
async fn first_frames(server: &Realtime) -> [Value; 3] {
    let kinds = ["phx_join", "heartbeat", "access_token"];
    let first = |state: &State, kind: &str| {
        let fits = |frame: &&Value| {
            let topic = &frame[2];
            frame[3] == kind && (topic == "realtime:clawdos-bridge:tasks" || topic == "phoenix")
        };
        state.heard.iter().find(fits).cloned()
    };
    let [join, heartbeat, token] =
        kinds.map(|kind| async move { server.until(kind, |state| first(state, kind)).await });
    let (join, heartbeat, token) = tokio::join!(join, heartbeat, token);
    // A channel names itself in later frames by the number of its join.
    assert_eq!((&join[0], &token[0]), (&join[1], &join[0]));
    [join, heartbeat, token].map(|mut frame| {
        assert!(frame[1].as_str().unwrap().parse::<u64>().is_ok(), "{frame}");
        frame[1].take();
        if !frame[0].is_null() {
            frame[0] = json!("the join's number");
        }
        frame
    })
}

#[tokio::test]
async fn the_bridge_says_what_the_official_client_says_to_the_letter() {
    let server = Realtime::start(ALL).await;
    server.accept(RENEWED);
    let Some(_official) = Official::start(&server, &["tasks"]).await else {
        return;
    };
    let theirs = first_frames(&server).await;

    let server = Realtime::start(ALL).await;
    server.accept(RENEWED);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, KEY).unwrap();
    let settings = WebsocketSettings {
        key: Key::File(file.clone()),
        ..hurried(&server)
    };
    let (mut bridge, _) = Listener::realtime(settings);
    bridge.connected_now().await;
    std::fs::write(&file, RENEWED).unwrap();
    assert_eq!(first_frames(&server).await, theirs);
}

#[tokio::test]
async fn the_official_client_is_told_subscribed_of_a_table_that_is_not_published() {
    let server = Realtime::start(&["tasks"]).await;
    server.accept(RENEWED);
    let Some(mut official) = Official::start(&server, &["agents"]).await else {
        return;
    };
    // The failure this mission starts from: only the system message tells.
    official
        .says(&[json!(["status", ["agents", "SUBSCRIBED", null]])])
        .await;
    while !official.history.iter().any(|line| line[0] == "system") {
        let line = timeout(DEADLINE, official.lines.next_line()).await;
        let line = line.unwrap().unwrap().expect("the client lives");
        official.history.push(serde_json::from_str(&line).unwrap());
    }
    let system = official.history.iter().find(|line| line[0] == "system");
    assert_eq!(system.unwrap()[1][2], "error");
}
