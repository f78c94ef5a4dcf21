//! The schedule: a list in two groups, a card for each job, and the form that changes it.

pub mod answers;
pub mod press;

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use super::button::{CHOICE_LIMIT, Choice, ROW_LIMIT, Select};
use super::form::{Field, Form};
use super::quote::{self, length, shortened};
use super::text::CONTENT_LIMIT;
use super::{Button, Draft, Row, Style};
use crate::model::addressing::Roster;
use crate::model::schedule::{
    Agenda, Ask, INSTRUCTIONS, Instructions, Job, NAME, Request, Schedule,
};
use press::SchedulePress;

/// Jobs on one page: so many fit one message with everything that is told of them.
pub const PAGE: usize = 7;

/// UTF-16 units of a name, of words and of an error.
const NAME_ROOM: usize = 44;
const WORDS_ROOM: usize = 70;
const ERROR_ROOM: usize = 160;

/// UTF-16 units of the instructions on a job's card.
const TEXT_ROOM: usize = 900;

/// What stands around the list.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// The agents by their names.
    pub roster: &'a Roster,
    /// Whether an executor is there.
    pub live: bool,
    /// The time.
    pub now: DateTime<Utc>,
}

/// One page of the list, from 0.
pub fn list(agenda: &Agenda, page: usize, around: Around<'_>) -> Draft {
    let pages = agenda.jobs.len().div_ceil(PAGE).max(1);
    let page = page.min(pages - 1);
    let from = page * PAGE;
    let shown = &agenda.jobs[from..agenda.jobs.len().min(from + PAGE)];
    let mut text = head(agenda, (page, pages), around);
    let mut group = None;
    for job in shown {
        let heartbeat = job.text.is_heartbeat();
        if group != Some(heartbeat) {
            group = Some(heartbeat);
            let title = if heartbeat {
                "Heartbeats"
            } else {
                "Scheduled Jobs"
            };
            let all = agenda.jobs.iter();
            let count = all.filter(|it| it.text.is_heartbeat() == heartbeat).count();
            // Writing to a String cannot fail.
            let _ = write!(text, "\n**{title}** ({count})");
        }
        text.push('\n');
        text.push_str(&line(job, around));
    }
    if agenda.jobs.is_empty() {
        text.push_str(
            "\nNothing is scheduled. `/schedule new` makes a job, `/heartbeat new` a heartbeat.",
        );
    }
    let mut rows = Vec::new();
    if !shown.is_empty() {
        rows.push(pick(shown));
    }
    if pages > 1 {
        rows.push(turn(page, pages));
    }
    rows.extend(requests(&mut text, &agenda.requests));
    Draft {
        components: rows,
        ..Draft::text(text)
    }
}

fn head(agenda: &Agenda, (page, pages): (usize, usize), around: Around<'_>) -> String {
    let count = agenda.jobs.len();
    let mut text = match (count, pages) {
        (1, _) => "**Schedule**: 1 job".to_owned(),
        (_, 1) => format!("**Schedule**: {count} jobs"),
        _ => format!("**Schedule**: {count} jobs, page {} of {pages}", page + 1),
    };
    if !around.live {
        text.push_str(
            "\n⚠️ The executor is not there: nothing runs now, and requests wait for it.",
        );
    } else if let Some(since) = agenda.stale_since(around.now) {
        let _ = write!(
            text,
            "\n⚠️ This list may be old: whoever keeps it gave the last sign of life <t:{}:R>.",
            since.timestamp()
        );
    }
    text
}

/// A job on two lines.
fn line(job: &Job, around: Around<'_>) -> String {
    let mut text = format!(
        "{} · {} · {}",
        name(job),
        agent(job, around.roster),
        when(job)
    );
    let _ = write!(text, "\n-# {}", times(job));
    text
}

fn name(job: &Job) -> String {
    format!("**{}**", quote::name(&shortened(&job.text.name, NAME_ROOM)))
}

fn agent(job: &Job, roster: &Roster) -> String {
    match job.text.agent() {
        Some(key) => match roster.find(key.short()) {
            Some(agent) => quote::name(&shortened(&agent.name, NAME_ROOM)),
            None => format!("{} (gone)", quote::name(key.short())),
        },
        None => "nobody".to_owned(),
    }
}

/// When it runs, in words.
fn when(job: &Job) -> String {
    match job.text.schedule() {
        Ok(schedule) => shortened(&schedule.words(), WORDS_ROOM).into_owned(),
        Err(_) => format!(
            "{} (unreadable)",
            quote::line(&job.text.expr, WORDS_ROOM).markup
        ),
    }
}

/// Next and last run, and how that ended.
fn times(job: &Job) -> String {
    let next = match (job.enabled, job.next) {
        (false, _) => "paused".to_owned(),
        (true, Some(at)) => format!("next <t:{}:R>", at.timestamp()),
        (true, None) => "next run unknown".to_owned(),
    };
    match job.last {
        Some(at) => format!("{next} · last <t:{}:R>, {}", at.timestamp(), status(job)),
        None => format!("{next} · never run"),
    }
}

fn status(job: &Job) -> String {
    let status = job
        .status
        .as_deref()
        .map(str::trim)
        .filter(|it| !it.is_empty());
    match status {
        Some("ok" | "done" | "success") => "✅ ok".to_owned(),
        Some(word) => format!("❌ {}", quote::name(&shortened(word, NAME_ROOM))),
        None => "outcome unknown".to_owned(),
    }
}

fn pick(jobs: &[Job]) -> Row {
    let choice = |job: &Job| Choice {
        label: label(job),
        value: job.row.to_string(),
        chosen: false,
    };
    Row::Select(Select {
        custom_id: SchedulePress::Pick.to_string(),
        placeholder: "Open a job".to_owned(),
        choices: jobs.iter().map(choice).collect(),
    })
}

/// A job where Discord takes plain text.
pub fn label(job: &Job) -> String {
    let visible = quote::visible(&job.text.name);
    let name = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    let name = if name.is_empty() { &job.id } else { &name };
    shortened(name, CHOICE_LIMIT).into_owned()
}

fn turn(page: usize, pages: usize) -> Row {
    let to = |page: usize| SchedulePress::Page(u16::try_from(page).unwrap_or(u16::MAX));
    let back = Button::new("Previous", Style::Secondary, &to(page.saturating_sub(1)));
    // No two buttons of a message may say the same.
    let next = Button::new("Next", Style::Secondary, &to(page + 1));
    let mut buttons = Vec::new();
    if page > 0 {
        buttons.push(back);
    }
    if page + 1 < pages {
        buttons.push(next);
    }
    Row::Buttons(buttons)
}

/// Writes down what waits and what has failed, as far as there is room; gives the buttons for the latter.
fn requests(text: &mut String, requests: &[Request]) -> Option<Row> {
    let mut again = Vec::new();
    for (shown, request) in requests.iter().enumerate() {
        let job = quote::name(&shortened(&request.job, NAME_ROOM));
        let at = request.at.timestamp();
        let what = request.ask.as_str();
        let line = match &request.error {
            Some(error) => {
                let error = quote::line(error, ERROR_ROOM).markup;
                format!("❌ {what} {job}, <t:{at}:R>: {error}")
            }
            None if request.running => format!("⏳ {what} {job}: in work since <t:{at}:R>"),
            None => format!("🕓 {what} {job}: waits since <t:{at}:R>"),
        };
        let head = if shown == 0 { "\n**Requests**\n" } else { "\n" };
        if length(text) + length(head) + length(&line) > CONTENT_LIMIT {
            break;
        }
        text.push_str(head);
        text.push_str(&line);
        if request.error.is_some() && again.len() < ROW_LIMIT {
            let label = format!("Retry: {what} {}", quote::visible(&request.job));
            let press = SchedulePress::Again(request.ask, request.id);
            again.push(Button::new(&label, Style::Secondary, &press));
        }
    }
    (!again.is_empty()).then_some(Row::Buttons(again))
}

/// A job with its buttons; `note` is what has just happened.
pub fn card(job: &Job, asked: &[Request], note: Option<&str>, around: Around<'_>) -> Draft {
    let mut text = String::new();
    if let Some(note) = note {
        let _ = writeln!(text, "{note}\n");
    }
    let heartbeat = job.text.is_heartbeat();
    let kind = if heartbeat {
        "Heartbeat, a non-destructive periodic check"
    } else {
        "Scheduled job"
    };
    let _ = write!(
        text,
        "{}\n{kind}, by {}, {}.\n{}",
        name(job),
        agent(job, around.roster),
        when(job),
        times(job)
    );
    if let Some(took) = job.duration_ms.filter(|took| *took > 0) {
        let _ = write!(text, " after {:.1} s", f64::from(took) / 1000.0);
    }
    if let Err(wrong) = job.text.check() {
        let _ = write!(
            text,
            "\n⚠️ It cannot run: {}.",
            quote::name(&wrong.to_string())
        );
    }
    let body = Instructions::read(&job.text.instructions).body;
    let _ = write!(text, "\n{}", quote::quoted(&body, TEXT_ROOM).markup);
    let own: Vec<Request> = asked
        .iter()
        .filter(|request| request.job_id.as_ref() == Some(&job.id))
        .cloned()
        .collect();
    let mut rows = vec![Row::Buttons(buttons(job, &own))];
    rows.extend(requests(&mut text, &own));
    Draft {
        components: rows,
        ..Draft::text(text)
    }
}

fn buttons(job: &Job, asked: &[Request]) -> Vec<Button> {
    let going = asked
        .iter()
        .any(|it| it.ask == Ask::Delete && it.error.is_none());
    let (pause, word) = if job.enabled {
        (SchedulePress::Pause(job.row), "Pause")
    } else {
        (SchedulePress::Resume(job.row), "Resume")
    };
    let all = [
        Button::new("Run now", Style::Success, &SchedulePress::Run(job.row)),
        Button::new(word, Style::Secondary, &pause),
        Button::new("Edit…", Style::Secondary, &SchedulePress::Edit(job.row)),
        Button::new("Delete", Style::Danger, &SchedulePress::Delete(job.row)),
    ];
    all.map(|button| button.enabled(!going)).into()
}

/// Names of the form's fields.
pub const FORM_NAME: &str = "name";
/// When it runs.
pub const FORM_SCHEDULE: &str = "schedule";
/// By which clock.
pub const FORM_TIMEZONE: &str = "timezone";
/// What to do.
pub const FORM_INSTRUCTIONS: &str = "instructions";

/// The form that changes a job.
pub fn form(job: &Job) -> Form {
    let version = u64::from_str_radix(&job.text.version(), 16).unwrap_or_default();
    let field = |name, label, value: &str, longest: usize| Field {
        name,
        label,
        value: value.chars().take(longest).collect(),
        longest: u16::try_from(longest).unwrap_or(u16::MAX),
        long: false,
        required: true,
    };
    let mut fields = vec![field(FORM_NAME, "Name", &job.text.name, NAME)];
    let schedule = written(job);
    if job.text.is_heartbeat() && job.text.kind.as_deref() != Some("cron") {
        fields.push(field(FORM_SCHEDULE, "Every (5m to 24h)", &schedule, 100));
    } else {
        fields.push(field(
            FORM_SCHEDULE,
            "Schedule, such as weekdays at 9:00",
            &schedule,
            100,
        ));
        let zone = field(
            FORM_TIMEZONE,
            "Time zone, such as America/New_York",
            job.text.tz.as_deref().unwrap_or_default(),
            100,
        );
        fields.push(Field {
            required: false,
            ..zone
        });
    }
    let body = Instructions::read(&job.text.instructions).body;
    fields.push(Field {
        long: true,
        ..field(FORM_INSTRUCTIONS, "Instructions", &body, INSTRUCTIONS)
    });
    Form {
        title: "Edit a job",
        custom_id: SchedulePress::Form(job.row, version).to_string(),
        fields,
    }
}

/// When a job runs, as a person would type it.
pub fn written(job: &Job) -> String {
    match job.text.schedule() {
        Ok(schedule @ Schedule::Every(_)) => schedule.words(),
        Ok(schedule) => schedule.expr(),
        Err(_) => job.text.expr.clone(),
    }
}
