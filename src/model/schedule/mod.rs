//! When jobs run: schedules as rows and people write them, held to bounds, and the next moment after a given one.

mod agenda;
mod instructions;
mod job;
mod words;
mod zone;

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

pub use agenda::{Agenda, Ask, Request};
pub use instructions::{Instructions, SAFETY, headed, prompt};
pub use job::{HEARTBEAT, INSTRUCTIONS, Job, JobText, MIRROR_STATE, NAME, TASK, is_heartbeat};
pub use zone::{city, suggest, zone};

/// Shortest time between two runs.
pub const SHORTEST: Duration = Duration::from_mins(1);

/// Longest time between two runs.
pub const LONGEST: Duration = Duration::from_hours(365 * 24);

/// Shortest and longest time between two heartbeats.
pub const HEARTBEATS: (Duration, Duration) = (Duration::from_mins(5), Duration::from_hours(24));

/// Longest expression that is read, in bytes: hostile ones are long.
const LONGEST_EXPRESSION: usize = 120;

/// How far clocks are set at most where daylight saving begins or ends, with room to spare.
const SHIFT: TimeDelta = TimeDelta::hours(3);

/// Minutes that a gap of the local time may have: once a whole day was left out.
const LONGEST_GAP: i64 = 26 * 60;

/// The fields of a cron expression, in their order.
const FIELDS: [&str; 5] = ["minute", "hour", "day of month", "month", "day of week"];

/// A part of a job that can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// How it is called.
    Name,
    /// Who does it.
    Agent,
    /// When.
    Schedule,
    /// By which clock.
    Timezone,
    /// The time between two heartbeats.
    Interval,
    /// What to do.
    Instructions,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "name",
            Self::Agent => "agent",
            Self::Schedule => "schedule",
            Self::Timezone => "timezone",
            Self::Interval => "interval",
            Self::Instructions => "instructions",
        })
    }
}

/// What is wrong with a job, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct Wrong {
    /// The field, by the name of its option.
    pub field: Field,
    /// A sentence without its full stop.
    pub reason: String,
}

impl Wrong {
    /// This field, for this reason.
    pub fn new(field: Field, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self { field, reason }
    }
}

/// When a job runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schedule {
    /// At the times of a cron expression.
    Cron(Box<Times>),
    /// Again and again after this time.
    Every(Duration),
}

/// The times of a cron expression on the clocks of a place.
#[derive(Debug, Clone)]
pub struct Times {
    text: String,
    cron: Cron,
    zone: Option<Tz>,
}

impl Schedule {
    /// Reads what stands in a row: `cron` with an expression, `every` with milliseconds. `interval` with a word
    /// such as `30m` is read too, since dashboards write it.
    pub fn read(kind: Option<&str>, expr: &str, tz: Option<&str>) -> Result<Self, Wrong> {
        let expr = expr.trim();
        let number = !expr.is_empty() && expr.bytes().all(|byte| byte.is_ascii_digit());
        match kind.map(str::trim) {
            Some("every" | "interval") => match words::interval(expr) {
                Some(time) => Self::every(time),
                None if number => Self::every(milliseconds(expr)),
                None => Err(Wrong::new(
                    Field::Schedule,
                    format!("{} is no time between two runs", quoted(expr)),
                )),
            },
            None | Some("") if number => Self::every(milliseconds(expr)),
            None | Some("" | "cron") => Self::cron(expr, tz),
            Some(other) => Err(Wrong::new(
                Field::Schedule,
                format!("{} is no kind of schedule that is known", quoted(other)),
            )),
        }
    }

    /// Reads what a person typed: a cron expression, or words such as `every 30 minutes`, `2h` and
    /// `weekdays at 9:00`.
    pub fn typed(text: &str, tz: Option<&str>) -> Result<Self, Wrong> {
        let text = text.trim();
        if let Some(time) = words::interval(text) {
            return Self::every(time);
        }
        let expression = words::expression(text);
        Self::cron(expression.as_deref().unwrap_or(text), tz)
    }

    /// Again and again after `time`, within the bounds.
    pub fn every(time: Duration) -> Result<Self, Wrong> {
        if (SHORTEST..=LONGEST).contains(&time) {
            return Ok(Self::Every(time));
        }
        let reason = "the time between two runs must be from 1 minute to 1 year";
        Err(Wrong::new(Field::Schedule, reason))
    }

    /// The same for heartbeats, whose bounds are narrower.
    pub fn heartbeat(time: Duration) -> Result<Self, Wrong> {
        let (shortest, longest) = HEARTBEATS;
        if (shortest..=longest).contains(&time) {
            return Ok(Self::Every(time));
        }
        let reason = "the time between two heartbeats must be from 5 minutes to 24 hours";
        Err(Wrong::new(Field::Interval, reason))
    }

    fn cron(text: &str, tz: Option<&str>) -> Result<Self, Wrong> {
        let zone = tz.map(str::trim).filter(|tz| !tz.is_empty());
        let zone = zone.map(zone::zone).transpose()?;
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let times = Times {
            cron: parse(&text)?,
            text,
            zone,
        };
        if times
            .next(DateTime::UNIX_EPOCH + TimeDelta::days(20_000))
            .is_none()
        {
            let reason = format!("{} names a day that never comes", quoted(&times.text));
            return Err(Wrong::new(Field::Schedule, reason));
        }
        Ok(Self::Cron(Box::new(times)))
    }

    /// The word of its kind in a row.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Cron(_) => "cron",
            Self::Every(_) => "every",
        }
    }

    /// The expression in a row.
    pub fn expr(&self) -> String {
        match self {
            Self::Cron(times) => times.text.clone(),
            Self::Every(time) => time.as_millis().to_string(),
        }
    }

    /// The time zone in a row.
    pub fn tz(&self) -> Option<&'static str> {
        match self {
            Self::Cron(times) => times.zone.map(Tz::name),
            Self::Every(_) => None,
        }
    }

    /// The first run after `after`. An hour that clocks skip is made up for right after it; of one that they show
    /// twice a time of the day counts once, while what runs every hour goes on. None: never again.
    pub fn next(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::Cron(times) => times.next(after),
            Self::Every(time) => after.checked_add_signed(TimeDelta::from_std(*time).ok()?),
        }
    }

    /// In words, such as `every 30 minutes` and `weekdays at 9:00 New York`; else the expression.
    pub fn words(&self) -> String {
        match self {
            Self::Cron(times) => words::of_times(&times.text, times.zone),
            Self::Every(time) => words::of_interval(*time),
        }
    }
}

/// What is written the same is the same.
impl PartialEq for Times {
    fn eq(&self, other: &Self) -> bool {
        (&self.text, self.zone) == (&other.text, other.zone)
    }
}

impl Eq for Times {}

impl Times {
    fn next(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let zone = self.zone.unwrap_or(Tz::UTC);
        let local = after.with_timezone(&zone).naive_local();
        let hourly = self
            .text
            .split(' ')
            .nth(1)
            .is_some_and(|hour| hour.starts_with('*'));
        let mut from = local.checked_sub_signed(SHIFT)?.and_utc();
        let mut best: Option<DateTime<Utc>> = None;
        loop {
            // The library counts on a clock without daylight saving; what that is here is decided below.
            let Ok(at) = self.cron.find_next_occurrence(&from, false) else {
                return best;
            };
            if best.is_some() && at.naive_utc() > local + SHIFT {
                return best;
            }
            let moments = moments(zone, at.naive_utc(), hourly)?;
            let later = moments
                .into_iter()
                .flatten()
                .filter(|moment| *moment > after);
            best = later.chain(best).min();
            if best.is_some() && !hourly {
                return best;
            }
            from = at;
        }
    }
}

/// When clocks there show a time: once, twice where it counts twice, or right after a gap.
fn moments(zone: Tz, local: NaiveDateTime, twice: bool) -> Option<[Option<DateTime<Utc>>; 2]> {
    let (first, second) = match zone.from_local_datetime(&local) {
        chrono::LocalResult::Single(at) => (at, None),
        chrono::LocalResult::Ambiguous(first, second) => (first, twice.then_some(second)),
        chrono::LocalResult::None => {
            let start = local.with_second(0)?;
            let later = (1..=LONGEST_GAP).map(|minute| start + TimeDelta::minutes(minute));
            let mut found = later.filter_map(|it| zone.from_local_datetime(&it).earliest());
            (found.next()?, None)
        }
    };
    let utc = |at: DateTime<Tz>| at.with_timezone(&Utc);
    Some([Some(utc(first)), second.map(utc)])
}

fn parse(text: &str) -> Result<Cron, Wrong> {
    let wrong = |reason: String| Wrong::new(Field::Schedule, reason);
    if text.len() > LONGEST_EXPRESSION || !text.is_ascii() || text.contains('`') {
        return Err(wrong(format!("{} is no cron expression", quoted(text))));
    }
    let parser = CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .build();
    let fields: Vec<&str> = text.split(' ').collect();
    if fields.len() != FIELDS.len() && !text.starts_with('@') {
        return Err(wrong(format!(
            "{} is neither a cron expression of 5 fields, such as 0 9 * * 1-5, nor words such as every 30 minutes",
            quoted(text)
        )));
    }
    parser.parse(text).map_err(|error| {
        // Which field it is the library does not say: each one is tried among fields that fit.
        let guilty = fields
            .iter()
            .zip(FIELDS)
            .enumerate()
            .find(|(at, (field, _))| {
                let mut alone = ["*"; FIELDS.len()];
                alone[*at] = field;
                parser.parse(&alone.join(" ")).is_err()
            });
        wrong(match guilty {
            Some((_, (field, name))) => format!("the {name} {} cannot be", quoted(field)),
            None => format!("{} cannot be read: {error}", quoted(text)),
        })
    })
}

/// More digits than fit are more than any bound.
fn milliseconds(digits: &str) -> Duration {
    Duration::from_millis(digits.parse().unwrap_or(u64::MAX))
}

/// Foreign text in a sentence, at most 60 characters of it, without what Discord reads as markup.
fn quoted(text: &str) -> String {
    let visible = text.chars().filter(|c| !c.is_control() && *c != '`');
    let mut short: String = visible.clone().take(60).collect();
    if visible.count() > 60 {
        short.push('…');
    }
    format!("“{short}”")
}
