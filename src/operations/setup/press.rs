//! What the controls of `/setup` do.

use std::time::Duration;

use super::authority::Authority;
use super::{Lobby, Move, Step, Visitor, about};
use crate::cards::button::MOST_CHOICES;
use crate::cards::setup::answers::{self as words, NAME_LIMIT};
use crate::cards::setup::press::SetupPress;
use crate::model::labs::Feature;
use crate::model::operators::Kind;
use crate::model::{GuildId, ProjectId};
use crate::operations::homes::Home;
use crate::operations::labs::set_labs_flag;
use crate::operations::roll::refresh;
use crate::store::operator::{Elected, Election};

/// How long the channels may take to follow the flags before the card is shown as it is.
const FOLLOWING: Duration = Duration::from_secs(3);

/// What came with a press.
#[derive(Debug, Clone, Copy, Default)]
pub struct Given<'a> {
    /// What was chosen from a list of ours.
    pub chosen: &'a [String],
    /// Who was chosen from a list of Discord's; none where Discord has not said who they are.
    pub picked: Option<&'a [Picked]>,
    /// The name that was typed for a new project.
    pub name: Option<&'a str>,
}

/// Somebody, or a role, that was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picked {
    /// Which of the two.
    pub kind: Kind,
    /// The id.
    pub id: u64,
    /// What it is called.
    pub name: String,
    /// Whether it is a program.
    pub bot: bool,
}

/// Does what a press says. It names a project; whether somebody may is looked at anew.
pub async fn press(
    lobby: &Lobby,
    visitor: &Visitor,
    press: &SetupPress,
    given: Given<'_>,
) -> anyhow::Result<Step> {
    let authority = lobby.authority(visitor).await?;
    if authority.is_none() {
        tracing::info!(user = %visitor.user, guild = %visitor.guild, "somebody who may not set up has pressed");
        return Ok(words::not_allowed().into());
    }
    let hand = Hand {
        lobby,
        visitor,
        authority,
    };
    match press {
        // Whoever may make a project is asked for its name first, by a form.
        SetupPress::Look(project) | SetupPress::Create(project) => hand.look(project, None).await,
        SetupPress::Project => {
            let Some(Ok(project)) = given.chosen.first().map(|it| it.parse()) else {
                return Ok(words::unknown_choice().into());
            };
            hand.look(&project, None).await
        }
        SetupPress::Choose(kind, project, seen) => {
            hand.choose(project, (*kind, *seen), given.picked).await
        }
        SetupPress::Labs(project, shown) => hand.switch(project, *shown, given.chosen).await,
        SetupPress::Show(project, from) => hand.show(project, *from).await,
        SetupPress::Named(project) => hand.create(project, given.name).await,
    }
}

/// Whether somebody may be asked for the name of a new project; else what they are told.
pub fn may_create(lobby: &Lobby, visitor: &Visitor, project: &ProjectId) -> Option<String> {
    let may = !visitor.bot
        && (lobby.owners.contains(&visitor.user)
            || lobby.configured.includes(visitor.user, &visitor.roles));
    (!may).then(|| words::may_not_create(project))
}

struct Hand<'a> {
    lobby: &'a Lobby,
    visitor: &'a Visitor,
    authority: Authority,
}

impl Hand<'_> {
    /// What there is to say of a project now.
    async fn look(&self, project: &ProjectId, note: Option<&str>) -> anyhow::Result<Step> {
        if let Some(known) = self.lobby.store.known_project(project).await? {
            return about(self.lobby, self.visitor, &self.authority, &known, note).await;
        }
        if !self.authority.is_full() {
            return Ok(words::may_not_create(project).into());
        }
        let permissions = self.lobby.permissions(self.visitor.guild).await;
        Ok(Step::Said(words::create(project, permissions.as_deref())))
    }

    /// The home of a project in this server, for those who may; else what is said instead.
    async fn home(&self, project: &ProjectId) -> anyhow::Result<Result<Home, Step>> {
        let home = self.lobby.homes.of_project(project);
        match home.filter(|home| home.guild() == self.visitor.guild) {
            Some(home) if self.authority.covers(project) => Ok(Ok(home)),
            _ => self.look(project, None).await.map(Err),
        }
    }

    async fn card(&self, home: &Home, note: &str) -> anyhow::Result<Step> {
        let card = self.lobby.card(self.visitor, home, Some(note)).await?;
        Ok(Step::Said(card))
    }

    /// Writes down who was chosen, and has it count at once.
    async fn choose(
        &self,
        project: &ProjectId,
        (kind, seen): (Kind, u64),
        picked: Option<&[Picked]>,
    ) -> anyhow::Result<Step> {
        let home = match self.home(project).await? {
            Ok(home) => home,
            Err(instead) => return Ok(instead),
        };
        let known = picked.filter(|all| all.iter().all(|it| it.kind == kind));
        let Some(picked) = known.filter(|all| all.len() <= MOST_CHOICES) else {
            return self.card(&home, words::unknown_choice()).await;
        };
        if let Some(bot) = picked.iter().find(|it| it.bot) {
            return self.card(&home, &words::no_bots(&bot.name)).await;
        }
        // Discord gives the role of everybody the id of the server.
        if kind == Kind::Role && picked.iter().any(|it| it.id == self.visitor.guild.get()) {
            return self.card(&home, words::not_everyone()).await;
        }
        let wanted: Vec<u64> = picked.iter().map(|it| it.id).collect();
        let names: Vec<_> = picked.iter().map(|it| (it.id, it.name.clone())).collect();
        let election = Election {
            kind,
            seen,
            shown: MOST_CHOICES,
            wanted: &wanted,
            by: self.visitor.user,
            may_be_empty: !self.lobby.configured.is_empty(),
        };
        let by = self.visitor.name.as_str();
        let told = |changes: &_| words::activity(by, kind, changes, &names);
        let elected = home.desk.store.choose_operators(election, told).await?;
        // Whoever chose, another process or another try of ours.
        refresh(&home.desk.operators, &home.desk.store).await?;
        match elected {
            Elected::Done(changes) => {
                tracing::info!(user = %self.visitor.user, %project, kind = kind.as_str(), ?changes, "operators were chosen");
                let authority = self.lobby.authority(self.visitor).await?;
                if !authority.covers(project) {
                    return Ok(words::not_any_more(kind, &changes).into());
                }
                self.card(&home, &words::chosen(kind, &changes)).await
            }
            Elected::Same => self.card(&home, words::same()).await,
            Elected::Stale => self.card(&home, words::list_changed()).await,
            Elected::Nobody => self.card(&home, words::somebody_stays()).await,
        }
    }

    /// Switches the features that were changed in the list, and no others.
    async fn switch(
        &self,
        project: &ProjectId,
        shown: u8,
        chosen: &[String],
    ) -> anyhow::Result<Step> {
        let mut home = match self.home(project).await? {
            Ok(home) => home,
            Err(instead) => return Ok(instead),
        };
        let wanted: Result<Vec<Feature>, _> = chosen.iter().map(|word| word.parse()).collect();
        let Ok(wanted) = wanted else {
            return self.card(&home, words::unknown_choice()).await;
        };
        let mut told = Vec::new();
        for (bit, feature) in Feature::ALL.into_iter().enumerate() {
            let on = wanted.contains(&feature);
            if on != (shown & 1 << bit != 0) {
                let presser = self.visitor.presser();
                told.push(set_labs_flag(&home.desk, &presser, feature, on).await?);
            }
        }
        if told.is_empty() {
            return self.card(&home, words::same()).await;
        }
        let (labs, _) = home.desk.store.labs().await?;
        let followed = home.layout.wait_for(|layout| layout.labs() == labs);
        // Whether they follow in time or not: the card tells what is there.
        let _ = tokio::time::timeout(FOLLOWING, followed).await;
        self.card(&home, &words::switched(&told)).await
    }

    /// Gives a project this server, if it still lives where whoever pressed has seen it.
    async fn show(&self, project: &ProjectId, from: Option<GuildId>) -> anyhow::Result<Step> {
        let known = self.lobby.store.known_project(project).await?;
        let home = self.lobby.homes.of_project(project);
        let is_here = home.is_some_and(|home| home.guild() == self.visitor.guild);
        let stays = is_here || self.lobby.stays(project, self.visitor.guild);
        let Some(known) = known.filter(|_| self.authority.covers(project) && !stays) else {
            return self.look(project, None).await;
        };
        let store = self.lobby.store_of(project);
        let (guild, by) = (self.visitor.guild, self.visitor.user);
        if !store.move_in(from, guild, Some(by)).await? {
            return self.look(project, Some(words::moved_meanwhile())).await;
        }
        tracing::info!(user = %by, %project, %guild, "a project was given a server");
        Ok(Step::Moves(Move {
            project: known.project,
            name: known.name,
        }))
    }

    /// Makes a project, and gives it this server.
    async fn create(&self, project: &ProjectId, name: Option<&str>) -> anyhow::Result<Step> {
        if !self.authority.is_full() {
            return Ok(words::may_not_create(project).into());
        }
        let name = name.unwrap_or_default().trim();
        let name = if name.is_empty() {
            project.as_str()
        } else {
            name
        };
        let printable = name.chars().filter(|it| !it.is_control());
        let name: String = printable.take(NAME_LIMIT.into()).collect();
        self.lobby.store_of(project).ensure_project(&name).await?;
        tracing::info!(user = %self.visitor.user, %project, "a project was made, or was there");
        self.show(project, None).await
    }
}
