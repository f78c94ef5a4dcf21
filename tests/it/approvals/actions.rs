//! An agent proposes, the operator presses Approve, and it really happens, once.

use super::site::Site;
use super::stage::{DECIDABLE, Stage};

impl Stage {
    /// Asks for a proposal, approves it in `#approvals`, and sees both cards end as executed.
    async fn approve(&self, question: &str, says: &str) {
        let card = self.ask(question, says).await;
        let act = self.zack.press(&card, "Approve").await;
        let told = self.zack.told(&act).await;
        assert!(told.says("approved"), "{told:#?}");
        self.ends(&[self.approvals(), self.dm()], says, "executed")
            .await;
        let zack = &self.zack.person;
        for channel in [self.approvals(), self.dm()] {
            zack.sees_card(&channel, says, "who decided", |card| {
                card.says("approved") && card.says("zack")
            })
            .await;
        }
    }

    /// One line of the database.
    async fn line(&self, query: &'static str) -> Vec<String> {
        sqlx::query_scalar(query)
            .fetch_all(self.world.pool())
            .await
            .expect("the database answers")
    }
}

#[tokio::test]
async fn an_approved_task_is_in_the_database_once() {
    let stage = Stage::start().await;
    stage
        .approve("propose create_task Buy milk", "Buy milk")
        .await;
    let tasks = stage
        .line(
            "SELECT concat_ws(' | ', title, status, assignee_agent_key, is_proposed, project_id) \
             FROM tasks",
        )
        .await;
    assert_eq!(
        tasks,
        ["Buy milk | assigned | agent:main:main | f | front-office"]
    );
    let timeline = stage
        .line("SELECT event_type FROM task_events e JOIN tasks t ON t.id = e.task_id")
        .await;
    assert!(
        !timeline.is_empty(),
        "the timeline says where it comes from"
    );
    let activities = stage.line("SELECT type FROM activities").await;
    assert_eq!(activities, ["task_created"]);
    let message = stage
        .line(
            "SELECT concat_ws(' | ', status, metadata->>'status', metadata->>'approved_by', \
                 (metadata->>'approved_at')::timestamptz <= now(), \
                 (metadata->>'executed_at')::timestamptz <= now(), \
                 metadata->>'execution_result' <> '') \
             FROM project_chat_messages WHERE message_type = 'task_proposal'",
        )
        .await;
    assert_eq!(message, ["executed | executed | ui | t | t | t"]);
}

#[tokio::test]
async fn an_approved_job_is_requested_and_made() {
    let stage = Stage::start().await;
    stage
        .approve("propose schedule_job Water the plants", "Water the plants")
        .await;
    let job = "Water the plants | cron | 0 9 * * * | agent:main:main";
    let request = "SELECT concat_ws(' | ', name, schedule_kind, schedule_expr, target_agent_key, status) \
                   FROM cron_create_requests";
    stage
        .world
        .database_says(request, format!("{job} | done"))
        .await;
    let mirrored = "SELECT concat_ws(' | ', name, schedule_kind, schedule_expr, target_agent_key) \
                    FROM cron_mirror WHERE job_id <> '__mirror_state__'";
    assert_eq!(stage.line(mirrored).await, [job]);
    let instructions = stage
        .line("SELECT instructions FROM cron_create_requests")
        .await;
    let lines: Vec<&str> = instructions[0].lines().collect();
    assert_eq!(lines.first(), Some(&"@agent:agent:main:main"));
    assert!(lines.contains(&"---"), "{lines:?}");
    assert_eq!(lines.last(), Some(&"Water the plants"));
}

#[tokio::test]
async fn an_approved_edit_is_the_document() {
    let stage = Stage::start().await;
    sqlx::raw_sql(
        "INSERT INTO brain_docs (project_id, agent_key, doc_type, content) \
         VALUES ('front-office', 'agent:main:main', 'memory_today', 'The roof leaks')",
    )
    .execute(stage.world.pool())
    .await
    .unwrap();
    stage
        .approve("propose edit_doc The roof is fixed", "The roof is fixed")
        .await;
    let documents = stage
        .line("SELECT concat_ws(' | ', agent_key, doc_type, content) FROM brain_docs")
        .await;
    assert_eq!(
        documents,
        ["agent:main:main | memory_today | The roof is fixed"]
    );
}

#[tokio::test]
async fn an_approved_message_is_said_and_answered() {
    let stage = Stage::start().await;
    stage
        .approve(
            "propose send_message Is the roof fixed",
            "Is the roof fixed",
        )
        .await;
    let room = stage.room();
    let zack = &stage.zack.person;
    let seen = zack
        .sees(&room, "the message and its answer", |seen| {
            seen.iter()
                .any(|m| m.name == "Ricky" && m.text.contains("Is the roof fixed"))
        })
        .await;
    let said = seen
        .iter()
        .filter(|m| m.name == "Trunks" && m.text == "Is the roof fixed")
        .count();
    assert_eq!(said, 1, "{seen:#?}");
    stage
        .world
        .database_says(
            "SELECT q.status FROM chat_delivery_queue q \
             WHERE q.target_agent_key = 'agent:ricky:main'",
            "processed".to_owned(),
        )
        .await;
}

#[tokio::test]
async fn an_approved_call_asks_twice_and_is_made_once() {
    let site = Site::open().await;
    let stage = Stage::with(&site.settings()).await;
    let question = format!(
        "propose api_call POST http://{}/tiles {{\"count\": 3}}",
        site.host
    );
    let card = stage.ask(&question, "tiles").await;
    assert!(card.says("high"), "{card:#?}");

    let act = stage.zack.press(&card, "Approve").await;
    let second = stage.zack.told(&act).await;
    assert_eq!(site.calls(), Vec::<String>::new());
    stage.nothing_decided().await;

    let act = stage.confirm(&second).await;
    let told = stage.zack.told(&act).await;
    assert!(told.says("approved"), "{told:#?}");
    let calls = site.called(1).await;
    assert_eq!(calls, ["POST /tiles {\"count\": 3}"]);
    stage
        .ends(&[stage.approvals(), stage.dm()], "tiles", "executed")
        .await;
    stage
        .card("tiles", "what was answered", |card| {
            card.says("200") && card.says("noted")
        })
        .await;
    assert_eq!(site.calls().len(), 1);
}

impl Stage {
    /// No verdict is written down, and both cards are as they were.
    async fn nothing_decided(&self) {
        let decisions = self.line("SELECT verdict FROM bridge.decision").await;
        assert_eq!(decisions, Vec::<String>::new());
        let zack = &self.zack.person;
        for channel in [self.approvals(), self.dm()] {
            zack.sees_card(&channel, "tiles", "still open", |card| {
                card.live() == DECIDABLE
            })
            .await;
        }
    }
}

#[tokio::test]
async fn a_call_to_a_host_that_is_not_allowed_fails_and_says_which_setting_allows_it() {
    let site = Site::open().await;
    let stage = Stage::start().await;
    let question = format!("propose api_call GET http://{}/tiles", site.host);
    let card = stage.ask(&question, "tiles").await;
    let act = stage.zack.press(&card, "Approve").await;
    let second = stage.zack.told(&act).await;
    stage.confirm(&second).await;
    stage
        .ends(&[stage.approvals(), stage.dm()], "tiles", "failed")
        .await;
    stage
        .card("tiles", "the setting", |card| card.says("allowed_hosts"))
        .await;
    assert_eq!(site.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn an_approved_file_is_in_the_workspace() {
    let stage = Stage::start().await;
    let says = "All tiles are on";
    stage
        .approve(&format!("propose file_write notes/roof.txt {says}"), says)
        .await;
    let file = stage.world.data_dir().join("workspace/notes/roof.txt");
    assert_eq!(std::fs::read_to_string(file).unwrap(), says);
}

#[tokio::test]
async fn a_file_outside_of_the_workspace_is_not_written() {
    let stage = Stage::start().await;
    let says = "All tiles are on";
    let card = stage
        .ask(&format!("propose file_write ../roof.txt {says}"), says)
        .await;
    stage.zack.press(&card, "Approve").await;
    stage
        .ends(&[stage.approvals(), stage.dm()], says, "failed")
        .await;
    assert!(!stage.world.data_dir().join("roof.txt").exists());
    let left = std::fs::read_dir(stage.world.data_dir().join("workspace"));
    assert_eq!(left.map_or(0, Iterator::count), 0);
}

#[tokio::test]
async fn the_card_where_it_was_made_decides_as_well() {
    let stage = Stage::start().await;
    stage.ask("propose create_task Buy milk", "Buy milk").await;
    let zack = &stage.zack.person;
    let dm = stage.dm();
    let card = zack
        .sees_card(&dm, "Buy milk", "the card", |card| card.live() == DECIDABLE)
        .await;
    let act = stage.zack.press(&card, "Approve").await;
    stage.zack.told(&act).await;
    stage
        .ends(&[stage.approvals(), stage.dm()], "Buy milk", "executed")
        .await;
    assert_eq!(stage.line("SELECT title FROM tasks").await, ["Buy milk"]);
}
