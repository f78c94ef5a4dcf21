//! Who was chosen with `/setup` to decide (`bridge.operator`).

use std::collections::{BTreeSet, HashSet};

use sqlx::{PgConnection, PgExecutor};

use super::chat::storable;
use super::{Result, Store};
use crate::model::operators::{Changes, Chosen, Kind, version};
use crate::model::{ProjectId, RoleId, UserId};

/// The type of the activity that tells of a choice.
const CHANGED: &str = "operators_changed";

/// A choice that somebody makes: the whole list of one kind, as it should be.
#[derive(Debug, Clone, Copy)]
pub struct Election<'a> {
    /// Which list.
    pub kind: Kind,
    /// The [`version`] of the list that they have seen.
    pub seen: u64,
    /// So many of the list were shown, the first ones: the others stay.
    pub shown: usize,
    /// Who is chosen.
    pub wanted: &'a [u64],
    /// Who chooses.
    pub by: UserId,
    /// Whether nobody at all may be left.
    pub may_be_empty: bool,
}

/// What became of a choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Elected {
    /// It counts.
    Done(Changes),
    /// It was so already.
    Same,
    /// The list was another one meanwhile. Nothing was changed.
    Stale,
    /// Nobody would be left. Nothing was changed.
    Nobody,
}

impl Store {
    /// Who was chosen for this project.
    pub async fn chosen_operators(&self) -> Result<Chosen> {
        self.chosen_on(&self.pool).await
    }

    async fn chosen_on(&self, on: impl PgExecutor<'_>) -> Result<Chosen> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT kind, discord_id FROM bridge.operator WHERE project_id = $1 \
             ORDER BY chosen_at, discord_id",
        )
        .bind(self.project.as_str())
        .fetch_all(on)
        .await?;
        let mut chosen = Chosen::default();
        for (kind, id) in rows {
            // An id that Discord cannot have made is nobody's.
            if kind == Kind::User.as_str() {
                chosen.users.extend(UserId::from_i64(id));
            } else {
                chosen.roles.extend(RoleId::from_i64(id));
            }
        }
        Ok(chosen)
    }

    /// The projects, this one or others, for which somebody with these roles was chosen.
    pub async fn projects_of_operator(
        &self,
        user: UserId,
        roles: &[RoleId],
    ) -> Result<HashSet<ProjectId>> {
        let roles: Vec<i64> = roles.iter().map(|role| role.to_i64()).collect();
        let ids: Vec<String> = sqlx::query_scalar(
            "SELECT DISTINCT project_id FROM bridge.operator \
             WHERE (kind = 'user' AND discord_id = $1) OR (kind = 'role' AND discord_id = ANY($2))",
        )
        .bind(user.to_i64())
        .bind(&roles)
        .fetch_all(&self.pool)
        .await?;
        Ok(ids.iter().filter_map(|id| id.parse().ok()).collect())
    }

    /// Carries a choice out, and writes what `told` makes of it to `activities`. Of two who choose at once the
    /// second one is told that the list is another one now.
    pub async fn choose_operators(
        &self,
        election: Election<'_>,
        told: impl FnOnce(&Changes) -> String,
    ) -> Result<Elected> {
        let mut tx = self.pool.begin().await?;
        sqlx::query("SELECT pg_advisory_xact_lock(hashtext('clawdos-bridge operators ' || $1))")
            .bind(self.project.as_str())
            .execute(&mut *tx)
            .await?;
        let before = self.chosen_on(&mut *tx).await?;
        let known = before.of(election.kind);
        let hidden = known.iter().skip(election.shown);
        let wanted: BTreeSet<u64> = election.wanted.iter().chain(hidden).copied().collect();
        let changes = Changes {
            added: wanted
                .iter()
                .copied()
                .filter(|it| !known.contains(it))
                .collect(),
            removed: known
                .iter()
                .copied()
                .filter(|it| !wanted.contains(it))
                .collect(),
        };
        if changes == Changes::default() {
            return Ok(Elected::Same);
        }
        if version(&known) != election.seen {
            return Ok(Elected::Stale);
        }
        let others = before.of(election.kind.other());
        if wanted.is_empty() && others.is_empty() && !election.may_be_empty {
            return Ok(Elected::Nobody);
        }
        self.write_operators(&mut tx, &election, &changes, &told(&changes))
            .await?;
        tx.commit().await?;
        Ok(Elected::Done(changes))
    }

    async fn write_operators(
        &self,
        on: &mut PgConnection,
        election: &Election<'_>,
        changes: &Changes,
        told: &str,
    ) -> Result<()> {
        let ids = |list: &[u64]| -> Vec<i64> { list.iter().map(|id| id.cast_signed()).collect() };
        sqlx::query(
            "DELETE FROM bridge.operator \
             WHERE project_id = $1 AND kind = $2 AND discord_id = ANY($3)",
        )
        .bind(self.project.as_str())
        .bind(election.kind.as_str())
        .bind(ids(&changes.removed))
        .execute(&mut *on)
        .await?;
        sqlx::query(
            "INSERT INTO bridge.operator (project_id, kind, discord_id, chosen_by) \
             SELECT $1, $2, id, $4 FROM unnest($3::bigint[]) id ON CONFLICT DO NOTHING",
        )
        .bind(self.project.as_str())
        .bind(election.kind.as_str())
        .bind(ids(&changes.added))
        .bind(election.by.to_i64())
        .execute(&mut *on)
        .await?;
        sqlx::query(
            "INSERT INTO activities (project_id, type, message, actor_agent_key) \
             VALUES ($1, $2, $3, 'ui')",
        )
        .bind(self.project.as_str())
        .bind(CHANGED)
        .bind(storable(told))
        .execute(on)
        .await?;
        Ok(())
    }
}
