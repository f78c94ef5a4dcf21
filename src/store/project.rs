//! The project itself.

use super::{Result, Store};

impl Store {
    /// Makes the project's row where it is missing; one that is there keeps its name.
    pub async fn ensure_project(&self, name: &str) -> Result<()> {
        sqlx::query("INSERT INTO projects (id, name) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING")
            .bind(self.project().as_str())
            .bind(name)
            .execute(self.pool())
            .await?;
        Ok(())
    }
}
