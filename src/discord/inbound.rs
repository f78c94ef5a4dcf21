//! What people do in Discord becomes operations: in order within a channel, once each, and read
//! back where the gateway missed something.

mod doors;
mod gate;
mod line;
mod listener;
mod names;
mod reader;
mod reception;
mod threads;
mod words;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::doors::Doors;
use self::gate::Gate;
use self::line::Heard;
use self::listener::Listener;
use self::names::Directory;
use self::reader::{Reader, Visit, begin};
use self::reception::Reception;
use self::threads::Strangers;
use super::events::{Inbound, Written};
use super::lanes::Lanes;
use super::layout::Layout;
use super::own_bots::Guests;
use super::presses::Presses;
use super::receipts::Receipts;
use crate::mirror::banner::BannerNews;
use crate::model::mode::State;
use crate::model::task::ThreadNews;
use crate::model::view::Surface;
use crate::model::{ChannelId, UserId};
use crate::operations::Desk;
use crate::spool::{Found, Spool};

pub use super::files::Files;

/// Takes in what the gateway hears.
pub struct Intake {
    /// What every operation works with.
    pub desk: Desk,
    /// The way to Discord.
    pub lanes: Lanes,
    /// Where the channels are.
    pub layout: watch::Receiver<Arc<Layout>>,
    /// Asks for the layout to be made whole.
    pub repair: Arc<Notify>,
    /// Answers buttons and forms.
    pub presses: Presses,
    /// Who may talk to agents' own bots.
    pub guests: Guests,
    /// What the gateway hears.
    pub heard: mpsc::UnboundedReceiver<Inbound>,
    /// Whether a session goes on, as far as was heard; none at first.
    pub connected: bool,
    /// Whether the database is there.
    pub mode: watch::Receiver<State>,
    /// Where messages wait while it is not.
    pub spool: Spool,
    /// What an earlier run has left there.
    pub found: Found,
    /// The marks on people's messages.
    pub receipts: Receipts,
    /// Threads that are ours from now on.
    pub bound: mpsc::UnboundedReceiver<ChannelId>,
    /// Who looks after the threads of tasks.
    pub threads: mpsc::UnboundedSender<ThreadNews>,
    /// Who keeps the banner of the mission.
    pub banner: mpsc::UnboundedSender<BannerNews>,
    /// Looks into files that people send.
    pub files: Files,
    /// Our own account.
    pub bot: UserId,
}

/// How long lines may take at the end to put on disk what is in them.
const GOODBYE: Duration = Duration::from_secs(2);

/// The lines in which messages wait to be written down, by channel, and the gates before them.
struct Queues {
    lines: HashMap<ChannelId, (mpsc::UnboundedSender<Heard>, Gate)>,
    /// Those who write them down.
    listening: TaskTracker,
    /// What roles and channels are called.
    names: Directory,
    /// Where what agents' own bots are told is received.
    reception: Reception,
    /// Channels of nobody in which people write: a thread may be ours in a moment.
    strangers: Strangers,
    /// Since when nobody listens; none while somebody does.
    deaf_since: Option<DateTime<Utc>>,
    /// For what parts of this one have to say.
    tell: mpsc::UnboundedSender<Inbound>,
}

impl Intake {
    /// Listens until cancelled.
    pub async fn run(mut self, cancel: CancellationToken) -> anyhow::Result<()> {
        let (reception, tell, mut let_in) = self.reception();
        let mut queues = Queues {
            lines: HashMap::new(),
            listening: TaskTracker::new(),
            names: Directory::new(self.bot),
            reception,
            strangers: Strangers::default(),
            deaf_since: Some(Utc::now()),
            tell,
        };
        let mut doors = Doors::default();
        doors.follow(&self.layout.borrow_and_update());
        self.resume(&mut queues, &cancel);
        loop {
            let heard = tokio::select! {
                biased;
                () = cancel.cancelled() => {
                    queues.listening.close();
                    let _ = tokio::time::timeout(GOODBYE, queues.listening.wait()).await;
                    return Ok(());
                }
                changed = self.layout.changed() => {
                    changed?;
                    doors.follow(&self.layout.borrow_and_update());
                    // People may be quicker in a new channel than the layout.
                    if self.connected {
                        self.read_back(&mut queues, &mut doors, &cancel);
                    }
                    continue;
                }
                Some(thread) = self.bound.recv() => {
                    self.read_early(&mut queues, thread, &cancel);
                    continue;
                }
                Some(heard) = let_in.recv() => Some(heard),
                heard = self.heard.recv() => heard,
            };
            let Some(heard) = heard else {
                anyhow::bail!("the gateway does not speak any more");
            };
            self.hear(heard, &mut queues, &mut doors, &cancel);
        }
    }

    fn hear(
        &mut self,
        heard: Inbound,
        queues: &mut Queues,
        doors: &mut Doors,
        cancel: &CancellationToken,
    ) {
        match heard {
            Inbound::Ready => {
                self.connected = true;
                doors.forget();
                self.read_back(queues, doors, cancel);
                let since = queues.deaf_since.take().unwrap_or_else(Utc::now);
                self.look_at_threads(since, &queues.tell, cancel);
            }
            Inbound::Resumed => {
                queues.deaf_since = None;
                self.connected = true;
            }
            Inbound::Disconnected => {
                queues.deaf_since.get_or_insert_with(Utc::now);
                self.connected = false;
            }
            Inbound::Message(written) => {
                self.enqueue(queues, doors, *written, cancel);
            }
            Inbound::Edited(written) => {
                let channel = written.channel;
                self.change(queues, channel, Heard::Edited(written), cancel);
            }
            Inbound::PinsChanged(channel) => {
                // Nobody listens only while the process ends.
                let _ = self.banner.send(BannerNews::Pins(channel));
            }
            Inbound::Deleted(channel, messages) => {
                if self.layout.borrow().surface(channel) == Some(Surface::Activity) {
                    let _ = self.banner.send(BannerNews::Removed(channel, messages));
                    return;
                }
                for message in messages {
                    self.change(queues, channel, Heard::Deleted(message), cancel);
                }
            }
            Inbound::Named(guild, names, news) => {
                // Nobody listens only while the process ends.
                news.map(|news| self.threads.send(news));
                if guild == self.layout.borrow().guild {
                    queues.names.learn(names);
                }
            }
            Inbound::Unread(threads) => {
                for (thread, begins) in threads {
                    self.read_thread(queues, thread, begins, cancel);
                }
            }
            Inbound::Thread(news) => {
                // Nobody listens only while the process ends.
                let _ = self.threads.send(news);
            }
            Inbound::Pressed(pressed) => self.presses.take(*pressed),
            // Whoever keeps the homes hears of it.
            Inbound::Left(_) => {}
            Inbound::ChannelGone(channel) => {
                if self.layout.borrow().surface(channel).is_some() {
                    self.repair.notify_one();
                }
            }
            Inbound::RightsChanged(guild) => {
                if guild == self.layout.borrow().guild {
                    self.repair.notify_one();
                }
            }
            Inbound::WebhooksChanged(channel) => {
                let layout = self.layout.borrow();
                if layout
                    .surface(channel)
                    .is_some_and(|it| it.takes_messages())
                {
                    self.repair.notify_one();
                }
            }
            Inbound::ToBot(short, event) => match *event {
                Inbound::Ready => {
                    doors.forget_some(&self.layout.borrow().channels_of_bot(&short));
                    self.read_back(queues, doors, cancel);
                }
                event => queues.reception.receive(&short, event, cancel),
            },
        }
    }

    /// Where what agents' own bots are told is received, and what is let in.
    fn reception(
        &self,
    ) -> (
        Reception,
        mpsc::UnboundedSender<Inbound>,
        mpsc::UnboundedReceiver<Inbound>,
    ) {
        let (tell, let_in) = mpsc::unbounded_channel();
        let reception = Reception::new(reception::Desk {
            store: self.desk.store.clone(),
            lanes: self.lanes.clone(),
            layout: self.layout.clone(),
            repair: Arc::clone(&self.repair),
            guests: self.guests.clone(),
            let_in: tell.clone(),
        });
        (reception, tell, let_in)
    }

    /// Goes on with what an earlier run has accepted, before anything that is heard now.
    fn resume(&mut self, queues: &mut Queues, cancel: &CancellationToken) {
        let marked = self.found.marked.iter().map(|place| place.channel);
        let channels: HashSet<_> = self
            .found
            .held
            .iter()
            .map(|held| held.channel)
            .chain(marked)
            .collect();
        if !self.found.held.is_empty() {
            tracing::info!(
                "{} messages of the spool are written now",
                self.found.held.len()
            );
        }
        for channel in channels {
            if self.layout.borrow().on_or_off(channel).is_none() {
                tracing::warn!(%channel, "channel {channel} is not ours any more; what was accepted there is written all the same");
            }
            self.queue(queues, channel, cancel);
        }
    }

    fn enqueue(
        &mut self,
        queues: &mut Queues,
        doors: &mut Doors,
        written: Written,
        cancel: &CancellationToken,
    ) {
        let layout = self.layout.borrow().clone();
        let surface = layout.on_or_off(written.channel);
        if !surface.as_ref().is_some_and(Surface::takes_messages) {
            if surface.is_none() {
                queues.strangers.note(written.channel);
            }
            return;
        }
        if let Some(surface) = &surface
            && matches!(surface, Surface::Task(_))
            && !layout.lacks(surface).is_empty()
        {
            // What is marked like this is never read back.
            self.receipts
                .refused(written.channel, written.id, written.user);
            return doors.answer(&written, &layout, &self.lanes);
        }
        if doors.turns_away(&written) {
            return doors.answer(&written, &layout, &self.lanes);
        }
        let (queue, _) = self.queue(queues, written.channel, cancel);
        // A listener lives as long as its queue.
        let _ = queue.send(Heard::Said(Box::new(written), None));
    }

    /// A change of a message stands in the same line, so that it never overtakes the message. What is
    /// a row stays true while its feature is off.
    fn change(
        &mut self,
        queues: &mut Queues,
        channel: ChannelId,
        heard: Heard,
        cancel: &CancellationToken,
    ) {
        let layout = self.layout.borrow().clone();
        if layout
            .on_or_off(channel)
            .is_some_and(|it| it.takes_messages())
        {
            let (queue, _) = self.queue(queues, channel, cancel);
            // A listener lives as long as its queue.
            let _ = queue.send(heard);
        }
    }

    /// The line in which the messages of a channel wait to be written down.
    fn queue<'a>(
        &mut self,
        queues: &'a mut Queues,
        channel: ChannelId,
        cancel: &CancellationToken,
    ) -> &'a (mpsc::UnboundedSender<Heard>, Gate) {
        queues.lines.entry(channel).or_insert_with(|| {
            let (queue, messages) = mpsc::unbounded_channel();
            let found = self.found.take(channel);
            let deps = listener::Deps {
                desk: &self.desk,
                lanes: &self.lanes,
                layout: &self.layout,
                mode: &self.mode,
                spool: &self.spool,
                receipts: &self.receipts,
                files: &self.files,
                names: &queues.names,
            };
            let gate = Gate::default();
            let listener = Listener::new(&deps, channel, found, &gate);
            queues
                .listening
                .spawn(listener.run(messages, cancel.clone()));
            (queue, gate)
        })
    }

    /// Reads what was written while nobody listened, in every channel that has not been read in
    /// this session.
    fn read_back(&mut self, queues: &mut Queues, doors: &mut Doors, cancel: &CancellationToken) {
        // Channels of the layout get their queue now, so that what is read back stands in the same
        // line as what is heard.
        let layout = self.layout.borrow().clone();
        for channel in doors.unread(&layout) {
            let (queue, gate) = self.queue(queues, channel, cancel).clone();
            let Some(now) = doors.door(channel) else {
                continue;
            };
            let door = *now.borrow();
            let private = layout.on_or_off(channel).is_some_and(|it| it.is_private());
            let guests = private.then(|| self.guests.clone());
            let reader = doors.reader(channel, |visits| {
                let reader = Reader::new(
                    self.desk.clone(),
                    self.lanes.clone(),
                    self.spool.clone(),
                    (layout.guild, channel),
                    (queue, now),
                )
                .private(guests);
                drop(tokio::spawn(reader.run(visits, cancel.clone())));
            });
            let begins = begin(self.desk.store.clone(), layout.guild, channel, gate.close());
            let begins = tokio::spawn(begins);
            // A reader lives as long as its line.
            let _ = reader.send(Visit { door, begins });
        }
    }
}
