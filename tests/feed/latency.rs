//! How long a change takes: printed, not asserted.

use std::time::{Duration, Instant};

use crate::{listener::Listener, postgres::Server};

const COMMITS: usize = 500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_time_from_commit_to_event_is_printed() {
    let mut db = Server::shared().database().await;
    let mut feed = Listener::connected(&db.url).await;
    let mut times: Vec<Duration> = Vec::with_capacity(COMMITS);
    let mut every = tokio::time::interval(Duration::from_millis(5));
    for number in 0..COMMITS {
        every.tick().await;
        db.execute(&format!(
            "INSERT INTO skills_mirror VALUES ('n', '{number}')"
        ))
        .await;
        let committed = Instant::now();
        assert_eq!(
            feed.lines().await,
            [format!("insert skills_mirror {number}")]
        );
        times.push(committed.elapsed());
    }
    times.sort_unstable();
    let at = |percent: usize| times[(COMMITS - 1) * percent / 100];
    println!(
        "COMMIT answered -> event: p50 {:?}, p90 {:?}, p99 {:?}",
        at(50),
        at(90),
        at(99)
    );
}
