//! Named parts that run until they are told to stop, and what happens when one of them does not.
//!
//! ```text
//! SIGTERM, Ctrl-C ─┐
//! a part ends ─────┴─▶ cancel ─▶ parts drain (grace) ─▶ hooks, newest first ─▶ exit code
//! ```
//! Signals are heard from [`Lifecycle::start`] on, so wrap the start-up itself in
//! `lifecycle.token().run_until_cancelled(…)`: Ctrl-C then stops a half-started bridge in order.

use std::any::Any;
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

/// How long parts may take to drain. With [`HOOK_RESERVE`] this stays below the ten seconds that
/// container runtimes wait before they kill (source: Docker, `stop_grace_period`).
pub const GRACE: Duration = Duration::from_secs(8);

/// The same for a lifecycle inside of another, which has [`GRACE`] for all of it.
const INNER_GRACE: Duration = Duration::from_millis(7_600);

/// How long one shutdown hook may take.
const HOOK_LIMIT: Duration = Duration::from_secs(5);

/// What all hooks together have left even when the parts took all of their time.
const HOOK_RESERVE: Duration = Duration::from_millis(1_500);

/// What a shell reports for a program that ended by Ctrl-C.
const INTERRUPTED: i32 = 130;

type Outcome = anyhow::Result<()>;
type Hook = (String, Pin<Box<dyn Future<Output = Outcome> + Send>>);

/// The parts of one process, from start to exit code.
pub struct Lifecycle {
    cancel: CancellationToken,
    parts: JoinSet<Outcome>,
    names: HashMap<Id, String>,
    hooks: Vec<Hook>,
    grace: Duration,
}

impl Lifecycle {
    /// Starts to listen for SIGTERM and Ctrl-C: the first one cancels [`Self::token`], a further
    /// Ctrl-C ends the process at once. Must be called inside a Tokio runtime.
    pub fn start() -> anyhow::Result<Self> {
        let terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
        let interrupt = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
        let lifecycle = Self::without_signals();
        tokio::spawn(heed(terminate, interrupt, lifecycle.token()));
        Ok(lifecycle)
    }

    /// For a bridge inside another program, which stops it by cancelling [`Self::token`].
    pub fn without_signals() -> Self {
        Self {
            cancel: CancellationToken::new(),
            parts: JoinSet::new(),
            names: HashMap::new(),
            hooks: Vec::new(),
            grace: GRACE,
        }
    }

    /// For parts that live inside of a part of another lifecycle, which stops them by cancelling `cancel`. They have
    /// less time to drain, so that the other one sees them end.
    pub fn within(cancel: CancellationToken) -> Self {
        Self {
            cancel,
            grace: INNER_GRACE,
            ..Self::without_signals()
        }
    }

    /// Another time for parts to drain than [`GRACE`].
    #[must_use]
    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Cancelled once, when everything should stop. A part returns `Ok` soon after that.
    pub fn token(&self) -> CancellationToken {
        self.cancel.clone()
    }

    /// Starts a part. When it returns, fails or panics before it was told to stop, the whole
    /// process stops with a non-zero exit code, for its supervisor to start anew.
    pub fn spawn(
        &mut self,
        name: impl Into<String>,
        part: impl Future<Output = Outcome> + Send + 'static,
    ) {
        let id = self.parts.spawn(part).id();
        self.names.insert(id, name.into());
    }

    /// Something to do after all parts have ended, such as stopping the embedded database.
    /// The hook that was added last runs first, since it may need what was there before it.
    pub fn on_shutdown(
        &mut self,
        name: impl Into<String>,
        hook: impl Future<Output = Outcome> + Send + 'static,
    ) {
        self.hooks.push((name.into(), Box::pin(hook)));
    }

    /// Waits for the end and returns the exit code: success only when somebody asked for it and
    /// every part and hook ended in order and in time.
    pub async fn run(self) -> ExitCode {
        if self.finish().await {
            info!("stopped");
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }

    /// The same inside of a part: fails where [`Self::run`] is not a success.
    pub async fn run_within(self) -> Outcome {
        anyhow::ensure!(self.finish().await, "a part of it did not end in order");
        Ok(())
    }

    async fn finish(mut self) -> bool {
        let cancel = self.token();
        let mut clean = tokio::select! {
            biased;
            () = cancel.cancelled() => true,
            Some(ended) = self.parts.join_next_with_id() => {
                // A signal and an obedient part may arrive together.
                let asked = cancel.is_cancelled();
                self.judge(ended, asked)
            }
        };
        cancel.cancel();
        let began = Instant::now();
        clean &= self.drain(began + self.grace).await;
        clean & run_hooks(self.hooks, began + self.grace + HOOK_RESERVE).await
    }

    async fn drain(&mut self, until: Instant) -> bool {
        let mut clean = true;
        while let Ok(next) = timeout_at(until, self.parts.join_next_with_id()).await {
            match next {
                Some(ended) => clean &= self.judge(ended, true),
                None => return clean,
            }
        }
        for name in self.names.values() {
            error!(
                part = name,
                "part `{name}` did not stop in time and is cut off"
            );
        }
        // Hooks must not find a part still at work; a part that never yields is left behind.
        self.parts.abort_all();
        let last_call = Instant::now() + Duration::from_millis(200);
        while let Ok(Some(_)) = timeout_at(last_call, self.parts.join_next()).await {}
        false
    }

    /// Says how a part ended, and whether that was in order.
    fn judge(&mut self, ended: Result<(Id, Outcome), JoinError>, asked: bool) -> bool {
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let name = self.names.remove(&id).unwrap_or_default();
        let reason = match ended {
            Ok((_, Ok(()))) if asked => return true,
            Ok((_, Ok(()))) => "it returned although nobody asked it to stop".to_owned(),
            Ok((_, Err(error))) => format!("{error:#}"),
            Err(error) if error.is_panic() => panic_text(&*error.into_panic()),
            Err(error) => error.to_string(),
        };
        error!(part = name, reason, "part `{name}` failed: {reason}");
        false
    }
}

async fn run_hooks(hooks: Vec<Hook>, until: Instant) -> bool {
    let mut clean = true;
    for (name, hook) in hooks.into_iter().rev() {
        let limit = until.min(Instant::now() + HOOK_LIMIT);
        match timeout_at(limit, hook).await {
            Ok(Ok(())) => continue,
            Ok(Err(error)) => warn!(hook = name, "stopping `{name}` failed: {error:#}"),
            Err(_) => warn!(hook = name, "stopping `{name}` took too long"),
        }
        clean = false;
    }
    clean
}

async fn heed(mut terminate: Signal, mut interrupt: Signal, cancel: CancellationToken) {
    tokio::select! {
        _ = terminate.recv() => info!("stopping, as SIGTERM asks"),
        _ = interrupt.recv() => info!("stopping; Ctrl-C again ends it at once"),
        () = cancel.cancelled() => {}
    }
    cancel.cancel();
    interrupt.recv().await;
    warn!("ended at once by Ctrl-C");
    std::process::exit(INTERRUPTED);
}

fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(ToString::to_string);
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    text.map_or_else(
        || "it panicked".to_owned(),
        |text| format!("it panicked: {text}"),
    )
}
