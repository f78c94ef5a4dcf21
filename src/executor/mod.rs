//! The built-in executor: a Control API, a queue worker, and agents as subprocesses. An island: it
//! knows the database and the wire types, and nothing of Discord.

mod actions;
mod answer;
mod context;
pub mod demo;
mod docs;
mod hands;
mod hires;
mod lanes;
mod output;
mod presets;
mod proposal;
mod question;
mod refusal;
mod runner;
mod schedule;
mod server;
mod settings;
mod skills;
mod tasks;
mod told;
mod turns;
mod worker;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use settings::{
    AgentCommand, AgentInput, AllowedHost, DEFAULT_API_TIMEOUT, DEFAULT_OUTPUT_LIMIT,
    DEFAULT_TIMEOUT, ExecutorSettings, Fresh, Hires,
};
pub use worker::Kick;

use crate::clock::Clock;
use crate::store::Store;
use actions::Actions;
use hires::Provisioner;
use schedule::Scheduler;
use skills::Skills;
use turns::Turns;
use worker::Worker;

/// Time that running turns get to end by themselves after the executor was told to stop.
const GRACE: Duration = Duration::from_secs(4);

/// Time that killed turns get to be written down as such, and open answers to leave.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// An executor that listens and is about to work.
#[derive(Debug)]
pub struct Executor {
    listener: TcpListener,
    addr: SocketAddr,
    router: axum::Router,
    turns: Arc<Turns>,
    worker: Worker,
    actions: Arc<Actions>,
    hires: Provisioner,
    skills: Skills,
    scheduler: Scheduler,
}

impl Executor {
    /// Binds the address. Requests wait until [`Executor::run`]. `kick` wakes its workers, and those of the
    /// next one that is started with it.
    pub async fn start(
        settings: ExecutorSettings,
        store: Store,
        kick: Kick,
    ) -> anyhow::Result<Self> {
        let listen = settings.listen;
        if !listen.ip().is_loopback() && settings.token.is_none() {
            bail!(
                "The executor may listen on {listen} only with a token: set executor.token, or \
                 listen on 127.0.0.1."
            );
        }
        let listener = TcpListener::bind(listen).await.with_context(|| {
            format!(
                "The executor cannot listen on {listen}: set EXECUTOR_LISTEN (executor.listen) to a free address"
            )
        })?;
        let addr = listener.local_addr()?;
        let (parallel, batch) = (settings.parallel.max(1), settings.batch.max(1));
        let skills = Skills::new(settings.skills.clone(), store.clone());
        let whom = (settings.agents.clone(), settings.hires.clone());
        let turns = Arc::new(Turns::new(store, whom, parallel));
        let hires = Provisioner::new(Arc::clone(&turns), &settings, kick.clone());
        let shared = (skills.clone(), kick.clone());
        let actions = Actions::new(Arc::clone(&turns), &settings, kick.clone());
        Ok(Self {
            listener,
            addr,
            router: server::router(Arc::clone(&turns), shared, settings.token.as_ref()),
            worker: Worker::new(Arc::clone(&turns), parallel, batch, kick.clone()),
            actions: Arc::new(actions),
            hires,
            skills,
            scheduler: Scheduler::new(Arc::clone(&turns), Clock::System, kick, parallel),
            turns,
        })
    }

    /// Runs jobs by another clock than the machine's.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.scheduler.set_clock(clock);
        self
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Works until it is cancelled. Then turns that run get 4 s to end, the rest is killed and
    /// marked as possibly processed; what waited goes back to the queue. Within 8 s in all.
    pub async fn run(self, cancel: CancellationToken) -> anyhow::Result<()> {
        tracing::info!(address = %self.addr, "the executor listens");
        let ending = cancel.child_token();
        let server = axum::serve(self.listener, self.router)
            .with_graceful_shutdown(ending.clone().cancelled_owned())
            .into_future();
        let mut server = tokio::spawn(server);
        let serving = async {
            let ended = (&mut server).await;
            ending.cancel();
            ended
        };
        let drained = async {
            // To its end: a worker that is dropped in the middle of a claim loses the rows.
            let turns = async {
                ending.cancelled().await;
                end_turns(&self.turns).await;
            };
            tokio::join!(
                self.worker.run(&ending),
                self.actions.run(&ending),
                self.hires.run(&ending),
                self.skills.run(&ending),
                self.scheduler.run(&ending),
                turns,
            );
            // What was taken in a last look goes back to the queue.
            let _ = tokio::time::timeout(LAST_WORDS, self.turns.tasks().wait()).await;
        };
        tokio::pin!(serving, drained);
        let ended = tokio::select! {
            ended = &mut serving => {
                drained.await;
                Some(ended)
            }
            // A caller that keeps its connection open must not keep us.
            () = &mut drained => tokio::time::timeout(LAST_WORDS, serving).await.ok(),
        };
        server.abort();
        match ended {
            Some(ended) if !cancel.is_cancelled() => {
                ended??;
                bail!("The Control API of the executor has ended by itself.")
            }
            _ => Ok(()),
        }
    }
}

/// Lets turns end, then ends them.
async fn end_turns(turns: &Turns) {
    turns.close();
    turns.tasks().close();
    if tokio::time::timeout(GRACE, turns.tasks().wait())
        .await
        .is_ok()
    {
        return;
    }
    turns.stop();
    if tokio::time::timeout(LAST_WORDS, turns.tasks().wait())
        .await
        .is_err()
    {
        tracing::warn!("the executor ends before the ends of all its turns are written");
    }
}
