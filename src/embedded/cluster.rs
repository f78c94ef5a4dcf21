//! The database files and the password that opens them.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use rand::TryRngCore;
use rand::rngs::OsRng;
use tokio::io::AsyncWriteExt;
use tracing::{info, warn};

use super::account::Account;
use super::binaries::{Binaries, Wanted};
use super::data_dir;
use super::error::{EmbeddedError, last_words};
use super::orphans;

/// The role that owns everything, as `ClawdOS` names it, and its database.
pub(super) const ROLE: &str = "clawdos";
pub(super) const DATABASE: &str = "clawdos";

/// 24 random bytes are beyond guessing, and hexadecimal needs no escaping anywhere.
const PASSWORD_BYTES: usize = 24;

/// How often, and how far apart, a half-made database is tried to be removed: 3 s in all.
const LEFTOVER_TRIES: u32 = 30;
const LEFTOVER_WAIT: Duration = Duration::from_millis(100);

/// Where the parts lie below the data folder.
#[derive(Debug)]
pub(super) struct Cluster {
    /// The data folder.
    pub(super) home: PathBuf,
    /// The database files.
    pub(super) data: PathBuf,
    secret: PathBuf,
}

impl Cluster {
    pub(super) fn in_folder(home: &Path) -> Self {
        Self {
            home: home.to_path_buf(),
            data: home.join("postgres"),
            secret: home.join("postgres.secret"),
        }
    }

    /// The version that wrote the files, or `None` where there are none yet.
    pub(super) fn version(&self) -> Result<Wanted, EmbeddedError> {
        let path = self.data.join("PG_VERSION");
        match fs::read_to_string(&path) {
            Ok(text) => match text.trim().parse() {
                Ok(major) => Ok(Wanted(Some(major))),
                Err(_) => Err(self.not_a_database()),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if self.data.exists() && !is_empty(&self.data) {
                    return Err(self.not_a_database());
                }
                Ok(Wanted(None))
            }
            Err(error) => Err(EmbeddedError::at(path)(error)),
        }
    }

    fn not_a_database(&self) -> EmbeddedError {
        EmbeddedError::NotADatabase {
            folder: self.data.clone(),
        }
    }

    /// Removes half-made databases of runs that were killed.
    pub(super) async fn sweep(&self) -> Result<(), EmbeddedError> {
        for leftover in data_dir::leftovers(&self.home)? {
            info!(folder = %leftover.display(), "removing what an interrupted run left behind");
            orphans::end(&leftover.join("data")).await?;
            let mut tries = LEFTOVER_TRIES;
            while let Err(error) = fs::remove_dir_all(&leftover) {
                // An initdb that lost its parent a moment ago may still be writing there.
                tries -= 1;
                if tries == 0 {
                    return Err(EmbeddedError::at(leftover)(error));
                }
                tokio::time::sleep(LEFTOVER_WAIT).await;
            }
        }
        Ok(())
    }

    /// Makes sure that files and password exist and fit each other; answers the password. The server must not run.
    pub(super) async fn ensure(
        &self,
        binaries: &Binaries,
        account: &Account,
    ) -> Result<String, EmbeddedError> {
        let exists = self.version()?.0.is_some();
        let known = self.read_password()?;
        let password = match (&known, exists) {
            (Some(password), _) => password.clone(),
            (None, _) => new_password().map_err(EmbeddedError::at(&self.secret))?,
        };
        if !exists {
            self.create(&password, binaries, account).await?;
        } else if known.is_none() {
            warn!("the password of the embedded Postgres is lost: setting a new one");
            let sql = format!("ALTER ROLE {ROLE} PASSWORD '{password}'");
            single_user(&self.data, &sql, &[], binaries, account).await?;
            data_dir::write_secret(&self.secret, &password)?;
        }
        Ok(password)
    }

    /// Only what [`new_password`] makes counts: anything else was damaged, and is replaced like a lost one.
    fn read_password(&self) -> Result<Option<String>, EmbeddedError> {
        match fs::read_to_string(&self.secret) {
            Ok(text) => {
                let text = text.trim();
                let whole = text.len() == PASSWORD_BYTES * 2
                    && text.bytes().all(|byte| byte.is_ascii_hexdigit());
                Ok(whole.then(|| text.to_owned()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(EmbeddedError::at(&self.secret)(error)),
        }
    }

    /// Builds the database files beside their place and moves them in when they are whole, so that a kill at any
    /// moment leaves either nothing or everything.
    async fn create(
        &self,
        password: &str,
        binaries: &Binaries,
        account: &Account,
    ) -> Result<(), EmbeddedError> {
        let work = data_dir::temporary(&self.home)?;
        let data = work.path().join("data");
        DirBuilder::new()
            .mode(0o700)
            .create(&data)
            .and_then(|()| account.own(&data))
            .map_err(EmbeddedError::at(&data))?;
        let password_file = work.path().join("password");
        write_private(&password_file, password)
            .and_then(|()| account.own(&password_file))
            .map_err(EmbeddedError::at(&password_file))?;
        let made = account
            .command(&binaries.initdb())
            .arg("-D")
            .arg(&data)
            .args(["-U", ROLE, "--auth=scram-sha-256", "--locale=C"])
            .args(["--encoding=UTF8", "--no-instructions", "--no-sync"])
            .arg("--pwfile")
            .arg(&password_file)
            .kill_on_drop(true)
            .output()
            .await;
        check("initdb", made)?;
        fs::remove_file(&password_file).map_err(EmbeddedError::at(&password_file))?;
        let sql = format!("CREATE DATABASE {DATABASE}");
        single_user(&data, &sql, &["-c", "fsync=off"], binaries, account).await?;
        // Writing through to the disk once, at the end, is several times faster than at every step.
        let synced = account
            .command(&binaries.initdb())
            .arg("-D")
            .arg(&data)
            .arg("--sync-only")
            .kill_on_drop(true)
            .output()
            .await;
        check("initdb", synced)?;
        data_dir::write_secret(&self.secret, password)?;
        fs::rename(&data, &self.data).map_err(EmbeddedError::at(&self.data))
    }
}

/// Runs one statement without a server: no port, no password, nobody else can come in between.
async fn single_user(
    data: &Path,
    sql: &str,
    options: &[&str],
    binaries: &Binaries,
    account: &Account,
) -> Result<(), EmbeddedError> {
    let run = async {
        let mut child = account
            .command(&binaries.postgres())
            .arg("--single")
            .arg("-D")
            .arg(data)
            .args(["-c", "exit_on_error=on", "-c", "log_checkpoints=off"])
            .args(options)
            .arg("postgres")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that has ended already says why on its stderr, which tells more than a broken pipe.
            let _ = stdin.write_all(format!("{sql}\n").as_bytes()).await;
        }
        child.wait_with_output().await
    };
    check("postgres --single", run.await)
}

fn check(program: &'static str, ran: io::Result<Output>) -> Result<(), EmbeddedError> {
    let output = match ran {
        Ok(output) if output.status.success() => return Ok(()),
        Ok(output) => last_words(&output),
        Err(error) => error.to_string(),
    };
    Err(EmbeddedError::Prepare { program, output })
}

fn new_password() -> io::Result<String> {
    let mut bytes = [0_u8; PASSWORD_BYTES];
    OsRng.try_fill_bytes(&mut bytes).map_err(io::Error::other)?;
    let mut text = String::new();
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

fn write_private(path: &Path, content: &str) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    writeln!(file, "{content}")
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}
