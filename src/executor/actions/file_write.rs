//! `file_write`: into the workspace and nowhere else. Every folder on the way is opened by a handle
//! that cannot leave the one above it and follows no symbolic link; the file appears at once.

use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use cap_fs_ext::DirExt as _;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirBuilder, DirBuilderExt as _, OpenOptions};
use uuid::Uuid;

use crate::model::proposal::action::FileWrite;
use crate::store::execution::Outcome;

/// Bytes of a file.
const LARGEST: usize = 1024 * 1024;

/// Bytes of a name (source: Linux, `NAME_MAX`).
const LONGEST_NAME: usize = 255;

/// Folders in a path, its file included.
const DEEPEST: usize = 32;

/// Nobody else on this machine is meant to read what agents write.
const PRIVATE: u32 = 0o700;

/// The only folder that files are written to.
#[derive(Debug)]
pub(super) struct Workspace {
    path: PathBuf,
    root: OnceLock<Dir>,
}

impl Workspace {
    /// Opened, and made where it is missing, when the first file is written.
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            root: OnceLock::new(),
        }
    }

    /// Writes a file.
    pub(super) async fn write(self: Arc<Self>, file: FileWrite) -> Outcome {
        let written = tokio::task::spawn_blocking(move || self.write_now(&file)).await;
        match written {
            Ok(Ok(said)) => Outcome::Executed(said),
            Ok(Err(why)) => Outcome::Failed(format!("{why} Nothing was written.")),
            Err(_) => Outcome::Failed(
                "The executor broke off while it wrote; look for the file.".to_owned(),
            ),
        }
    }

    fn write_now(&self, file: &FileWrite) -> Result<String, String> {
        let Some(content) = &file.content else {
            return Err(
                "The proposal carries only the beginning of the file, no `content`.".to_owned(),
            );
        };
        if content.len() > LARGEST {
            return Err(format!("The content is larger than {LARGEST} bytes."));
        }
        let (folders, name) = names(&file.path)?;
        let mut folder = self
            .root()?
            .try_clone()
            .map_err(|error| format!("The workspace cannot be opened: {error}."))?;
        for name in folders {
            folder = enter(&folder, name)
                .map_err(|error| format!("{name:?} is no folder that can be used: {error}."))?;
        }
        check_target(&folder, name)?;
        replace(&folder, name, content.as_bytes())
            .map_err(|error| format!("{:?} could not be written: {error}.", file.path))?;
        Ok(format!("Wrote {} ({} bytes).", file.path, content.len()))
    }

    fn root(&self) -> Result<&Dir, String> {
        if let Some(root) = self.root.get() {
            return Ok(root);
        }
        let opened = std::fs::DirBuilder::new()
            .recursive(true)
            .mode(PRIVATE)
            .create(&self.path)
            .and_then(|()| Dir::open_ambient_dir(&self.path, ambient_authority()));
        match opened {
            Ok(root) => Ok(self.root.get_or_init(|| root)),
            Err(error) => Err(format!(
                "The workspace cannot be opened ({error}): set executor.workspace to a folder that \
                 the executor may write to."
            )),
        }
    }
}

/// The folders of a path and its last name.
fn names(path: &str) -> Result<(Vec<&str>, &str), String> {
    let bad = |why: &str| Err(format!("The path {path:?} is refused: {why}."));
    if path.starts_with('/') {
        return bad("it must be relative to the workspace");
    }
    if path.chars().any(char::is_control) {
        return bad("it has characters that nobody sees");
    }
    let mut names: Vec<&str> = path.split('/').collect();
    if names.iter().any(|name| matches!(*name, "" | "." | "..")) {
        return bad("every part between slashes must be a name, and `.` and `..` are none");
    }
    if names.iter().any(|name| name.len() > LONGEST_NAME) {
        return bad("one of its names is longer than 255 bytes");
    }
    if names.len() > DEEPEST {
        return bad("it is too deep");
    }
    match names.pop() {
        Some(last) => Ok((names, last)),
        None => bad("it is empty"),
    }
}

/// Opens a folder, made where it is missing. A symbolic link is none.
fn enter(above: &Dir, name: &str) -> io::Result<Dir> {
    match above.open_dir_nofollow(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        opened => return opened,
    }
    let mut builder = DirBuilder::new();
    builder.mode(PRIVATE);
    match above.create_dir_with(name, &builder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => above.open_dir_nofollow(name),
    }
}

/// Only a plain file is replaced. Whatever takes its place after this look is replaced as well,
/// never followed: that is what a rename does.
fn check_target(folder: &Dir, name: &str) -> Result<(), String> {
    let kind = match folder.symlink_metadata(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(format!("{name:?} cannot be looked at: {error}.")),
        Ok(found) => found.file_type(),
    };
    if kind.is_file() {
        return Ok(());
    }
    let what = if kind.is_dir() {
        "a folder"
    } else if kind.is_symlink() {
        "a symbolic link"
    } else {
        "no plain file"
    };
    Err(format!("{name:?} is {what}."))
}

/// All of it or nothing, whatever dies: a file beside it takes its place.
fn replace(folder: &Dir, name: &str, content: &[u8]) -> io::Result<()> {
    let beside = format!(".{}.part", Uuid::new_v4().simple());
    let written =
        write_new(folder, &beside, content).and_then(|()| folder.rename(&beside, folder, name));
    if let Err(error) = written {
        // It may not be there, and there is nothing else to do about it.
        let _ = folder.remove_file(&beside);
        return Err(error);
    }
    // The name, too, is to survive a power cut; the file is there in any case.
    if let Err(error) = folder.open(".").and_then(|it| it.sync_all()) {
        tracing::warn!(%error, "a folder of the workspace could not be synced");
    }
    Ok(())
}

fn write_new(folder: &Dir, name: &str, content: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    let mut file = folder.open_with(name, &options)?;
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn a_path_is_names_with_slashes_between_and_nothing_else() {
        assert_eq!(names("a"), Ok((vec![], "a")));
        assert_eq!(names("a/b c/ü.md"), Ok((vec!["a", "b c"], "ü.md")));
        assert_eq!(names("a/...").unwrap().1, "...");
        let long = format!("a/{}", "x".repeat(256));
        let deep = "a/".repeat(40) + "b";
        for path in [
            "",
            "/",
            "/etc/passwd",
            "..",
            "../x",
            "a/../b",
            "a/./b",
            ".",
            "a/",
            "a//b",
            "a\0b",
            "a\nb",
            &long,
            &deep,
        ] {
            assert!(names(path).is_err(), "{path:?}");
        }
    }
}
