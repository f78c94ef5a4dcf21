//! A local Discord-compatible server: REST API v10 and gateway, for bots and for people.
//!
//! It enforces Discord's limits, permissions, intents and rate limits with Discord's answers, so that
//! what works here works there. State, ids and tokens survive a kill of the process. It shares no type
//! with the bridge: a misunderstanding of Discord's protocol must not pass on both sides.
//!
//! - `state`: guilds, people, channels, messages; the journal that keeps them
//! - `rest`: the API under `/api/v10`, rate limits, faults, the control routes under `/_sandbox`
//! - `gateway`: the websocket at `/` of the same port
//! - `interactions`: commands, components, modals and their answers
//! - `window`: the page for browsers, `door`: who may come in
//! - `switches`: what its console turns off and on outside of it

mod app;
mod door;
mod gateway;
mod interactions;
mod limits;
mod rest;
mod server;
mod state;
mod switches;
mod window;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::door::Door;
use crate::server::{Link, Port};
use crate::state::State;
use crate::state::journal::Journal;
use crate::switches::Switches;
pub use crate::switches::{Switch, SwitchError};

/// How long [`Sandbox::stop`] waits for requests that are being answered.
const STOP_WITHIN: Duration = Duration::from_secs(3);

/// The file of the data folder that names the port of last time.
const PORT: &str = "port";

/// How to start a sandbox.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where state and attachments are kept; made if it is not there. One sandbox at a time may use it.
    pub data_dir: PathBuf,
    /// The address to listen on; port 0 takes a free one. One that others can reach makes the sandbox
    /// ask for its token, which it keeps in the data folder.
    pub listen: SocketAddr,
    /// A bot token to accept in addition to the minted one.
    pub bot_token: Option<String>,
    /// What its console can turn off and on, in the order in which it shows them; names differ.
    pub switches: Vec<Switch>,
}

/// A person.
#[derive(Clone, Debug, Serialize)]
pub struct InfoUser {
    /// The username.
    pub name: String,
    /// The user id, a decimal string.
    pub id: String,
    /// The user token, for the `Authorization` header as it is.
    pub token: String,
    /// Whether this person is to be an operator of the bridge.
    pub operator: bool,
}

/// What a client needs to use the sandbox. Holds tokens in clear: it goes to files of mode 0600 only.
#[derive(Clone, Debug, Serialize)]
pub struct Info {
    /// Base address of the REST API for programs on this machine, `http://127.0.0.1:P/api/v10`.
    pub api: String,
    /// Address of the gateway, `ws://127.0.0.1:P`.
    pub gateway: String,
    /// Address of the page for browsers, `http://127.0.0.1:P/`; beyond this machine it ends in the
    /// sandbox's token, `#token=…`.
    pub page: String,
    /// The application's id, a decimal string.
    pub application_id: String,
    /// The id of the first guild, a decimal string.
    pub guild_id: String,
    /// The bot's token, without the prefix `Bot `.
    pub bot_token: String,
    /// The people: zack, who owns the first guild, and mallory.
    pub users: Vec<InfoUser>,
}

/// A running sandbox. Dropping it stops it at once; [`Sandbox::stop`] lets requests finish.
pub struct Sandbox {
    info: Info,
    app: Arc<App>,
    cancel: CancellationToken,
    server: JoinHandle<()>,
}

impl Sandbox {
    /// Starts a sandbox. Fails when the data folder cannot be used, another sandbox runs on it, its
    /// journal is damaged, or the address is taken.
    pub async fn start(options: Options) -> Result<Self> {
        let listener = bind(&options).await?;
        let listen = listener.local_addr()?;
        let kept = (options.listen.port() == 0).then(|| options.data_dir.join(PORT));
        let sandbox = Self::serve(listener, listen, options)?;
        if let Some(path) = kept
            && let Err(error) = std::fs::write(&path, listen.port().to_string())
        {
            tracing::warn!(%error, "the port cannot be kept for the next start");
        }
        Ok(sandbox)
    }

    /// Serves on a socket that others know under the address `listen`.
    fn serve(listener: TcpListener, listen: SocketAddr, options: Options) -> Result<Self> {
        let (journal, mut state) = Journal::open(&options.data_dir)?;
        let door = Door::of(listen.ip(), &options.data_dir)?;
        state.origin = format!("http://{}", door::here(listen));
        state.mint();
        let page = page(listen, &door);
        let info = info(&mut state, options.bot_token, page)?;
        let app = Arc::new(App::new(
            options.data_dir,
            state,
            journal,
            door,
            Switches::new(options.switches),
        ));
        // Writes what was minted to the journal.
        app.write(|_| ());
        let cancel = CancellationToken::new();
        let service = rest::router(&app).into_make_service_with_connect_info::<Link>();
        let stopped = cancel.clone().cancelled_owned();
        let serving = axum::serve(Port(listener), service).with_graceful_shutdown(stopped);
        let server = tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(%error, "the sandbox stopped serving");
            }
        });
        Ok(Self {
            info,
            app,
            cancel,
            server,
        })
    }

    /// Addresses, ids and tokens.
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// Closes the gateway sessions, lets requests finish (at most three seconds) and frees the port and
    /// the data folder. All state is on disk already.
    pub async fn stop(mut self) {
        self.app.hub.shutdown();
        self.cancel.cancel();
        if tokio::time::timeout(STOP_WITHIN, &mut self.server)
            .await
            .is_err()
        {
            tracing::debug!("requests were still open when the sandbox stopped");
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.app.hub.shutdown();
        self.cancel.cancel();
        self.server.abort();
    }
}

/// What a person opens.
fn page(listen: SocketAddr, door: &Door) -> String {
    let page = format!("http://{}/", door::outside(listen));
    match door.token() {
        Some(token) => format!("{page}#token={token}"),
        None => page,
    }
}

/// Where any port will do, that of last time is tried first: an open page and a bookmark find the sandbox
/// again after a restart.
async fn bind(options: &Options) -> Result<TcpListener> {
    if options.listen.port() == 0 {
        let kept = std::fs::read_to_string(options.data_dir.join(PORT)).unwrap_or_default();
        if let Ok(port) = kept.trim().parse()
            && let Ok(listener) = TcpListener::bind((options.listen.ip(), port)).await
        {
            return Ok(listener);
        }
    }
    TcpListener::bind(options.listen).await.with_context(|| {
        format!(
            "The sandbox cannot listen on {}. Choose another port or stop what uses it.",
            options.listen
        )
    })
}

fn info(state: &mut State, extra_token: Option<String>, page: String) -> Result<Info> {
    let application = state.applications.values().next().cloned();
    let application = application
        .context("The sandbox's journal holds no application. Delete it to start afresh.")?;
    let bot = state
        .users
        .get(&application.bot)
        .map(|user| user.token.clone());
    let minted = bot.context("The sandbox's journal holds no bot. Delete it to start afresh.")?;
    let bot_token = match extra_token {
        Some(token) => {
            state.accept_token(token.clone(), application.bot);
            token
        }
        None => minted,
    };
    let person = |user: &state::User| InfoUser {
        name: user.name.clone(),
        id: user.id.to_string(),
        token: user.token.clone(),
        operator: user.operator,
    };
    Ok(Info {
        api: format!("{}/api/v10", state.origin),
        gateway: state.origin.replacen("http", "ws", 1),
        page,
        application_id: application.id.to_string(),
        guild_id: state.first_guild().to_string(),
        bot_token,
        users: state
            .users
            .values()
            .filter(|user| !user.bot)
            .map(person)
            .collect(),
    })
}
