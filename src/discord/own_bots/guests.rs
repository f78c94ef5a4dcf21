//! Who may talk to agents' own bots. A direct message tells nothing of its author's roles, so the server is asked,
//! and what it says is remembered for a minute.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

use crate::discord::lanes::{Class, Lanes};
use crate::discord::rest::{Request, RestError, Route};
use crate::model::operators::Roll;
use crate::model::{GuildId, RoleId, UserId};

/// How long an answer counts.
const REMEMBERED_FOR: Duration = Duration::from_mins(1);

/// So many people are remembered before those of more than a minute ago are forgotten.
const REMEMBERED: usize = 1_000;

/// What somebody may do in a private channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guest {
    /// Talk, with these roles in the server.
    Welcome(Vec<RoleId>),
    /// Nothing: a member of the server who is no operator.
    NoOperator,
    /// Nothing: no member of the server.
    Stranger,
}

/// When somebody was asked about, and their roles; none where they are no member.
type Known = (Instant, Option<Vec<RoleId>>);

/// Knows who may. Clones share what they know.
#[derive(Debug, Clone)]
pub struct Guests {
    main: Lanes,
    guild: GuildId,
    operators: Roll,
    members_may_ask: bool,
    known: Arc<Mutex<HashMap<UserId, Known>>>,
}

#[derive(Deserialize)]
struct Member {
    roles: Vec<RoleId>,
}

impl Guests {
    /// Asks this server through the bridge's own bot. With `members_may_ask` every member is welcome, else operators
    /// alone.
    pub fn new(main: Lanes, guild: GuildId, operators: Roll, members_may_ask: bool) -> Self {
        Self {
            main,
            guild,
            operators,
            members_may_ask,
            known: Arc::default(),
        }
    }

    /// What a person may do. Fails when Discord does not say who they are.
    pub async fn look(&self, user: UserId) -> Result<Guest, RestError> {
        let Some(roles) = self.roles(user).await? else {
            return Ok(Guest::Stranger);
        };
        if self.members_may_ask || self.operators.includes(user, &roles) {
            return Ok(Guest::Welcome(roles));
        }
        Ok(Guest::NoOperator)
    }

    /// Whether strangers alone are turned away.
    pub fn takes_members(&self) -> bool {
        self.members_may_ask
    }

    /// Their roles in the server; none where they are no member of it.
    async fn roles(&self, user: UserId) -> Result<Option<Vec<RoleId>>, RestError> {
        let recent = |(at, _): &Known| at.elapsed() < REMEMBERED_FOR;
        {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(it) = known.get(&user).filter(|it| recent(it)) {
                return Ok(it.1.clone());
            }
        }
        let route = Route::guild_member(self.guild.get(), user.get());
        let asked = self.main.submit(Class::Interactive, Request::new(route));
        let roles = match asked.await.json::<Member>().into_result() {
            Ok(member) => Some(member.roles),
            Err(error) if error.status() == Some(404) => None,
            Err(error) => return Err(error),
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.retain(|_, it| recent(it));
        }
        known.insert(user, (Instant::now(), roles.clone()));
        Ok(roles)
    }
}
