//! What is left of a bridge that was killed must not hinder the next.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};

use nix::sys::signal::{Signal, kill, killpg};

use crate::support::{
    empty, freeze, guardian_of, has_kept_it, is_alive, keep_something, kill_owner, names_with,
    postmaster, prepared, start, start_owner, text, until,
};

#[tokio::test]
async fn killing_the_bridge_stops_the_server_and_the_next_start_has_all_data() {
    let folder = prepared().await;
    let (owner, url) = start_owner(folder.path());
    keep_something(&url).await;
    let pid = postmaster(folder.path());
    kill_owner(owner);
    until("the server has stopped", || !is_alive(pid)).await;
    let next = start(folder.path()).await;
    assert!(has_kept_it(next.url()).await);
    next.stop().await;
}

#[tokio::test]
async fn a_start_right_after_a_kill_does_not_trip_over_the_dying_bridge() {
    let folder = prepared().await;
    let (mut owner, url) = start_owner(folder.path());
    keep_something(&url).await;
    owner.kill().expect("SIGKILL");
    let next = start(folder.path()).await;
    owner.wait().expect("its end");
    assert!(has_kept_it(next.url()).await);
    next.stop().await;
}

#[tokio::test]
async fn a_server_that_outlived_its_bridge_is_replaced() {
    let folder = prepared().await;
    let (owner, url) = start_owner(folder.path());
    keep_something(&url).await;
    let orphan = postmaster(folder.path());
    freeze(&owner);
    kill(guardian_of(orphan), Signal::SIGKILL).expect("the guardian to die first");
    kill_owner(owner);
    assert!(is_alive(orphan), "it must be an orphan for this test");
    let next = start(folder.path()).await;
    assert!(!is_alive(orphan));
    assert_ne!(postmaster(folder.path()), orphan);
    assert!(has_kept_it(next.url()).await);
    next.stop().await;
}

#[tokio::test]
async fn a_power_cut_is_recovered_from() {
    let folder = prepared().await;
    let (owner, url) = start_owner(folder.path());
    keep_something(&url).await;
    let group = guardian_of(postmaster(folder.path()));
    freeze(&owner);
    killpg(group, Signal::SIGKILL).expect("all of it to die");
    kill_owner(owner);
    assert!(folder.path().join("postgres/postmaster.pid").exists());
    let next = start(folder.path()).await;
    assert!(has_kept_it(next.url()).await);
    next.stop().await;
}

#[tokio::test]
async fn a_stale_pid_file_with_the_number_of_another_program_does_not_stop_the_start() {
    let folder = prepared().await;
    let data = folder.path().join("postgres");
    let first = start(folder.path()).await;
    let file = data.join("postmaster.pid");
    let before = fs::read_to_string(&file).expect("the file");
    first.stop().await;
    let (_, rest) = before.split_once('\n').expect("lines");
    let me = std::process::id();
    fs::write(&file, format!("{me}\n{rest}")).expect("a stale file");
    let owner = fs::metadata(&data).expect("it exists").uid();
    chown(&file, Some(owner), None).expect("its owner");
    let next = start(folder.path()).await;
    assert_eq!(text(next.url(), "SELECT 1::text").await, "1");
    next.stop().await;
}

#[tokio::test]
async fn an_interrupted_first_start_leaves_nothing_behind() {
    let folder = empty();
    let half_made = folder.path().join("tmp-interrupted");
    fs::create_dir_all(half_made.join("data")).expect("a half-made database");
    fs::write(half_made.join("temporary-of-clawdos-bridge"), "").expect("its mark");
    let not_ours = folder.path().join("tmp-of-a-person");
    fs::create_dir(&not_ours).expect("a folder without the mark");
    let starting = tokio::spawn({
        let folder = folder.path().to_path_buf();
        async move { start(&folder).await }
    });
    until("initdb is at work", || {
        names_with(folder.path(), "tmp-").iter().any(|name| {
            let made = folder.path().join(name);
            made != half_made && made.join("data/PG_VERSION").exists()
        })
    })
    .await;
    starting.abort();
    let interrupted = starting.await.expect_err("an interruption");
    assert!(interrupted.is_cancelled(), "{interrupted}");
    let postgres = start(folder.path()).await;
    assert_eq!(text(postgres.url(), "SELECT 1::text").await, "1");
    assert_eq!(names_with(folder.path(), "tmp-"), ["tmp-of-a-person"]);
    postgres.stop().await;
}
