//! Who may decide.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::{RoleId, UserId};

/// Who may decide, by Discord's ids. An empty list means nobody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Operators {
    /// Accounts.
    pub users: HashSet<UserId>,
    /// Roles.
    pub roles: HashSet<RoleId>,
}

impl Operators {
    /// Whether an account with these roles is an operator.
    pub fn includes(&self, user: UserId, roles: &[RoleId]) -> bool {
        self.users.contains(&user) || roles.iter().any(|role| self.roles.contains(role))
    }

    /// Whether nobody is.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty() && self.roles.is_empty()
    }

    /// These and who was chosen.
    #[must_use]
    pub fn with(&self, chosen: &Chosen) -> Self {
        Self {
            users: self.users.iter().chain(&chosen.users).copied().collect(),
            roles: self.roles.iter().chain(&chosen.roles).copied().collect(),
        }
    }
}

/// Who was chosen with `/setup`, beside the configuration: the first to be chosen first, no id twice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chosen {
    /// Accounts.
    pub users: Vec<UserId>,
    /// Roles.
    pub roles: Vec<RoleId>,
}

impl Chosen {
    /// The list of one kind, as numbers.
    pub fn of(&self, kind: Kind) -> Vec<u64> {
        match kind {
            Kind::User => self.users.iter().map(|it| it.get()).collect(),
            Kind::Role => self.roles.iter().map(|it| it.get()).collect(),
        }
    }
}

/// What can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An account.
    User,
    /// A role: everybody who has it.
    Role,
}

impl Kind {
    /// The word in `bridge.operator`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Role => "role",
        }
    }

    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::User => Self::Role,
            Self::Role => Self::User,
        }
    }
}

/// Who came and who went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Who is an operator now.
    pub added: Vec<u64>,
    /// Who is none any more.
    pub removed: Vec<u64>,
}

/// Names one state of a list, whatever its order: who has seen another one decides about something else.
pub fn version(ids: &[u64]) -> u64 {
    let mut sorted = ids.to_vec();
    sorted.sort_unstable();
    let mut hasher = Sha256::new();
    for id in sorted {
        hasher.update(id.to_be_bytes());
    }
    let mut first = [0; 8];
    first.copy_from_slice(&hasher.finalize()[..8]);
    u64::from_be_bytes(first)
}

/// Who may decide now: those of the configuration, and who was chosen while it runs. Clones see the same.
#[derive(Debug, Clone)]
pub struct Roll(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    configured: Arc<Operators>,
    looks: AtomicU64,
    /// The look that has told it, and what it told.
    now: Mutex<(u64, Arc<Operators>)>,
}

/// A look at the database that has begun.
#[derive(Debug)]
#[must_use]
pub struct Look(u64);

impl Roll {
    /// Those of the configuration, until somebody else is learned of.
    pub fn new(configured: Arc<Operators>) -> Self {
        let now = Mutex::new((0, Arc::clone(&configured)));
        let looks = AtomicU64::new(0);
        Self(Arc::new(Inner {
            configured,
            looks,
            now,
        }))
    }

    /// Everybody who may decide.
    pub fn now(&self) -> Arc<Operators> {
        let now = self.0.now.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&now.1)
    }

    /// Those of the configuration alone.
    pub fn configured(&self) -> &Operators {
        &self.0.configured
    }

    /// Whether an account with these roles is an operator now.
    pub fn includes(&self, user: UserId, roles: &[RoleId]) -> bool {
        self.now().includes(user, roles)
    }

    /// Whether nobody is.
    pub fn is_empty(&self) -> bool {
        self.now().is_empty()
    }

    /// Begins a look at who was chosen.
    pub fn look(&self) -> Look {
        Look(self.0.looks.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// What a look has found. One that began before another that is known already tells nothing new.
    pub fn learn(&self, Look(look): Look, chosen: &Chosen) {
        let mut now = self.0.now.lock().unwrap_or_else(PoisonError::into_inner);
        if look > now.0 {
            *now = (look, Arc::new(self.0.configured.with(chosen)));
        }
    }
}
