//! Making agents ready: requests are taken one after the other; each becomes a folder, a row, and what lets the
//! runner run the agent, which outlives the executor.

mod routes;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::settings::{AgentCommand, ExecutorSettings, Hires};
use super::turns::Turns;
use super::worker::Kick;
use crate::model::hire::Hire;
use crate::store::Result;
use crate::store::provision::Claim;

pub(super) use routes::routes;

/// The time between two looks when nobody rings: a standalone executor hears of new rows from nobody.
const IDLE: Duration = Duration::from_secs(2);

/// The word of the demo agent where it is written down who may be run.
const DEMO: &str = "demo";

/// Takes requests to provision agents.
#[derive(Debug)]
pub(super) struct Provisioner {
    turns: Arc<Turns>,
    workspace: PathBuf,
    kick: Kick,
}

impl Provisioner {
    pub(super) fn new(turns: Arc<Turns>, settings: &ExecutorSettings, kick: Kick) -> Self {
        Self {
            turns,
            workspace: settings.workspace.clone(),
            kick,
        }
    }

    /// Works until it is told to stop.
    pub(super) async fn run(&self, cancel: &CancellationToken) {
        while !cancel.is_cancelled() {
            match self.step().await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "the executor cannot look for new agents"),
            }
            tokio::select! {
                () = cancel.cancelled() => {}
                () = self.kick.hires().notified() => {}
                () = tokio::time::sleep(IDLE) => {}
            }
        }
    }

    /// Learns whom it may run, and takes one request; returns whether there was one.
    async fn step(&self) -> Result<bool> {
        self.turns.learn().await?;
        let store = self.turns.store();
        let Some(claim) = store.claim_hire().await? else {
            return Ok(false);
        };
        let (id, short) = (claim.id, claim.short.clone());
        match self.provision(&claim).await? {
            Ok(true) => {
                tracing::info!(request = %id, agent = short, "an agent was provisioned");
                self.turns.learn().await?;
                // What was said to it meanwhile waits.
                self.kick.kick();
            }
            Ok(false) => tracing::info!(request = %id, "a request was ended by others"),
            Err(why) => {
                tracing::warn!(request = %id, agent = short, "an agent cannot be provisioned: {why}");
                store.fail_hire(&claim, &why).await?;
            }
        }
        Ok(true)
    }

    /// Whether the agent is there; else why not, in words.
    async fn provision(&self, claim: &Claim) -> Result<std::result::Result<bool, String>> {
        let hire = match self.read(claim) {
            Ok(hire) => hire,
            Err(why) => return Ok(Err(why)),
        };
        let folder = self.workspace.join("agents").join(hire.key.short());
        if let Err(why) = make(folder.clone()).await {
            return Ok(Err(why));
        }
        let preset = matches!(self.turns.hires(), Hires::Demo(_)).then_some(DEMO);
        let workspace = folder.to_string_lossy();
        let store = self.turns.store();
        if store
            .finish_hire(claim, &hire, (preset, &workspace))
            .await?
        {
            return Ok(Ok(true));
        }
        // Either somebody is there, or the request is not ours any more; then this changes nothing.
        let short = hire.key.short();
        Ok(if store.is_in_team(&hire.key).await? {
            Err(format!("The team has an agent {short:?} already."))
        } else {
            Ok(false)
        })
    }

    /// Whoever may write to the table may have written this.
    fn read(&self, claim: &Claim) -> std::result::Result<Hire, String> {
        let (role, emoji) = (claim.role.as_deref(), claim.emoji.as_deref());
        let hire = Hire::parse(&claim.name, &claim.short, role, emoji);
        let hire = hire.map_err(|bad| bad.to_string())?;
        if claim.agent_key != hire.key.as_str() {
            return Err(format!(
                "The request names the key {:?}, and its short id {:?} means {:?}.",
                claim.agent_key,
                claim.short,
                hire.key.as_str()
            ));
        }
        let short = hire.key.short();
        if *self.turns.hires() == Hires::Configured && !self.turns.agents().contains_key(short) {
            return Err(format!(
                "This executor runs only the agents of its configuration: add [executor.agents.{short}] to \
                 bridge.toml, start it again, and press Retry."
            ));
        }
        Ok(hire)
    }
}

impl Turns {
    /// Whether an agent can be run; who was provisioned a moment ago, by whichever executor, can.
    pub(super) async fn can_run(&self, short: &str) -> Result<bool> {
        if !self.agents().contains_key(short) {
            self.learn().await?;
        }
        Ok(self.agents().contains_key(short))
    }

    /// Learns who was provisioned, in an earlier run as well.
    async fn learn(&self) -> Result<()> {
        let Hires::Demo(program) = self.hires() else {
            return Ok(());
        };
        for (short, preset) in self.store().hired().await? {
            if preset == DEMO {
                let command = AgentCommand::demo(program, &short);
                self.hire(&short, command);
            }
        }
        Ok(())
    }
}

/// Makes the agent's folder. One that is there is taken as it is.
async fn make(folder: PathBuf) -> std::result::Result<(), String> {
    let made = tokio::task::spawn_blocking(move || {
        std::fs::create_dir_all(&folder).map_err(|error| explain(&folder, &error))
    });
    made.await.unwrap_or_else(|error| Err(error.to_string()))
}

fn explain(folder: &Path, error: &std::io::Error) -> String {
    format!(
        "The agent's folder {} cannot be made: {error}. Check executor.workspace.",
        folder.display()
    )
}
