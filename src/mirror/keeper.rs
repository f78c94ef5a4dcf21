//! Keeps the layout whole: what a person deletes is made again, a new agent gets its channel, that of
//! one who is gone is archived, and what the Labs switch comes or goes to sleep.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::cards::limits;
use crate::discord::layout::threads::{Forum, Threads};
use crate::discord::layout::{Builder, Layout, Private};
use crate::discord::own_bots::{Guest, Guests, OwnBots};
use crate::model::ChannelId;
use crate::model::addressing::Roster;
use crate::model::labs::Labs;
use crate::model::view::Surface;
use crate::store::Store;
use crate::store::layout::KnownChannel;

/// Deletions come in bursts, and our own repairs are announced to us: one look for all of them.
const GATHER: Duration = Duration::from_millis(250);

/// Wait after a repair that did not work.
const RETRY: Duration = Duration::from_secs(5);

/// How often it is looked at whether people may still talk to agents' own bots.
const LOOK_AGAIN: Duration = Duration::from_mins(10);

/// Wait until the next look at a server that takes no more channels, or lets the bot not do all: only a
/// person can change that, which is told as well.
const FULL: Duration = Duration::from_mins(10);

/// What the keeper needs.
pub struct Keeping {
    /// Finds and makes channels.
    pub builder: Builder,
    /// Knows which was which.
    pub store: Store,
    /// Which features are on.
    pub labs: watch::Receiver<Labs>,
    /// Something of the layout is gone.
    pub repair: Arc<Notify>,
    /// The table of agents has changed.
    pub agents_changed: Arc<Notify>,
    /// The agents' own bots.
    pub bots: OwnBots,
    /// Who may talk to them.
    pub guests: Guests,
    /// The threads of tasks, as far as they are known.
    pub threads: Threads,
}

/// The keeper.
pub struct Keeper {
    needs: Keeping,
    layout: watch::Sender<Arc<Layout>>,
    /// When to look again although nothing happens.
    wait: Option<Duration>,
    /// The agents whose own bots could send at the last look.
    senders: Vec<String>,
}

impl Keeper {
    /// Makes the layout whole for the first time.
    pub async fn start(needs: Keeping) -> anyhow::Result<Self> {
        let senders = needs.bots.senders();
        if needs.store.leave_others(needs.builder.guild).await? {
            tracing::info!(
                "the project was shown in another server before: its cards are made here"
            );
        }
        for (task, thread, whole) in needs.store.open_threads().await? {
            needs.threads.open(task, thread);
            if whole {
                needs.threads.fill(&[task]);
            }
        }
        let (layout, wait) = needs.ensure().await?;
        if let Some(surface) = layout.without_room() {
            complain(surface);
        }
        warn(&layout);
        let layout = watch::Sender::new(Arc::new(layout));
        Ok(Self {
            needs,
            layout,
            wait,
            senders,
        })
    }

    /// The layout, for everybody who needs a channel.
    pub fn watch(&self) -> watch::Receiver<Arc<Layout>> {
        self.layout.subscribe()
    }

    /// Repairs until cancelled.
    pub async fn run(mut self, cancel: CancellationToken) -> anyhow::Result<()> {
        let mut wait = self.wait;
        let mut states = self.needs.bots.watch();
        // It may have changed since the first look.
        states.mark_changed();
        loop {
            tokio::select! {
                // First: whoever reads the flags may have ended already.
                biased;
                () = cancel.cancelled() => return Ok(()),
                // A person looks on: what goes, goes at once, and what comes waits for nobody else.
                changed = self.needs.labs.changed() => {
                    changed?;
                    let labs = *self.needs.labs.borrow_and_update();
                    let next = self.layout.borrow().switched(labs);
                    self.publish(next);
                }
                () = self.needs.repair.notified() => tokio::time::sleep(GATHER).await,
                () = self.needs.agents_changed.notified() => tokio::time::sleep(GATHER).await,
                Ok(()) = states.changed() => {
                    let now = self.needs.bots.senders();
                    if now == self.senders {
                        continue;
                    }
                    self.senders = now;
                }
                () = tokio::time::sleep(wait.unwrap_or_default()), if wait.is_some() => {}
            }
            let ensuring = cancel.run_until_cancelled(self.needs.ensure());
            let Some(ensured) = ensuring.await else {
                return Ok(());
            };
            wait = match ensured {
                Ok((layout, again)) => {
                    // Somebody may have switched it off again while it was made.
                    let labs = *self.needs.labs.borrow();
                    self.publish(layout.switched(labs));
                    again
                }
                Err(error) => {
                    tracing::error!(%error, "the channels could not be repaired: {error}");
                    Some(RETRY)
                }
            };
        }
    }

    fn publish(&self, layout: Layout) {
        if let Some(surface) = layout.without_room()
            && self.layout.borrow().without_room() != Some(surface)
        {
            complain(surface);
        }
        if !layout.same_as(&self.layout.borrow()) {
            if layout.limits() != self.layout.borrow().limits() {
                warn(&layout);
            }
            self.layout.send_replace(Arc::new(layout));
        }
    }
}

/// How long until the next look at a layout that lacks something; never where it is whole.
fn again(layout: &Layout) -> Option<Duration> {
    if layout.is_unfinished() {
        Some(Duration::ZERO)
    } else {
        let lacks = layout.without_room().is_some() || !layout.limits().is_empty();
        lacks.then_some(FULL)
    }
}

/// Each thing that the bot may not do.
fn warn(layout: &Layout) {
    for line in limits::lines(&layout.limits()) {
        tracing::warn!("{line}");
    }
}

/// Said once, for who runs the bridge: nobody else can make room.
fn complain(surface: &Surface) {
    tracing::error!(
        %surface,
        "there is no channel {surface}: this Discord server has 500 channels, and takes no more. \
         Delete some that nobody needs; the bridge looks again every 10 minutes"
    );
}

impl Keeping {
    /// Finds or makes every channel, and writes down which is which. Tells when to look again although
    /// nothing happens.
    async fn ensure(&self) -> anyhow::Result<(Layout, Option<Duration>)> {
        let (builder, store) = (&self.builder, &self.store);
        let labs = *self.labs.borrow();
        let (known, others, agents) = tokio::try_join!(
            store.channels(builder.guild),
            store.channels_of_others(builder.guild),
            store.agents()
        )?;
        let (private, again) = self.private(&known).await;
        let known: HashMap<Surface, ChannelId> = known
            .into_iter()
            .map(|known| (known.surface, known.channel))
            .collect();
        let roster = Roster::new(&agents);
        let keys: Vec<_> = agents.into_iter().map(|agent| agent.key).collect();
        let layout = builder.ensure((&known, &others), &keys, labs).await?;
        for (surface, channel) in layout.iter() {
            if known.get(surface) != Some(&channel.id) {
                if *surface == Surface::Tasks && known.contains_key(surface) {
                    store.forget_threads().await?;
                    self.threads.forget();
                }
                store
                    .bind_channel(builder.guild, surface, channel.id)
                    .await?;
            }
        }
        let layout = self.tagged(layout).await?;
        let again = self::again(&layout).into_iter().chain(again).min();
        let layout = layout
            .with_roster(roster)
            .with_private(private)
            .with_threads(self.threads.clone());
        Ok((layout, again))
    }

    /// With the tags of the forum, known by their ids from now on.
    async fn tagged(&self, layout: Layout) -> anyhow::Result<Layout> {
        let forum = layout.channel(&Surface::Tasks).map(|channel| channel.id);
        let ours = layout.forum().is_some() && layout.takes(&Surface::Tasks);
        let Some(forum) = forum.filter(|_| ours) else {
            return Ok(layout);
        };
        let known = self.store.forum_tags(forum).await?;
        let layout = self.builder.tag(layout, &known).await?;
        let tags = layout.forum().map(Forum::tags);
        if let Some(tags) = tags.filter(|tags| **tags != known) {
            self.store.bind_tags(forum, tags).await?;
        }
        Ok(layout)
    }

    /// The private channels whose bot can send and whose person may still talk to it: both are looked
    /// at anew now and then.
    async fn private(&self, known: &[KnownChannel]) -> (Vec<Private>, Option<Duration>) {
        let (mut private, mut again) = (Vec::new(), None);
        for known in known {
            let Surface::BotDm { short, user } = &known.surface else {
                continue;
            };
            again = again.or(Some(LOOK_AGAIN));
            match self.guests.look(*user).await {
                Ok(Guest::Welcome(_)) => {}
                Ok(_) => continue,
                Err(error) => {
                    tracing::warn!(%user, %error, "cannot tell whether {user} may talk to a bot: {error}");
                    again = Some(RETRY);
                    continue;
                }
            }
            if self.bots.lend(&self.builder.lanes, short, known.channel) {
                private.push(Private {
                    surface: known.surface.clone(),
                    channel: known.channel,
                    since: known.bound_at,
                });
            }
        }
        (private, again)
    }
}
