//! Keeps the banner of the mission in its place: pinned in `#activity`, and in the topic of
//! `#team-room`. What it says the mirror keeps true.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::cards::mission as words;
use crate::discord::lanes::{Class, Lanes};
use crate::discord::layout::{Layout, default_topic};
use crate::discord::rest::{Request, RestError, Route};
use crate::model::labs::Feature;
use crate::model::rights::Permission;
use crate::model::view::{Entity, EntityKind, Surface, View, ViewState};
use crate::model::{ChannelId, DiscordMessageId};
use crate::store::Store;
use crate::store::activity_gone::Removed;

/// How often the pin is looked at although nothing was heard of it.
const LOOK_AGAIN: Duration = Duration::from_mins(10);

/// Wait after something that did not work.
const RETRY: Duration = Duration::from_secs(5);

/// So many new topics a channel takes in so long (observed: the third waits for the first one's end).
const TOPICS: usize = 2;
const TOPICS_IN: Duration = Duration::from_secs(605);

/// Discord's codes (source: its Opcodes page).
const TOO_MANY_PINS: u32 = 30_003;

const AUDIT_REASON: &str = "the mission of the project";

/// Something that concerns the banner.
#[derive(Debug)]
pub enum BannerNews {
    /// The mirror has looked at the mission.
    Looked,
    /// The pins of a channel are others.
    Pins(ChannelId),
    /// Messages of a channel are gone.
    Removed(ChannelId, Vec<DiscordMessageId>),
}

/// Keeps the banner.
pub struct BannerKeeper {
    /// The way to Discord.
    pub lanes: Lanes,
    /// Where it is written down.
    pub store: Store,
    /// Where the channels are.
    pub layout: watch::Receiver<Arc<Layout>>,
    /// Has the mirror look at something again.
    pub look: mpsc::UnboundedSender<Entity>,
    /// What is heard.
    pub news: mpsc::UnboundedReceiver<BannerNews>,
}

/// What the keeper knows while it runs.
#[derive(Debug, Default)]
struct Known {
    /// The banner whose pin was seen, and when.
    pinned: Option<(DiscordMessageId, Instant)>,
    /// What is wrong, and whether that is written down.
    problem: Option<String>,
    told: bool,
    pace: TopicPace,
}

/// When a channel got its last topics: asked too early, Discord lets all other changes of it wait as
/// well, and an older text would come after a newer one.
#[derive(Debug, Default)]
struct TopicPace(Vec<Instant>);

impl TopicPace {
    /// How long until it may get another one.
    fn patience(&self) -> Duration {
        match self.0.as_slice() {
            [first, .., _] => TOPICS_IN.saturating_sub(first.elapsed()),
            _ => Duration::ZERO,
        }
    }

    fn note(&mut self) {
        self.0.push(Instant::now());
        self.0.drain(..self.0.len().saturating_sub(TOPICS));
    }
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    pinned: bool,
}

impl BannerKeeper {
    /// Keeps it until cancelled.
    pub async fn run(mut self, cancel: CancellationToken) -> anyhow::Result<()> {
        let mut known = Known::default();
        let mut wait = LOOK_AGAIN;
        loop {
            tokio::select! {
                biased;
                () = cancel.cancelled() => return Ok(()),
                Some(news) = self.news.recv() => {
                    self.hear(news, &mut known).await;
                    // Whatever has gathered is one look.
                    while let Ok(news) = self.news.try_recv() {
                        self.hear(news, &mut known).await;
                    }
                }
                () = tokio::time::sleep(wait) => {}
            }
            let looking = self.keep(&mut known);
            wait = match cancel.run_until_cancelled(looking).await {
                None => return Ok(()),
                Some(Ok(patience)) => patience.map_or(LOOK_AGAIN, |it| it.min(LOOK_AGAIN)),
                Some(Err(error)) => {
                    tracing::warn!(%error, "the banner of the mission is not kept: {error}");
                    RETRY
                }
            };
        }
    }

    async fn hear(&self, news: BannerNews, known: &mut Known) {
        match news {
            BannerNews::Looked => {}
            BannerNews::Pins(channel) => {
                if self.channel(&Surface::Activity) == Some(channel) {
                    known.pinned = None;
                }
            }
            BannerNews::Removed(channel, messages) => {
                if self.channel(&Surface::Activity) != Some(channel) {
                    return;
                }
                match self.store.activity_removed(channel, &messages).await {
                    Ok(removed) => self.look_at(&removed),
                    Err(error) => {
                        // The banner is looked at again, and a post that is gone cannot grow.
                        tracing::warn!(%error, "what was removed from #activity is not written down: {error}");
                        known.pinned = None;
                    }
                }
            }
        }
    }

    fn channel(&self, surface: &Surface) -> Option<ChannelId> {
        self.layout.borrow().channel(surface).map(|it| it.id)
    }

    /// What was taken away and is still to be shown.
    fn look_at(&self, removed: &Removed) {
        if removed.banner {
            self.make_again();
        }
        for id in &removed.unseen {
            let kind = EntityKind::Activity;
            // Nobody listens only while the process ends.
            let _ = self.look.send(Entity { kind, id: *id });
        }
    }

    fn make_again(&self) {
        // Nobody listens only while the process ends.
        let _ = self.look.send(Entity::MISSION);
    }

    /// One look at both places. Gives back how long something has to wait, where it has to.
    async fn keep(&self, known: &mut Known) -> anyhow::Result<Option<Duration>> {
        if !self.layout.borrow().labs().is_on(Feature::MissionBanner) {
            return Ok(None);
        }
        let pin = self.pin(known).await?;
        let (topic, patience) = self.topic(known).await?;
        let problem = pin.or(topic);
        if known.problem != problem || !known.told {
            if let Some(problem) = &problem {
                tracing::warn!("{problem}");
            }
            self.store.put_banner_problem(problem.as_deref()).await?;
            (known.problem, known.told) = (problem, true);
        }
        Ok(patience)
    }

    /// Pins the banner, or has it made again where it is gone. Gives back what is in the way.
    async fn pin(&self, known: &mut Known) -> anyhow::Result<Option<String>> {
        let entity = Entity::MISSION;
        let views = self.store.views(entity.kind, &[entity.id]).await?;
        let sent = views.into_iter().find(|it| it.state == ViewState::Sent);
        let Some((view, message)) = sent.and_then(|it| it.message.map(|id| (it, id))) else {
            return Ok(None);
        };
        if !self
            .layout
            .borrow()
            .may(view.channel, Permission::ViewChannels)
        {
            // Nobody lets the bot look; it is told what else is missing there.
            return Ok(None);
        }
        let fresh = |at: Instant| at.elapsed() < LOOK_AGAIN;
        let here = self.channel(&Surface::Activity) == Some(view.channel);
        if here && matches!(known.pinned, Some((id, at)) if id == message && fresh(at)) {
            return Ok(known.problem.clone().filter(|it| is_about_pins(it)));
        }
        let pinned = match self.get(&view, message).await {
            Ok(seen) => here && seen.pinned,
            Err(error) if error.status() == Some(404) => {
                self.forget(&view, message).await?;
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        if !here {
            // The channel was made again: the old one is nobody's.
            self.forget(&view, message).await?;
            return Ok(None);
        }
        let problem = if pinned {
            None
        } else {
            self.put(&view, message).await?
        };
        known.pinned = Some((message, Instant::now()));
        Ok(problem)
    }

    async fn get(&self, view: &View, message: DiscordMessageId) -> Result<Message, RestError> {
        let route = Route::get_message(view.channel.get(), message.get());
        let asked = self.lanes.submit(Class::Edit, Request::new(route)).await;
        asked.json().into_result()
    }

    async fn put(&self, view: &View, message: DiscordMessageId) -> anyhow::Result<Option<String>> {
        let route = Route::pin_message(view.channel.get(), message.get());
        let request = Request::new(route).audit_reason(AUDIT_REASON);
        let done = self.lanes.submit(Class::Edit, request).await.done();
        match done.into_result() {
            Ok(()) => Ok(None),
            Err(error) if error.code() == Some(TOO_MANY_PINS) => Ok(Some(words::too_many_pins())),
            Err(error) if error.status() == Some(403) => Ok(Some(words::cannot_pin())),
            Err(error) => Err(error.into()),
        }
    }

    async fn forget(&self, view: &View, message: DiscordMessageId) -> anyhow::Result<()> {
        let gone = [message];
        let removed = self.store.activity_removed(view.channel, &gone);
        self.look_at(&removed.await?);
        self.make_again();
        Ok(())
    }

    /// Sets the topic when the mission is another. One that a person writes stays until then. Gives
    /// back what is in the way, and how long a new topic has to wait.
    async fn topic(&self, known: &mut Known) -> anyhow::Result<(Option<String>, Option<Duration>)> {
        let Some(room) = self.channel(&Surface::Room) else {
            return Ok((None, None));
        };
        let shown = self.store.banner().await?;
        let (mission, _) = self.store.mission().await?;
        let topic = match mission {
            Some(mission) => words::topic(&mission),
            // Nobody's topic is taken away for nothing.
            None if shown.topic.is_none() => return Ok((None, None)),
            None => default_topic(&Surface::Room),
        };
        if shown.channel() == Some(room) && shown.topic.as_deref() == Some(&topic) {
            return Ok((None, None));
        }
        let patience = known.pace.patience();
        if !patience.is_zero() {
            let problem = known.problem.clone();
            return Ok((problem.filter(|it| !is_about_pins(it)), Some(patience)));
        }
        let request = Request::new(Route::modify_channel(room.get()))
            .json(&json!({ "topic": topic }))
            .audit_reason(AUDIT_REASON);
        // At once: each try may have used up one.
        known.pace.note();
        let done = self.lanes.submit(Class::Edit, request).await.done();
        match done.into_result() {
            Ok(()) => self.store.put_topic(room, &topic).await?,
            Err(error) if error.status() == Some(403) => {
                return Ok((Some(words::cannot_set_topic()), Some(LOOK_AGAIN)));
            }
            Err(error) => return Err(error.into()),
        }
        Ok((None, None))
    }
}

fn is_about_pins(problem: &str) -> bool {
    problem == words::cannot_pin() || problem == words::too_many_pins()
}

#[cfg(test)]
mod tests {
    use super::{TOPICS_IN, TopicPace};
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn the_third_topic_waits_until_the_first_is_ten_minutes_old() {
        let mut pace = TopicPace::default();
        for _ in 0..2 {
            assert!(pace.patience().is_zero());
            pace.note();
            tokio::time::advance(Duration::from_mins(1)).await;
        }
        assert_eq!(pace.patience(), Duration::from_secs(605 - 120));
        tokio::time::advance(TOPICS_IN).await;
        assert!(pace.patience().is_zero());
        pace.note();
        assert!(pace.patience().is_zero(), "the two before it are long ago");
    }
}
