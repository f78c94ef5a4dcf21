//! The scheduler: carries out requests about jobs, and runs jobs when their time comes. It sleeps until the next one is
//! due; requests that the bridge files ring its bell, and those that others write are looked for now and then.

mod api;
mod outcome;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use super::hands::Hands;
use super::question::Question;
use super::turns::{Turns, Unasked};
use super::worker::Kick;
use crate::clock::Clock;
use crate::model::schedule::prompt;
use crate::model::{AgentKey, MessageId};
use crate::store::Result;
use crate::store::schedule::KeptJob;
use crate::store::schedule::runs::{Run, lock_of};
use outcome::Report;

pub(super) use api::routes;

/// Time between two looks for requests that nobody announced (source: `ClawdOS` looks as often).
const LOOK: Duration = Duration::from_secs(10);

/// Time until the next look when the database does not answer.
const AWAY: Duration = Duration::from_secs(3);

/// Time between two signs of life in the mirror, and two searches for what others left behind.
const TIDY: TimeDelta = TimeDelta::minutes(2);

/// Runs jobs.
#[derive(Debug)]
pub(super) struct Scheduler {
    turns: Arc<Turns>,
    clock: Clock,
    kick: Kick,
    hands: Hands,
}

impl Scheduler {
    /// With so many runs at once, at most.
    pub(super) fn new(turns: Arc<Turns>, clock: Clock, kick: Kick, hands: usize) -> Self {
        Self {
            turns,
            clock,
            hands: Hands::new(hands, kick.clone(), Kick::schedule),
            kick,
        }
    }

    /// The same by another clock.
    pub(super) fn set_clock(&mut self, clock: Clock) {
        self.clock = clock;
    }

    /// Works until it is told to stop; runs that have begun then go on.
    pub(super) async fn run(&self, cancel: &CancellationToken) {
        let mut tidied: Option<DateTime<Utc>> = None;
        while !cancel.is_cancelled() {
            let now = self.clock.now();
            // Also when the clock was set back.
            if tidied.is_none_or(|at| (now - at).abs() >= TIDY) {
                match self.tidy().await {
                    Ok(()) => tidied = Some(now),
                    Err(error) => tracing::warn!(%error, "the schedule cannot be tidied"),
                }
            }
            let (due, look) = match self.step().await {
                Ok(due) => (due, LOOK),
                Err(error) => {
                    tracing::warn!(%error, "the executor cannot look for jobs");
                    (None, AWAY)
                }
            };
            let until_due = async {
                match due {
                    Some(due) => self.clock.sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = cancel.cancelled() => {}
                () = self.kick.schedule().notified() => {}
                () = until_due => {}
                () = tokio::time::sleep(look) => {}
            }
        }
    }

    /// Jobs that only the mirror knows, runs and requests whose executor died, and a sign of life.
    async fn tidy(&self) -> Result<()> {
        let store = self.turns.store();
        let adopted = store.adopt_jobs().await?;
        if adopted > 0 {
            tracing::info!(adopted, "jobs of the mirror are scheduled here now");
        }
        let cut_off = self.turns.locks().fail_cut_off_runs(store).await?;
        let lost = store.fail_abandoned_requests().await?;
        if cut_off > 0 || lost > 0 {
            tracing::warn!(
                cut_off,
                lost,
                "jobs were cut off when their executor stopped"
            );
        }
        store.keep_mirror().await
    }

    /// Carries out what was asked for, begins what is due, and tells when the next job is.
    async fn step(&self) -> Result<Option<DateTime<Utc>>> {
        let store = self.turns.store();
        let now = self.clock.now();
        store.settle_job_requests(now).await?;
        let jobs = store.kept_jobs().await?;
        let asked = store
            .claim_asked(self.turns.locks(), &jobs, self.hands.free())
            .await?;
        for run in asked {
            self.begin(run);
        }
        let mut soonest: Option<DateTime<Utc>> = None;
        for job in jobs.iter().filter(|job| job.enabled && !job.running) {
            let next = self.look_after(job, now).await?;
            soonest = next.into_iter().chain(soonest).min();
        }
        Ok(soonest)
    }

    /// Begins one job if it is due; tells when it should be looked at again.
    async fn look_after(&self, job: &KeptJob, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>> {
        let store = self.turns.store();
        // One that cannot be read says so where people look at it.
        let after = job.text.schedule().ok().and_then(|it| it.next(now));
        match job.next {
            // However many runs were missed, this is one.
            Some(next) if next <= now && after.is_some() => {
                if self.hands.free() == 0 {
                    return Ok(None);
                }
                let claimed = store.claim_due(self.turns.locks(), job, after).await?;
                if let Some(run) = claimed {
                    self.begin(run);
                }
                Ok(after)
            }
            // Later than its own schedule says: the clock was set back since. Or nobody knew yet.
            next if next != after && (next.is_none() || next > after) => {
                store.correct_next(job, after).await?;
                Ok(after)
            }
            next => Ok(next.filter(|_| after.is_some())),
        }
    }

    fn begin(&self, run: Run) {
        let hand = self.hands.raise();
        let (turns, clock) = (Arc::clone(&self.turns), self.clock.clone());
        self.turns.tasks().spawn(async move {
            carry_out(&turns, &clock, &run).await;
            turns.locks().release(lock_of(run.job.id)).await;
            drop(hand);
        });
    }
}

/// Runs a job and writes how that ended.
async fn carry_out(turns: &Arc<Turns>, clock: &Clock, run: &Run) {
    let mut report = Report::new(&run.job, clock.now());
    let ended = match whose(turns, run).await {
        Ok(agent) => {
            let question = question(turns, run, agent);
            let mut began = std::time::Instant::now();
            let ended = turns
                .run_unasked(&question, || began = std::time::Instant::now())
                .await;
            report.took(began.elapsed());
            match ended {
                Unasked::NotNow => None,
                Unasked::Printed(printed) => Some(report.printed(&question, &printed)),
                Unasked::Failed(why) => Some(report.failed(Some(question.agent), &why)),
            }
        }
        Err(why) => Some(report.failed(None, &why)),
    };
    let store = turns.store();
    let written = match &ended {
        Some(ended) => turns
            .persist(|| store.finish_run(run, ended))
            .await
            .map(drop),
        None => turns.persist(|| store.release_run(run)).await,
    };
    if let Err(error) = written {
        tracing::error!(job = run.job.job, %error, "the end of a run could not be stored");
    }
}

/// Who runs it, if that agent is still there.
async fn whose(turns: &Arc<Turns>, run: &Run) -> std::result::Result<AgentKey, String> {
    let Some(agent) = run.job.text.agent() else {
        return Err("agent: the job names no agent.".to_owned());
    };
    match turns.store().is_in_team(&agent).await {
        Ok(true) => Ok(agent),
        Ok(false) => Err(format!(
            "agent: there is no agent {} any more.",
            agent.short()
        )),
        Err(error) => Err(format!("The agent could not be looked up: {error}.")),
    }
}

fn question(turns: &Arc<Turns>, run: &Run, agent: AgentKey) -> Question {
    let heartbeat = run.job.text.is_heartbeat();
    Question {
        agent,
        project: turns.store().project().clone(),
        thread: None,
        message_id: MessageId(run.id),
        task: None,
        kind: Some(if heartbeat { "heartbeat" } else { "job" }.to_owned()),
        text: prompt(&run.job.text.instructions, heartbeat),
        // Built when the agent begins.
        context: None,
    }
}
