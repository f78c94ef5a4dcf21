//! Which server shows which project (`bridge.home`).

use sqlx::FromRow;

use super::{Result, Store, StoreError};
use crate::model::{ChannelId, GuildId, ProjectId, UserId};

/// A project and the server that shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownHome {
    /// The project.
    pub project: ProjectId,
    /// Its name for people, at most 100 characters.
    pub name: String,
    /// The server.
    pub guild: GuildId,
}

/// A project of the database, whether it is shown anywhere or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownProject {
    /// The project.
    pub project: ProjectId,
    /// Its name for people, at most 100 characters.
    pub name: String,
    /// The server that shows it; none where nobody has chosen one.
    pub guild: Option<GuildId>,
}

#[derive(FromRow)]
struct Row {
    id: String,
    name: String,
    guild_id: Option<i64>,
}

/// A row that is none we could have written is passed over: other homes must not wait for it.
fn read(row: Row) -> Option<KnownProject> {
    match row.id.parse::<ProjectId>() {
        Ok(project) => Some(KnownProject {
            project,
            name: row.name,
            guild: row.guild_id.and_then(GuildId::from_i64),
        }),
        Err(error) => {
            let error = StoreError::bad_row("projects", &row.id, error);
            tracing::warn!(%error, "{error}");
            None
        }
    }
}

impl Store {
    /// The projects that were given a server, whoever has done it, by their ids.
    pub async fn homes(&self) -> Result<Vec<KnownHome>> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT p.id, left(p.name, 100) AS name, h.guild_id \
             FROM bridge.home h JOIN projects p ON p.id = h.project_id ORDER BY p.id",
        )
        .fetch_all(&self.pool)
        .await?;
        let known = rows.into_iter().filter_map(read);
        Ok(known
            .filter_map(|it| {
                Some(KnownHome {
                    project: it.project,
                    name: it.name,
                    guild: it.guild?,
                })
            })
            .collect())
    }

    /// Projects whose id or name contains `text`, by their names; at most `most`.
    pub async fn projects(&self, text: &str, most: i64) -> Result<Vec<KnownProject>> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT p.id, left(p.name, 100) AS name, h.guild_id \
             FROM projects p LEFT JOIN bridge.home h ON h.project_id = p.id \
             WHERE strpos(lower(p.id), lower($1)) > 0 OR strpos(lower(p.name), lower($1)) > 0 \
             ORDER BY p.name, p.id LIMIT $2",
        )
        .bind(text)
        .bind(most)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// One project; none where there is none of that id.
    pub async fn known_project(&self, project: &ProjectId) -> Result<Option<KnownProject>> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT p.id, left(p.name, 100) AS name, h.guild_id \
             FROM projects p LEFT JOIN bridge.home h ON h.project_id = p.id WHERE p.id = $1",
        )
        .bind(project.as_str())
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.and_then(read))
    }

    /// Gives this project a server. `from` is the one that whoever asks has seen, or none: where it is another
    /// one meanwhile, nothing is changed. Gives back whether it lives in `guild` now.
    pub async fn move_in(
        &self,
        from: Option<GuildId>,
        guild: GuildId,
        by: Option<UserId>,
    ) -> Result<bool> {
        let done = sqlx::query(
            "INSERT INTO bridge.home AS h (project_id, guild_id, chosen_by) VALUES ($1, $2, $3) \
             ON CONFLICT (project_id) DO UPDATE \
               SET guild_id = excluded.guild_id, chosen_by = excluded.chosen_by, chosen_at = now() \
               WHERE h.guild_id = $4 OR h.guild_id = excluded.guild_id",
        )
        .bind(self.project.as_str())
        .bind(guild.to_i64())
        .bind(by.map(UserId::to_i64))
        .bind(from.map(GuildId::to_i64))
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Forgets what was shown in another server: the threads of tasks, the cards that are kept true, and which channel was
    /// which. All of it is made again where the project lives now; what was said stays where it is. Gives back whether
    /// there was anything.
    pub async fn leave_others(&self, guild: GuildId) -> Result<bool> {
        let mut on = self.pool.begin().await?;
        let left = sqlx::query(
            "DELETE FROM bridge.channel \
             WHERE project_id = $1 AND guild_id <> $2 AND surface NOT LIKE 'bot-%'",
        )
        .bind(self.project.as_str())
        .bind(guild.to_i64())
        .execute(&mut *on)
        .await?;
        if left.rows_affected() == 0 {
            return Ok(false);
        }
        self.forget_threads_on(&mut on).await?;
        sqlx::query(
            "DELETE FROM bridge.view v WHERE v.project_id = $1 AND (\
               v.kind IN ('status', 'digest', 'mission', 'heartbeat') \
               OR v.surface = 'approvals' \
                  AND NOT EXISTS (SELECT FROM bridge.decision d WHERE d.entity_id::text = v.entity_id) \
                  AND (v.kind <> 'message' OR EXISTS (\
                       SELECT FROM project_chat_messages m WHERE m.id::text = v.entity_id \
                         AND coalesce(m.metadata->>'status', 'proposed') = 'proposed')))",
        )
        .bind(self.project.as_str())
        .execute(&mut *on)
        .await?;
        on.commit().await?;
        Ok(true)
    }

    /// The channels of other projects in a server: none of them may become ours.
    pub async fn channels_of_others(&self, guild: GuildId) -> Result<Vec<ChannelId>> {
        let ids: Vec<i64> = sqlx::query_scalar(
            "SELECT channel_id FROM bridge.channel WHERE guild_id = $1 AND project_id <> $2",
        )
        .bind(guild.to_i64())
        .bind(self.project.as_str())
        .fetch_all(&self.pool)
        .await?;
        Ok(ids.into_iter().filter_map(ChannelId::from_i64).collect())
    }
}
