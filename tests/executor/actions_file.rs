//! `file_write`: into the workspace, whole, and nowhere else.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use clawdos_bridge::model::proposal::ProposalRef;
use serde_json::{Value, json};

use crate::stage::Stage;

fn file(path: &str, content: &str) -> Value {
    json!({"path": path, "content_preview": "", "content": content})
}

async fn refused(stage: &Stage, reference: ProposalRef, word: &str) {
    let result = stage.failed(reference).await;
    assert!(result.contains(word), "{word}: {result}");
    assert!(result.ends_with("Nothing was written."), "{result}");
}

/// Every file below a folder, by its name.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(files(&path));
        } else {
            found.push(path.display().to_string());
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn a_file_is_written_where_the_card_said_and_replaced_whole() {
    let stage = Stage::new().await;
    let first = stage
        .approve("file_write", file("notes/of today/a.md", "one\n"))
        .await;
    let executor = stage.actions(&[]).await;
    let result = stage.executed(first).await;
    assert_eq!(result, "Wrote notes/of today/a.md (4 bytes).");
    let written = stage.workspace().join("notes/of today/a.md");
    assert_eq!(std::fs::read_to_string(&written).unwrap(), "one\n");
    let mode = std::fs::metadata(stage.workspace())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);

    let second = stage
        .approve("file_write", file("notes/of today/a.md", ""))
        .await;
    stage.executed(second).await;
    assert_eq!(std::fs::read_to_string(&written).unwrap(), "");
    assert_eq!(files(&stage.workspace()), [written.display().to_string()]);
    executor.stop().await;
}

#[tokio::test]
async fn no_path_leads_out_of_the_workspace() {
    let stage = Stage::new().await;
    let outside = stage.folder.path().join("outside");
    std::fs::create_dir_all(&outside).unwrap();
    std::fs::write(outside.join("there"), "before").unwrap();
    let work = stage.workspace();
    std::fs::create_dir_all(work.join("folder")).unwrap();
    std::fs::write(work.join("plain"), "before").unwrap();
    symlink(&outside, work.join("link")).unwrap();
    symlink("folder", work.join("inner")).unwrap();
    symlink(outside.join("there"), work.join("file-link")).unwrap();
    symlink(outside.join("new"), work.join("dangling")).unwrap();
    symlink("../outside", work.join("folder/up")).unwrap();
    nix::unistd::mkfifo(&work.join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let absolute = outside.join("there").display().to_string();
    let long = format!("a/{}", "x".repeat(256));
    let cases = [
        ("../outside/there", "a name"),
        ("folder/../../outside/there", "a name"),
        ("./x", "a name"),
        ("folder//x", "a name"),
        ("folder/x/", "a name"),
        (".", "a name"),
        ("..", "a name"),
        (absolute.as_str(), "relative"),
        ("a\nb", "nobody sees"),
        (long.as_str(), "255"),
        ("link/there", "link"),
        ("link/new", "link"),
        ("inner/x", "inner"),
        ("folder/up/there", "up"),
        ("file-link", "a symbolic link"),
        ("dangling", "a symbolic link"),
        ("folder", "a folder"),
        ("pipe", "no plain file"),
        ("plain/x", "plain"),
    ];
    let mut references = Vec::new();
    for (path, word) in cases {
        references.push((stage.approve("file_write", file(path, "after")).await, word));
    }
    let executor = stage.actions(&[]).await;
    for (reference, word) in references {
        refused(&stage, reference, word).await;
    }
    assert_eq!(
        std::fs::read_to_string(outside.join("there")).unwrap(),
        "before"
    );
    assert_eq!(files(&outside).len(), 1);
    assert_eq!(
        std::fs::read_to_string(work.join("plain")).unwrap(),
        "before"
    );
    assert_eq!(
        files(&work.join("folder")),
        [work.join("folder/up").display().to_string()]
    );
    executor.stop().await;
}

#[tokio::test]
async fn only_a_whole_file_of_some_size_is_written() {
    let stage = Stage::new().await;
    let preview = json!({"path": "a", "content_preview": "begin"});
    let preview = stage.approve("file_write", preview).await;
    let large = stage
        .approve("file_write", file("b", &"x".repeat(1_048_577)))
        .await;
    let largest = stage
        .approve("file_write", file("c", &"x".repeat(1_048_576)))
        .await;
    let executor = stage.actions(&[]).await;
    refused(&stage, preview, "content").await;
    refused(&stage, large, "larger than 1048576 bytes").await;
    stage.executed(largest).await;
    assert_eq!(files(&stage.workspace()).len(), 1);
    executor.stop().await;
}

#[tokio::test]
async fn a_workspace_that_cannot_be_used_is_named_with_its_fix() {
    let stage = Stage::new().await;
    std::fs::write(stage.workspace(), "in the way").unwrap();
    let reference = stage.approve("file_write", file("a", "x")).await;
    let executor = stage.actions(&[]).await;
    refused(&stage, reference, "executor.workspace").await;
    // It is looked at anew, so that no restart is needed after the repair.
    std::fs::remove_file(stage.workspace()).unwrap();
    let again = stage.approve("file_write", file("a", "x")).await;
    stage.executed(again).await;
    executor.stop().await;
}
