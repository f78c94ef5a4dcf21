//! The bridge that runs on a data folder, found by subcommands that should use it instead of starting their own parts.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;
use tokio::time::{Instant, sleep};
use url::Url;

use crate::embedded::data_dir_holder;
use crate::model::{ChannelId, GuildId, ProjectId};

/// How long somebody who uses the folder may take to be ready, or to be done. A first start makes a database.
const PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(50);

/// What `run.json` says, as far as it is needed.
#[derive(Deserialize)]
pub struct Instance {
    /// Its process.
    pub pid: u32,
    /// The project that it shows.
    pub project_id: ProjectId,
    /// Its Discord.
    pub discord: Discord,
    /// Its database.
    pub database: Database,
    /// Its executor.
    pub control_api: ControlApi,
}

/// The Discord of a running bridge.
#[derive(Deserialize)]
pub struct Discord {
    /// REST address.
    pub api: Url,
    /// The server of its project; none where nobody has chosen one.
    pub guild_id: Option<GuildId>,
    /// Its channels, by what they are to the bridge.
    #[serde(default)]
    pub channels: BTreeMap<String, ChannelId>,
    /// The bot's token; only where it is the sandbox's.
    pub bot_token: Option<SecretString>,
    /// The sandbox's people.
    #[serde(default)]
    pub users: Vec<Person>,
}

/// Somebody in the sandbox.
#[derive(Deserialize)]
pub struct Person {
    /// Whether they may approve.
    #[serde(default)]
    pub operator: bool,
}

/// The database of a running bridge.
#[derive(Deserialize)]
pub struct Database {
    /// Its address, with the password.
    pub url: SecretString,
}

/// The executor of a running bridge.
#[derive(Deserialize)]
pub struct ControlApi {
    /// Its address.
    pub url: String,
    /// Its token.
    pub token: Option<SecretString>,
}

/// Who uses a data folder.
pub enum Holder {
    /// Nobody, whatever a crash may have left in `run.json`.
    Nobody,
    /// A bridge that is ready.
    Bridge(Box<Instance>),
    /// Somebody who cannot be asked: why.
    Other(String),
}

/// Looks who uses the data folder.
///
/// Only what the process that holds the folder's lock has written counts: a pid alone may belong to another program by
/// now.
pub fn holder(data_dir: &Path) -> Holder {
    let Some(pid) = data_dir_holder(data_dir) else {
        return Holder::Nobody;
    };
    let path = data_dir.join("run.json");
    let other = |why: &str| Holder::Other(format!("the process {pid} uses the data folder {why}"));
    match std::fs::read(&path) {
        Ok(text) => match serde_json::from_slice::<Instance>(&text) {
            Ok(instance) if instance.pid == pid => Holder::Bridge(Box::new(instance)),
            Ok(_) => other("and is not ready. Wait until it is, or stop it"),
            Err(_) => other("and its run.json cannot be read. Use the same version of the program"),
        },
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            other("and its run.json is closed to us. Do this as the user that runs the bridge")
        }
        Err(_) => other("and is not ready. Wait until it is, or stop it"),
    }
}

/// The same, with some patience for one that is just starting or about to end.
pub async fn settled_holder(data_dir: &Path) -> Holder {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match holder(data_dir) {
            Holder::Other(_) if Instant::now() < deadline => sleep(POLL).await,
            found => return found,
        }
    }
}
