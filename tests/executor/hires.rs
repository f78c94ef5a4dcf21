//! Agents that somebody asks for: what becomes of a request, whoever has filed it.

use std::path::PathBuf;

use clawdos_bridge::executor::{AgentCommand, ExecutorSettings, Hires};
use clawdos_bridge::model::delivery::DeliveryStatus;
use clawdos_bridge::model::hire::Hire;
use clawdos_bridge::store::provision::Filed;
use reqwest::Client;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::stage::{Running, Stage, eventually};

/// Name, role, emoji, whether it is provisioned, and its folder.
type AgentRow = (String, Option<String>, Option<String>, bool, String);

impl Stage {
    /// An executor of the demo: whoever is asked for is a demo agent.
    fn hiring(&self) -> ExecutorSettings {
        let program = env!("CARGO_BIN_EXE_clawdos-bridge").to_owned();
        ExecutorSettings {
            workspace: self.folder.path().join("workspace"),
            hires: Hires::Demo(program),
            ..Self::settings(&[])
        }
    }

    /// Files a request as a dashboard does.
    async fn asked(&self, short: &str, name: &str) -> Uuid {
        sqlx::query_scalar(
            "INSERT INTO agent_provision_requests (project_id, agent_key, agent_id_short, display_name) \
             VALUES ('front-office', 'agent:' || $1 || ':main', $1, $2) RETURNING id",
        )
        .bind(short)
        .bind(name)
        .fetch_one(self.store.pool())
        .await
        .unwrap()
    }

    /// Waits for the end of a request: its status and result.
    async fn hire_settled(&self, id: Uuid) -> (String, Value) {
        eventually("the request ends", async || {
            let (status, result, whole): (String, Option<Value>, bool) = sqlx::query_as(
                "SELECT status, result, picked_up_at IS NOT NULL AND completed_at IS NOT NULL \
                 FROM agent_provision_requests WHERE id = $1",
            )
            .bind(id)
            .fetch_one(self.store.pool())
            .await
            .unwrap();
            if whole {
                Ok((status, result.unwrap_or_default()))
            } else {
                Err(status)
            }
        })
        .await
    }
}

async fn ask(executor: &Running, body: &Value) -> (u16, Value) {
    let request = Client::new().post(executor.url("/api/agents/request"));
    let answer = request.json(body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn an_agent_is_provisioned_answers_and_is_there_after_a_restart() {
    let stage = Stage::new().await;
    let executor = Running::start(stage.hiring(), stage.store.clone()).await;
    let body = json!({"agentKey": "agent:nova:main", "displayName": "Nova", "emoji": "🛰️", "roleShort": "Scout"});
    let (status, answer) = ask(&executor, &body).await;
    assert_eq!((status, &answer["created"]), (200, &json!(1)), "{answer}");
    let row = eventually("Nova is in the team", async || {
        let row: Option<AgentRow> = sqlx::query_as(
            "SELECT name, role, emoji, provisioned, workspace_path FROM agents WHERE agent_id_short = 'nova'",
        )
        .fetch_optional(stage.store.pool())
        .await
        .unwrap();
        row.ok_or_else(|| "nobody".to_owned())
    })
    .await;
    assert_eq!(row.0, "Nova");
    assert_eq!(
        (row.1.as_deref(), row.2.as_deref(), row.3),
        (Some("Scout"), Some("🛰️"), true)
    );
    assert!(PathBuf::from(&row.4).is_dir(), "{}", row.4);
    assert!(row.4.ends_with("workspace/agents/nova"), "{}", row.4);
    let jobs = stage
        .count("SELECT count(*) FROM cron_create_requests")
        .await;
    assert_eq!(
        jobs + stage
            .count("SELECT count(*) FROM cron_mirror WHERE job_id <> '__mirror_state__'")
            .await,
        0,
        "no heartbeat by itself"
    );
    let (message, _) = stage.say("nova", "hello", DeliveryStatus::Queued).await;
    stage
        .wait_for_status(message, "nova", DeliveryStatus::Processed)
        .await;
    assert_eq!(stage.replies(message).await, ["“hello”. Heard by nova."]);
    executor.stop().await;

    let again = Running::start(stage.hiring(), stage.store.clone()).await;
    let (message, _) = stage
        .say("nova", "still there?", DeliveryStatus::Queued)
        .await;
    stage
        .wait_for_status(message, "nova", DeliveryStatus::Processed)
        .await;
    again.stop().await;
}

#[tokio::test]
async fn what_waited_while_nobody_was_there_is_carried_out_once() {
    let stage = Stage::new().await;
    let id = stage.asked("nova", "Nova").await;
    // One whose executor died in the middle.
    let cut_off = stage.asked("vega", "Vega").await;
    sqlx::query("UPDATE agent_provision_requests SET status = 'running', picked_up_at = now() - interval '1 hour' WHERE id = $1")
        .bind(cut_off)
        .execute(stage.store.pool())
        .await
        .unwrap();
    let two = [
        Running::start(stage.hiring(), stage.store.clone()).await,
        Running::start(stage.hiring(), stage.store.clone()).await,
    ];
    for id in [id, cut_off] {
        let (status, result) = stage.hire_settled(id).await;
        assert_eq!(status, "done", "{result}");
    }
    for executor in two {
        executor.stop().await;
    }
    let agents = "SELECT count(*) FROM agents WHERE agent_id_short IN ('nova', 'vega')";
    assert_eq!(stage.count(agents).await, 2);
    let told = "SELECT count(*) FROM activities WHERE type = 'agent_provisioned'";
    assert_eq!(stage.count(told).await, 2);
}

#[tokio::test]
async fn what_cannot_be_provisioned_ends_with_a_reason() {
    let stage = Stage::new().await;
    let executor = Running::start(stage.hiring(), stage.store.clone()).await;
    for (short, name, why) in [
        ("ricky", "Another", "already"),
        ("../up", "Up", "short id"),
        ("$(reboot)", "Shell", "short id"),
        ("agent", "Agent Smith", "something else"),
        ("blank", "\u{200b}", "no letter"),
    ] {
        let id = stage.asked(short, name).await;
        let (status, result) = stage.hire_settled(id).await;
        let said = result["error"].as_str().unwrap_or_default();
        assert!(
            status == "error" && said.contains(why),
            "{short}: {status} {result}"
        );
    }
    assert_eq!(stage.count("SELECT count(*) FROM agents").await, 2);
    executor.stop().await;
}

#[tokio::test]
async fn with_agents_in_the_configuration_only_those_are_provisioned() {
    let stage = Stage::new().await;
    let settings = ExecutorSettings {
        workspace: stage.folder.path().join("workspace"),
        ..Stage::settings(&[("nova", AgentCommand::new(["/bin/cat"]))])
    };
    let executor = Running::start(settings, stage.store.clone()).await;
    let other = stage.asked("vega", "Vega").await;
    let (status, result) = stage.hire_settled(other).await;
    let said = result["error"].as_str().unwrap_or_default();
    assert_eq!(status, "error");
    assert!(said.contains("[executor.agents.vega]"), "{said}");
    let known = stage.asked("nova", "Nova").await;
    assert_eq!(stage.hire_settled(known).await.0, "done");
    let hired = stage.store.hired().await.unwrap();
    assert!(
        hired.is_empty(),
        "its configuration says how it is run: {hired:?}"
    );
    executor.stop().await;
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_told_and_can_be_tried_again() {
    let stage = Stage::new().await;
    std::fs::write(stage.folder.path().join("workspace"), "in the way").unwrap();
    let executor = Running::start(stage.hiring(), stage.store.clone()).await;
    let id = stage.asked("nova", "Nova").await;
    let (status, result) = stage.hire_settled(id).await;
    assert_eq!(status, "error");
    assert!(
        result["error"]
            .as_str()
            .unwrap()
            .contains("executor.workspace"),
        "{result}"
    );
    std::fs::remove_file(stage.folder.path().join("workspace")).unwrap();
    assert!(stage.store.retry_hire(id).await.unwrap());
    assert!(!stage.store.retry_hire(id).await.unwrap(), "once");
    assert_eq!(stage.hire_settled(id).await.0, "done");
    executor.stop().await;
}

#[tokio::test]
async fn the_route_refuses_what_cannot_be() {
    let stage = Stage::new().await;
    let executor = Running::start(Stage::settings(&[]), stage.store.clone()).await;
    let cases = [
        (json!({}), 400, "have to be there"),
        (json!({"agentKey": "agent:nova:main"}), 400, "displayName"),
        (json!({"agentKey": "a b", "name": "X"}), 400, "agentKey"),
        (
            json!({"agentKey": "agent:nova:main", "agentIdShort": "vega", "name": "X"}),
            400,
            "fit together",
        ),
        (
            json!({"agentIdShort": "nova", "name": "X", "emoji": "no"}),
            400,
            "one emoji",
        ),
        (
            json!({"agentIdShort": "ricky", "name": "X"}),
            409,
            "already",
        ),
        (
            json!({"agentIdShort": "nova", "name": "ricky"}),
            409,
            "named",
        ),
        (json!({"items": []}), 400, "1 to 20"),
        (
            json!({"items": [{"agentIdShort": "nova", "name": "N"}, {}]}),
            400,
            "have to be there",
        ),
    ];
    for (body, code, why) in cases {
        let (status, answer) = ask(&executor, &body).await;
        let said = answer["error"].as_str().unwrap_or_default();
        assert!(
            status == code && said.contains(why),
            "{body}: {status} {answer}"
        );
    }
    assert_eq!(
        stage
            .count("SELECT count(*) FROM agent_provision_requests")
            .await,
        0
    );
    let id = Uuid::new_v4();
    let body = json!({"id": id, "agentIdShort": "nova", "name": "Nova"});
    for _ in 0..2 {
        assert_eq!(
            ask(&executor, &body).await.0,
            200,
            "the same request is filed once"
        );
    }
    let both = json!({"items": [{"agentIdShort": "nova", "name": "Nova 2"}, {"agentIdShort": "vega", "name": "Vega"}]});
    let (_, answer) = ask(&executor, &both).await;
    assert_eq!(
        answer["created"], 1,
        "who is there or asked for is passed over: {answer}"
    );
    executor.stop().await;
}

#[tokio::test]
async fn two_people_who_want_the_same_get_one_request() {
    let stage = Stage::new().await;
    let hire = Hire::parse("Nova", "nova", None, None).unwrap();
    let (first, second) = tokio::join!(
        stage.store.file_hire(Uuid::new_v4(), &hire),
        stage.store.file_hire(Uuid::new_v4(), &hire),
    );
    let filed = [first.unwrap(), second.unwrap()];
    let made = filed.iter().filter(|it| matches!(it, Filed::Request(_)));
    assert_eq!(made.count(), 1, "{filed:?}");
    assert!(filed.contains(&Filed::Asked), "{filed:?}");
}
