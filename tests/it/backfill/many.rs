//! As many rows as an old installation has.

use std::time::{Duration, Instant};

use super::Stage;

/// For a machine that does much else at the same time. Measured: 26 s with a debug build.
const REASONABLE: Duration = Duration::from_mins(2);

#[tokio::test]
async fn a_hundred_thousand_comments_are_converted_in_reasonable_time() {
    let stage = Stage::with_comments(100_000).await;
    let began = Instant::now();
    let ended = stage.backfill(&[]).await;
    let took = began.elapsed();
    ended.code(0).says("100,000 there: 100,000 converted");
    println!("100,000 comments took {took:?}\n{}", ended.progress);
    assert!(took < REASONABLE, "{took:?}\n{}", ended.report);
    stage.is_exact().await;
    let again = Instant::now();
    stage
        .backfill(&[])
        .await
        .code(0)
        .says("0 converted, 100,000 carried");
    println!("and again {:?}", again.elapsed());
}
