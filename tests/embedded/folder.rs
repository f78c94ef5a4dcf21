//! The data folder: who may use it, and who can reach it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use clawdos_bridge::embedded::{EmbeddedError, EmbeddedPostgres, default_data_dir, lock_data_dir};
use nix::unistd::Uid;

use crate::support::{empty, guardian_of, names_with, postmaster, prepared, start, text};

fn mode(path: impl AsRef<Path>) -> u32 {
    fs::metadata(path).expect("it exists").mode() & 0o777
}

fn owner(path: impl AsRef<Path>) -> u32 {
    fs::metadata(path).expect("it exists").uid()
}

#[tokio::test]
async fn a_second_server_on_the_same_folder_is_refused_and_harms_nothing() {
    let folder = prepared().await;
    let first = start(folder.path()).await;
    let error = EmbeddedPostgres::start(folder.path())
        .await
        .expect_err("a refusal");
    assert!(matches!(error, EmbeddedError::InUse { .. }), "{error}");
    assert_eq!(text(first.url(), "SELECT 1::text").await, "1");
    first.stop().await;
}

#[test]
fn a_second_bridge_on_the_same_folder_is_told_who_runs_there() {
    let folder = empty();
    let held = lock_data_dir(folder.path()).expect("the lock");
    let error = lock_data_dir(folder.path()).expect_err("a refusal");
    let expected = format!("another bridge (pid {}) runs on", std::process::id());
    assert!(error.to_string().contains(&expected), "{error}");
    drop(held);
    lock_data_dir(folder.path()).expect("the lock, once it is free");
}

#[tokio::test]
async fn the_bridge_that_holds_the_lock_may_start_its_server() {
    let folder = prepared().await;
    let _held = lock_data_dir(folder.path()).expect("the lock");
    start(folder.path()).await.stop().await;
}

#[test]
fn a_missing_data_folder_is_made_so_that_another_user_can_pass_through() {
    let folder = empty();
    let deep = folder.path().join("one/two");
    let lock = lock_data_dir(&deep).expect("the lock");
    assert_eq!(mode(lock.folder()), 0o755);
    assert_eq!(mode(folder.path().join("one")), 0o755);
}

#[test]
fn a_data_folder_that_cannot_be_written_is_named_with_the_fix() {
    let folder = empty();
    let file = folder.path().join("file");
    fs::write(&file, "").expect("a file where a folder should be");
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).expect("a folder");
    fs::set_permissions(&closed, Permissions::from_mode(0o555)).expect("a mode");
    let mut unusable = vec![file.join("data"), file];
    if Uid::effective().is_root() {
        println!("skipped the read-only folder: root may write everywhere");
    } else {
        unusable.push(closed);
    }
    for path in unusable {
        let error = lock_data_dir(&path).expect_err("a refusal").to_string();
        assert!(error.contains(&path.display().to_string()), "{error}");
        assert!(error.contains("--data-dir"), "{error}");
    }
}

#[tokio::test]
async fn a_folder_that_is_no_database_is_left_alone() {
    let folder = empty();
    let diary = folder.path().join("postgres/diary.txt");
    fs::create_dir(folder.path().join("postgres")).expect("a folder");
    fs::write(&diary, "dear diary").expect("a file");
    let error = EmbeddedPostgres::start(folder.path())
        .await
        .expect_err("a refusal");
    let refused = matches!(error, EmbeddedError::NotADatabase { .. });
    assert!(refused, "{error}");
    assert_eq!(fs::read_to_string(&diary).expect("it stays"), "dear diary");
}

#[tokio::test]
async fn a_folder_may_have_any_name() {
    let parent = empty();
    fs::set_permissions(parent.path(), Permissions::from_mode(0o755)).expect("a mode");
    let folder = parent.path().join("it's \"our\" $HOME; data, größer");
    let first = start(&folder).await;
    assert_eq!(text(first.url(), "SELECT 1::text").await, "1");
    first.stop().await;
    start(&folder).await.stop().await;
}

#[tokio::test]
async fn secrets_are_readable_by_their_owner_only() {
    let folder = empty();
    let postgres = start(folder.path()).await;
    for (name, expected) in [
        ("postgres.secret", 0o600),
        ("postgres.log", 0o600),
        ("postgres", 0o700),
    ] {
        assert_eq!(mode(folder.path().join(name)), expected, "{name}");
    }
    assert!(names_with(folder.path(), "tmp-").is_empty());
    postgres.stop().await;
}

#[tokio::test]
async fn root_runs_the_server_as_somebody_else() {
    if !Uid::effective().is_root() {
        println!("skipped: this test is about root, and we are not");
        return;
    }
    let folder = empty();
    let postgres = start(folder.path()).await;
    let pid = postmaster(folder.path());
    for pid in [pid, guardian_of(pid)] {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("its status");
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name));
            let values = line.expect("the line").split_whitespace().skip(1);
            values.map(str::to_owned).collect::<Vec<_>>()
        };
        assert!(field("Uid:").iter().all(|uid| uid != "0"), "{status}");
        assert!(field("Gid:").iter().all(|gid| gid != "0"), "{status}");
        assert!(field("Groups:").is_empty(), "{status}");
    }
    assert_ne!(owner(folder.path().join("postgres")), 0);
    assert_eq!(owner(folder.path().join("postgres.secret")), 0);
    postgres.stop().await;
}

#[tokio::test]
async fn a_private_data_folder_is_opened_for_passing_through_and_no_more() {
    let folder = prepared().await;
    fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).expect("a mode");
    let postgres = start(folder.path()).await;
    let expected = if Uid::effective().is_root() {
        0o711
    } else {
        0o700
    };
    assert_eq!(mode(folder.path()), expected);
    postgres.stop().await;
}

#[tokio::test]
async fn root_is_told_when_the_server_cannot_reach_the_folder() {
    if !Uid::effective().is_root() {
        println!("skipped: this test is about root, and we are not");
        return;
    }
    let home = empty();
    fs::set_permissions(home.path(), Permissions::from_mode(0o700)).expect("a mode");
    let data = home.path().join("data");
    let error = EmbeddedPostgres::start(&data)
        .await
        .expect_err("a refusal")
        .to_string();
    let blocked = format!("may not enter {}.", home.path().display());
    assert!(error.contains(&blocked), "{error}");
    assert!(error.contains("--data-dir"), "{error}");
    assert_eq!(mode(home.path()), 0o700, "it is not ours to open");
}

#[test]
fn the_default_data_folder_of_root_is_outside_its_home() {
    let expected = if Uid::effective().is_root() {
        PathBuf::from("/var/lib/clawdos-bridge")
    } else {
        directories::ProjectDirs::from("", "", "clawdos-bridge")
            .map_or_else(default_data_dir, |dirs| dirs.data_dir().to_path_buf())
    };
    assert_eq!(default_data_dir(), expected);
}
