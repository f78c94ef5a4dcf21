//! Which server has had its word of welcome (`bridge.welcome`).

use super::{Result, Store};
use crate::model::GuildId;

impl Store {
    /// Whether a server has had it, whichever project it shows.
    pub async fn is_welcomed(&self, guild: GuildId) -> Result<bool> {
        let found =
            sqlx::query_scalar("SELECT EXISTS (SELECT FROM bridge.welcome WHERE guild_id = $1)")
                .bind(guild.to_i64())
                .fetch_one(&self.pool)
                .await?;
        Ok(found)
    }

    /// A server has it now.
    pub async fn welcomed(&self, guild: GuildId) -> Result<()> {
        sqlx::query(
            "INSERT INTO bridge.welcome (project_id, guild_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        )
        .bind(self.project.as_str())
        .bind(guild.to_i64())
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
