//! Who may set up what.

use std::collections::HashSet;

use super::{Lobby, OFFERED, Visitor};
use crate::model::ProjectId;
use crate::store::home::KnownProject;
use crate::store::{Result, Store};

/// What somebody may set up.
#[derive(Debug)]
pub(super) enum Authority {
    /// Everything: the owners of the application, and the operators of the configuration.
    Full,
    /// These projects: who was chosen for them. None of them is nobody's.
    Of(HashSet<ProjectId>),
}

impl Authority {
    /// Whether it is about everything.
    pub(super) fn is_full(&self) -> bool {
        matches!(self, Self::Full)
    }

    /// Whether it is about nothing.
    pub(super) fn is_none(&self) -> bool {
        matches!(self, Self::Of(projects) if projects.is_empty())
    }

    /// Whether it is about this project.
    pub(super) fn covers(&self, project: &ProjectId) -> bool {
        match self {
            Self::Full => true,
            Self::Of(projects) => projects.contains(project),
        }
    }
}

impl Lobby {
    /// What somebody may set up. The database is asked, not what was known a moment ago.
    pub(super) async fn authority(&self, visitor: &Visitor) -> Result<Authority> {
        if visitor.bot {
            return Ok(Authority::Of(HashSet::new()));
        }
        let owner = self.owners.contains(&visitor.user);
        if owner || self.configured.includes(visitor.user, &visitor.roles) {
            return Ok(Authority::Full);
        }
        let chosen = self
            .store
            .projects_of_operator(visitor.user, &visitor.roles);
        Ok(Authority::Of(chosen.await?))
    }

    /// The projects with this in their id or name, as far as somebody may set them up; at most 25.
    pub(super) async fn projects(
        &self,
        authority: &Authority,
        text: &str,
    ) -> Result<Vec<KnownProject>> {
        let Authority::Of(projects) = authority else {
            return self.store.projects(text, OFFERED).await;
        };
        let text = text.to_lowercase();
        let mut found = Vec::new();
        for project in projects.iter().take(usize::try_from(OFFERED).unwrap_or(0)) {
            found.extend(self.store.known_project(project).await?);
        }
        found.retain(|it| {
            it.project.as_str().contains(&text) || it.name.to_lowercase().contains(&text)
        });
        found.sort_by(|one, other| (&one.name, &one.project).cmp(&(&other.name, &other.project)));
        Ok(found)
    }

    /// The database, seen from a project.
    pub(super) fn store_of(&self, project: &ProjectId) -> Store {
        Store::new(self.store.pool().clone(), project.clone())
    }
}
