//! `/setup`: which project a server shows, and who decides there. It works in a server that shows nothing yet, so it is
//! not one of the operations of a [`Desk`](super::Desk). A bot can be invited by strangers: nobody but an operator or
//! an owner of the application sees or changes anything.

mod authority;
mod press;
mod sight;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::Operators;
use super::decide::Presser;
use super::homes::{Home, Homes};
use crate::cards::Draft;
use crate::cards::setup::{answers as words, choice, press::LONGEST_ID};
use crate::discord::lanes::Lanes;
use crate::discord::portal::Guild;
use crate::model::{ApplicationId, ChannelId, GuildId, ProjectId, RoleId, UserId};
use crate::store::Store;
use crate::store::home::KnownProject;
use authority::Authority;

pub use press::{Given, Picked, may_create, press};

/// How long a project may take to be shown before that is said.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long the database may take while something is typed.
const TYPING: Duration = Duration::from_secs(2);

/// Most projects that are offered (source: Discord, choices of a list).
const OFFERED: i64 = 25;

/// What `/setup` works with, in a server that shows a project and in one that does not.
#[derive(Clone)]
pub struct Lobby {
    /// The database, seen from any project.
    pub store: Store,
    /// The operators of the configuration and of the sandbox.
    pub configured: Arc<Operators>,
    /// The owner of the application, or the members of the team that owns it.
    pub owners: Arc<HashSet<UserId>>,
    /// The project of the configuration, and its server, where that is named there: such a home stays.
    pub fixed: Option<(ProjectId, GuildId)>,
    /// What is shown where.
    pub homes: Homes,
    /// The way to Discord.
    pub lanes: Lanes,
    /// Our application.
    pub application: ApplicationId,
}

/// Who asks, and where.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// The account.
    pub user: UserId,
    /// Under which name people see it.
    pub name: String,
    /// Whether it is a program.
    pub bot: bool,
    /// The server.
    pub guild: GuildId,
    /// Their roles there.
    pub roles: Vec<RoleId>,
    /// The channel and what it lies in; none for a press, whose control says what it is about.
    pub places: Vec<ChannelId>,
}

impl Lobby {
    /// Whether the configuration has a project live in another server than this one.
    fn stays(&self, project: &ProjectId, guild: GuildId) -> bool {
        let mut fixed = self.fixed.iter();
        fixed.any(|(its, server)| its == project && *server != guild)
    }
}

impl Visitor {
    /// As operations of a home in this server take them.
    fn presser(&self) -> Presser {
        Presser {
            user: self.user,
            name: self.name.clone(),
            bot: self.bot,
            roles: Some(self.roles.clone()),
        }
    }
}

/// What comes of a command or a press.
#[derive(Debug)]
pub enum Step {
    /// This is the answer.
    Said(Draft),
    /// A project is on its way into the server.
    Moves(Move),
}

/// A project on its way.
#[derive(Debug, Clone)]
pub struct Move {
    project: ProjectId,
    name: String,
}

impl From<String> for Step {
    fn from(text: String) -> Self {
        Self::Said(Draft::text(text))
    }
}

impl From<&str> for Step {
    fn from(text: &str) -> Self {
        Self::Said(Draft::text(text))
    }
}

impl Move {
    /// What is said meanwhile.
    pub fn meanwhile(&self) -> Draft {
        words::moving_in(&self.name)
    }

    /// Waits until the project is shown, for 20 s at most. Gives back its card, or why there is none yet.
    pub async fn settled(&self, lobby: &Lobby, visitor: &Visitor) -> anyhow::Result<Draft> {
        let moving = lobby.homes.moved_in(&self.project, visitor.guild, PATIENCE);
        if let Some(home) = moving.await {
            return lobby.card(visitor, &home, Some(words::moved_in())).await;
        }
        let permissions = lobby.permissions(visitor.guild).await;
        Ok(words::takes_longer(
            &self.project,
            &self.name,
            permissions.as_deref(),
        ))
    }
}

/// What `/setup` answers, with the project that was named, if one was.
pub async fn setup(
    lobby: &Lobby,
    visitor: &Visitor,
    project: Option<&str>,
) -> anyhow::Result<Step> {
    let authority = lobby.authority(visitor).await?;
    if authority.is_none() {
        tracing::info!(user = %visitor.user, guild = %visitor.guild, "somebody who may not set up has tried to");
        return Ok(words::not_allowed().into());
    }
    match project.map(str::trim).filter(|word| !word.is_empty()) {
        Some(word) => named(lobby, visitor, &authority, word).await,
        None => unnamed(lobby, visitor, &authority).await,
    }
}

/// The projects that what is typed so far may mean, as the name to show and the id to send.
pub async fn suggest(lobby: &Lobby, visitor: &Visitor, typed: &str) -> Vec<(String, String)> {
    let looking = async {
        let authority = lobby.authority(visitor).await?;
        lobby.projects(&authority, typed.trim()).await
    };
    // Without an answer in time nothing is offered; what is typed counts all the same.
    let found = tokio::time::timeout(TYPING, looking).await;
    let found = found.ok().and_then(Result::ok).unwrap_or_default();
    let offer = |it: KnownProject| (choice(&it.project, &it.name), it.project.to_string());
    found.into_iter().map(offer).collect()
}

/// Of what this server shows already, else of what it could show.
async fn unnamed(lobby: &Lobby, visitor: &Visitor, authority: &Authority) -> anyhow::Result<Step> {
    let mut here = lobby.homes.of_guild(visitor.guild);
    let around = |home: &Home| {
        let layout = home.layout.borrow();
        let mut places = visitor.places.iter();
        places.any(|place| layout.on_or_off(*place).is_some())
    };
    if let Some(home) = here.iter().find(|home| around(home)) {
        if !authority.covers(home.project()) {
            return Ok(words::not_of_project(home.project()).into());
        }
        return Ok(Step::Said(lobby.card(visitor, home, None).await?));
    }
    here.retain(|home| authority.covers(home.project()));
    match here.as_slice() {
        [] => {
            let found = lobby.projects(authority, "").await?;
            let found: Vec<_> = found.into_iter().map(|it| (it.project, it.name)).collect();
            Ok(Step::Said(words::choose(&found, false)))
        }
        [home] => Ok(Step::Said(lobby.card(visitor, home, None).await?)),
        several => {
            let known = |home: &Home| (home.project().clone(), home.name.clone());
            let known: Vec<_> = several.iter().map(known).collect();
            Ok(Step::Said(words::choose(&known, true)))
        }
    }
}

/// Of the project that a word means: its id, or its whole name.
async fn named(
    lobby: &Lobby,
    visitor: &Visitor,
    authority: &Authority,
    word: &str,
) -> anyhow::Result<Step> {
    let id = word.parse::<ProjectId>().ok();
    if let Some(id) = &id
        && let Some(known) = lobby.store.known_project(id).await?
    {
        return about(lobby, visitor, authority, &known, None).await;
    }
    let called = word.to_lowercase();
    let mut found = lobby.projects(authority, word).await?;
    found.retain(|it| it.name.trim().to_lowercase() == called);
    match (found.as_slice(), id) {
        ([known], _) => about(lobby, visitor, authority, known, None).await,
        ([_, ..], _) => Ok(words::many_projects(word).into()),
        ([], Some(id)) if id.as_str().len() <= LONGEST_ID => {
            if !authority.is_full() {
                return Ok(words::may_not_create(&id).into());
            }
            let permissions = lobby.permissions(visitor.guild).await;
            Ok(Step::Said(words::create(&id, permissions.as_deref())))
        }
        ([], _) => Ok(words::no_project(word).into()),
    }
}

/// Of a project that there is: its card where it is shown here, else whether it should be.
async fn about(
    lobby: &Lobby,
    visitor: &Visitor,
    authority: &Authority,
    known: &KnownProject,
    note: Option<&str>,
) -> anyhow::Result<Step> {
    let project = &known.project;
    if !authority.covers(project) {
        return Ok(words::not_of_project(project).into());
    }
    if project.as_str().len() > LONGEST_ID {
        return Ok(words::id_too_long().into());
    }
    let home = lobby.homes.of_project(project);
    let lives = home.as_ref().map(Home::guild);
    if let Some(home) = home.filter(|home| home.guild() == visitor.guild) {
        return Ok(Step::Said(lobby.card(visitor, &home, note).await?));
    }
    if lobby.stays(project, visitor.guild) {
        return Ok(words::stays(&known.name).into());
    }
    if known.guild == Some(visitor.guild) {
        return Ok(Step::Moves(Move {
            project: project.clone(),
            name: known.name.clone(),
        }));
    }
    let servers = lobby.servers().await;
    let called = |guild: GuildId| {
        let found = servers.iter().flatten().find(|it| it.id == guild)?;
        Some(found.name.as_str())
    };
    let from = lives.or(known.guild).map(|guild| (guild, called(guild)));
    let here = servers.iter().flatten().find(|it| it.id == visitor.guild);
    let permissions = here.map(Guild::permissions);
    Ok(Step::Said(words::show(
        (project, &known.name),
        (known.guild, from),
        permissions.as_deref(),
        note,
    )))
}
