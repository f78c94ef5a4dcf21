//! What happened, for people: rows of `activities`, and which of them stand in one post together.

use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

/// `type` of a heartbeat that has found nothing: shown on its agent's card alone.
pub const HEARTBEAT: &str = "heartbeat";

/// `type` of a heartbeat that has found something.
pub const HEARTBEAT_FINDING: &str = "heartbeat_finding";

/// So far apart rows of one burst are at most.
const BURST: Duration = Duration::minutes(10);

/// So long a post grows. Discord caps edits of messages that are older than an hour (30046).
const GROWS: Duration = Duration::minutes(50);

/// So many new posts in a minute are a flood: what comes then is put together, whatever it is.
pub const FLOOD: usize = 5;

/// The minute in which posts are counted, and in which a mixed one grows.
pub const FLOOD_SPAN: Duration = Duration::minutes(1);

/// Most rows of a post in which several kinds stand.
pub const MIXED: usize = 20;

/// A row that stands in no post yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fresh {
    /// The row.
    pub id: Uuid,
    /// Its type, as long as types are.
    pub kind: String,
    /// Who did it.
    pub actor: Option<String>,
    /// When, as the row says: the clock is whoever wrote it's own.
    pub at: DateTime<Utc>,
}

/// The newest post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newest {
    /// Its number.
    pub post: i64,
    /// What its rows have in common; none where they have nothing.
    pub common: Option<(String, Option<String>)>,
    /// The time of its last row.
    pub last_at: DateTime<Utc>,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
    /// How many rows stand in it.
    pub lines: usize,
}

/// Rows that go into one post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// The post that grows by them; none is a new one.
    pub post: Option<i64>,
    /// What the rows of the post have in common.
    pub common: Option<(String, Option<String>)>,
    /// The times of the first and the last of these rows.
    pub span: (DateTime<Utc>, DateTime<Utc>),
    /// The rows.
    pub rows: Vec<Uuid>,
    /// How many rows stand in the post with these.
    lines: usize,
    /// When the post was opened.
    opened_at: DateTime<Utc>,
}

impl Sheet {
    fn new(row: &Fresh, mixed: bool, now: DateTime<Utc>) -> Self {
        Self {
            post: None,
            common: (!mixed).then(|| (row.kind.clone(), row.actor.clone())),
            span: (row.at, row.at),
            rows: Vec::new(),
            lines: 0,
            opened_at: now,
        }
    }

    fn growing(newest: Newest) -> Self {
        Self {
            post: Some(newest.post),
            common: newest.common,
            span: (newest.last_at, newest.last_at),
            rows: Vec::new(),
            lines: newest.lines,
            opened_at: newest.opened_at,
        }
    }

    /// Whether a row joins. `run` tells that many of the same kind begin with it: they are a burst of
    /// their own.
    fn takes(&self, row: &Fresh, run: bool, now: DateTime<Utc>) -> bool {
        match &self.common {
            Some((kind, actor)) => {
                let near = (row.at - self.span.1).abs() <= BURST;
                (kind, actor) == (&row.kind, &row.actor) && near && now - self.opened_at < GROWS
            }
            None => !run && self.lines < MIXED && now - self.opened_at < FLOOD_SPAN,
        }
    }

    fn put(&mut self, row: &Fresh) {
        self.span.0 = self.span.0.min(row.at);
        self.span.1 = self.span.1.max(row.at);
        self.rows.push(row.id);
        self.lines += 1;
    }
}

/// Puts rows into posts, in their order. A row of the same type and actor as those before it joins
/// them, within ten minutes; so a burst is one post. `newest` is the post that may still grow, and
/// `opened` tells how many posts were opened within [`FLOOD_SPAN`].
pub fn gather(
    newest: Option<Newest>,
    mut opened: usize,
    rows: &[Fresh],
    now: DateTime<Utc>,
) -> Vec<Sheet> {
    let mut done = Vec::new();
    let mut last = newest.map(Sheet::growing);
    for (index, row) in rows.iter().enumerate() {
        let same = |it: &&Fresh| (&it.kind, &it.actor) == (&row.kind, &row.actor);
        let run = rows[index..].iter().take(MIXED).take_while(same).count() == MIXED;
        let mut sheet = match last.take() {
            Some(sheet) if sheet.takes(row, run, now) => sheet,
            full => {
                done.extend(full);
                opened += 1;
                Sheet::new(row, opened > FLOOD && !run, now)
            }
        };
        sheet.put(row);
        last = Some(sheet);
    }
    done.extend(last);
    done.retain(|sheet| !sheet.rows.is_empty());
    done
}

/// A post as it should be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// What its rows have in common; none where a flood has put several kinds together.
    pub common: Option<(String, Option<String>)>,
    /// The time of the row that it was opened with.
    pub first_at: DateTime<Utc>,
    /// How many rows it has.
    pub count: usize,
    /// The newest of them, oldest first.
    pub lines: Vec<Line>,
}

/// One row of a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its type.
    pub kind: String,
    /// Who did it.
    pub actor: Option<String>,
    /// What happened, perhaps only the beginning.
    pub message: String,
    /// The task that it is about.
    pub task: Option<Uuid>,
    /// When.
    pub at: DateTime<Utc>,
}

/// What is known of an agent's heartbeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeats {
    /// The agent's key, as the rows have it.
    pub agent: String,
    /// When the last one was, and what it said.
    pub last: (DateTime<Utc>, String),
    /// How many there were since midnight, UTC.
    pub today: i64,
    /// When the last one was that found something, and what.
    pub finding: Option<(DateTime<Utc>, String)>,
}

/// A type of activities: how often it came lately, and whether it is muted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindSeen {
    /// The type.
    pub kind: String,
    /// Rows of the last 30 days.
    pub count: i64,
    /// Whether new rows are left out.
    pub muted: bool,
}
