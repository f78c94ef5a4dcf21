//! The process as a supervisor meets it: signals, exit codes, health pages.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, ExitCode, Stdio};
use std::time::Duration;

use chrono::DateTime;
use clawdos_bridge::clock::Clock;
use clawdos_bridge::config::{DEFAULT_LOG_FILTER, LogConfig, LogFormat};
use clawdos_bridge::health::{self, Readiness};
use clawdos_bridge::lifecycle::Lifecycle;
use clawdos_bridge::telemetry;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

const ROLE: &str = "LIFECYCLE_TEST_ROLE";

/// This test program again, as a bridge whose only part has a role to play.
struct Bridge {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Bridge {
    fn start(role: &str) -> Self {
        let program = std::env::current_exe().expect("this program");
        let mut child = std::process::Command::new(program)
            .args(["--exact", "child", "--nocapture", "--test-threads=1"])
            .env(ROLE, role)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a child process");
        let lines = BufReader::new(child.stdout.take().expect("its output"));
        let mut bridge = Self { child, lines };
        bridge.wait_for("up");
        bridge
    }

    fn wait_for(&mut self, wanted: &str) {
        let mut line = String::new();
        while line.trim_end() != wanted {
            line.clear();
            let read = self.lines.read_line(&mut line).expect("readable output");
            assert!(read > 0, "ended without saying {wanted:?}");
        }
    }

    fn send(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("a process id");
        kill(Pid::from_raw(pid), signal).expect("a delivered signal");
    }

    /// Its exit code, the rest of its output, and what it logged.
    fn end(mut self) -> (i32, String, String) {
        let (mut output, mut log) = (String::new(), String::new());
        self.lines
            .read_to_string(&mut output)
            .expect("readable output");
        let mut stderr = self.child.stderr.take().expect("its log");
        stderr.read_to_string(&mut log).expect("a readable log");
        let status = self.child.wait().expect("an exit status");
        (
            status.code().expect("an exit code, not a signal"),
            output,
            log,
        )
    }
}

fn log_config(filter: &str) -> LogConfig {
    LogConfig {
        format: LogFormat::Text,
        filter: filter.to_owned(),
    }
}

#[test]
fn child() {
    let Ok(role) = std::env::var(ROLE) else {
        // Only the tests that start it as a child process give it one.
        return;
    };
    telemetry::init(&log_config(DEFAULT_LOG_FILTER)).expect("telemetry");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let code = runtime.block_on(async move {
        let mut lifecycle = Lifecycle::start().expect("signals");
        let token = lifecycle.token();
        for hook in ["database", "lanes"] {
            lifecycle.on_shutdown(hook, async move {
                println!("closed {hook}");
                Ok(())
            });
        }
        lifecycle.spawn("feed", async move {
            // The test runner has begun a line of its own.
            println!("\nup");
            match role.as_str() {
                "returns" => return Ok(()),
                "fails" => anyhow::bail!("the slot is gone"),
                "panics" => panic!("index out of bounds"),
                _ => token.cancelled().await,
            }
            println!("draining");
            if role == "stubborn" {
                std::future::pending::<()>().await;
            }
            Ok(())
        });
        lifecycle.run().await
    });
    std::process::exit(i32::from(code != ExitCode::SUCCESS));
}

#[test]
fn sigterm_and_ctrl_c_drain_the_parts_then_run_the_hooks_newest_first_and_exit_zero() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let bridge = Bridge::start("obedient");
        bridge.send(signal);
        let (code, output, log) = bridge.end();
        assert_eq!(code, 0, "{signal}: {log}");
        let order: Vec<_> = output.lines().collect();
        assert_eq!(
            order,
            ["draining", "closed lanes", "closed database"],
            "{signal}"
        );
    }
}

#[test]
fn a_part_that_ends_by_itself_ends_the_process_non_zero_and_is_named() {
    for (role, why) in [
        ("returns", "nobody asked it to stop"),
        ("fails", "the slot is gone"),
        ("panics", "it panicked: index out of bounds"),
    ] {
        let (code, output, log) = Bridge::start(role).end();
        assert_eq!(code, 1, "{role}: {log}");
        assert!(
            log.contains("part `feed` failed") && log.contains(why),
            "{role}: {log}"
        );
        assert!(output.contains("closed database"), "{role}: {output}");
    }
}

#[test]
fn a_second_ctrl_c_ends_it_at_once() {
    let mut bridge = Bridge::start("stubborn");
    bridge.send(Signal::SIGINT);
    bridge.wait_for("draining");
    bridge.send(Signal::SIGINT);
    let (code, output, log) = bridge.end();
    assert_eq!(code, 130, "{log}");
    assert!(!output.contains("closed"), "{output}");
}

#[tokio::test(start_paused = true)]
async fn a_part_that_does_not_stop_is_cut_off_and_the_exit_code_says_so() {
    let mut lifecycle = Lifecycle::without_signals();
    let (alive, cut_off) = tokio::sync::oneshot::channel::<()>();
    lifecycle.spawn("stubborn", async move {
        let _alive = alive;
        std::future::pending().await
    });
    lifecycle.on_shutdown("database", async move {
        // Answered when the part lets go of its end.
        let _ = cut_off.await;
        Ok(())
    });
    lifecycle.token().cancel();
    let began = tokio::time::Instant::now();
    assert_ne!(lifecycle.run().await, ExitCode::SUCCESS);
    assert!(
        began.elapsed() < Duration::from_secs(9),
        "the hook waited for the part"
    );
}

#[tokio::test(start_paused = true)]
async fn hooks_that_hang_cannot_hold_up_the_exit_beyond_ten_seconds() {
    let mut lifecycle = Lifecycle::without_signals();
    lifecycle.spawn("stubborn", std::future::pending());
    for hook in ["database", "sandbox", "lanes"] {
        lifecycle.on_shutdown(hook, std::future::pending());
    }
    lifecycle.token().cancel();
    let began = tokio::time::Instant::now();
    assert_ne!(lifecycle.run().await, ExitCode::SUCCESS);
    assert!(began.elapsed() <= Duration::from_secs(10));
}

async fn get(address: SocketAddr, page: &str) -> (u16, String) {
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let request = client.get(format!("http://{address}{page}"));
    let answer = request.send().await.expect("an answer");
    let status = answer.status().as_u16();
    (status, answer.text().await.expect("a body"))
}

async fn ready_page(address: SocketAddr) -> (u16, Value) {
    let (status, body) = get(address, "/readyz").await;
    (status, serde_json::from_str(&body).expect("JSON"))
}

#[tokio::test]
async fn the_health_pages_tell_alive_from_ready_and_name_the_part_that_is_not() {
    let prometheus = telemetry::init(&log_config("off")).expect("telemetry");
    let (clock, hands) = Clock::manual(DateTime::UNIX_EPOCH);
    let readiness = Readiness::new(clock);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let cancel = CancellationToken::new();
    let serving = health::serve(listener, readiness.clone(), prometheus, cancel.clone());
    let serving = tokio::spawn(serving);

    assert_eq!(get(address, "/healthz").await.0, 200);
    assert_eq!(ready_page(address).await.0, 503, "no part is not ready");

    let (discord, database) = (readiness.part("discord"), readiness.part("database"));
    discord.ok();
    hands.advance(Duration::from_mins(1));
    database.failed("the server refuses the connection");
    database.failed("the server still refuses the connection");
    let (status, page) = ready_page(address).await;
    assert_eq!((status, &page["ready"]), (503, &Value::Bool(false)));
    assert_eq!(page["parts"]["discord"]["ok"], true);
    let detail = &page["parts"]["database"]["detail"];
    assert_eq!(detail, "the server still refuses the connection");
    assert_eq!(page["parts"]["database"]["since"], "1970-01-01T00:00:00Z");

    database.ok_with("embedded");
    let ready = tokio::time::timeout(Duration::from_secs(5), readiness.ready());
    ready.await.expect("ready");
    let (status, page) = ready_page(address).await;
    assert_eq!((status, &page["ready"]), (200, &Value::Bool(true)));
    assert_eq!(page["parts"]["discord"]["since"], "1970-01-01T00:00:00Z");
    assert_eq!(page["parts"]["database"]["since"], "1970-01-01T00:01:00Z");

    cancel.cancel();
    let stopped = tokio::time::timeout(Duration::from_secs(5), serving).await;
    stopped
        .expect("in time")
        .expect("no panic")
        .expect("no error");
}

#[tokio::test]
async fn metrics_carry_their_names_labels_and_meaning() {
    let prometheus = telemetry::init(&log_config("off")).expect("telemetry");
    let again = telemetry::init(&log_config("off")).expect("telemetry");
    let labels = [("outcome", "sent")];
    metrics::counter!(telemetry::REST_REQUESTS, &labels).increment(3);
    metrics::histogram!(telemetry::COMMIT_TO_REQUEST).record(0.000_3);
    let text = prometheus.render();
    for line in [
        "# HELP bridge_rest_requests_total REST requests",
        "bridge_rest_requests_total{outcome=\"sent\"} 3",
        "bridge_commit_to_request_seconds_bucket{le=\"0.00025\"} 0",
        "bridge_commit_to_request_seconds_bucket{le=\"0.0005\"} 1",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert_eq!(
        text,
        again.render(),
        "two bridges in one process share their numbers"
    );
}
