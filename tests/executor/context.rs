//! What an agent is told before its turn: looked up for each one, bounded, and never a reason for no turn.

use clawdos_bridge::executor::AgentCommand;
use clawdos_bridge::model::context::{Part, assemble};
use clawdos_bridge::model::delivery::DeliveryStatus;
use serde_json::Value;

use crate::stage::{Stage, key};

impl Stage {
    /// An agent that answers with its context, as it gets it on standard input.
    fn tells_its_input(&self) -> AgentCommand {
        let file = self.folder.path().join("input");
        AgentCommand::new([
            "/bin/sh".to_owned(),
            "-c".to_owned(),
            format!("cat > {}; echo done", file.display()),
        ])
    }

    fn input(&self) -> Value {
        let text = std::fs::read_to_string(self.folder.path().join("input")).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    async fn sql(&self, statements: &'static str) {
        sqlx::raw_sql(statements)
            .execute(self.store.pool())
            .await
            .unwrap();
    }

    /// A turn about a message, to its end.
    async fn turn(&self, text: &str) -> String {
        let (message, _) = self.say("main", text, DeliveryStatus::Queued).await;
        self.wait_for_status(message, "main", DeliveryStatus::Processed)
            .await;
        self.replies(message).await.concat()
    }
}

#[tokio::test]
async fn each_turn_is_told_what_is_so_now() {
    let stage = Stage::new().await;
    stage
        .sql(
            "DELETE FROM brain_docs;
             INSERT INTO projects (id, name) VALUES ('other', 'Other') ON CONFLICT DO NOTHING;
             INSERT INTO brain_docs (project_id, agent_key, doc_type, content) VALUES
                ('front-office', 'project', 'mission', 'Ring the bells.'),
                ('front-office', 'project', 'project_overview', 'A tower.'),
                ('front-office', 'agent:main:main', 'soul', 'Nobody asked for this.');
             INSERT INTO activities (project_id, type, message, actor_agent_key)
                VALUES ('front-office', 'x', 'Something happened', 'agent:ricky:main'), ('other', 'x', 'Elsewhere', 'ui');
             INSERT INTO project_documents (project_id, title, source_type, content_text, pinned, agent_key, sensitivity)
                VALUES ('front-office', 'For all', 'note', 'Knock first.', true, NULL, 'normal'),
                    ('front-office', 'For Trunks', 'note', 'You are loud.', true, 'agent:main:main', NULL),
                    ('front-office', 'For Ricky', 'note', 'You are late.', true, 'agent:ricky:main', NULL),
                    ('front-office', 'Loose', 'note', 'Not pinned.', false, NULL, NULL),
                    ('front-office', 'Keys', 'note', 'hunter2', true, NULL, 'contains_secrets'),
                    ('front-office', 'More keys', 'note', 'hunter2', true, NULL, 'Contains-Secrets');",
        )
        .await;
    let executor = stage.executor(stage.tells_its_input()).await;
    stage.turn("hello").await;
    let context = stage.input()["context"].as_str().unwrap().to_owned();
    for there in [
        "# Context Pack\n",
        "Agent: agent:main:main\n",
        "## Mission\nRing the bells.\n",
        "## Project Overview\nA tower.\n",
        "] Something happened _(agent:ricky:main)_\n",
        "### For all\nKnock first.",
        "## Your Knowledge\n### For Trunks\nYou are loud.",
        "### Keys\n_It holds secrets",
        "### More keys\n_It holds secrets",
    ] {
        assert!(context.contains(there), "{there}: {context}");
    }
    for elsewhere in [
        "hunter2",
        "late",
        "Not pinned",
        "Elsewhere",
        "Nobody asked",
        "## Task",
    ] {
        assert!(!context.contains(elsewhere), "{elsewhere}: {context}");
    }
    stage
        .sql("UPDATE brain_docs SET content = 'Ring no bells.' WHERE doc_type = 'mission'")
        .await;
    stage.turn("and now?").await;
    let context = stage.input()["context"].as_str().unwrap().to_owned();
    assert!(
        context.contains("## Mission\nRing no bells.\n"),
        "{context}"
    );
    executor.stop().await;
}

#[tokio::test]
async fn the_demo_agent_knows_the_mission_and_a_task_brings_what_is_known_about_it() {
    let stage = Stage::new().await;
    stage
        .sql(
            "UPDATE brain_docs SET content = 'Ring the bells.' WHERE doc_type = 'mission';
             INSERT INTO tasks (id, project_id, title, description, status)
                VALUES ('70000000-0000-0000-0000-000000000001', 'front-office', 'Order bells', 'Of brass or bronze.', 'inbox');
             INSERT INTO task_comments (project_id, task_id, author_agent_key, content, created_at)
                SELECT 'front-office', '70000000-0000-0000-0000-000000000001', 'agent:ricky:main', 'old ' || n,
                    now() - interval '1 hour' + n * interval '1 minute' FROM generate_series(1, 6) n;
             INSERT INTO task_events (project_id, task_id, event_type, author, content)
                VALUES ('front-office', '70000000-0000-0000-0000-000000000001', 'comment', 'dashboard', 'the newest');",
        )
        .await;
    let program = env!("CARGO_BIN_EXE_clawdos-bridge");
    let executor = stage.executor(AgentCommand::demo(program, "main")).await;
    let told = stage.turn("What is our mission?").await;
    assert_eq!(told, "The mission is: Ring the bells.");
    stage.sql("DELETE FROM brain_docs").await;
    let told = stage.turn("And the Mission now?").await;
    assert_eq!(told, "Nobody has told me a mission.");
    executor.stop().await;

    let task = "70000000-0000-0000-0000-000000000001".parse().unwrap();
    let about = async || assemble(&stage.store.known(&key("main"), Some(task)).await.unwrap());
    // Without the tables of the knowledge base there is nothing to find, and nothing fails.
    let pack = about().await;
    assert_eq!(pack.0.last().unwrap().part, Part::Task);
    let text = &pack.0.last().unwrap().text;
    assert!(
        text.contains("### Order bells\nStatus: inbox\nOf brass or bronze.\n"),
        "{text}"
    );
    let comments: Vec<_> = text.lines().filter(|it| it.starts_with("- ")).collect();
    assert_eq!(comments.len(), 5, "{text}");
    assert!(
        comments[0].contains("old 3") && comments[4].contains("the newest"),
        "{text}"
    );
    stage
        .sql(
            "CREATE TABLE knowledge_sources (id uuid PRIMARY KEY, project_id text NOT NULL, title text NOT NULL);
             CREATE TABLE knowledge_chunks (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), project_id text NOT NULL,
                source_id uuid NOT NULL, chunk_index int NOT NULL DEFAULT 0, chunk_text text NOT NULL);
             INSERT INTO knowledge_sources VALUES ('80000000-0000-0000-0000-000000000001', 'front-office', 'Foundries');
             INSERT INTO knowledge_chunks (project_id, source_id, chunk_text)
                SELECT p, '80000000-0000-0000-0000-000000000001'::uuid, t FROM (VALUES
                    ('front-office', 'Brass bells, bronze bells: ' || repeat('word ', 300000)),
                    ('front-office', 'Nothing of it.'), ('other', 'Brass bells elsewhere.')) v (p, t);",
        )
        .await;
    let pack = about().await;
    let found = pack.0.last().unwrap();
    assert_eq!(found.part, Part::Found);
    assert!(found.text.contains("### Foundries\nBrass bells") && found.size() < 6_500);
    assert!(!found.text.contains("Nothing of it") && !found.text.contains("elsewhere"));
}

#[tokio::test]
async fn megabytes_are_cut_and_a_database_that_cannot_tell_stops_no_turn() {
    let stage = Stage::new().await;
    stage
        .sql(
            "UPDATE brain_docs SET content = repeat('m', 10000) WHERE doc_type = 'mission';
             INSERT INTO project_documents (project_id, title, source_type, content_text, pinned, doc_notes)
                SELECT 'front-office', 'Book ' || n, 'note', repeat('long ', 210000), true,
                    jsonb_build_object('summary', repeat('s', 100000)) FROM generate_series(1, 7) n;",
        )
        .await;
    let executor = stage.executor(stage.tells_its_input()).await;
    stage.turn("hello").await;
    let context = stage.input()["context"].as_str().unwrap().to_owned();
    let mission = format!("## Mission\n{}…\n", "m".repeat(1_999));
    assert!(context.contains(&mission), "{}", context.len());
    assert!(
        context.contains("### Book ") && context.len() < 20_000,
        "{}",
        context.len()
    );
    // Somebody holds what it wants to read.
    let mut held = stage.store.pool().begin().await.unwrap();
    let lock = sqlx::query("LOCK TABLE project_documents IN ACCESS EXCLUSIVE MODE");
    lock.execute(&mut *held).await.unwrap();
    assert_eq!(stage.turn("slow?").await, "done");
    assert_eq!(stage.input()["context"], Value::Null);
    held.rollback().await.unwrap();
    stage.turn("and now?").await;
    assert!(stage.input()["context"].is_string());
    // As on a database that has drifted away.
    stage
        .sql("ALTER TABLE project_documents RENAME TO documents_elsewhere")
        .await;
    assert_eq!(stage.turn("anybody there?").await, "done");
    assert_eq!(stage.input()["context"], Value::Null);
    executor.stop().await;
}

#[tokio::test]
async fn a_job_is_told_it_as_well_and_an_argument_holds_it() {
    let stage = Stage::new().await;
    let file = stage.folder.path().join("argument");
    let script = format!("printf '%s' \"$1\" > {}; echo done", file.display());
    let agent = AgentCommand::new(["/bin/sh", "-c", &script, "agent", "{context}"]);
    let timed = stage.timed(agent).await;
    let request = stage
        .ask_job("Report", "cron", "0 9 * * *", Some("task"))
        .await;
    let job = stage.job_of(&timed, request).await;
    let run = stage.ask_run(&job).await;
    timed.running.kick.kick();
    assert_eq!(stage.settled(run).await.0, "done");
    let told = std::fs::read_to_string(&file).unwrap();
    assert!(told.starts_with("# Context Pack\n"), "{told}");
    assert!(told.contains("Agent: agent:main:main\n"), "{told}");
    timed.stop().await;
}
