//! Waiting for something to become true.

use std::fmt::Debug;
use std::future::Future;
use std::time::{Duration, Instant};

use super::person::PATIENCE;

/// Looks again and again until there is what was expected; what was there instead is told when it never comes.
pub async fn eventually<T, E, F>(what: &str, mut look: impl FnMut() -> F) -> T
where
    E: Debug,
    F: Future<Output = Result<T, E>>,
{
    let deadline = Instant::now() + PATIENCE;
    loop {
        match look().await {
            Ok(found) => return found,
            Err(instead) => assert!(
                Instant::now() < deadline,
                "{what} did not come about; instead there is {instead:#?}"
            ),
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}
