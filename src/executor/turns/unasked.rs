//! Turns that no message asks for: an agent at work on its own, in its own session, beside all other turns.

use std::sync::Arc;

use super::Turns;
use crate::executor::question::Question;
use crate::executor::runner;

/// How such a turn ended.
#[derive(Debug)]
pub(in crate::executor) enum Unasked {
    /// The agent printed this.
    Printed(Vec<u8>),
    /// The agent worked, or may have, and there is nothing to use.
    Failed(String),
    /// The agent was never started; later it may be.
    NotNow,
}

impl Turns {
    /// Runs one, behind what its agent does in the same session. `begun` is called when the agent starts.
    pub(in crate::executor) async fn run_unasked(
        self: &Arc<Self>,
        question: &Question,
        begun: impl FnOnce(),
    ) -> Unasked {
        let short = question.agent.short();
        let agents = self.agents();
        let Some(command) = agents.get(short) else {
            return Unasked::Failed(format!(
                "This executor has no agent {short:?}. Add executor.agents.{short} to bridge.toml."
            ));
        };
        let mut ticket = self.lanes.join((question.thread, question.agent.clone()));
        ticket.called().await;
        let permit = self.permits.acquire().await;
        if self.closing.is_cancelled() {
            return Unasked::NotNow;
        }
        let question = &Question {
            context: self.context(&question.agent, question.task).await,
            ..question.clone()
        };
        begun();
        self.show(&question.agent, true);
        let printed = tokio::select! {
            printed = runner::run(command, question) => printed,
            () = self.stop.cancelled() => Err(crate::store::schedule::runs::CUT_OFF.to_owned()),
        };
        self.show(&question.agent, false);
        drop(permit);
        printed.map_or_else(Unasked::Failed, Unasked::Printed)
    }
}
