//! Who was chosen from Discord's own lists of people and roles.

use serenity::all::{ComponentInteractionData, ComponentInteractionDataKind};

/// A person or a role that was chosen, as Discord tells of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pick {
    /// Whether it is a role.
    pub role: bool,
    /// The id.
    pub id: u64,
    /// What it is called.
    pub name: String,
    /// Whether it is a program.
    pub bot: bool,
}

/// Everybody who was chosen; none where Discord does not tell of each of them, and for any other control.
pub(super) fn picked(data: &ComponentInteractionData) -> Option<Vec<Pick>> {
    match &data.kind {
        ComponentInteractionDataKind::UserSelect { values } => {
            let one = |id| {
                let user = data.resolved.users.get(id)?;
                let name = user.global_name.as_ref().unwrap_or(&user.name);
                Some(Pick {
                    role: false,
                    id: user.id.get(),
                    name: name.clone(),
                    bot: user.bot,
                })
            };
            values.iter().map(one).collect()
        }
        ComponentInteractionDataKind::RoleSelect { values } => {
            let one = |id| {
                let role = data.resolved.roles.get(id)?;
                Some(Pick {
                    role: true,
                    id: role.id.get(),
                    name: role.name.clone(),
                    bot: false,
                })
            };
            values.iter().map(one).collect()
        }
        _ => None,
    }
}
