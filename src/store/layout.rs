//! Which channel is which (`bridge.channel`), and how far its messages have been read.

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use super::{Result, Store, StoreError};
use crate::model::labs::LABS_KEY;
use crate::model::view::Surface;
use crate::model::{ChannelId, DiscordMessageId, GuildId};

/// The channel of one surface, as it was when we last looked.
#[derive(Debug, Clone)]
pub struct KnownChannel {
    /// Which surface.
    pub surface: Surface,
    /// Its channel.
    pub channel: ChannelId,
    /// Since when that is so.
    pub bound_at: DateTime<Utc>,
    /// People's messages up to this one have become rows, or are older than the binding.
    pub read_up_to: DiscordMessageId,
    /// What was written before that is settled, whether it became rows or not.
    pub opened_at: Option<DateTime<Utc>>,
    /// Since then messages are turned away; none while its feature is on.
    pub closed_at: Option<DateTime<Utc>>,
}

#[derive(FromRow)]
struct ChannelRow {
    surface: String,
    channel_id: i64,
    bound_at: DateTime<Utc>,
    last_seen: Option<i64>,
    opened_at: Option<DateTime<Utc>>,
    closed_at: Option<DateTime<Utc>>,
}

impl TryFrom<ChannelRow> for KnownChannel {
    type Error = StoreError;

    fn try_from(row: ChannelRow) -> Result<Self> {
        let bound = DiscordMessageId::at(row.bound_at);
        let bad = |reason: String| StoreError::bad_row("bridge.channel", &row.surface, reason);
        Ok(Self {
            surface: row.surface.parse().map_err(|e| bad(format!("{e}")))?,
            channel: ChannelId::from_i64(row.channel_id)
                .ok_or_else(|| bad("no channel id".to_owned()))?,
            bound_at: row.bound_at,
            // What was written while it was not ours was written to nobody.
            read_up_to: row
                .last_seen
                .and_then(DiscordMessageId::from_i64)
                .map_or(bound, |seen| seen.max(bound)),
            opened_at: row.opened_at,
            closed_at: row.closed_at,
        })
    }
}

impl Store {
    /// The channels of this project in one Discord server.
    pub async fn channels(&self, guild: GuildId) -> Result<Vec<KnownChannel>> {
        let rows: Vec<ChannelRow> = sqlx::query_as(
            "SELECT c.surface, c.channel_id, c.updated_at AS bound_at, c.opened_at, c.closed_at, \
                    (SELECT max(v.message_id) FROM bridge.view v \
                     WHERE v.channel_id = c.channel_id AND v.author_kind = 'person') AS last_seen \
             FROM bridge.channel c WHERE c.project_id = $1 AND c.guild_id = $2",
        )
        .bind(self.project().as_str())
        .bind(guild.to_i64())
        .fetch_all(self.pool())
        .await?;
        rows.into_iter().map(KnownChannel::try_from).collect()
    }

    /// Binds a surface to a channel. A new channel starts unread from its beginning.
    pub async fn bind_channel(
        &self,
        guild: GuildId,
        surface: &Surface,
        channel: ChannelId,
    ) -> Result<()> {
        sqlx::query(
            "WITH back AS (DELETE FROM bridge.former_channel WHERE channel_id = $4) \
             INSERT INTO bridge.channel (project_id, surface, guild_id, channel_id) \
             VALUES ($1, $2, $3, $4) \
             ON CONFLICT (project_id, surface) DO UPDATE \
               SET guild_id = excluded.guild_id, channel_id = excluded.channel_id, \
                   updated_at = now(), opened_at = NULL, closed_at = NULL",
        )
        .bind(self.project().as_str())
        .bind(surface.to_string())
        .bind(guild.to_i64())
        .bind(channel.to_i64())
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// Binds the private channel of a person with an agent's own bot, which is read and shown from
    /// this moment on. One that is bound already stays as it is.
    pub async fn bind_private(
        &self,
        guild: GuildId,
        surface: &Surface,
        channel: ChannelId,
        since: DateTime<Utc>,
    ) -> Result<()> {
        sqlx::query(
            "INSERT INTO bridge.channel AS c \
               (project_id, surface, guild_id, channel_id, updated_at, opened_at) \
             VALUES ($1, $2, $3, $4, $5, $5) \
             ON CONFLICT (project_id, surface) DO UPDATE \
               SET guild_id = excluded.guild_id, channel_id = excluded.channel_id, \
                   updated_at = excluded.updated_at, opened_at = excluded.opened_at, \
                   closed_at = NULL \
               WHERE (c.guild_id, c.channel_id) <> (excluded.guild_id, excluded.channel_id)",
        )
        .bind(self.project().as_str())
        .bind(surface.to_string())
        .bind(guild.to_i64())
        .bind(channel.to_i64())
        .bind(since)
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// Forgets a private channel: nothing more is shown there. Gives back whether it was known.
    pub async fn unbind_private(&self, channel: ChannelId) -> Result<bool> {
        let done = sqlx::query(
            "DELETE FROM bridge.channel \
             WHERE project_id = $1 AND channel_id = $2 AND surface LIKE 'bot-%'",
        )
        .bind(self.project().as_str())
        .bind(channel.to_i64())
        .execute(self.pool())
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// From `since` on messages in a channel are turned away.
    pub async fn close_channel(&self, channel: ChannelId, since: DateTime<Utc>) -> Result<()> {
        sqlx::query(
            "UPDATE bridge.channel SET closed_at = $3 \
             WHERE project_id = $1 AND channel_id = $2 AND closed_at IS NULL",
        )
        .bind(self.project().as_str())
        .bind(channel.to_i64())
        .bind(since)
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// Messages in a channel are taken again: those that were written since the flags of the Labs
    /// were, and since its agent is there, apart from what was turned away until `turned_away`,
    /// before we knew.
    pub async fn open_channel(
        &self,
        channel: ChannelId,
        turned_away: Option<DateTime<Utc>>,
    ) -> Result<()> {
        sqlx::query(
            "UPDATE bridge.channel SET closed_at = NULL, opened_at = greatest(closed_at, $3, \
               least(now(), (SELECT max(s.updated_at) FROM project_settings s \
                             WHERE s.project_id = $1 AND s.key = $4)), \
               (SELECT least(now(), min(a.created_at)) FROM agents a \
                WHERE a.project_id = $1 AND surface = 'dm-' || split_part(regexp_replace( \
                      btrim(a.agent_key), '^(agent:)+', ''), ':', 1) HAVING count(*) > 0)) \
             WHERE project_id = $1 AND channel_id = $2 AND closed_at IS NOT NULL",
        )
        .bind(self.project().as_str())
        .bind(channel.to_i64())
        .bind(turned_away)
        .bind(LABS_KEY)
        .execute(self.pool())
        .await?;
        Ok(())
    }
}
