//! The team: who is there, how each of them is, and who is asked for.

use std::fmt::Write as _;

use super::button::{CHOICE_LIMIT, ROW_LIMIT};
use super::pages::{page, pages};
use super::quote::{self, length, shortened, visible};
use super::team_press::TeamPress;
use super::text::CONTENT_LIMIT;
use super::{Button, Choice, Draft, Persona, Row, Select, Style, labs};
use crate::model::ChannelId;
use crate::model::bots::BotState;
use crate::model::hire::{Request, RequestState};
use crate::model::labs::Feature;
use crate::model::presence::Presence;
use crate::model::team::{Job, Member};

/// Room for the lines of one page, beside those of requests.
const PAGE: usize = 1_200;

/// Characters of a name, a title, a role, a purpose, a reason and a typed word.
const NAME: usize = 40;
const TITLE: usize = 60;
const ROLE: usize = 300;
const PURPOSE: usize = 500;
const REASON: usize = 400;
const WORD: usize = 80;

/// So many requests are named below the team.
const REQUESTS: usize = 5;

/// An agent and where it can be found.
#[derive(Debug, Clone, Copy)]
pub struct Seat<'a> {
    /// The agent.
    pub member: &'a Member,
    /// Its channel.
    pub channel: Option<ChannelId>,
    /// The thread of the task that it works on.
    pub thread: Option<ChannelId>,
}

/// One agent with all that is known.
#[derive(Debug, Clone, Copy)]
pub struct Detail<'a> {
    /// The agent.
    pub seat: Seat<'a>,
    /// The features that are off and that its channel needs.
    pub missing: &'a [Feature],
    /// Its scheduled jobs.
    pub jobs: &'a [Job],
    /// Its own bot; none where it has none.
    pub bot: Option<&'a BotState>,
}

/// A name between our words.
pub(super) fn name(text: &str) -> String {
    quote::name(&shortened(text, NAME))
}

fn face(member: &Member) -> String {
    let emoji = member
        .emoji
        .as_deref()
        .map(|it| quote::name(&shortened(it, 16)));
    let emoji = emoji.unwrap_or_else(|| "🤖".to_owned());
    format!("{emoji} **{}**", name(&member.name))
}

fn presence(presence: Presence) -> &'static str {
    match presence {
        Presence::Working => "🔵 working",
        Presence::Idle => "🟢 idle",
        Presence::Offline => "⚫ offline",
    }
}

fn work(seat: &Seat<'_>) -> Option<String> {
    let (_, title) = seat.member.task.as_ref()?;
    let title = quote::line(title, TITLE).markup;
    Some(match seat.thread {
        Some(thread) => format!("{title} (<#{thread}>)"),
        None => title,
    })
}

fn proposals(count: usize) -> Option<String> {
    match count {
        0 => None,
        1 => Some("1 open proposal".to_owned()),
        many => Some(format!("{many} open proposals")),
    }
}

fn seen(member: &Member) -> String {
    member.seen.map_or_else(
        || "not seen yet".to_owned(),
        |seen| format!("seen <t:{}:R>", seen.timestamp()),
    )
}

fn line(seat: &Seat<'_>) -> String {
    let member = seat.member;
    let mut line = format!("{} {}", face(member), presence(member.presence));
    // Writing to a String cannot fail.
    if let Some(work) = work(seat) {
        let _ = write!(line, ", on {work}");
    }
    let _ = write!(line, ", {}", seen(member));
    if let Some(proposals) = proposals(member.proposals) {
        let _ = write!(line, ", {proposals}");
    }
    line
}

/// The team, one page of it, with who is asked for.
pub fn team(seats: &[Seat<'_>], requests: &[Request], wanted: u16) -> Draft {
    let lines: Vec<String> = seats.iter().map(line).collect();
    let pages = pages(&lines, PAGE);
    let (at, shown) = page(&pages, wanted);
    let mut content = match seats.len() {
        0 => "**Nobody is in the team yet.** An operator hires with `/agent new`.".to_owned(),
        1 => "**The team: 1 agent**".to_owned(),
        many => format!("**The team: {many} agents**"),
    };
    if pages.len() > 1 {
        let _ = write!(content, ", page {} of {}", at + 1, pages.len());
    }
    for line in &lines[shown.clone()] {
        let _ = write!(content, "\n{line}");
    }
    for request in requests.iter().take(REQUESTS) {
        let line = request_line(request);
        if length(&content) + length(&line) < CONTENT_LIMIT {
            let _ = write!(content, "\n{line}");
        }
    }
    let mut components = Vec::new();
    let choices: Vec<Choice> = seats[shown].iter().map(choice).collect();
    if !choices.is_empty() {
        components.push(Row::Select(choose(choices)));
    }
    components.extend(turning(at, pages.len(), |page| TeamPress::Agents { page }));
    components.extend(retries(requests));
    Draft {
        components,
        ..Draft::text(content)
    }
}

fn choice(seat: &Seat<'_>) -> Choice {
    let member = seat.member;
    let persona = Persona::new(&member.name, member.key.short());
    let label = format!(
        "{} ({})",
        shortened(&persona.name, NAME),
        member.key.short()
    );
    Choice {
        label: shortened(&visible(&label), CHOICE_LIMIT).into_owned(),
        value: member.row.to_string(),
        chosen: false,
    }
}

fn choose(choices: Vec<Choice>) -> Select {
    Select {
        custom_id: TeamPress::Agent.to_string(),
        placeholder: "Look at an agent".to_owned(),
        choices,
    }
}

/// Buttons that turn the pages, where there are several.
pub(super) fn turning(at: u16, pages: usize, press: impl Fn(u16) -> TeamPress) -> Option<Row> {
    if pages < 2 {
        return None;
    }
    let last = u16::try_from(pages - 1).unwrap_or(u16::MAX);
    let back = Button::new("Back", Style::Secondary, &press(at.saturating_sub(1)));
    let more = Button::new("More", Style::Secondary, &press(at.saturating_add(1)));
    Some(Row::Buttons(vec![
        back.enabled(at > 0),
        more.enabled(at < last),
    ]))
}

fn request_line(request: &Request) -> String {
    let who = name(&request.name);
    let at = request.requested_at.timestamp();
    match &request.state {
        RequestState::Queued => format!("🕓 {who} is asked for since <t:{at}:R>, and queued."),
        RequestState::Running => format!("⏳ {who} is being provisioned."),
        RequestState::Done => format!("✅ {who} is provisioned."),
        RequestState::Failed(why) => {
            let why = quote::line(why, 150).markup;
            format!("❌ {who} could not be provisioned: {why}")
        }
    }
}

fn retries(requests: &[Request]) -> Option<Row> {
    let failed = requests
        .iter()
        .filter(|it| matches!(it.state, RequestState::Failed(_)));
    let buttons: Vec<Button> = failed
        .take(ROW_LIMIT)
        .map(|it| {
            let who: String = visible(&it.name).chars().take(NAME).collect();
            let press = TeamPress::RetryHire { request: it.id };
            Button::new(&format!("Retry {who}"), Style::Secondary, &press)
        })
        .collect();
    (!buttons.is_empty()).then_some(Row::Buttons(buttons))
}

/// One agent.
pub fn agent(detail: &Detail<'_>) -> Draft {
    let seat = &detail.seat;
    let member = seat.member;
    let mut lines = vec![
        format!("{} `{}`", face(member), member.key),
        format!("{}, {}", presence(member.presence), seen(member)),
    ];
    lines.push(match seat.channel {
        Some(channel) => format!("Channel: <#{channel}>"),
        None if detail.missing.is_empty() => "Channel: it is being made".to_owned(),
        None => {
            let switches: Vec<_> = detail
                .missing
                .iter()
                .map(|it| labs::switch_on(*it))
                .collect();
            format!(
                "Channel: switched off; an operator switches it on with {}",
                switches.join(" and ")
            )
        }
    });
    lines.push(match work(seat) {
        Some(work) => format!("Works on: {work}"),
        None => "Works on: nothing at the moment".to_owned(),
    });
    lines.push(match proposals(member.proposals) {
        Some(count) => format!("Approvals: {count}, see `/approvals`"),
        None => "Approvals: none open".to_owned(),
    });
    lines.extend(own_words(member));
    lines.extend(jobs(detail.jobs));
    lines.extend(detail.bot.map(bot));
    if !member.is_provisioned {
        lines.push("No executor has said that it is provisioned.".to_owned());
    }
    let mut content = String::new();
    for line in lines {
        if length(&content) + length(&line) < CONTENT_LIMIT {
            content.push_str(&line);
            content.push('\n');
        }
    }
    // The way back to the list.
    let back = Button::new("The team", Style::Secondary, &TeamPress::Agents { page: 0 });
    Draft {
        components: vec![Row::Buttons(vec![back])],
        ..Draft::text(content.trim_end())
    }
}

fn own_words(member: &Member) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(role) = &member.role {
        lines.push(format!("Role: {}", quote::line(role, ROLE).markup));
    }
    if let Some(note) = &member.note {
        lines.push(format!("Says: {}", quote::line(note, ROLE).markup));
    }
    if let Some(purpose) = &member.purpose {
        lines.push(format!(
            "Purpose: {}",
            quote::quoted(purpose, PURPOSE).markup
        ));
    }
    lines
}

fn jobs(jobs: &[Job]) -> Vec<String> {
    jobs.iter().map(job).collect()
}

fn job(job: &Job) -> String {
    let mark = if job.is_heartbeat {
        "💓 Heartbeat"
    } else {
        "⏰ Job"
    };
    let mut line = format!("{mark} {}", quote::line(&job.name, TITLE).markup);
    if !job.enabled {
        line.push_str(", paused");
    } else if let Some(next) = job.next_run_at {
        let _ = write!(line, ", next <t:{}:R>", next.timestamp());
    }
    if let Some(last) = job.last_run_at {
        let _ = write!(line, ", last <t:{}:R>", last.timestamp());
        if let Some(status) = &job.last_status {
            let _ = write!(line, " ({})", quote::line(status, 40).markup);
        }
    }
    line
}

fn bot(state: &BotState) -> String {
    match state {
        BotState::Starting => "Own bot: it connects".to_owned(),
        BotState::Up => "Own bot: it is up".to_owned(),
        BotState::Deaf(why) => {
            format!(
                "⚠️ Own bot: it does not hear, {}",
                quote::line(why, REASON).markup
            )
        }
        BotState::Down(why) => {
            format!(
                "⚠️ Own bot: it is down, {}",
                quote::line(why, REASON).markup
            )
        }
    }
}

/// The word is no agent.
pub fn unknown_agent(word: &str) -> String {
    let word = quote::line(word, WORD).markup;
    format!("There is no agent {word} in this project. `/agents` without a name lists them.")
}
