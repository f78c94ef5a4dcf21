//! What the demo team is doing when somebody first looks: a shop is about to open. One task of each
//! kind, a question that only the operator can answer, a proposal that waits, a heartbeat, and a few
//! words of welcome.

use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{RICKY, TRUNKS};
use crate::model::ProjectId;
use crate::model::proposal::TASK_PROPOSAL;
use crate::model::thread::{DM_PREFIX, ROOM_TITLE};
use crate::store::Result;
use crate::store::chat::{TEXT_TYPE, thread_titled};

/// The operator, as events name them (source: `ClawdOS`' dashboard).
const OPERATOR: &str = "dashboard";

const WELCOME: &str = "Welcome! I am Trunks. Ricky and I are about to open a shop, and you decide. \
    Three things to try:\n\
    1. Write `@Ricky how is the shop page?` here. He answers.\n\
    2. Open #approvals and press **Approve**: Ricky's proposal becomes a task.\n\
    3. Open *Connect the payment provider* in #tasks: Ricky waits for your answer.";

/// What goes with the proposal, in Ricky's own channel.
const REMARK: &str = "The checkout works on my desk. Customers have phones, though: I should like to \
    try it on three of them before we open. Approve it, and I have a task.";

/// A task with its story.
struct Story {
    title: &'static str,
    description: &'static str,
    status: &'static str,
    assignee: Option<&'static str>,
    blocked: Option<&'static str>,
    told: &'static [Told],
}

/// Something that happened: minutes ago, who, type of the event, text, what else it says (JSON).
struct Told(i32, &'static str, &'static str, &'static str, &'static str);

/// Something that was said: minutes ago, who, type of the message, text, what goes with it.
struct Spoken(i32, &'static str, &'static str, String, Option<Value>);

const CREATED: &str = r#"{"is_proposed": false}"#;
const BEGUN: &str = r#"{"old_status": "assigned", "new_status": "in_progress"}"#;

const STORIES: [Story; 6] = [
    Story {
        title: "Agree on the opening day",
        description: "When does the shop open, and who has to know?",
        status: "done",
        assignee: Some(TRUNKS),
        blocked: None,
        told: &[
            Told(2_900, OPERATOR, "comment", "Created", CREATED),
            Told(2_890, TRUNKS, "status_change", "", BEGUN),
            Told(
                2_760,
                TRUNKS,
                "output_added",
                "We open on Monday at 10:00. Ricky keeps Monday free; the welcome mail leaves at 9:00.",
                r#"{"output_type": "summary", "title": "Opening day"}"#,
            ),
            Told(
                2_750,
                TRUNKS,
                "status_change",
                "",
                r#"{"old_status": "in_progress", "new_status": "done"}"#,
            ),
        ],
    },
    Story {
        title: "Write the welcome mail",
        description: "Short enough for a phone. One link, no more.",
        status: "review",
        assignee: Some(TRUNKS),
        blocked: None,
        told: &[
            Told(1_500, OPERATOR, "comment", "Created", CREATED),
            Told(1_490, TRUNKS, "status_change", "", BEGUN),
            Told(
                200,
                TRUNKS,
                "output_added",
                "Good morning! The shop is open. Come in and look around: what you order before noon \
                 leaves today.",
                r#"{"output_type": "message", "title": "Welcome mail, second draft"}"#,
            ),
            Told(
                195,
                TRUNKS,
                "status_change",
                "",
                r#"{"old_status": "in_progress", "new_status": "review"}"#,
            ),
        ],
    },
    Story {
        title: "Make the shop page load in under a second",
        description: "On a phone, with a slow connection. Measure before and after.",
        status: "in_progress",
        assignee: Some(RICKY),
        blocked: None,
        told: &[
            Told(1_440, TRUNKS, "comment", "Created", CREATED),
            Told(400, RICKY, "status_change", "", BEGUN),
            Told(
                380,
                RICKY,
                "agent_update",
                "Measured: 2.4 s, most of it pictures.",
                "{}",
            ),
            Told(
                360,
                TRUNKS,
                "comment",
                "Pictures first, then. Nobody waits for a hat.",
                "{}",
            ),
            Told(
                25,
                RICKY,
                "agent_update",
                "The pictures are small now: 1.3 s. Next come the fonts.",
                "{}",
            ),
        ],
    },
    Story {
        title: "Connect the payment provider",
        description: "Cards at least. Test payments first, real ones only after your word.",
        status: "blocked",
        assignee: Some(RICKY),
        blocked: Some("The provider wants to know when it should pay us out."),
        told: &[
            Told(1_430, TRUNKS, "comment", "Created", CREATED),
            Told(120, RICKY, "status_change", "", BEGUN),
            Told(
                70,
                RICKY,
                "agent_update",
                "Test payments go through, refunds too.",
                "{}",
            ),
            Told(
                41,
                RICKY,
                "status_change",
                "",
                r#"{"old_status": "in_progress", "new_status": "blocked",
                    "reason": "The provider wants to know when it should pay us out."}"#,
            ),
            Told(
                40,
                RICKY,
                "comment",
                "NEEDS ATTENTION: When should the provider pay us out?\n\
                 A) Every day, for a small fee\nB) Every Friday, for free",
                "{}",
            ),
        ],
    },
    Story {
        title: "Put the return policy on the page",
        description: "The text is agreed; it only has to be there.",
        status: "assigned",
        assignee: Some(RICKY),
        blocked: None,
        told: &[
            Told(1_420, TRUNKS, "comment", "Created", CREATED),
            Told(
                90,
                TRUNKS,
                "assignment_change",
                "",
                r#"{"old_assignee": null, "new_assignee": "agent:ricky:main"}"#,
            ),
        ],
    },
    Story {
        title: "Think of a thank-you for the first hundred customers",
        description: "",
        status: "inbox",
        assignee: None,
        blocked: None,
        told: &[Told(15, OPERATOR, "comment", "Created", CREATED)],
    },
];

/// Writes it all, in the caller's transaction.
pub(super) async fn tell(on: &mut PgConnection, project: &ProjectId) -> Result<()> {
    for story in &STORIES {
        let task = begin(on, project, story).await?;
        go_on(on, project, task, story.told).await?;
    }
    let ricky = thread_titled(on, project, &format!("{DM_PREFIX}{RICKY}")).await?;
    let remark = Spoken(11, RICKY, TEXT_TYPE, REMARK.to_owned(), None);
    say(on, project, ricky, remark).await?;
    say(on, project, ricky, proposal()).await?;
    let room = thread_titled(on, project, ROOM_TITLE).await?;
    let welcome = Spoken(0, TRUNKS, TEXT_TYPE, WELCOME.to_owned(), None);
    say(on, project, room, welcome).await?;
    beat(on, project).await
}

/// Writes a task and its activity.
async fn begin(on: &mut PgConnection, project: &ProjectId, story: &Story) -> Result<Uuid> {
    let ago = |told: Option<&Told>| told.map_or(0, |told| told.0);
    let task = sqlx::query_scalar(
        "WITH made AS (
             INSERT INTO tasks (project_id, title, description, status, assignee_agent_key, is_proposed,
                                blocked_reason, blocked_at, created_at, updated_at)
             VALUES ($1, $2, nullif($3, ''), $4, $5, false, $6,
                     CASE WHEN $4 = 'blocked' THEN now() - $8 * interval '1 minute' END,
                     now() - $7 * interval '1 minute', now() - $8 * interval '1 minute')
             RETURNING id, created_at
         ), noted AS (
             INSERT INTO activities (project_id, type, message, actor_agent_key, task_id, created_at)
             SELECT $1, 'task_created', 'Created task: ' || $2, $9, id, created_at FROM made
         ) SELECT id FROM made",
    )
    .bind(project.as_str())
    .bind(story.title)
    .bind(story.description)
    .bind(story.status)
    .bind(story.assignee)
    .bind(story.blocked)
    .bind(ago(story.told.first()))
    .bind(ago(story.told.last()))
    .bind(story.told.first().map(|told| told.1))
    .fetch_one(on)
    .await?;
    Ok(task)
}

/// Writes what happened to a task.
async fn go_on(
    on: &mut PgConnection,
    project: &ProjectId,
    task: Uuid,
    told: &[Told],
) -> Result<()> {
    for Told(ago, author, event_type, content, metadata) in told {
        sqlx::query(
            "INSERT INTO task_events
                 (project_id, task_id, created_at, author, event_type, content, metadata)
             VALUES ($1, $2, now() - $3 * interval '1 minute', $4, $5, nullif($6, ''), $7::jsonb)",
        )
        .bind(project.as_str())
        .bind(task)
        .bind(ago)
        .bind(author)
        .bind(event_type)
        .bind(content)
        .bind(metadata)
        .execute(&mut *on)
        .await?;
    }
    Ok(())
}

/// A proposal as the executor carries it for an agent.
fn proposal() -> Spoken {
    let (title, description) = (
        "Test the checkout on three phones",
        "A small one, a large one, an old one: order a hat on each and note what is in the way.",
    );
    let metadata = json!({
        "action_type": "create_task",
        "parameters": {"title": title, "description": description, "assignee_agent_key": RICKY},
        "risk_level": "low",
        "requires_approval": true,
        "status": "proposed",
        "proposed_by": RICKY,
        "reason": "It works on my desk, but customers have phones.",
    });
    let text = format!(
        "Proposal: create task \u{2014} assignee agent key: {RICKY}; description: {description}; \
         title: {title}"
    );
    Spoken(10, RICKY, TASK_PROPOSAL, text, Some(metadata))
}

async fn say(
    on: &mut PgConnection,
    project: &ProjectId,
    thread: Uuid,
    Spoken(ago, author, message_type, text, metadata): Spoken,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO project_chat_messages
             (project_id, thread_id, author, message, message_type, created_at, metadata)
         SELECT $1, $2, $3, $4, $5, at,
                $7 || jsonb_build_object('proposed_at', to_char(at AT TIME ZONE 'UTC',
                                         'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'))
         FROM (SELECT now() - $6 * interval '1 minute') AS said (at)",
    )
    .bind(project.as_str())
    .bind(thread)
    .bind(author)
    .bind(text)
    .bind(message_type)
    .bind(ago)
    .bind(metadata)
    .execute(on)
    .await?;
    Ok(())
}

/// Trunks' heartbeat, by every sign that one is known by: name, intent, kind, header.
async fn beat(on: &mut PgConnection, project: &ProjectId) -> Result<()> {
    sqlx::query(
        "WITH beat AS (
             INSERT INTO cron_mirror
                 (project_id, job_id, name, schedule_kind, schedule_expr, enabled, last_run_at,
                  next_run_at, last_status, last_duration_ms, target_agent_key, job_intent,
                  instructions)
             VALUES ($1, 'heartbeat-main', 'heartbeat-main', 'every', '1800000', true,
                     now() - interval '12 minutes', now() + interval '18 minutes', 'ok', 2400, $2,
                     'heartbeat', $3)
             ON CONFLICT DO NOTHING
         )
         INSERT INTO activities (project_id, type, message, actor_agent_key, created_at)
         VALUES ($1, 'heartbeat', 'Trunks looked through the open tasks: one is blocked.', $2,
                 now() - interval '12 minutes')",
    )
    .bind(project.as_str())
    .bind(TRUNKS)
    .bind(format!(
        "@agent:{TRUNKS}\n@intent:heartbeat\n---\nLook through the open tasks. Say in the Team Room \
         what is blocked and who can help. If nothing is, say nothing."
    ))
    .execute(on)
    .await?;
    Ok(())
}
