//! The controls of `/setup`: they work in a server that shows no project yet, so they belong to no home.

use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::json;

use super::events::Pressed;
use super::lanes::Lanes;
use super::presses::answer::{first, message, send};
use super::rest::interaction::{CHANGE_LATER, EPHEMERAL, FORM, SAY, SAY_LATER, private};
use super::rest::{RestError, Route};
use crate::cards::Draft;
use crate::cards::setup::answers::{self as words, NAME_FIELD};
use crate::cards::setup::press::{PREFIX, SetupPress};
use crate::error::Told;
use crate::model::operators::Kind;
use crate::operations::setup::{Given, Lobby, Picked, Step, Visitor, may_create, press};
use crate::store::StoreError;

/// How long a press waits for a database that is away, and the time between two tries.
const PATIENCE: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(100);

/// Answers presses of `/setup`.
#[derive(Clone)]
pub struct LobbyPresses {
    /// What it works with.
    pub lobby: Lobby,
}

impl LobbyPresses {
    /// Whether a press is one of these.
    pub fn knows(pressed: &Pressed) -> bool {
        pressed.custom_id.starts_with(PREFIX)
    }

    /// Answers a press, at the same time as others.
    pub fn take(&self, pressed: Pressed) {
        let hands = self.clone();
        tokio::spawn(async move {
            if let Err(error) = hands.answer(&pressed).await {
                tracing::warn!(%error, "a press of /setup could not be answered: {error}");
            }
        });
    }

    /// Answers a press that is nobody's.
    pub fn send_away(&self, pressed: Pressed, why: String) {
        let hands = self.clone();
        tokio::spawn(async move {
            if let Err(error) = hands.say(&pressed, why).await {
                tracing::warn!(%error, "a press could not be answered: {error}");
            }
        });
    }

    async fn answer(&self, pressed: &Pressed) -> Result<(), RestError> {
        let Some(wanted) = read(pressed) else {
            return self.say(pressed, words::unknown_button()).await;
        };
        let Some((guild, roles)) = pressed.member.clone() else {
            return self.say(pressed, words::no_server()).await;
        };
        let visitor = Visitor {
            user: pressed.user,
            name: pressed.name.clone(),
            bot: pressed.bot,
            guild,
            roles,
            places: Vec::new(),
        };
        if let SetupPress::Create(project) = &wanted {
            if let Some(refusal) = may_create(&self.lobby, &visitor, project) {
                return self.say(pressed, refusal).await;
            }
            let form = json!(words::name_form(project));
            return first(self.lanes(), pressed, FORM, Some(form)).await;
        }
        self.work(pressed, &visitor, &wanted).await
    }

    /// Acknowledges, does it, and says what came of it in the card itself.
    async fn work(
        &self,
        pressed: &Pressed,
        visitor: &Visitor,
        wanted: &SetupPress,
    ) -> Result<(), RestError> {
        // A card of ours is for one person alone; what anybody could see is not changed.
        let acknowledged = if pressed.private {
            first(self.lanes(), pressed, CHANGE_LATER, None).await
        } else {
            let alone = Some(json!({ "flags": EPHEMERAL }));
            first(self.lanes(), pressed, SAY_LATER, alone).await
        };
        if let Err(error) = acknowledged {
            // It counts all the same: the next card will show it.
            tracing::warn!(%error, "a press of /setup could not be acknowledged: {error}");
        }
        let done = match self.done(pressed, visitor, wanted).await {
            Ok(Step::Moves(moving)) => {
                self.show(pressed, &moving.meanwhile()).await?;
                moving.settled(&self.lobby, visitor).await
            }
            Ok(Step::Said(draft)) => Ok(draft),
            Err(error) => Err(error),
        };
        self.show(pressed, &done.unwrap_or_else(|error| failed(&error)))
            .await
    }

    async fn done(
        &self,
        pressed: &Pressed,
        visitor: &Visitor,
        wanted: &SetupPress,
    ) -> anyhow::Result<Step> {
        let picked: Option<Vec<Picked>> = pressed.picked.as_ref().map(|all| {
            let one = |it: &super::events::Pick| Picked {
                kind: if it.role { Kind::Role } else { Kind::User },
                id: it.id,
                name: it.name.clone(),
                bot: it.bot,
            };
            all.iter().map(one).collect()
        });
        let mut fields = pressed.fields.iter();
        let given = Given {
            chosen: &pressed.chosen,
            picked: picked.as_deref(),
            name: fields
                .find(|(name, _)| name == NAME_FIELD)
                .map(|(_, typed)| typed.as_str()),
        };
        let working = async {
            loop {
                match press(&self.lobby, visitor, wanted, given).await {
                    Err(error) if is_outage(&error) => tokio::time::sleep(PAUSE).await,
                    done => break done,
                }
            }
        };
        let done = tokio::time::timeout(PATIENCE, working).await;
        done.unwrap_or_else(|_| Ok(words::database_away().into()))
    }

    fn lanes(&self) -> &Lanes {
        &self.lobby.lanes
    }

    /// What stands in the card from now on.
    async fn show(&self, pressed: &Pressed, draft: &Draft) -> Result<(), RestError> {
        let token = pressed.token.expose_secret();
        let route = Route::edit_original(pressed.application, token);
        send(self.lanes(), message(route, draft)).await
    }

    async fn say(&self, pressed: &Pressed, text: String) -> Result<(), RestError> {
        let said = private(&Draft::text(text));
        first(self.lanes(), pressed, SAY, Some(said)).await
    }
}

fn is_outage(error: &anyhow::Error) -> bool {
    let store = error.downcast_ref::<StoreError>();
    store.is_some_and(StoreError::is_outage)
}

/// What is said when something went wrong.
pub fn failed(error: &anyhow::Error) -> Draft {
    if is_outage(error) {
        tracing::warn!(%error, "the database does not answer /setup: {error}");
        return Draft::text(words::database_away());
    }
    let told = Told::of(error);
    if let Told::Reference(reference) = &told {
        tracing::error!(%reference, error = format!("{error:#}"), "a part of /setup failed");
    }
    Draft::text(told.sentence())
}

/// What a button, a list or a form asks for; none for what is none of ours.
fn read(pressed: &Pressed) -> Option<SetupPress> {
    let press: SetupPress = pressed.custom_id.parse().ok()?;
    let is_form = pressed.typed.is_some();
    let fits = press.is_form() == is_form && press.is_list() == pressed.listed;
    fits.then_some(press)
}
