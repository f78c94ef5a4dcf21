//! The actions that only change the database, as `ClawdOS` would have made the change.

use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use super::chat::{TEXT_TYPE, storable, thread_titled};
use super::execution::Order;
use super::outcome::Outcome;
use crate::model::message::{Author, OPERATOR_AUTHOR};
use crate::model::proposal::ProposalSource;
use crate::model::proposal::action::{Channel, CreateTask, EditDoc, ScheduleJob, SendMessage};
use crate::model::schedule::TASK;
use crate::model::thread::Place;
use crate::model::{AgentKey, ProjectId};

/// Name space of the ids of what actions make, drawn once at random: the same decision always makes
/// the same row.
const MADE: Uuid = Uuid::from_u128(0x9d2f_41c7_6a0e_4b1c_8e35_7720_5b9a_c4f1);

/// Owner of the documents that belong to no agent (source: `ClawdOS`).
const PROJECT_DOCS: &str = "project";

/// An action that only changes the database.
#[derive(Debug)]
pub(super) enum Effect {
    /// Makes a task.
    CreateTask(CreateTask),
    /// Files a request for a scheduled job.
    ScheduleJob(ScheduleJob),
    /// Writes a document.
    EditDoc(EditDoc),
    /// Says something.
    SendMessage(SendMessage),
}

/// Changes the database. What has failed may have changed something: the caller takes it back.
pub(super) async fn apply(
    on: &mut PgConnection,
    project: &ProjectId,
    order: &Order,
    effect: &Effect,
) -> Result<Outcome> {
    let scene = Scene { project, order };
    match effect {
        Effect::CreateTask(it) => scene.create_task(on, it).await,
        Effect::ScheduleJob(it) => scene.schedule_job(on, it).await,
        Effect::EditDoc(it) => scene.edit_doc(on, it).await,
        Effect::SendMessage(it) => scene.send_message(on, it).await,
    }
}

struct Scene<'a> {
    project: &'a ProjectId,
    order: &'a Order,
}

impl Scene<'_> {
    fn made(&self) -> Uuid {
        let reference = self.order.reference;
        let mut name = reference.source.as_str().as_bytes().to_vec();
        name.extend_from_slice(reference.id.as_bytes());
        Uuid::new_v5(&MADE, &name)
    }

    async fn create_task(&self, on: &mut PgConnection, it: &CreateTask) -> Result<Outcome> {
        let id = self.made();
        let assignee = it.assignee_agent_key.as_ref();
        if let Some(agent) = assignee
            && !self.has_agent(on, agent).await?
        {
            return Ok(self.no_agent(agent));
        }
        let reference = self.order.reference;
        let origin = json!({ "chat_message_id": reference.id });
        let from_chat = reference.source == ProposalSource::Message;
        let title = storable(it.title.trim());
        sqlx::query(
            "INSERT INTO tasks (id, project_id, title, description, status, assignee_agent_key, \
                 is_proposed, context_snapshot) \
             VALUES ($1, $2, $3, nullif($4, ''), CASE WHEN $5::text IS NULL THEN 'inbox' \
                 ELSE 'assigned' END, $5, false, $6)",
        )
        .bind(id)
        .bind(self.project.as_str())
        .bind(&title)
        .bind(storable(it.description.trim()))
        .bind(assignee.map(AgentKey::as_str))
        .bind(from_chat.then_some(origin))
        .execute(&mut *on)
        .await?;
        sqlx::query(
            "INSERT INTO task_events (project_id, task_id, event_type, author, content, metadata) \
             VALUES ($1, $2, 'comment', $3, 'Created from an approved proposal.', $4)",
        )
        .bind(self.project.as_str())
        .bind(id)
        .bind(&self.order.proposer)
        .bind(json!({
            "source": "proposal", "is_proposed": false, "assignee_agent_key": assignee,
            "proposal_source": reference.source.as_str(), "proposal_id": reference.id,
        }))
        .execute(&mut *on)
        .await?;
        let activity = format!("Created task: {title}");
        self.note(on, "task_created", &activity, Some(id)).await?;
        let place = assignee.map_or("in the inbox".to_owned(), |agent| format!("for {agent}"));
        Ok(Outcome::Executed(format!(
            "Created the task “{title}” {place}."
        )))
    }

    async fn schedule_job(&self, on: &mut PgConnection, it: &ScheduleJob) -> Result<Outcome> {
        let agent = &it.target_agent_key;
        if !self.has_agent(on, agent).await? {
            return Ok(self.no_agent(agent));
        }
        let expression = storable(it.schedule_expr.trim());
        let is_number = expression.bytes().all(|byte| byte.is_ascii_digit());
        let kind = if is_number { "every" } else { "cron" };
        if is_number && !expression.parse::<i64>().is_ok_and(|ms| ms > 0) {
            return Ok(failed(format!(
                "The time between two runs, {expression} ms, cannot be kept. Nothing was scheduled."
            )));
        }
        // What stands in front of `---` is read by the scheduler; the rest is for the agent.
        let instructions = format!("@agent:{agent}\n---\n{}", it.instructions);
        let name = storable(it.name.trim());
        sqlx::query(
            "INSERT INTO cron_create_requests (id, project_id, name, schedule_kind, \
                 schedule_expr, instructions, requested_by, status, target_agent_key, job_intent) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'queued', $8, $9)",
        )
        .bind(self.made())
        .bind(self.project.as_str())
        .bind(&name)
        .bind(kind)
        .bind(&expression)
        .bind(storable(&instructions))
        .bind(OPERATOR_AUTHOR)
        .bind(agent.as_str())
        // Without a purpose, what runs every so often counts as a heartbeat.
        .bind(TASK)
        .execute(&mut *on)
        .await?;
        let activity = format!("Requested the job: {name}");
        self.note(on, "cron_create_queued", &activity, None).await?;
        let when = match kind {
            "every" => format!("every {expression} ms"),
            _ => format!("at “{expression}”"),
        };
        Ok(Outcome::Executed(format!(
            "Filed the request for the job “{name}”, {when}, for {agent}."
        )))
    }

    async fn edit_doc(&self, on: &mut PgConnection, it: &EditDoc) -> Result<Outcome> {
        let Some(content) = &it.content else {
            return Ok(failed(
                "The proposal carries only the beginning of the document, no `content`. Nothing \
                 was changed.",
            ));
        };
        let owner = match it.agent_key.parse::<AgentKey>() {
            _ if it.agent_key == PROJECT_DOCS => PROJECT_DOCS.to_owned(),
            Ok(agent) if self.has_agent(on, &agent).await? => agent.to_string(),
            Ok(agent) => return Ok(self.no_agent(&agent)),
            Err(error) => return Ok(failed(format!("Nothing was changed: {error}."))),
        };
        sqlx::query(
            "INSERT INTO brain_docs (project_id, agent_key, doc_type, content, updated_by) \
             VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (project_id, agent_key, doc_type) DO UPDATE \
             SET content = excluded.content, updated_by = excluded.updated_by, updated_at = now()",
        )
        .bind(self.project.as_str())
        .bind(&owner)
        .bind(&it.doc_type)
        .bind(storable(content))
        .bind(&self.order.proposer)
        .execute(&mut *on)
        .await?;
        let activity = format!("Updated {} of {owner}", it.doc_type);
        self.note(on, "brain_doc_updated", &activity, None).await?;
        let length = content.chars().count();
        Ok(Outcome::Executed(format!(
            "Wrote {} of {owner} ({length} characters).",
            it.doc_type
        )))
    }

    async fn send_message(&self, on: &mut PgConnection, it: &SendMessage) -> Result<Outcome> {
        let named = it.agent();
        let agent = match named {
            Some(agent) if self.has_agent(on, &agent).await? => Some(agent),
            // In the room anybody may be meant; whoever is named by a key must be there.
            Some(agent)
                if it.channel() == Some(Channel::Dm) || it.recipient.starts_with("agent:") =>
            {
                return Ok(self.no_agent(&agent));
            }
            _ => None,
        };
        let (thread, place) = match (it.channel(), &agent) {
            (Some(Channel::Room), _) => (self.place(on, &Place::Room).await?, "in the Team Room"),
            (Some(Channel::Dm), Some(agent)) => {
                let thread = self.place(on, &Place::Dm(agent.clone())).await?;
                (thread, "in the direct messages")
            }
            (Some(Channel::Thread(id)), _) => (self.own_thread(on, id).await?, "in the thread"),
            _ => (None, ""),
        };
        let Some(thread) = thread else {
            return Ok(failed(format!(
                "There is no channel {:?} in project {}. Nothing was said.",
                it.channel, self.project
            )));
        };
        // An agent that is told its own words would answer itself.
        let for_delivery = agent
            .as_ref()
            .filter(|agent| Author::parse(&self.order.proposer) != Author::Agent((*agent).clone()));
        sqlx::query(
            "WITH said AS (INSERT INTO project_chat_messages \
                 (id, project_id, thread_id, author, target_agent_key, message, message_type, metadata) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id) \
             INSERT INTO chat_delivery_queue (project_id, message_id, target_agent_key, status) \
             SELECT $2, said.id, $9, 'queued' FROM said WHERE $9::text IS NOT NULL",
        )
        .bind(self.made())
        .bind(self.project.as_str())
        .bind(thread)
        .bind(&self.order.proposer)
        .bind(agent.as_ref().map(AgentKey::as_str))
        .bind(storable(&it.content))
        .bind(TEXT_TYPE)
        .bind(json!({
            "proposal_source": self.order.reference.source.as_str(),
            "proposal_id": self.order.reference.id,
        }))
        .bind(for_delivery.map(AgentKey::as_str))
        .execute(&mut *on)
        .await?;
        let queued = for_delivery.map_or(String::new(), |agent| format!(" and queued for {agent}"));
        Ok(Outcome::Executed(format!("Said {place}{queued}.")))
    }

    async fn has_agent(&self, on: &mut PgConnection, agent: &AgentKey) -> Result<bool> {
        Ok(sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM agents WHERE project_id = $1 AND agent_key = $2)",
        )
        .bind(self.project.as_str())
        .bind(agent.as_str())
        .fetch_one(on)
        .await?)
    }

    async fn place(&self, on: &mut PgConnection, place: &Place) -> Result<Option<Uuid>> {
        match place.title() {
            Some(title) => Ok(Some(thread_titled(on, self.project, &title).await?)),
            None => Ok(None),
        }
    }

    async fn own_thread(&self, on: &mut PgConnection, id: Uuid) -> Result<Option<Uuid>> {
        Ok(sqlx::query_scalar(
            "SELECT id FROM project_chat_threads WHERE id = $1 AND project_id = $2",
        )
        .bind(id)
        .bind(self.project.as_str())
        .fetch_optional(on)
        .await?)
    }

    async fn note(
        &self,
        on: &mut PgConnection,
        kind: &str,
        message: &str,
        task: Option<Uuid>,
    ) -> Result<()> {
        sqlx::query(
            "INSERT INTO activities (project_id, type, message, actor_agent_key, task_id) \
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(self.project.as_str())
        .bind(kind)
        .bind(message)
        .bind(&self.order.proposer)
        .bind(task)
        .execute(on)
        .await?;
        Ok(())
    }

    fn no_agent(&self, agent: &AgentKey) -> Outcome {
        failed(format!(
            "There is no agent {agent} in project {}. Nothing was done.",
            self.project
        ))
    }
}

fn failed(why: impl Into<String>) -> Outcome {
    Outcome::Failed(why.into())
}
