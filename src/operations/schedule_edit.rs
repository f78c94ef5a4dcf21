//! Changing jobs and running them: what a form says becomes a patch, as existing dashboards write it.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Desk;
use crate::cards::schedule::answers as words;
use crate::cards::schedule::{FORM_INSTRUCTIONS, FORM_NAME, FORM_SCHEDULE, FORM_TIMEZONE, written};
use crate::control::DeliverOutcome;
use crate::delivery::fallback::Way;
use crate::model::schedule::{
    HEARTBEAT, Instructions, Job, JobText, Schedule, TASK, Wrong, headed,
};
use crate::store::Result;

/// Asks for a change: directly while the executor is there.
pub(super) async fn patch(
    desk: &Desk,
    job: &Job,
    (id, patch): (Uuid, Value),
    what: &str,
) -> Result<String> {
    let switch = patch
        .as_object()
        .is_some_and(|it| it.len() == 1 && it.contains_key("enabled"));
    let action = if switch { "toggle" } else { "edit" };
    let keep = || desk.store.ask_patch(id, &job.id, &patch);
    let way = desk
        .deliveries
        .ask_about_job(&job.id, (action, &patch), keep)
        .await;
    told(way, what)
}

/// Asks for a run now.
pub(super) async fn run(desk: &Desk, job: &Job, id: Uuid) -> Result<String> {
    let keep = || desk.store.ask_run(id, &job.id);
    // The id makes one run of one press, where the executor is ours.
    let body = json!({ "request_id": id });
    let way = desk
        .deliveries
        .ask_about_job(&job.id, ("run", &body), keep)
        .await;
    told(way, words::RUN)
}

fn told(way: Way<DeliverOutcome, Result<()>>, what: &str) -> Result<String> {
    Ok(match way {
        Way::Backup(kept) => {
            kept?;
            words::asked(what, false)
        }
        Way::Direct(DeliverOutcome::Done) => words::taken(what),
        Way::Direct(DeliverOutcome::Unknown(_)) => words::no_answer(what),
        Way::Direct(
            DeliverOutcome::Refused(why)
            | DeliverOutcome::Failed(why)
            | DeliverOutcome::NotSent(why),
        ) => words::not_taken(&why),
    })
}

/// Changes a job as the form says that showed this version of it.
pub(super) async fn edit(
    desk: &Desk,
    (job, version): (&Job, u64),
    fields: &[(String, String)],
    id: Uuid,
) -> Result<String> {
    if u64::from_str_radix(&job.text.version(), 16) != Ok(version) {
        return Ok(words::changed_meanwhile());
    }
    let mut changes = match changes(desk, job, fields) {
        Ok(changes) => changes,
        Err(why) => return Ok(why),
    };
    if changes.is_empty() {
        return Ok(words::nothing_changed());
    }
    // Whoever is second, however close, is told by the executor.
    changes.insert("expected".to_owned(), job.text.version().into());
    patch(desk, job, (id, Value::Object(changes)), words::EDIT).await
}

fn changes(
    desk: &Desk,
    job: &Job,
    fields: &[(String, String)],
) -> std::result::Result<Map<String, Value>, String> {
    let field = |name: &str| {
        let found = fields.iter().find(|(it, _)| it == name);
        found.map(|(_, text)| text.trim().to_owned())
    };
    let told = |wrong: Wrong| words::wrong(&wrong);
    let mut text = job.text.clone();
    let mut changes = Map::new();
    if let Some(name) = field(FORM_NAME).filter(|name| name != text.name.trim()) {
        text.name = desk.shell.row_text(name, true);
        changes.insert("name".to_owned(), json!(text.name));
    }
    let heartbeat = text.is_heartbeat();
    let zone = field(FORM_TIMEZONE).or_else(|| text.tz.clone());
    let zone = zone.filter(|zone| !zone.is_empty());
    let typed = field(FORM_SCHEDULE).unwrap_or_else(|| written(job));
    if typed != written(job) || zone != text.tz.clone().filter(|zone| !zone.is_empty()) {
        let schedule = reschedule(&typed, zone.as_deref(), &text)?;
        text.kind = Some(schedule.kind().to_owned());
        text.expr = schedule.expr();
        text.tz = schedule.tz().map(str::to_owned);
        changes.insert("scheduleKind".to_owned(), json!(text.kind));
        changes.insert("scheduleExpr".to_owned(), json!(text.expr));
        // The Control API has another word for it.
        changes.insert("schedule".to_owned(), json!(text.expr));
        changes.insert(
            "tz".to_owned(),
            json!(text.tz.as_deref().unwrap_or_default()),
        );
        if !heartbeat && text.intent.as_deref().is_none_or(|it| it.trim().is_empty()) {
            // Without a purpose, what runs every so often counts as a heartbeat.
            text.intent = Some(TASK.to_owned());
            changes.insert("jobIntent".to_owned(), json!(TASK));
        }
    }
    let read = Instructions::read(&text.instructions);
    if let Some(body) = field(FORM_INSTRUCTIONS).filter(|body| *body != read.body) {
        let body = desk.shell.row_text(body, true);
        let own = text.intent.clone().filter(|it| !it.trim().is_empty());
        let usual = if heartbeat { HEARTBEAT } else { TASK };
        let intent = own.or(read.intent).unwrap_or_else(|| usual.to_owned());
        text.instructions = match text.agent() {
            Some(agent) => headed(&agent, &intent, &body),
            None => body,
        };
        changes.insert("instructions".to_owned(), json!(text.instructions));
    }
    if !changes.is_empty() {
        text.check().map_err(told)?;
    }
    Ok(changes)
}

/// When a job runs from now on: a heartbeat keeps being one.
fn reschedule(
    typed: &str,
    zone: Option<&str>,
    text: &JobText,
) -> std::result::Result<Schedule, String> {
    let told = |wrong: Wrong| words::wrong(&wrong);
    let heartbeat = text.is_heartbeat();
    match Schedule::typed(typed, zone).map_err(told)? {
        Schedule::Every(time) if heartbeat => Schedule::heartbeat(time).map_err(told),
        Schedule::Cron(_) if heartbeat && text.kind.as_deref() != Some("cron") => {
            Err(words::heartbeat_is_an_interval())
        }
        other => Ok(other),
    }
}
