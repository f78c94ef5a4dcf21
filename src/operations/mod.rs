//! One function for everything a person can do. Each checks who asks, writes in one transaction
//! and returns what to tell the person; the mirror then shows the result.

pub mod say;

use std::collections::HashSet;
use std::sync::Arc;

use crate::delivery::Deliveries;
use crate::model::{RoleId, UserId};
use crate::store::Store;

/// What every operation works with.
#[derive(Clone)]
pub struct Desk {
    /// The database.
    pub store: Store,
    /// Where messages for agents are handed over.
    pub deliveries: Deliveries,
    /// Who may decide.
    pub operators: Arc<Operators>,
    /// Whether members who are no operators may cause a delivery.
    pub members_may_ask: bool,
}

/// Who may decide, by Discord's ids. An empty list means nobody.
#[derive(Debug, Clone, Default)]
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
}
