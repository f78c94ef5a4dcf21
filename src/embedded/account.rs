//! The user that Postgres runs as: ourselves, or somebody without privileges when we are root.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, lchown};
use std::path::Path;
use std::process::Stdio;

use nix::unistd::{Gid, Uid, User};
use tokio::process::Command;

use super::error::EmbeddedError;

/// Who to become, in order, when we are root: the distribution's own user for this, else the one without rights.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];
/// What the programs need of our environment. Nothing else is handed on: it holds our tokens, and `PG*` variables
/// would change what the programs do.
const KEPT_ENVIRONMENT: [&str; 3] = ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"];

/// The user that runs Postgres and owns the database files.
#[derive(Debug, Clone)]
pub(super) struct Account {
    name: String,
    /// Set when we are root and must become somebody else.
    become_user: Option<(Uid, Gid)>,
}

impl Account {
    /// Chooses the user for the database in `data`: its owner where it exists already.
    pub(super) fn choose(data: &Path) -> Result<Self, EmbeddedError> {
        let me = Uid::effective();
        let owner = match fs::metadata(data) {
            Ok(found) => Some((Uid::from_raw(found.uid()), Gid::from_raw(found.gid()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(EmbeddedError::at(data)(error)),
        };
        match owner {
            Some((uid, gid)) if me.is_root() && !uid.is_root() => Ok(Self {
                name: name_of(uid),
                become_user: Some((uid, gid)),
            }),
            Some((uid, _)) if uid != me => Err(EmbeddedError::ForeignData {
                folder: data.to_path_buf(),
                owner: name_of(uid),
            }),
            owner if me.is_root() => {
                let account = Self::unprivileged()?;
                if owner.is_some() {
                    account.own_all(data).map_err(EmbeddedError::at(data))?;
                }
                Ok(account)
            }
            _ => Ok(Self {
                name: name_of(me),
                become_user: None,
            }),
        }
    }

    fn unprivileged() -> Result<Self, EmbeddedError> {
        UNPRIVILEGED
            .iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .map(|user| Self {
                name: user.name,
                become_user: Some((user.uid, user.gid)),
            })
            .ok_or(EmbeddedError::NoAccount)
    }

    /// The user's name, for messages.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// A command that runs as this user, away from the terminal's signals, with nothing of our environment it need
    /// not know.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            // The server's messages are read by us; on macOS Postgres needs a locale to stay single-threaded.
            .env("LC_ALL", "C")
            // Root's current folder may be closed to the user, and initdb insists on knowing where it stands.
            .current_dir("/")
            // Ctrl-C in the terminal is for us: we say when Postgres stops.
            .process_group(0)
            .stdin(Stdio::null());
        for name in KEPT_ENVIRONMENT {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        if let Some((uid, gid)) = self.become_user {
            command.uid(uid.as_raw()).gid(gid.as_raw());
        }
        command
    }

    /// Gives one file or folder to this user.
    pub(super) fn own(&self, path: &Path) -> io::Result<()> {
        match self.become_user {
            Some((uid, gid)) => lchown(path, Some(uid.as_raw()), Some(gid.as_raw())),
            None => Ok(()),
        }
    }

    /// Gives a folder with all that is in it to this user; never follows a symbolic link out of it.
    fn own_all(&self, folder: &Path) -> io::Result<()> {
        self.own(folder)?;
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                self.own_all(&entry.path())?;
            } else {
                self.own(&entry.path())?;
            }
        }
        Ok(())
    }

    /// Whether this user may pass through a folder. Asks the system, which knows groups and access lists.
    pub(super) async fn can_enter(&self, folder: &Path) -> bool {
        if self.become_user.is_none() {
            return true;
        }
        self.command(Path::new("/bin/sh"))
            .args(["-c", "cd -- \"$1\"", "sh"])
            .arg(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .await
            .is_ok_and(|status| status.success())
    }
}

fn name_of(uid: Uid) -> String {
    User::from_uid(uid)
        .ok()
        .flatten()
        .map_or_else(|| format!("with the number {uid}"), |user| user.name)
}
