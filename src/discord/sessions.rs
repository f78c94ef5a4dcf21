//! The gateway sessions of agents' own bots: one each, which fails for itself and is tried again.

mod first_words;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::events::Inbound;
use super::gateway::{Ended, Gateway, GatewaySettings, PRIVATE_INTENTS};
use super::lanes::{Class, Lanes};
use super::layout::Layout;
use super::own_bots::OwnBots;
use super::portal::{Account, Application};
use super::rest::{ErrorKind, Request, Rest, RestError, Route};
use crate::model::bots::BotState;
use crate::model::mode::State;
use crate::model::operators::Roll;
use crate::model::{ApplicationId, UserId};

/// Wait after Discord has refused a token: somebody has to mend it, and sessions may be begun 1,000
/// times a day (source: Discord, session start limit).
const REFUSED: Duration = Duration::from_mins(5);

/// Waits after anything else: the first, and the longest.
const RETRY: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(2));

/// How long the first look may take: a bridge does not wait for long to start.
const FIRST_LOOK: Duration = Duration::from_secs(5);

/// A session that takes longer to begin is trouble: Discord lets one in every 5 s (source: its
/// Gateway page).
const CONNECT_WITHIN: Duration = Duration::from_secs(30);

/// What an agent's own bot is made of.
pub struct Session {
    /// The agent's short name.
    pub short: String,
    /// The setting its token comes from.
    pub setting: String,
    /// Its token.
    pub token: SecretString,
    /// Its way to Discord.
    pub rest: Rest,
    /// The same at Discord's pace.
    pub lanes: Lanes,
    /// Where it is told to others.
    pub bots: OwnBots,
    /// The way of the bridge's own bot.
    pub main: Lanes,
    /// The account of the bridge's own bot.
    pub main_account: UserId,
    /// Whether it has looked for chats that it never heard of.
    pub looked: AtomicBool,
}

/// Where it connects to, and who hears it.
pub struct Line {
    /// REST address, `…/api/v10`.
    pub api_base: Url,
    /// The websocket's address.
    pub gateway_url: String,
    /// The mode, which its presence shows.
    pub mode: watch::Receiver<State>,
    /// Where what it hears goes.
    pub heard: mpsc::UnboundedSender<Inbound>,
    /// The operators, those who are known by name among them.
    pub operators: Roll,
    /// Which chats are known.
    pub layout: watch::Receiver<Arc<Layout>>,
}

/// Why the bot is away, and how long it stays so.
enum Away {
    /// Discord does not take its token, or it is the wrong one.
    Refused(String),
    /// Discord does not answer, or not as expected.
    Silent(String),
}

impl Session {
    /// Finds out who the bot is, before anything is sent through it. A bridge that starts waits for
    /// this only so long.
    pub async fn first_look(&self) {
        let looking = tokio::time::timeout(FIRST_LOOK, self.recognise());
        match looking.await {
            Ok(Ok(_)) => {}
            Ok(Err(away)) => drop(self.tell(away)),
            Err(_) => drop(self.tell(Away::Silent("Discord does not answer in time".to_owned()))),
        }
    }

    /// Listens until cancelled. What goes wrong is told, and tried again after a while.
    pub async fn run(self, line: Line, cancel: CancellationToken) -> anyhow::Result<()> {
        let mut silent = RETRY.0;
        loop {
            let away = self.listen(&line, &cancel).await;
            if cancel.is_cancelled() {
                return Ok(());
            }
            let again = match &away {
                Away::Refused(_) => REFUSED,
                Away::Silent(_) => silent,
            };
            silent = (silent * 2).min(RETRY.1);
            let reason = self.tell(away);
            tracing::error!(agent = %self.short, "the own bot of {} is away: {reason}", self.short);
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                () = tokio::time::sleep(again) => {}
            }
        }
    }

    /// Writes down why it is away. One that Discord knows can still send.
    fn tell(&self, away: Away) -> String {
        let (state, reason): (fn(String) -> BotState, _) = match away {
            Away::Silent(reason) if self.is_known() => (BotState::Deaf, reason),
            Away::Refused(reason) | Away::Silent(reason) => (BotState::Down, reason),
        };
        self.bots.set(&self.short, state(reason.clone()));
        reason
    }

    fn is_known(&self) -> bool {
        self.bots.senders().contains(&self.short)
    }

    /// Who the bot is. From then on it can send.
    async fn recognise(&self) -> Result<ApplicationId, Away> {
        self.rest.trust_token_again();
        let account: Account = self.get(Route::current_user()).await?;
        if account.id == self.main_account {
            let setting = &self.setting;
            return Err(Away::Refused(format!(
                "{setting} is the token of the bridge's own bot. Make an app of its own for this agent."
            )));
        }
        let application: Application = self.get(Route::current_application()).await?;
        self.bots
            .introduce(&self.short, self.lanes.clone(), account.id);
        Ok(application.id)
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, route: Route) -> Result<T, Away> {
        let request = Request::new(route).give_up_after(FIRST_LOOK);
        let answer = self.lanes.submit(Class::Interactive, request).await;
        answer.json().into_result().map_err(|error: RestError| {
            if error.status() == Some(401) || error.kind() == ErrorKind::TokenRefused {
                Away::Refused(refused(&self.setting))
            } else {
                Away::Silent(error.to_string())
            }
        })
    }

    /// One session, until it ends for good.
    async fn listen(&self, line: &Line, cancel: &CancellationToken) -> Away {
        let application = match cancel.run_until_cancelled(self.recognise()).await {
            Some(Ok(application)) => application,
            Some(Err(away)) => return away,
            None => return Away::Silent("the bridge stops".to_owned()),
        };
        let (tell, mut heard) = mpsc::unbounded_channel();
        let settings = GatewaySettings {
            api_base: line.api_base.clone(),
            gateway_url: line.gateway_url.clone(),
            token: self.token.clone(),
            application: application.get(),
            mode: line.mode.clone(),
            intents: PRIVATE_INTENTS,
            setting: self.setting.clone(),
        };
        let gateway = match Gateway::listen(settings, tell) {
            Ok(gateway) => gateway,
            Err(error) => return Away::Silent(format!("{error:#}")),
        };
        let mut running = std::pin::pin!(gateway.run(cancel.clone()));
        let mut late = std::pin::pin!(tokio::time::sleep(CONNECT_WITHIN));
        let mut silent = true;
        loop {
            tokio::select! {
                biased;
                ended = &mut running => return why(ended, &self.setting),
                Some(event) = heard.recv() => {
                    silent = false;
                    self.hear(line, event);
                }
                () = &mut late, if silent => {
                    silent = false;
                    let reason = "the gateway does not let it in".to_owned();
                    self.bots.set(&self.short, BotState::Deaf(reason));
                }
            }
        }
    }

    /// Looks for what operators wrote before the bot heard of their chat, once.
    fn look_for_chats(&self, line: &Line) {
        if self.looked.swap(true, Ordering::Relaxed) {
            return;
        }
        let (bots, main, lanes) = (self.bots.clone(), self.main.clone(), self.lanes.clone());
        let (short, heard) = (self.short.clone(), line.heard.clone());
        let (operators, layout) = (line.operators.now(), line.layout.clone());
        tokio::spawn(async move {
            for operator in operators.users.iter().copied() {
                let chat = match first_words::chat(&lanes, operator).await {
                    Ok(chat) => chat,
                    Err(error) => {
                        tracing::debug!(%operator, %error, "no chat with {operator}: {error}");
                        continue;
                    }
                };
                // One that is known is read back like any channel.
                if layout.borrow().on_or_off(chat).is_some() {
                    continue;
                }
                bots.lend(&main, &short, chat);
                match first_words::unanswered(&lanes, chat, operator).await {
                    Ok(written) => written.into_iter().for_each(|written| {
                        let message = Inbound::Message(Box::new(written));
                        // Nobody listens only while the process ends.
                        let _ = heard.send(Inbound::ToBot(short.clone(), Box::new(message)));
                    }),
                    Err(error) => {
                        tracing::warn!(%operator, %error, "the chat with {operator} cannot be read: {error}");
                    }
                }
            }
        });
    }

    fn hear(&self, line: &Line, event: Inbound) {
        if matches!(event, Inbound::Ready) {
            self.look_for_chats(line);
        }
        match &event {
            Inbound::Ready | Inbound::Resumed => self.bots.set(&self.short, BotState::Up),
            Inbound::Disconnected => {
                let reason = "the connection broke, and another one is made".to_owned();
                self.bots.set(&self.short, BotState::Deaf(reason));
            }
            Inbound::Message(written) if written.guild.is_none() => {
                self.bots.lend(&self.main, &self.short, written.channel);
            }
            Inbound::Message(_) => return,
            _ => {}
        }
        // Nobody listens only while the process ends.
        let _ = line
            .heard
            .send(Inbound::ToBot(self.short.clone(), Box::new(event)));
    }
}

fn why(ended: anyhow::Result<()>, setting: &str) -> Away {
    match ended {
        Ok(()) => Away::Silent("the bridge stops".to_owned()),
        Err(error) => match error.downcast_ref::<Ended>() {
            Some(ended) if ended.refused => Away::Refused(refused(setting)),
            _ => Away::Silent(format!("{error:#}")),
        },
    }
}

fn refused(setting: &str) -> String {
    format!("Discord does not accept the token of {setting}")
}
