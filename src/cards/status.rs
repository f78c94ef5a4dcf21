//! The state of the whole system, in words.

use std::fmt::Write as _;
use std::time::Duration;

use super::mode::{because, mark, messages};
use super::text::CONTENT_LIMIT;
use super::{Draft, Upkeep, bots, gap, limits, quote};
use crate::model::bots::{BotState, Bots};
use crate::model::mode::{Mode, State};
use crate::model::realtime::FeedState;
use crate::model::status::{AgentSeen, Facts, Level, Vitals};

/// The first line. It never changes: the message is known by it when the channel is read back.
pub const TITLE: &str = "**Mission Control**";

/// Longest reason on the card, in UTF-16 units; the posts have room for more.
const REASON: usize = 200;

/// So many gaps are named.
const GAPS: usize = 8;

/// So many of the agents' own bots are named.
const BOTS: usize = 3;

/// Room for the last lines.
const REST_ROOM: usize = 100;

/// The card in `#status`. `facts` is none where the database cannot be asked; `poll` is the time
/// between two looks at the Control API.
pub fn status_card(vitals: &Vitals, facts: Option<&Facts>, poll: Duration) -> Draft {
    let mut lines = vec![TITLE.to_owned(), mode(&vitals.mode)];
    lines.push(last_check(&vitals.mode, poll));
    match facts {
        Some(facts) => lines.extend(database(facts, vitals.mode.is_live())),
        None => lines.push("The database cannot be asked what waits.".to_owned()),
    }
    lines.extend(spool(&vitals.spool));
    lines.extend(own_bots(&vitals.bots, facts));
    let place = lines.len();
    lines.push(realtime(&vitals.feed, facts));
    if facts.is_some_and(|facts| facts.labs.all_off()) {
        lines.push("Labs: no feature is switched on yet, see `/labs`".to_owned());
    }
    let taken: usize = lines.iter().map(|line| quote::length(line) + 1).sum();
    let room = (CONTENT_LIMIT - REST_ROOM).saturating_sub(taken);
    lines.splice(place..place, limits::within(&vitals.limits, room));
    let mut content = lines.join("\n");
    let version = format!("\n-# clawdos-bridge {}", env!("CARGO_PKG_VERSION"));
    if let Some(facts) = facts {
        agents(&mut content, &facts.agents);
    }
    content.push_str(&version);
    Draft {
        upkeep: Upkeep::Renewed,
        ..Draft::text(content)
    }
}

fn mode(state: &State) -> String {
    let mark = mark(state.mode);
    let Some(mode) = state.mode else {
        return format!("{mark} Starting");
    };
    let since = state.since.timestamp();
    format!(
        "{mark} **{mode}** since <t:{since}:R>: {}",
        briefly(&state.reason)
    )
}

/// A reason that leaves room for the rest of the card.
fn briefly(reason: &str) -> String {
    quote::shortened(&because(reason), REASON).into_owned()
}

/// While all is well the time of the last check changes with every look: that it is not older than
/// the time between two of them says as much, and stays true.
fn last_check(state: &State, poll: Duration) -> String {
    match (state.mode, state.last_ok) {
        (Some(Mode::Live), _) => {
            let minutes = poll.as_secs().div_ceil(60).max(1);
            let within = match minutes {
                1 => "within the last minute".to_owned(),
                _ => format!("within the last {minutes} minutes"),
            };
            format!("Last successful check: {within}")
        }
        (_, Some(at)) => format!("Last successful check: <t:{}:R>", at.timestamp()),
        (_, None) => "Last successful check: none since the bridge was started".to_owned(),
    }
}

fn database(facts: &Facts, live: bool) -> Vec<String> {
    let (promised, since) = if live {
        (0, None)
    } else {
        (facts.promised, facts.oldest_promised)
    };
    let oldest = facts.oldest_queued.into_iter().chain(since).min();
    let mut queue = match facts.queued + promised {
        0 => "Queue: nothing waits".to_owned(),
        queued => format!("Queue: {} waiting", messages(queued)),
    };
    // Writing to a String cannot fail.
    if let Some(oldest) = oldest {
        let _ = write!(queue, ", the oldest since <t:{}:R>", oldest.timestamp());
    }
    if facts.in_work > 0 {
        let _ = write!(queue, ", {} with an agent", facts.in_work);
    }
    let approvals = match facts.oldest_approval {
        Some(oldest) => format!(
            "Approvals: {} open, the oldest since <t:{}:R>",
            facts.open_approvals,
            oldest.timestamp()
        ),
        None => "Approvals: none open".to_owned(),
    };
    vec![queue, approvals]
}

fn realtime(feed: &FeedState, facts: Option<&Facts>) -> String {
    let feed = match feed {
        FeedState::Starting => "the change feed connects".to_owned(),
        FeedState::Up => String::new(),
        FeedState::Partly(reason) => format!(
            "some changes are found by comparing alone: {}",
            briefly(reason)
        ),
        FeedState::Down(reason) => {
            format!("changes are found by comparing alone: {}", briefly(reason))
        }
        FeedState::Off => "switched off, changes are found by comparing alone".to_owned(),
    };
    let all: Vec<_> = facts.iter().flat_map(|facts| &facts.gaps).collect();
    let mut gaps: Vec<String> = all.iter().take(GAPS).map(|it| gap::brief(it)).collect();
    if all.len() > GAPS {
        gaps.push(format!("and {} more", all.len() - GAPS));
    }
    match (feed.is_empty(), gaps.is_empty()) {
        (true, true) if facts.is_none() => "Realtime: connected".to_owned(),
        (true, true) => "Realtime: no gaps".to_owned(),
        (true, false) => format!("⚠️ Realtime gaps: {}", gaps.join(", ")),
        (false, true) => format!("Realtime: {feed}"),
        (false, false) => format!("⚠️ Realtime: {feed}; gaps: {}", gaps.join(", ")),
    }
}

/// The agents' own bots that are not up.
fn own_bots(own: &Bots, facts: Option<&Facts>) -> Vec<String> {
    let name = |short: &str| {
        let agents = facts.iter().flat_map(|facts| &facts.agents);
        let agent = agents.clone().find(|agent| agent.key.short() == short);
        agent.map_or_else(|| short.to_owned(), |agent| agent.name.clone())
    };
    let lines = own.iter().filter_map(|(short, state)| {
        let reason = briefly(state.trouble()?);
        Some(match state {
            BotState::Deaf(_) => bots::deaf(&name(short), &reason),
            _ => bots::down(&name(short), &reason),
        })
    });
    let mut all: Vec<String> = lines.collect();
    if all.len() > BOTS {
        let more = all.len() - BOTS;
        all.truncate(BOTS);
        all.push(format!("⚠️ and {more} more of the agents' own bots"));
    }
    all
}

/// What people wrote while the database was away.
fn spool(spool: &Level) -> Vec<String> {
    let mut lines = Vec::new();
    if spool.held > 0 {
        let held = messages(i64::try_from(spool.held).unwrap_or(i64::MAX));
        lines.push(format!(
            "💾 {held} held on disk until the database is back."
        ));
    }
    if let Some(trouble) = &spool.trouble {
        lines.push(format!(
            "⚠️ While the database is away nothing can be kept: {}",
            briefly(trouble)
        ));
    }
    lines
}

/// A line for each agent, as many as there is room for.
fn agents(content: &mut String, agents: &[AgentSeen]) {
    for (at, agent) in agents.iter().enumerate() {
        let line = agent_line(agent);
        let length = quote::length(content) + quote::length(&line) + 1;
        if length > CONTENT_LIMIT - REST_ROOM {
            let _ = write!(content, "\n…and {} more agents.", agents.len() - at);
            return;
        }
        content.push('\n');
        content.push_str(&line);
    }
}

fn agent_line(agent: &AgentSeen) -> String {
    let emoji = agent.emoji.as_deref().filter(|it| !it.trim().is_empty());
    let emoji = emoji.map(quote::name);
    let mut line = format!(
        "{} {}",
        emoji.as_deref().unwrap_or("🤖"),
        quote::name(&agent.name)
    );
    if let Some(state) = &agent.state {
        let _ = write!(line, ", {}", quote::name(state));
    }
    let _ = match agent.seen {
        Some(seen) => write!(line, ", seen <t:{}:R>", seen.timestamp()),
        None => write!(line, ", not seen yet"),
    };
    line
}
