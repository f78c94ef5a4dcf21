//! Who may decide.

use std::collections::HashSet;

use super::{RoleId, UserId};

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
