//! What the gateway hears, handed to the homes that it concerns: one session hears for all of them.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::events::{Inbound, Pressed};
use super::lobby::LobbyPresses;
use crate::cards::homes as words;
use crate::model::mentions::Names;
use crate::model::{GuildId, ProjectId};
use crate::operations::homes::{Homes, Meant};

/// What became of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuildNews {
    /// We are in it, since now or since before.
    Here(GuildId),
    /// We are not any more.
    Left(GuildId),
}

/// Hands on what is heard.
pub struct Switchboard {
    /// What the gateway hears.
    pub heard: mpsc::UnboundedReceiver<Inbound>,
    /// Who listens.
    pub seats: Seats,
    /// Which homes there are.
    pub homes: Homes,
    /// Answers the controls of `/setup`.
    pub lobby: LobbyPresses,
    /// Tells that a session has begun or goes on.
    pub connected: watch::Sender<bool>,
    /// Whom the servers concern.
    pub guilds: mpsc::UnboundedSender<GuildNews>,
}

/// The seats of the homes. Clones share them.
#[derive(Clone, Default)]
pub struct Seats {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    is_connected: bool,
    /// Discord tells them once, at the begin of a session.
    names: HashMap<GuildId, Names>,
    taken: Vec<Seat>,
}

struct Seat {
    project: ProjectId,
    guild: GuildId,
    tell: mpsc::UnboundedSender<Inbound>,
}

/// Whom an event concerns.
enum Whom<'a> {
    All,
    In(GuildId),
    Only(&'a ProjectId),
}

impl Seats {
    /// Listens for one home, and to what is sent besides. What Discord tells only at the begin of a session is told
    /// again.
    pub fn take(
        &self,
        project: &ProjectId,
        guild: GuildId,
    ) -> (
        mpsc::UnboundedSender<Inbound>,
        mpsc::UnboundedReceiver<Inbound>,
    ) {
        let (tell, heard) = mpsc::unbounded_channel();
        let mut shared = self.lock();
        if let Some(names) = shared.names.get(&guild) {
            // It cannot be gone yet.
            let _ = tell.send(Inbound::Named(guild, names.clone(), None));
        }
        if shared.is_connected {
            let _ = tell.send(Inbound::Ready);
        }
        shared.taken.retain(|seat| !seat.tell.is_closed());
        shared.taken.push(Seat {
            project: project.clone(),
            guild,
            tell: tell.clone(),
        });
        (tell, heard)
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// The last one gets the event itself, all others a copy.
    fn tell(&self, whom: &Whom<'_>, event: Inbound) {
        let concerned = |seat: &&Seat| match *whom {
            Whom::All => true,
            Whom::In(guild) => seat.guild == guild,
            Whom::Only(project) => seat.project == *project,
        };
        let mut seats = self.taken.iter().filter(concerned).peekable();
        while let Some(seat) = seats.next() {
            // Who does not listen any more is closed.
            if seats.peek().is_none() {
                let _ = seat.tell.send(event);
                return;
            }
            let _ = seat.tell.send(event.clone());
        }
    }
}

impl Switchboard {
    /// Hands on until cancelled.
    pub async fn run(mut self, cancel: CancellationToken) -> anyhow::Result<()> {
        let mut known = HashSet::new();
        loop {
            let heard = tokio::select! {
                // First: the gateway may have ended already.
                biased;
                () = cancel.cancelled() => return Ok(()),
                heard = self.heard.recv() => heard,
            };
            let heard = heard.context("the gateway does not speak any more")?;
            self.hand_on(heard, &mut known);
        }
    }

    fn hand_on(&self, heard: Inbound, known: &mut HashSet<GuildId>) {
        match heard {
            Inbound::Pressed(pressed) if LobbyPresses::knows(&pressed) => {
                self.lobby.take(*pressed);
            }
            Inbound::Pressed(pressed) => self.press(pressed),
            Inbound::Left(guild) => {
                known.remove(&guild);
                self.seats.lock().names.remove(&guild);
                // Nobody listens only while the process ends.
                let _ = self.guilds.send(GuildNews::Left(guild));
            }
            Inbound::Message(ref it) | Inbound::Edited(ref it) => {
                let whom = it.guild.map_or(Whom::All, Whom::In);
                self.seats.lock().tell(&whom, heard);
            }
            Inbound::Named(guild, names, news) => {
                let mut seats = self.seats.lock();
                let all = seats.names.entry(guild).or_default();
                all.roles.extend(names.roles.clone());
                all.channels.extend(names.channels.clone());
                seats.tell(&Whom::In(guild), Inbound::Named(guild, names, news));
                if known.insert(guild) {
                    let _ = self.guilds.send(GuildNews::Here(guild));
                }
            }
            Inbound::RightsChanged(guild) => {
                self.seats.lock().tell(&Whom::In(guild), heard);
            }
            Inbound::Ready | Inbound::Resumed | Inbound::Disconnected => {
                let is_connected = !matches!(heard, Inbound::Disconnected);
                let mut seats = self.seats.lock();
                seats.is_connected = is_connected;
                seats.tell(&Whom::All, heard);
                self.connected.send_replace(is_connected);
            }
            other => self.seats.lock().tell(&Whom::All, other),
        }
    }

    /// A press is answered once, by the home whose channel it is. Where several could be meant nobody guesses.
    fn press(&self, pressed: Box<Pressed>) {
        let guild = pressed.member.as_ref().map(|(guild, _)| *guild);
        let home = match self.homes.meant(guild, &pressed.places) {
            Meant::One(home) => *home,
            Meant::OneOf(homes) => {
                let names = homes.iter().map(|it| it.name.as_str());
                return self.lobby.send_away(*pressed, words::which_one(names));
            }
            Meant::Nobody => return self.lobby.send_away(*pressed, words::not_here()),
        };
        let seats = self.seats.lock();
        seats.tell(&Whom::Only(home.project()), Inbound::Pressed(pressed));
    }
}
