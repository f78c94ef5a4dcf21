//! The mission of the project: a row of `brain_docs`, which dashboards write as well.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection};

use super::chat::storable;
use super::document::{JUST_NOW, UPDATED};
use super::look::{ServerStart, Sight};
use super::{Result, Store, readable};
use crate::model::ChannelId;
use crate::model::document::Seen;
use crate::model::mission::{Mission, NewMission};

/// So often the row may come and go while we want to write it.
const TRIES: u32 = 5;

/// SQL that finds the row: where the project's stands, else any of its type, since a drifted database
/// may have it under another key or under none (source: ClawdOS). A megabyte may stand in it.
macro_rules! mission {
    ($what:literal, $lock:literal) => {
        concat!(
            "SELECT ",
            $what,
            "left(d.content, 2000) AS text, length(d.content) > 2000 AS cut, \
             left(d.updated_by, 200) AS by, ",
            readable!("d.updated_at"),
            " AS at FROM brain_docs d WHERE d.project_id = $1 AND d.doc_type = 'mission' \
             ORDER BY (d.agent_key = 'project') DESC NULLS LAST, d.updated_at DESC, d.id LIMIT 1",
            $lock
        )
    };
}

#[derive(FromRow)]
struct Row {
    text: Option<String>,
    cut: Option<bool>,
    by: Option<String>,
    at: Option<DateTime<Utc>>,
}

impl Row {
    fn read(self) -> Option<Mission> {
        let text = self.text?;
        Mission::read(&text, self.cut.unwrap_or_default(), self.by, self.at?)
    }
}

#[derive(FromRow)]
struct SeenRow {
    snapshot: String,
    server: i64,
    #[sqlx(flatten)]
    row: Row,
}

#[derive(FromRow)]
struct LockedRow {
    is_ours: bool,
    is_new: bool,
    version: i64,
    #[sqlx(flatten)]
    row: Row,
}

/// What became of a new mission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Saved {
    /// It is the mission now.
    Done,
    /// It was already.
    Same,
    /// Somebody else has just written another one, and that stays.
    Taken(Mission),
}

/// What the banner remembers.
#[derive(Debug, Clone, Default, PartialEq, Eq, FromRow)]
pub struct Banner {
    /// The channel whose topic it has set.
    channel_id: Option<i64>,
    /// The topic.
    pub topic: Option<String>,
    /// What Discord does not let it do, as a sentence.
    pub problem: Option<String>,
}

impl Banner {
    /// The channel whose topic it has set.
    pub fn channel(&self) -> Option<ChannelId> {
        self.channel_id.and_then(ChannelId::from_i64)
    }
}

impl Store {
    /// The mission, and what the look could see.
    pub async fn mission(&self) -> Result<(Option<Mission>, Sight)> {
        let seen: SeenRow = sqlx::query_as(concat!(
            "SELECT pg_current_snapshot()::text AS snapshot, \
                    (extract(epoch FROM pg_postmaster_start_time()) * 1e6)::int8 AS server, r.* \
             FROM (SELECT 1) one LEFT JOIN (",
            mission!("", ""),
            ") r ON true"
        ))
        .bind(self.project.as_str())
        .fetch_one(&self.pool)
        .await?;
        let sight = Sight {
            snapshot: seen.snapshot.parse().ok(),
            server: ServerStart::at(seen.server),
        };
        Ok((seen.row.read(), sight))
    }

    /// Writes the mission, in the name of `by`, and tells of it. Of two who write at once the second
    /// is told what the first has written, and nothing of theirs is kept; so is who has seen another one.
    pub async fn set_mission(
        &self,
        (new, seen): (&NewMission, Seen),
        by: (&str, &str),
    ) -> Result<Saved> {
        for _ in 0..TRIES {
            let mut tx = self.pool.begin().await?;
            let locked: Option<LockedRow> = sqlx::query_as(mission!(
                "d.agent_key = 'project' IS TRUE AS is_ours, \
                 d.updated_at > clock_timestamp() - $2 * interval '1 second' \
                   AND d.updated_by IS DISTINCT FROM $3 AS is_new, \
                 ('x' || left(md5(coalesce(d.content, '')), 16))::bit(64)::int8 AS version, ",
                " FOR UPDATE"
            ))
            .bind(self.project.as_str())
            .bind(JUST_NOW)
            .bind(by.0)
            .fetch_optional(&mut *tx)
            .await?;
            let is_ours = locked.as_ref().is_some_and(|it| it.is_ours);
            let is_new = locked.as_ref().is_some_and(|it| match seen {
                Seen::Unknown => it.is_new,
                Seen::Version(version) => it.version.cast_unsigned() != version,
            });
            match locked.and_then(|it| it.row.read()) {
                Some(there) if there.text == new.as_str() && !there.cut && is_ours => {
                    return Ok(Saved::Same);
                }
                Some(there) if is_new => return Ok(Saved::Taken(there)),
                _ => {}
            }
            if self.write_mission(&mut tx, is_ours, new, by).await? {
                tx.commit().await?;
                return Ok(Saved::Done);
            }
        }
        let reason = format!("it came and went {TRIES} times while it was to be written");
        Err(super::StoreError::bad_row("brain_docs", "mission", reason))
    }

    /// Whether the row is written; not where somebody else has made one in the meantime.
    async fn write_mission(
        &self,
        on: &mut PgConnection,
        is_there: bool,
        new: &NewMission,
        (by, name): (&str, &str),
    ) -> Result<bool> {
        let write = if is_there {
            "UPDATE brain_docs SET content = $2, updated_by = $3, updated_at = now() \
             WHERE project_id = $1 AND doc_type = 'mission' AND agent_key = 'project'"
        } else {
            "INSERT INTO brain_docs (project_id, agent_key, doc_type, content, updated_by) \
             VALUES ($1, 'project', 'mission', $2, $3) ON CONFLICT DO NOTHING"
        };
        let done = sqlx::query(write)
            .bind(self.project.as_str())
            .bind(storable(new.as_str()))
            .bind(by)
            .execute(&mut *on)
            .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO activities (project_id, type, message, actor_agent_key) \
             VALUES ($1, $2, $3, 'ui')",
        )
        .bind(self.project.as_str())
        .bind(UPDATED)
        .bind(storable(&format!(
            "{name} changed the mission: {}",
            new.as_str()
        )))
        .execute(on)
        .await?;
        Ok(true)
    }

    /// What the banner remembers; nothing where it was never shown.
    pub async fn banner(&self) -> Result<Banner> {
        let banner = sqlx::query_as(
            "SELECT channel_id, topic, problem FROM bridge.banner WHERE project_id = $1",
        )
        .bind(self.project.as_str())
        .fetch_optional(&self.pool)
        .await?;
        Ok(banner.unwrap_or_default())
    }

    /// The topic of this channel is ours now.
    pub async fn put_topic(&self, channel: ChannelId, topic: &str) -> Result<()> {
        sqlx::query(
            "INSERT INTO bridge.banner (project_id, channel_id, topic) VALUES ($1, $2, $3) \
             ON CONFLICT (project_id) DO UPDATE SET channel_id = excluded.channel_id, \
                topic = excluded.topic, updated_at = now()",
        )
        .bind(self.project.as_str())
        .bind(channel.to_i64())
        .bind(topic)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// What Discord does not let the banner do; none where all is well.
    pub async fn put_banner_problem(&self, problem: Option<&str>) -> Result<()> {
        sqlx::query(
            "INSERT INTO bridge.banner AS b (project_id, problem) VALUES ($1, $2) \
             ON CONFLICT (project_id) DO UPDATE SET problem = excluded.problem, updated_at = now() \
             WHERE b.problem IS DISTINCT FROM excluded.problem",
        )
        .bind(self.project.as_str())
        .bind(problem)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
