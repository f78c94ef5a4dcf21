//! Connections that end while a run is claimed: it is run once, and nobody says that it was cut off.

use super::NOTING;
use crate::actions_crash::somebody_waits_for_a_lock;
use crate::proxy::{Cut, Proxy};
use crate::stage::Stage;

/// How both kinds of runs are claimed.
const RUN: &str = "UPDATE bridge.job SET run_id = $2";

const CUTS: [Cut; 4] = [
    Cut::After,
    Cut::BeforeCommit,
    Cut::AfterCommit,
    Cut::LateCommit,
];

/// A job is made, and then run for a reason.
async fn run_once(cut: Cut, asked: bool) {
    let mut stage = Stage::new().await;
    let proxy = Proxy::start(&stage).await;
    let direct = std::mem::replace(&mut stage.store, proxy.store().await);
    let timed = stage.timed(stage.script(NOTING)).await;
    stage.store = direct;
    let request = stage.ask_job("Report", "cron", "0 13 * * *", Some("task"));
    let job = stage.job_of(&timed, request.await).await;
    proxy.cut(RUN, cut);
    let mut run = None;
    if asked {
        run = Some(stage.ask_run(&job).await);
        timed.running.kick.kick();
    } else {
        timed.pass(60);
    }
    if cut == Cut::LateCommit {
        somebody_waits_for_a_lock(&stage).await;
        proxy.pass().await;
    }
    stage.wait_mirrored(&job, "last_status", "ok").await;
    if let Some(run) = run {
        assert_eq!(stage.settled(run).await.0, "done", "{cut:?}");
    }
    assert!(proxy.has_cut(), "{cut:?}: nothing was lost");
    assert_eq!(stage.lines("asked").len(), 1, "{cut:?}");
    timed.stop().await;
}

#[tokio::test]
async fn a_run_that_was_due_and_nobody_told_of_is_run_once() {
    for cut in CUTS {
        run_once(cut, false).await;
    }
}

#[tokio::test]
async fn a_run_that_was_asked_for_and_nobody_told_of_is_run_once() {
    for cut in CUTS {
        run_once(cut, true).await;
    }
}
