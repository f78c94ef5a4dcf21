//! `clawdos-bridge backfill`: old comments and outputs become events, once, whatever happens meanwhile.

mod embedded;
mod exact;
mod interrupted;
mod many;
mod told;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Map, Value};
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, PgPool};
use tokio::process::{Child, Command};

use crate::harness::postgres::{TestDatabase, create_database};

/// A task that everything happens in.
const TASK: &str = "10000000-0000-0000-0000-0000000000aa";

/// How a run ended.
pub struct Ended {
    /// The exit code; none where a signal ended it.
    pub code: Option<i32>,
    /// The report.
    pub report: String,
    /// What it said on the way.
    pub progress: String,
}

impl Ended {
    /// It ended well, and its report says this.
    pub fn says(&self, what: &str) -> &Self {
        let Self {
            code,
            report,
            progress,
        } = self;
        assert!(
            report.contains(what),
            "{what:?}: {code:?}\n{report}\n{progress}"
        );
        self
    }

    /// How it ended.
    pub fn code(&self, code: i32) -> &Self {
        let Self {
            report, progress, ..
        } = self;
        assert_eq!(self.code, Some(code), "{report}\n{progress}");
        self
    }
}

/// A run that is begun.
pub fn begin(data: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_clawdos-bridge"))
        .arg("backfill")
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

/// Waits for its end.
pub async fn end(run: Child) -> Ended {
    let ended = run.wait_with_output().await.expect("it ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended {
        code: ended.status.code(),
        report: text(&ended.stdout),
        progress: text(&ended.stderr),
    }
}

/// A database with old rows.
pub struct Stage {
    /// Its connections.
    pub pool: PgPool,
    database: TestDatabase,
    folder: tempfile::TempDir,
}

impl Stage {
    /// A migrated database with one task.
    pub async fn new() -> Self {
        let stage = Self::on(create_database().await).await;
        stage
            .run(
                "INSERT INTO projects (id, name) VALUES ('front-office', 'Front Office'),
                     ('claw-solutions', 'Claw Solutions') ON CONFLICT DO NOTHING;
                 INSERT INTO tasks (id, project_id, title)
                     VALUES ('10000000-0000-0000-0000-0000000000aa', 'front-office', 'A task')",
            )
            .await;
        stage
    }

    /// On this database.
    pub async fn on(database: TestDatabase) -> Self {
        Self {
            pool: database.pool().await,
            database,
            folder: tempfile::tempdir().expect("the temporary folder is writable"),
        }
    }

    /// The same with so many comments of the task, a second apart.
    pub async fn with_comments(count: i32) -> Self {
        let stage = Self::new().await;
        sqlx::query(
            "INSERT INTO task_comments (id, project_id, task_id, author_agent_key, content, created_at)
             SELECT ('40000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, 'front-office',
                    $2::text::uuid, 'agent:ricky:main', 'Comment ' || n,
                    timestamptz '2026-01-01' + n * interval '1 s'
             FROM generate_series(1, $1) AS n",
        )
        .bind(count)
        .bind(TASK)
        .execute(&stage.pool)
        .await
        .expect("comments can be written");
        stage
    }

    /// Executes statements; several in one string are one transaction.
    pub async fn run(&self, sql: &str) {
        let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
            .execute(&self.pool)
            .await;
        done.unwrap_or_else(|error| panic!("{error}, in:\n{sql}"));
    }

    /// Asks for one number.
    pub async fn number(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql)
            .fetch_one(&self.pool)
            .await
            .expect("a number")
    }

    /// How many comments are events.
    pub async fn converted(&self) -> i64 {
        self.number("SELECT count(*) FROM task_events WHERE metadata ? 'legacy_comment_id'")
            .await
    }

    /// Nothing is missing, and nothing is there twice.
    pub async fn is_exact(&self) {
        let wrong = "SELECT count(*) FROM task_comments c FULL JOIN
                 (SELECT * FROM task_events WHERE metadata ? 'legacy_comment_id') e
                 ON e.metadata = jsonb_build_object('legacy_comment_id', c.id::text)
                    AND e.event_type = 'comment' AND e.author = coalesce(c.author_agent_key, 'ui')
                    AND e.content = c.content AND e.created_at = c.created_at
                    AND e.task_id = c.task_id AND e.project_id = c.project_id
             WHERE c.id IS NULL OR e.id IS NULL";
        assert_eq!(self.number(wrong).await, 0);
        let events = self.converted().await;
        assert_eq!(
            events,
            self.number("SELECT count(*) FROM task_comments").await
        );
    }

    /// Begins a run on it.
    pub fn begin(&self, arguments: &[&str]) -> Child {
        begin(
            self.folder.path(),
            arguments,
            &[("DATABASE_URL", self.database.url())],
        )
    }

    /// A whole run on it.
    pub async fn backfill(&self, arguments: &[&str]) -> Ended {
        end(self.begin(arguments)).await
    }

    /// Every row of the tables of this schema with where it lies and the transaction that wrote it.
    pub async fn contents(
        &self,
        schema: &str,
    ) -> BTreeMap<String, Vec<(String, Map<String, Value>)>> {
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT relname::text FROM pg_class
             WHERE relkind = 'r' AND relnamespace = $1::text::regnamespace",
        )
        .bind(schema)
        .fetch_all(&self.pool)
        .await
        .expect("tables can be listed");
        let mut contents = BTreeMap::new();
        for table in tables {
            let rows: Vec<(String, Json<Map<String, Value>>)> = sqlx::query_as(AssertSqlSafe(format!(
                "SELECT xmin::text || ' ' || ctid::text, to_jsonb(t) FROM {schema}.{table} t ORDER BY ctid"
            )))
            .fetch_all(&self.pool)
            .await
            .expect("rows can be read");
            let rows = rows.into_iter().map(|(place, row)| (place, row.0));
            contents.insert(table, rows.collect());
        }
        contents
    }
}
