//! Parts that others watch, shown on the board for supervisors and as metrics.

use metrics::gauge;
use tokio::sync::watch;

use crate::health::{Part, Readiness};
use crate::lifecycle::Lifecycle;
use crate::model::mode::{Mode, State};
use crate::telemetry;

/// Shows the mode.
pub fn show_mode(
    lifecycle: &mut Lifecycle,
    readiness: &Readiness,
    mut mode: watch::Receiver<State>,
) {
    let cancel = lifecycle.token();
    let (database, executor) = (readiness.part("database"), readiness.part("executor"));
    lifecycle.spawn("mode board", async move {
        loop {
            let state = mode.borrow_and_update().clone();
            let value = match state.mode {
                Some(Mode::Live) => 2.0,
                Some(Mode::Backup) => 1.0,
                Some(Mode::Offline) | None => 0.0,
            };
            gauge!(telemetry::MODE).set(value);
            match state.mode {
                None => {}
                Some(Mode::Offline) => database.failed(state.reason),
                Some(Mode::Live) => {
                    database.ok();
                    executor.ok();
                }
                // Messages are queued for it meanwhile: the bridge does its job.
                Some(Mode::Backup) => {
                    database.ok();
                    executor.ok_with(state.reason);
                }
            }
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                changed = mode.changed() => if changed.is_err() { break },
            }
        }
        cancel.cancelled().await;
        Ok(())
    });
}

/// Shows whether the gateway is connected.
pub fn show_gateway(lifecycle: &mut Lifecycle, part: Part, mut connected: watch::Receiver<bool>) {
    let cancel = lifecycle.token();
    lifecycle.spawn("gateway board", async move {
        loop {
            let up = *connected.borrow_and_update();
            gauge!(telemetry::GATEWAY_CONNECTED).set(if up { 1.0 } else { 0.0 });
            if up {
                part.ok();
            } else {
                part.failed("the gateway is not connected");
            }
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                changed = connected.changed() => if changed.is_err() { break },
            }
        }
        cancel.cancelled().await;
        Ok(())
    });
}
