//! Opens and closes homes while everything runs: `bridge.home` says which project is shown where.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::executor::{self, Control};
use super::home::{Tenant, Wires};
use super::registration;
use super::switches::Hand;
use super::welcome::Welcome;
use super::wiring::Shared;
use crate::discord::switchboard::GuildNews;
use crate::lifecycle::Lifecycle;
use crate::model::mode::State;
use crate::model::{GuildId, ProjectId};
use crate::operations::homes::Home;
use crate::spool::Found;
use crate::store::Store;

/// Until the next try when a home could not be opened, or the database was away.
const RETRY: Duration = Duration::from_secs(10);

/// How long a home may take to open, channels and all. Others wait for it; the next try goes on where it was.
const OPENING: Duration = Duration::from_mins(10);

/// A home that is open.
struct Open {
    home: Home,
    stop: CancellationToken,
    ended: AbortHandle,
}

/// Who opens and closes.
pub(super) struct Landlord {
    shared: Arc<Shared>,
    bell: Arc<Notify>,
    homes: watch::Sender<Arc<Vec<Home>>>,
    open: BTreeMap<ProjectId, Open>,
    /// Homes, and executors of ours; each ends when it is told to.
    parts: JoinSet<(String, anyhow::Result<()>)>,
    controls: BTreeMap<ProjectId, Control>,
    /// Servers that we are in.
    guilds: HashSet<GuildId>,
    /// Servers that know our commands, or will.
    told: HashSet<GuildId>,
    /// Servers that had a word, or none, since they show nothing: each once, however often they invite us.
    greeted: HashSet<GuildId>,
    found: Found,
    mode: watch::Sender<State>,
    follows: Option<AbortHandle>,
    cancel: CancellationToken,
}

impl Landlord {
    /// With no home yet. `control` is the executor of the configured project.
    pub(super) fn new(
        shared: Arc<Shared>,
        control: Control,
        (bell, found): (Arc<Notify>, Found),
        cancel: CancellationToken,
    ) -> Self {
        let guilds = shared.identity.guilds.iter().map(|it| it.id).collect();
        let project = shared.config.project.id.clone();
        Self {
            bell,
            homes: watch::Sender::default(),
            open: BTreeMap::new(),
            parts: JoinSet::new(),
            controls: BTreeMap::from([(project, control)]),
            guilds,
            told: HashSet::new(),
            greeted: HashSet::new(),
            found,
            mode: watch::Sender::new(State::unknown(chrono::Utc::now())),
            follows: None,
            shared,
            cancel,
        }
    }

    /// The homes that are open, the configured project first.
    pub(super) fn watch(&self) -> watch::Receiver<Arc<Vec<Home>>> {
        self.homes.subscribe()
    }

    /// The mode that the bot shows beside its name: that of the first home.
    pub(super) fn mode(&self) -> watch::Receiver<State> {
        self.mode.subscribe()
    }

    /// Opens the home of the configured project, and fails where it cannot be shown: then there is nothing to wait for.
    /// All others follow, and hold up nobody.
    pub(super) async fn begin(&mut self) -> anyhow::Result<()> {
        let configured = &self.shared.config.project.id;
        let mut wanted = self.wanted().await?;
        wanted.retain(|it| it.project == *configured);
        for tenant in wanted {
            self.move_in(tenant).await?;
        }
        Ok(())
    }

    /// Follows `bridge.home` and the servers that we are in, until cancelled.
    pub(super) async fn run(
        mut self,
        mut news: mpsc::UnboundedReceiver<GuildNews>,
    ) -> anyhow::Result<()> {
        let cancel = self.cancel.clone();
        self.tell_all();
        let mut again = !self.look().await?;
        self.complain();
        loop {
            let told = tokio::select! {
                biased;
                () = cancel.cancelled() => break,
                Some(ended) = self.parts.join_next() => {
                    // What was closed is joined where it is closed.
                    let (name, outcome) = ended.context("a part was cut off")?;
                    outcome.with_context(|| name.clone())?;
                    anyhow::bail!("{name} ended although nobody asked it to");
                }
                told = news.recv() => told,
                () = self.bell.notified() => None,
                () = tokio::time::sleep(RETRY), if again => None,
            };
            match told {
                Some(GuildNews::Here(guild)) => {
                    self.guilds.insert(guild);
                    self.tell(guild);
                }
                Some(GuildNews::Left(guild)) => {
                    tracing::warn!(%guild, "we are not in the server any more");
                    self.guilds.remove(&guild);
                    self.told.remove(&guild);
                }
                None => {}
            }
            let whole = self.look().await?;
            again = !whole;
            if let Some(GuildNews::Here(guild)) = told
                && whole
            {
                self.greet(guild);
            }
        }
        while let Some(ended) = self.parts.join_next().await {
            let (name, outcome) = ended.context("a part was cut off")?;
            outcome.with_context(|| name)?;
        }
        Ok(())
    }

    /// Who should be shown where, as far as we are in their servers. Where the configured project lives may stand in the
    /// configuration.
    async fn wanted(&self) -> anyhow::Result<Vec<Tenant>> {
        let config = &self.shared.config;
        let mut homes = self.shared.database.store.homes().await?;
        homes.sort_by_key(|it| it.project != config.project.id);
        let fixed = config.discord.guild_id;
        let tenants = homes.into_iter().map(|it| Tenant {
            guild: fixed
                .filter(|_| it.project == config.project.id)
                .unwrap_or(it.guild),
            project: it.project,
            name: it.name,
        });
        Ok(tenants
            .filter(|it| self.guilds.contains(&it.guild))
            .collect())
    }

    /// Closes and opens. Gives back whether everything is as it should be; what is not is tried again.
    async fn look(&mut self) -> anyhow::Result<bool> {
        let wanted = match self.wanted().await {
            Ok(wanted) => wanted,
            Err(error) => {
                tracing::warn!(%error, "who is to be shown where cannot be read: {error:#}");
                return Ok(false);
            }
        };
        let stays = |open: &Open| {
            let (project, guild) = (open.home.project(), open.home.guild());
            let mut wanted = wanted.iter();
            wanted.any(|it| it.project == *project && it.guild == guild)
        };
        let open = self.open.iter();
        let leaving: Vec<ProjectId> = open
            .filter(|(_, it)| !stays(it))
            .map(|(project, _)| project.clone())
            .collect();
        for project in leaving {
            self.close(&project).await?;
        }
        let mut whole = true;
        for tenant in wanted {
            let project = tenant.project.clone();
            if self.open.contains_key(&project) {
                continue;
            }
            if let Err(error) = self.move_in(tenant).await {
                not_yet(&project, &error);
                whole = false;
            }
        }
        Ok(whole)
    }

    /// Opens a home. What it had begun ends when that fails.
    async fn move_in(&mut self, tenant: Tenant) -> anyhow::Result<()> {
        let (project, guild) = (tenant.project.clone(), tenant.guild);
        self.control(&project).await?;
        let control = &self.controls[&project];
        let database = &self.shared.database;
        let seen_from = |store: &Store| Store::new(store.pool().clone(), project.clone());
        let stop = self.cancel.child_token();
        let mut lifecycle = Lifecycle::within(stop.clone());
        // What it has accepted since it was closed here counts as well.
        let held = self.shared.spool.found().await.of_project(&project);
        drop(self.found.of_project(&project));
        let wires = Wires {
            shared: &self.shared,
            tenant: &tenant,
            store: seen_from(&database.store),
            hot: seen_from(&database.hot),
            control,
            found: Found {
                held,
                marked: self.found.marked.clone(),
            },
        };
        let connecting = Box::pin(wires.connect(&mut lifecycle));
        let in_time = tokio::time::timeout(OPENING, connecting);
        let connected = match stop.run_until_cancelled(in_time).await {
            Some(Ok(connected)) => connected,
            Some(Err(_)) => Err(anyhow::anyhow!("Discord or the database takes too long")),
            None => Err(anyhow::anyhow!("the bridge is stopped")),
        };
        let home = match connected {
            Ok(home) => home,
            Err(error) => {
                stop.cancel();
                lifecycle.run_within().await?;
                return Err(error);
            }
        };
        self.found.marked.clear();
        let name = format!("the home of {project}");
        let ended = self
            .parts
            .spawn(async move { (name, lifecycle.run_within().await) });
        tracing::info!(%project, %guild, "{project} is shown in the server {guild}");
        self.open.insert(project, Open { home, stop, ended });
        self.publish();
        Ok(())
    }

    /// The executor of a project: that of the configuration, or one of ours, which outlives its home.
    async fn control(&mut self, project: &ProjectId) -> anyhow::Result<()> {
        if self.controls.contains_key(project) {
            return Ok(());
        }
        let (shared, stop) = (&self.shared, self.cancel.child_token());
        let store = Store::new(shared.database.store.pool().clone(), project.clone());
        let mut lifecycle = Lifecycle::within(stop.clone());
        let opening = executor::open(&mut lifecycle, &shared.config, &store, Hand::fixed());
        let control = match opening.await {
            Ok(control) => control,
            Err(error) => {
                stop.cancel();
                lifecycle.run_within().await?;
                return Err(error);
            }
        };
        let name = format!("the executor of {project}");
        self.parts
            .spawn(async move { (name, lifecycle.run_within().await) });
        self.controls.insert(project.clone(), control);
        Ok(())
    }

    /// Ends a home, and waits for it: another one may have the same channels.
    async fn close(&mut self, project: &ProjectId) -> anyhow::Result<()> {
        let Some(open) = self.open.remove(project) else {
            return Ok(());
        };
        tracing::info!(%project, "{project} is not shown any more where it was");
        self.publish();
        open.stop.cancel();
        while let Some(ended) = self.parts.join_next_with_id().await {
            let (id, (name, outcome)) = ended.context("a part was cut off")?;
            if id == open.ended.id() {
                if let Err(error) = outcome {
                    // Other projects have nothing to do with it.
                    tracing::error!(
                        error = format!("{error:#}"),
                        "{name} was cut off: {error:#}"
                    );
                }
                break;
            }
            outcome.with_context(|| name.clone())?;
            anyhow::ensure!(
                self.cancel.is_cancelled(),
                "{name} ended although nobody asked it to"
            );
        }
        Ok(())
    }

    fn publish(&mut self) {
        let configured = &self.shared.config.project.id;
        let mut homes: Vec<Home> = self.open.values().map(|it| it.home.clone()).collect();
        homes.sort_by_key(|it| it.project() != configured);
        let first = homes.first().map(|it| it.dials.mode.clone());
        self.homes.send_replace(Arc::new(homes));
        if let Some(before) = self.follows.take() {
            before.abort();
        }
        if let Some(mut first) = first {
            let shown = self.mode.clone();
            let following = tokio::spawn(async move {
                loop {
                    let now = first.borrow_and_update().clone();
                    shown.send_replace(now);
                    if first.changed().await.is_err() {
                        return;
                    }
                }
            });
            self.follows = Some(following.abort_handle());
        }
    }

    fn tell_all(&mut self) {
        let guilds: Vec<GuildId> = self.guilds.iter().copied().collect();
        for guild in guilds {
            self.tell(guild);
        }
    }

    /// Tells a server which commands there are, once.
    fn tell(&mut self, guild: GuildId) {
        if self.told.insert(guild) {
            let (lanes, application) =
                (self.shared.lanes.clone(), self.shared.identity.application);
            tokio::spawn(registration::register(lanes, application, guild));
        }
    }

    /// A word for a server that shows nothing: how somebody who may decides that.
    fn greet(&mut self, guild: GuildId) {
        let shows = self.open.values().any(|it| it.home.guild() == guild);
        if shows || !self.greeted.insert(guild) {
            return;
        }
        let welcome = Welcome {
            lanes: self.shared.lanes.clone(),
            store: self.shared.database.store.clone(),
            layout: None,
            guild,
        };
        tokio::spawn(welcome.greet(self.cancel.child_token()));
    }

    /// Names what an earlier run has accepted for a project that is not shown.
    fn complain(&self) {
        for held in &self.found.held {
            let project = &held.project;
            tracing::error!(%project, "a message stays in the spool: it was meant for the project {project}, which is not shown");
        }
    }
}

fn not_yet(project: &ProjectId, error: &anyhow::Error) {
    tracing::error!(%project, error = format!("{error:#}"), "{project} cannot be shown yet: {error:#}");
}
