//! Agents' own bots: their ways to Discord, and their sessions.

use std::sync::atomic::AtomicBool;

use futures_util::future::join_all;

use super::discord::{Identity, Place, drained};
use crate::config::Config;
use crate::discord::lanes::Lanes;
use crate::discord::own_bots::OwnBots;
use crate::discord::rest::Rest;
use crate::discord::sessions::{Line, Session};
use crate::lifecycle::Lifecycle;

/// The bots that are configured, and what will listen for them.
pub struct Started {
    /// Which can send.
    pub bots: OwnBots,
    sessions: Vec<Session>,
}

/// Asks Discord who each of the configured bots is. One that fails keeps nobody from starting.
pub async fn open(
    lifecycle: &mut Lifecycle,
    config: &Config,
    place: &Place,
    identity: &Identity,
    main: &Lanes,
) -> anyhow::Result<Started> {
    let bots = OwnBots::new(config.own_bots.keys());
    let mut sessions = Vec::new();
    for (short, own) in &config.own_bots {
        let setting = format!("agents.{short}.discord_token");
        let token = own.discord_token.clone();
        let rest = Rest::of_setting(&place.api_base, token.clone(), &setting)?;
        let (lanes, driver) = Lanes::new(rest.clone());
        let running = drained(lifecycle.token(), lanes.clone(), driver);
        lifecycle.spawn(format!("lanes of {short}"), running);
        sessions.push(Session {
            short: short.clone(),
            setting,
            token,
            rest,
            lanes,
            bots: bots.clone(),
            main: main.clone(),
            main_account: identity.bot,
            looked: AtomicBool::new(false),
        });
    }
    join_all(sessions.iter().map(Session::first_look)).await;
    Ok(Started { bots, sessions })
}

/// No bots: what is configured belongs to the configured project.
pub fn none() -> Started {
    Started {
        bots: OwnBots::new(std::iter::empty()),
        sessions: Vec::new(),
    }
}

impl Started {
    /// Lets them listen. `line` tells each where it connects to and who hears it.
    pub fn listen(self, lifecycle: &mut Lifecycle, line: impl Fn() -> Line) {
        for session in self.sessions {
            let name = format!("own bot of {}", session.short);
            let cancel = lifecycle.token();
            lifecycle.spawn(name, session.run(line(), cancel));
        }
    }
}
