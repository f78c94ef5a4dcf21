//! The schedule: everybody may look, operators change. Whatever is asked for goes through the request tables, which any
//! executor reads.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::decide::{Presser, refused};
use super::task_find::in_time;
use super::{Desk, schedule_edit};
use crate::cards::Draft;
use crate::cards::form::Form;
use crate::cards::schedule::answers as words;
use crate::cards::schedule::press::SchedulePress;
use crate::cards::schedule::{self as cards, Around, label};
use crate::discord::layout::Layout;
use crate::model::labs::Feature;
use crate::model::schedule::{Ask, Field, HEARTBEAT, Job, JobText, Schedule, TASK, Wrong, headed};
use crate::model::{InteractionId, MessageId};
use crate::store::Result;

/// How long the question before a job is deleted stands.
const QUESTION: Duration = Duration::from_mins(1);

/// Most jobs that are offered (source: Discord).
const OFFERED: usize = 25;

/// A job that somebody wants.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The interaction: the same one asks once, however often it is heard.
    pub interaction: InteractionId,
    /// Its name; none for a heartbeat.
    pub name: Option<String>,
    /// Whose it is.
    pub agent: String,
    /// When it runs.
    pub schedule: String,
    /// By which clock.
    pub timezone: Option<String>,
    /// What to do.
    pub instructions: String,
}

pub(super) fn around<'a>(desk: &Desk, layout: &'a Layout) -> Around<'a> {
    Around {
        roster: layout.roster(),
        live: desk.deliveries.is_direct(),
        now: Utc::now(),
    }
}

/// One page of the list, from 0.
pub async fn list(desk: &Desk, layout: &Layout, page: usize) -> anyhow::Result<Draft> {
    in_time(page_of(desk, layout, page)).await
}

async fn page_of(desk: &Desk, layout: &Layout, page: usize) -> Result<Draft> {
    let agenda = desk.store.agenda().await?;
    Ok(cards::list(&agenda, page, around(desk, layout)))
}

/// A job that somebody named, with its buttons.
pub async fn show(desk: &Desk, layout: &Layout, typed: &str) -> anyhow::Result<Draft> {
    in_time(async {
        match find(desk, typed).await? {
            Ok(job) => card(desk, layout, &job, None).await,
            Err(why) => Ok(Draft::text(why)),
        }
    })
    .await
}

pub(super) async fn card(
    desk: &Desk,
    layout: &Layout,
    job: &Job,
    note: Option<&str>,
) -> Result<Draft> {
    let asked = desk.store.job_requests().await?;
    Ok(cards::card(job, &asked, note, around(desk, layout)))
}

/// The job that is meant: by its row, its id, or its whole name. Else why there is none.
async fn find(desk: &Desk, typed: &str) -> Result<std::result::Result<Job, String>> {
    let typed = typed.trim();
    let mut jobs = desk.store.jobs().await?;
    let is = |job: &Job| job.row.to_string() == typed || job.id == typed;
    if let Some(at) = jobs.iter().position(is) {
        return Ok(Ok(jobs.swap_remove(at)));
    }
    let called = typed.to_lowercase();
    jobs.retain(|job| job.text.name.trim().to_lowercase() == called);
    Ok(match jobs.len() {
        0 => Err(words::unknown_job(typed)),
        1 => Ok(jobs.swap_remove(0)),
        many => Err(words::many_jobs(typed, many)),
    })
}

/// The jobs that what is typed so far may mean, as the name to show and the row to send.
pub async fn suggest(desk: &Desk, typed: &str) -> Vec<(String, String)> {
    let typed = typed.trim().to_lowercase();
    let jobs = tokio::time::timeout(Duration::from_secs(2), desk.store.jobs()).await;
    let jobs = jobs.ok().and_then(Result::ok).unwrap_or_default();
    let fits = jobs
        .iter()
        .filter(|job| job.text.name.to_lowercase().contains(&typed));
    let offer = |job: &Job| (label(job), job.row.to_string());
    fits.take(OFFERED).map(offer).collect()
}

/// Asks for a job.
pub async fn new_job(
    desk: &Desk,
    layout: &Layout,
    presser: &Presser,
    wanted: Wanted,
) -> anyhow::Result<String> {
    let tz = wanted.timezone.as_deref().or(Some("UTC"));
    let schedule = match Schedule::typed(&wanted.schedule, tz) {
        Ok(schedule) => schedule,
        Err(wrong) => return Ok(words::wrong(&wrong)),
    };
    ask_for(desk, layout, presser, (wanted, schedule, TASK)).await
}

/// Asks for a heartbeat.
pub async fn new_heartbeat(
    desk: &Desk,
    layout: &Layout,
    presser: &Presser,
    wanted: Wanted,
) -> anyhow::Result<String> {
    if !layout.labs().is_on(Feature::HeartbeatUi) {
        return Ok(words::heartbeats_off());
    }
    let schedule = match Schedule::typed(&wanted.schedule, None) {
        Ok(Schedule::Every(time)) => Schedule::heartbeat(time),
        // Whatever is no time between two runs: the choices are the client's alone.
        Ok(Schedule::Cron(_)) | Err(_) => Err(Wrong::new(
            Field::Interval,
            "a heartbeat runs every so often, from 5m to 24h",
        )),
    };
    match schedule {
        Ok(schedule) => ask_for(desk, layout, presser, (wanted, schedule, HEARTBEAT)).await,
        Err(wrong) => Ok(words::wrong(&wrong)),
    }
}

async fn ask_for(
    desk: &Desk,
    layout: &Layout,
    presser: &Presser,
    (wanted, schedule, intent): (Wanted, Schedule, &str),
) -> anyhow::Result<String> {
    if let Some(refusal) = refused(desk, presser) {
        tracing::info!(user = %presser.user, "somebody who may not change the schedule has tried to");
        return Ok(refusal.content);
    }
    let Some(agent) = layout.roster().find(&wanted.agent) else {
        return Ok(words::unknown_agent(&wanted.agent));
    };
    let heartbeat = wanted.name.is_none();
    let name = wanted
        .name
        .unwrap_or_else(|| format!("heartbeat-{}", agent.key.short()));
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let body = desk.shell.row_text(wanted.instructions, true);
    let text = JobText {
        name: desk.shell.row_text(name, true),
        kind: Some(schedule.kind().to_owned()),
        expr: schedule.expr(),
        tz: schedule.tz().map(str::to_owned),
        instructions: headed(&agent.key, intent, &body),
        agent: Some(agent.key.to_string()),
        intent: Some(intent.to_owned()),
    };
    if let Err(wrong) = text.check() {
        return Ok(words::wrong(&wrong));
    }
    let id = Uuid::new_v5(&MessageId::for_interaction(wanted.interaction).0, b"job");
    let (live, when) = (desk.deliveries.is_direct(), schedule.words());
    in_time(async {
        if !desk.store.ask_create(id, &text).await? {
            return Ok(words::asked_before());
        }
        tracing::info!(user = %presser.user, job = %id, "job {id} was asked for");
        desk.jobs.notify_one();
        Ok(if heartbeat {
            words::asked_heartbeat(&agent.name, &when, live)
        } else {
            words::asked_new(&text.name, &when, live)
        })
    })
    .await
}

/// What came with a press.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// The interaction: the same one asks once, however often it is heard.
    pub interaction: u64,
    /// What was chosen from the list.
    pub chosen: Option<&'a str>,
    /// The fields of the form, by name.
    pub fields: &'a [(String, String)],
}

/// Does what a control of the schedule says. Gives back what the person is told.
pub async fn press(
    desk: &Desk,
    layout: &Layout,
    presser: &Presser,
    (press, given): (SchedulePress, Given<'_>),
    now: DateTime<Utc>,
) -> Result<Draft> {
    let row = match press {
        SchedulePress::Page(page) => return page_of(desk, layout, usize::from(page)).await,
        SchedulePress::Pick => {
            return Ok(match desk.store.job(chosen(given)).await? {
                Some(job) => card(desk, layout, &job, None).await?,
                None => Draft::text(words::gone()),
            });
        }
        SchedulePress::Run(job)
        | SchedulePress::Pause(job)
        | SchedulePress::Resume(job)
        | SchedulePress::Edit(job)
        | SchedulePress::Form(job, _)
        | SchedulePress::Delete(job)
        | SchedulePress::Confirm(job, _) => job,
        SchedulePress::Again(_, request) => request,
    };
    if let Some(refusal) = refused(desk, presser) {
        tracing::info!(user = %presser.user, "somebody who may not change the schedule has tried to");
        return Ok(refusal);
    }
    if let SchedulePress::Again(ask, request) = press {
        return again(desk, ask, request).await.map(Draft::text);
    }
    change(desk, layout, presser, (press, row, given), now).await
}

/// The same for what changes the job of a row.
async fn change(
    desk: &Desk,
    layout: &Layout,
    presser: &Presser,
    (press, row, given): (SchedulePress, Uuid, Given<'_>),
    now: DateTime<Utc>,
) -> Result<Draft> {
    let Some(job) = desk.store.job(row).await? else {
        return Ok(Draft::text(words::gone()));
    };
    let id = Uuid::new_v5(&row, &given.interaction.to_be_bytes());
    let told = match press {
        SchedulePress::Form(_, version) => {
            schedule_edit::edit(desk, (&job, version), given.fields, id).await?
        }
        SchedulePress::Pause(_) => {
            schedule_edit::patch(desk, &job, (id, json!({ "enabled": false })), words::PAUSE)
                .await?
        }
        SchedulePress::Resume(_) => {
            schedule_edit::patch(desk, &job, (id, json!({ "enabled": true })), words::RESUME)
                .await?
        }
        SchedulePress::Delete(_) => return Ok(words::delete_question(&job, now + QUESTION)),
        SchedulePress::Confirm(_, until) => {
            let left = i64::from(until) - now.timestamp();
            // No question of ours has longer.
            if !(0..=QUESTION.as_secs().cast_signed()).contains(&left) {
                return Ok(Draft::text(words::question_has_expired()));
            }
            desk.store.ask_delete(id, &job.id).await?;
            words::asked(words::DELETE, desk.deliveries.is_direct())
        }
        _ => schedule_edit::run(desk, &job, id).await?,
    };
    tracing::info!(user = %presser.user, job = job.id, ?press, "an operator has changed the schedule");
    desk.jobs.notify_one();
    // It is done, so nothing that fails from here on may have it done again.
    Ok(match desk.store.job(row).await {
        Ok(Some(job)) => match card(desk, layout, &job, Some(&told)).await {
            Ok(card) => card,
            Err(_) => Draft::text(told),
        },
        _ => Draft::text(told),
    })
}

/// Asks once more for what has failed.
async fn again(desk: &Desk, ask: Ask, request: Uuid) -> Result<String> {
    if !desk.store.ask_again(ask, request).await? {
        return Ok(words::not_failed());
    }
    desk.jobs.notify_one();
    Ok(words::asked(words::AGAIN, desk.deliveries.is_direct()))
}

fn chosen(given: Given<'_>) -> Uuid {
    let chosen = given.chosen.and_then(|text| Uuid::try_parse(text).ok());
    chosen.unwrap_or_default()
}

/// The form that changes a job, for those who may; else what the person is told.
pub async fn edit_form(
    desk: &Desk,
    presser: &Presser,
    job: Uuid,
) -> Result<std::result::Result<Form, Draft>> {
    if let Some(refusal) = refused(desk, presser) {
        return Ok(Err(refusal));
    }
    Ok(match desk.store.job(job).await? {
        Some(job) => Ok(cards::form(&job)),
        None => Err(Draft::text(words::gone())),
    })
}
