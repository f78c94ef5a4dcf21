//! Schedules in words, and words as schedules.

use std::time::Duration;

use chrono_tz::Tz;

use super::zone::city;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Days by their number and by the names that cron takes.
const DAYS: [(&str, &str); 7] = [
    ("SUN", "Sundays"),
    ("MON", "Mondays"),
    ("TUE", "Tuesdays"),
    ("WED", "Wednesdays"),
    ("THU", "Thursdays"),
    ("FRI", "Fridays"),
    ("SAT", "Saturdays"),
];

/// A time between two runs as people and dashboards write it: `30m`, `2 hours`, `every 30 minutes`, `every day`.
pub(super) fn interval(text: &str) -> Option<Duration> {
    let text = text.trim().to_ascii_lowercase();
    let (text, said) = match text.strip_prefix("every ") {
        Some(rest) => (rest.trim(), true),
        None => (text.as_str(), false),
    };
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = match number {
        "" if said => 1,
        number => number.parse().ok()?,
    };
    let unit = match unit.trim() {
        "s" | "sec" | "second" | "seconds" => 1,
        "m" | "min" | "mins" | "minute" | "minutes" => MINUTE,
        "h" | "hour" | "hours" => HOUR,
        "d" | "day" | "days" => DAY,
        "w" | "week" | "weeks" => 7 * DAY,
        _ => return None,
    };
    number.checked_mul(unit).map(Duration::from_secs)
}

/// A time of the day in words, such as `weekdays at 9:00`, as a cron expression.
pub(super) fn expression(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_lowercase();
    if text == "hourly" {
        return Some("0 * * * *".to_owned());
    }
    let (days, time) = text.split_once(" at ")?;
    let (hour, minute) = time.trim().split_once(':')?;
    let (hour, minute): (u8, u8) = (hour.parse().ok()?, minute.parse().ok()?);
    let days = match days.trim() {
        "daily" | "every day" => "*".to_owned(),
        "weekdays" => "1-5".to_owned(),
        "weekends" => "0,6".to_owned(),
        day => {
            let mut all = DAYS.iter();
            all.position(|(_, name)| {
                let name = name.to_ascii_lowercase();
                name == day || name.strip_suffix('s') == Some(day)
            })?
            .to_string()
        }
    };
    Some(format!("{minute} {hour} * * {days}"))
}

/// `every 30 minutes`.
pub(super) fn of_interval(time: Duration) -> String {
    let seconds = time.as_secs();
    let (number, unit) = match seconds {
        _ if seconds.is_multiple_of(7 * DAY) => (seconds / (7 * DAY), "week"),
        _ if seconds.is_multiple_of(DAY) => (seconds / DAY, "day"),
        _ if seconds.is_multiple_of(HOUR) => (seconds / HOUR, "hour"),
        _ if seconds.is_multiple_of(MINUTE) => (seconds / MINUTE, "minute"),
        _ => (seconds, "second"),
    };
    match number {
        1 => format!("every {unit}"),
        _ => format!("every {number} {unit}s"),
    }
}

/// `weekdays at 9:00 New York`; the expression where there are no such words.
pub(super) fn of_times(text: &str, zone: Option<Tz>) -> String {
    let fields: Vec<&str> = text.split(' ').collect();
    let number = |field: &str| field.parse::<u8>().ok();
    let step = |field: &str| number(field.strip_prefix("*/")?);
    let said = match fields.as_slice() {
        ["*", "*", "*", "*", "*"] => return "every minute".to_owned(),
        [minute, "*", "*", "*", "*"] => match (step(minute), number(minute)) {
            (Some(step), _) if step > 0 && 60 % step == 0 => {
                return of_interval(Duration::from_secs(u64::from(step) * MINUTE));
            }
            (_, Some(0)) => return "every hour".to_owned(),
            (_, Some(minute)) => return format!("every hour at :{minute:02}"),
            _ => None,
        },
        ["0", hour, "*", "*", "*"] if step(hour).is_some_and(|it| it > 0 && 24 % it == 0) => {
            let hours = step(hour).unwrap_or(1);
            return of_interval(Duration::from_secs(u64::from(hours) * HOUR));
        }
        [minute, hour, day, "*", week] => number(minute).zip(number(hour)).and_then(|(m, h)| {
            let days = match (*day, *week) {
                ("*" | "?", week) => days(week)?,
                (day, "*" | "?") => format!("monthly on day {}", number(day)?),
                _ => return None,
            };
            Some(format!("{days} at {h}:{m:02}"))
        }),
        _ => None,
    };
    let said = said.unwrap_or_else(|| format!("`{text}`"));
    match zone {
        Some(zone) => format!("{said} {}", city(zone)),
        None => said,
    }
}

fn days(field: &str) -> Option<String> {
    let field = field.to_ascii_uppercase();
    match field.as_str() {
        "*" | "?" => return Some("daily".to_owned()),
        "1-5" | "MON-FRI" => return Some("weekdays".to_owned()),
        "0,6" | "6,0" | "6,7" | "SAT,SUN" | "SUN,SAT" => return Some("weekends".to_owned()),
        _ => {}
    }
    let names: Option<Vec<&str>> = field
        .split(',')
        .map(|day| {
            let by_name = DAYS.iter().find(|(short, _)| *short == day);
            let by_number = || DAYS.get(day.parse::<usize>().ok()? % DAYS.len());
            by_name.or_else(by_number).map(|(_, name)| *name)
        })
        .collect();
    let names = names?;
    let (last, others) = names.split_last()?;
    Some(match others {
        [] => (*last).to_owned(),
        others => format!("{} and {last}", others.join(", ")),
    })
}
