//! `clawdos-bridge doctor`: what it finds, what it says, and that it leaves nothing behind.

mod control;
mod database;
mod discord;
mod embedded;

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tokio::process::{Child, Command};

use crate::harness::world::World;

/// The tables that have to have a latency.
const TABLES: usize = 19;

/// How a look ended.
pub struct Examined {
    /// The exit code.
    pub code: Option<i32>,
    /// What it printed.
    pub text: String,
    /// The same, where it is JSON.
    pub report: Value,
}

impl Examined {
    /// The first check of this name.
    pub fn check(&self, name: &str) -> &Value {
        let checks = self.report["checks"].as_array().into_iter().flatten();
        let mut checks = checks.filter(|check| check["name"] == name);
        let first = checks.next();
        first.unwrap_or_else(|| panic!("no check {name:?}:\n{}", self.text))
    }

    /// Status and found of the first check of this name, in one line.
    pub fn says(&self, name: &str) -> String {
        let check = self.check(name);
        let text = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
        format!("{}: {}", text("status"), text("found"))
    }

    /// What is to be done about the first check of this name.
    pub fn step(&self, name: &str) -> &str {
        self.check(name)["next_step"].as_str().unwrap_or_default()
    }

    /// Names of checks that are no success.
    pub fn complaints(&self) -> Vec<&str> {
        let checks = self.report["checks"].as_array().into_iter().flatten();
        let bad = checks.filter(|check| check["status"] != "ok");
        bad.filter_map(|check| check["name"].as_str()).collect()
    }

    /// Tables with a latency.
    pub fn latencies(&self) -> usize {
        let checks = self.report["checks"].as_array().into_iter().flatten();
        let timed = checks.filter(|check| check["latency_ms"].as_f64().is_some_and(|ms| ms > 0.0));
        timed.filter(|check| check["status"] == "ok").count()
    }
}

/// A look that is begun.
pub fn begin(data: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_clawdos-bridge"))
        .arg("doctor")
        .arg("--data-dir")
        .arg(data)
        .args(arguments)
        .env_clear()
        .envs(std::env::vars().filter(|(name, _)| name == "PATH" || name == "HOME"))
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the binary can be started")
}

/// A whole look.
pub async fn examine(data: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Examined {
    let ended = begin(data, arguments, environment)
        .wait_with_output()
        .await
        .expect("it ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&ended.stdout), text(&ended.stderr));
    assert_eq!(err, "", "the report says it all:\n{out}");
    Examined {
        code: ended.status.code(),
        report: serde_json::from_str(&out).unwrap_or_default(),
        text: out,
    }
}

/// A look at this world, as JSON.
pub async fn examine_world(world: &World) -> Examined {
    examine(&world.data_dir(), &["--json"], &world.environment()).await
}

/// How many rows of the probe are in the database.
pub async fn probe_rows(pool: &sqlx::PgPool) -> i64 {
    sqlx::query_scalar(
        "SELECT sum((xpath('/row/rows/text()', query_to_xml(format(
                 'SELECT count(*) AS rows FROM public.%I AS t
                  WHERE to_jsonb(t)::text LIKE ''%%bridge-doctor-probe%%''', relname),
             false, true, '')))[1]::text::bigint)::bigint
         FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'",
    )
    .fetch_one(pool)
    .await
    .expect("the tables can be counted")
}
