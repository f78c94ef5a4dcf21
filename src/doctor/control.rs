//! The executor: whether it answers, what it says of itself, and whether its clock is right.

use chrono::TimeDelta;

use super::{Control, Group, Line, Subject};
use crate::clock::Clock;
use crate::control::{ControlClient, ControlError, ExecutorHealth};

/// Beyond this, ages that people see are wrong by what they notice.
const OFF: TimeDelta = TimeDelta::seconds(5);

/// Beyond this, the order of messages is: rows carry the executor's time, and the watchdog's two minutes are near.
const WRONG: TimeDelta = TimeDelta::seconds(60);

const GROUP: Group = Group::ControlApi;

/// What is told of the executor.
pub(super) async fn look(subject: &Subject) -> Vec<Line> {
    match &subject.control {
        Control::WithTheBridge => vec![Line::ok(
            GROUP,
            "executor",
            "the built-in one: it starts with the bridge",
        )],
        Control::Unusable(reason) => vec![Line::failure(GROUP, "executor", "").explained(reason)],
        Control::At(client) => {
            let (health, clock) = tokio::join!(
                // As patient as its own client: an existing executor starts three programs first.
                health(client),
                super::in_time(GROUP, "clock", clock(client, &subject.clock)),
            );
            health.into_iter().chain(clock).collect()
        }
    }
}

async fn health(client: &ControlClient) -> Vec<Line> {
    match client.executor_check().await {
        Ok(health) => {
            let mut lines = vec![Line::ok(GROUP, "executor", who(&health))];
            if health.is_ok() {
                lines.push(Line::ok(GROUP, "its own checks", "passed"));
            }
            lines.extend(health.failures.iter().map(|(name, reason)| {
                Line::failure(GROUP, format!("its check {name}"), reason.clone()).next(
                    "Repair it where the executor runs; until then agents may not answer, and messages \
                     wait in chat_delivery_queue.",
                )
            }));
            lines
        }
        Err(error) => vec![unanswered(&error)],
    }
}

fn who(health: &ExecutorHealth) -> String {
    let program = match &health.binary {
        _ if health.built_in => "the built-in one",
        Some(binary) => binary,
        None => "it answers",
    };
    match &health.version {
        Some(version) => format!("{program}, version {version}"),
        None => program.to_owned(),
    }
}

fn unanswered(error: &ControlError) -> Line {
    let step = match error {
        ControlError::Setup(_) | ControlError::Garbage(_) => {
            "Check CONTROL_API_URL: it names the executor, such as http://127.0.0.1:3737."
        }
        ControlError::Unreachable(_) => {
            "Start the executor, and check CONTROL_API_URL. Until it answers, messages to agents wait."
        }
        ControlError::Status {
            status: 401 | 403, ..
        } => "Set CONTROL_API_TOKEN to the token that the executor asks for.",
        ControlError::Status { .. } => {
            "Look at the executor's log, and check that CONTROL_API_URL names a ClawdOS executor."
        }
    };
    Line::failure(GROUP, "executor", error.to_string()).next(step)
}

async fn clock(client: &ControlClient, clock: &Clock) -> Vec<Line> {
    match client.clock_ahead(clock).await {
        // That it does not answer says the other check.
        Err(_) => Vec::new(),
        Ok(None) => vec![Line::ok(GROUP, "clock", "it does not say what time it is")],
        Ok(Some(ahead)) => vec![judged(ahead)],
    }
}

fn judged(ahead: TimeDelta) -> Line {
    let off = ahead.abs();
    if off <= OFF {
        let seconds = off.num_milliseconds() / 1_000;
        return Line::ok(GROUP, "clock", format!("within {} s of ours", seconds + 1));
    }
    let side = if ahead > TimeDelta::zero() {
        "ahead of"
    } else {
        "behind"
    };
    let found = format!("{} s {side} ours", off.num_seconds());
    let line = if off > WRONG {
        Line::failure(GROUP, "clock", found)
    } else {
        Line::warning(GROUP, "clock", found)
    };
    line.next(
        "Compare `date -u` on both machines and switch on time synchronisation (timedatectl set-ntp true): \
         rows carry the executor's time, so messages stand in the wrong order and deliveries look stuck.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Status;

    #[test]
    fn a_clock_is_judged_by_how_far_it_is_off_on_either_side() {
        for (seconds, status) in [
            (0, Status::Ok),
            (-5, Status::Ok),
            (6, Status::Warning),
            (-60, Status::Warning),
            (61, Status::Failure),
            (-4000, Status::Failure),
        ] {
            let line = judged(TimeDelta::seconds(seconds));
            assert_eq!(line.status, status, "{seconds} s: {}", line.found);
            assert_eq!(
                line.found.contains("behind"),
                seconds < -5,
                "{}",
                line.found
            );
        }
    }
}
