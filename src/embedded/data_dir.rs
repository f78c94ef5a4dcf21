//! The data folder: where it is by default, and that one bridge at a time uses it.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use directories::{BaseDirs, ProjectDirs};
use nix::unistd::Uid;
use tempfile::TempDir;

use super::account::Account;
use super::error::EmbeddedError;

/// Where root keeps the data: its home is 0700, and the user that Postgres runs as must get there.
const ROOT_DATA_DIR: &str = "/var/lib/clawdos-bridge";
/// Held for the life of the bridge.
const BRIDGE_LOCK: &str = "bridge.lock";
/// A bridge that was killed keeps its lock until the system has taken it apart.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);
const LOCK_POLL: Duration = Duration::from_millis(10);
/// Marks a folder that a later run may remove without asking, with the prefix below.
const TEMPORARY_MARK: &str = "temporary-of-clawdos-bridge";
const TEMPORARY_PREFIX: &str = "tmp-";

/// Proof that no other bridge uses the data folder; dropped or killed, it is free again.
#[derive(Debug)]
pub struct DataDirLock {
    folder: PathBuf,
    /// The lock lives as long as this open file: the system lets go of it whatever happens to us.
    _file: File,
}

impl DataDirLock {
    /// The data folder, absolute and without symbolic links.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// The platform's data folder (`~/.local/share/clawdos-bridge`, `~/Library/Application Support/clawdos-bridge`),
/// and `/var/lib/clawdos-bridge` for root.
pub fn default_data_dir() -> PathBuf {
    if Uid::effective().is_root() {
        return PathBuf::from(ROOT_DATA_DIR);
    }
    ProjectDirs::from("", "", "clawdos-bridge").map_or_else(
        || PathBuf::from("clawdos-bridge-data"),
        |dirs| dirs.data_dir().to_path_buf(),
    )
}

/// Creates the data folder where it is missing (mode 0755, so that the user Postgres runs as can pass through; every
/// secret in it is 0600) and takes it for this process.
///
/// [`EmbeddedError::InUse`] names the process that has it, [`EmbeddedError::DataFolder`] the folder that cannot be used.
pub fn lock_data_dir(data_dir: &Path) -> Result<DataDirLock, EmbeddedError> {
    lock(&prepare(data_dir)?, BRIDGE_LOCK)
}

/// The process that uses the data folder now, if one does. Changes nothing.
///
/// Looking takes the lock for a moment; who wants it meanwhile has patience.
pub fn data_dir_holder(data_dir: &Path) -> Option<u32> {
    let mut file = File::open(data_dir.join(BRIDGE_LOCK)).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            file.read_to_string(&mut pid).ok()?;
            pid.trim().parse().ok()
        }
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

/// Creates the folder and what is missing above it; answers its canonical path.
pub(super) fn prepare(data_dir: &Path) -> Result<PathBuf, EmbeddedError> {
    let create = || {
        let whole = std::path::absolute(data_dir)?;
        let missing: Vec<&Path> = whole
            .ancestors()
            .take_while(|folder| !folder.exists())
            .collect();
        for folder in missing.into_iter().rev() {
            match fs::create_dir(folder) {
                // A strict umask would shut out the user that Postgres runs as.
                Ok(()) => fs::set_permissions(folder, Permissions::from_mode(0o755))?,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        let folder = fs::canonicalize(&whole)?;
        if folder.is_dir() {
            Ok(folder)
        } else {
            Err(io::ErrorKind::NotADirectory.into())
        }
    };
    create().map_err(EmbeddedError::at(data_dir))
}

/// Takes the lock file `name` in `folder`.
pub(super) fn lock(folder: &Path, name: &str) -> Result<DataDirLock, EmbeddedError> {
    let path = folder.join(name);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o644)
        .open(&path)
        .map_err(EmbeddedError::at(folder))?;
    let deadline = Instant::now() + LOCK_PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(LOCK_POLL),
            Err(TryLockError::WouldBlock) => {
                return Err(EmbeddedError::InUse {
                    folder: folder.to_path_buf(),
                    holder: holder_in(&mut file),
                });
            }
            Err(TryLockError::Error(error)) => return Err(EmbeddedError::at(path)(error)),
        }
    }
    write_pid(&mut file).map_err(EmbeddedError::at(path))?;
    Ok(DataDirLock {
        folder: folder.to_path_buf(),
        _file: file,
    })
}

/// The holder writes its pid right after it got the lock; without it the message is only vaguer.
fn holder_in(file: &mut File) -> String {
    let mut pid = String::new();
    match file.read_to_string(&mut pid) {
        Ok(_) if !pid.trim().is_empty() => format!("pid {}", pid.trim()),
        _ => "pid unknown".to_owned(),
    }
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    writeln!(file, "{}", std::process::id())
}

/// Makes sure that `account` can pass through the data folder.
///
/// A data folder of ours that is closed to others (`mktemp -d` makes them so) is opened for passing through, never for
/// listing. Folders above it, and anybody's home, are not ours to open: those are an error.
pub(super) async fn let_through(folder: &Path, account: &Account) -> Result<(), EmbeddedError> {
    if account.can_enter(folder).await {
        return Ok(());
    }
    let mut blocked_at = folder;
    for ancestor in folder.ancestors().collect::<Vec<_>>().into_iter().rev() {
        if !account.can_enter(ancestor).await {
            blocked_at = ancestor;
            break;
        }
    }
    let home = BaseDirs::new().map(|dirs| dirs.home_dir().to_path_buf());
    if blocked_at == folder && home.as_deref() != Some(folder) {
        let mode = fs::metadata(folder)
            .map_err(EmbeddedError::at(folder))?
            .mode();
        fs::set_permissions(folder, Permissions::from_mode(mode & 0o7777 | 0o011))
            .map_err(EmbeddedError::at(folder))?;
        if account.can_enter(folder).await {
            return Ok(());
        }
    }
    Err(EmbeddedError::Unreachable {
        folder: folder.to_path_buf(),
        user: account.name().to_owned(),
        blocked_at: blocked_at.to_path_buf(),
    })
}

/// A folder below the data folder for work that must not be seen half done; removed when dropped, or by the next
/// start's [`leftovers`] when we were killed.
pub(super) fn temporary(folder: &Path) -> Result<TempDir, EmbeddedError> {
    let make = || {
        let made = tempfile::Builder::new()
            .prefix(TEMPORARY_PREFIX)
            .tempdir_in(folder)?;
        File::create(made.path().join(TEMPORARY_MARK))?;
        fs::set_permissions(made.path(), Permissions::from_mode(0o755))?;
        Ok(made)
    };
    make().map_err(EmbeddedError::at(folder))
}

/// Temporary folders of runs that were killed. Call it with the lock held: every one of them is then abandoned.
pub(super) fn leftovers(folder: &Path) -> Result<Vec<PathBuf>, EmbeddedError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(EmbeddedError::at(folder))? {
        let entry = entry.map_err(EmbeddedError::at(folder))?;
        let named_so = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with(TEMPORARY_PREFIX));
        if named_so && entry.path().join(TEMPORARY_MARK).is_file() {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// Writes a file that only its owner reads, in one step: readers see the old content or the new one.
pub(super) fn write_secret(path: &Path, content: &str) -> Result<(), EmbeddedError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || {
        // tempfile creates with mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(content.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(EmbeddedError::at(path))
}
