//! Buttons, lists and forms: acknowledged at once, whatever the backlog; the work comes after.

pub(super) mod answer;

use std::sync::Arc;
use std::time::Duration;

use answer::message;
use chrono::Utc;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::events::Pressed;
use super::lanes::{Class, Lanes};
use super::layout::Layout;
use super::rest::interaction::{CHANGE_LATER, EPHEMERAL, FORM, SAY, SAY_LATER, private};
use super::rest::{Request, RestError, Route};
use crate::cards::custom_id::{Press, ReasonForm, UnknownPress};
use crate::cards::docs::press::DocPress;
use crate::cards::form::Form;
use crate::cards::schedule::press::SchedulePress;
use crate::cards::task_press::TaskPress;
use crate::cards::team_press::TeamPress;
use crate::cards::{Draft, Modal, answers, task_answers, verdict as words};
use crate::error::{Told, UserError};
use crate::model::RoleId;
use crate::operations::Desk;
use crate::operations::decide::{Presser, askable, press};
use crate::operations::task_press::{self as tasks, Given};
use crate::operations::team_press;
use crate::operations::{docs, schedule};
use crate::store;

/// How long Discord may take to say whether somebody is a member: a press has to be answered
/// within 3 s (source: Discord).
const MEMBER_TIMEOUT: Duration = Duration::from_secs(2);

/// How long the database may take before a form is opened, within the same 3 s.
const LOOK_TIMEOUT: Duration = Duration::from_millis(800);

/// How long a press waits for a database that is away, and the time between two tries: after an
/// outage each connection has to be found dead once.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(100);

/// An existing executor takes its time to look at skills, and may be asked twice.
const CHECK_PATIENCE: Duration = Duration::from_secs(80);

/// A document is written by the executor in 3 s, or by the database.
const DOC_PATIENCE: Duration = Duration::from_secs(10);

/// Answers presses.
#[derive(Clone)]
pub struct Presses {
    /// What every operation works with.
    pub desk: Desk,
    /// The way to Discord.
    pub lanes: Lanes,
    /// Which server is ours.
    pub layout: watch::Receiver<Arc<Layout>>,
}

#[derive(Deserialize)]
struct Member {
    roles: Vec<RoleId>,
}

impl Presses {
    /// Answers a press, at the same time as others.
    pub fn take(&self, pressed: Pressed) {
        let hands = self.clone();
        tokio::spawn(async move { hands.answer(&pressed).await });
    }

    async fn answer(&self, pressed: &Pressed) {
        let answered = if let Ok(wanted) = read(pressed) {
            self.follow(pressed, wanted).await
        } else {
            let draft = Draft::text(words::unknown_button());
            self.say(pressed, &draft).await
        };
        if let Err(error) = answered {
            tracing::warn!(%error, "a press could not be answered: {error}");
        }
    }

    async fn follow(&self, pressed: &Pressed, wanted: Wanted) -> Result<(), RestError> {
        match wanted {
            Wanted::Schedule(SchedulePress::Edit(_)) => {
                return self.ask_change(pressed, wanted).await;
            }
            Wanted::Doc(press) if press.opens() => return self.ask_change(pressed, wanted).await,
            _ => {}
        }
        match form(&wanted, pressed) {
            Some(form) => self.ask(pressed, wanted, form).await,
            None => self.work(pressed, wanted).await,
        }
    }

    /// Opens a form, for those who may do what can still be done: nobody should type a reason for
    /// nothing. A form is the first answer, so none of this may take long.
    async fn ask(&self, pressed: &Pressed, wanted: Wanted, form: Modal) -> Result<(), RestError> {
        let refusal = match self.presser(pressed).await {
            Err(error) => Some(Draft::text(Told::of(&error).sentence())),
            Ok(who) => match tokio::time::timeout(LOOK_TIMEOUT, self.look(&who, wanted)).await {
                Ok(Ok(refusal)) => refusal,
                Ok(Err(_)) | Err(_) => Some(Draft::text(answers::database_away())),
            },
        };
        match refusal {
            Some(refusal) => self.say(pressed, &refusal).await,
            None => self.first(pressed, FORM, Some(json!(form))).await,
        }
    }

    /// Opens the form of a job or a document, filled in as that is now.
    async fn ask_change(&self, pressed: &Pressed, wanted: Wanted) -> Result<(), RestError> {
        let refusal = match self.presser(pressed).await {
            Err(error) => Draft::text(Told::of(&error).sentence()),
            Ok(who) => {
                let looking = self.filled_in(&who, wanted);
                match tokio::time::timeout(LOOK_TIMEOUT, looking).await {
                    Ok(Ok(Ok(form))) => return self.first(pressed, FORM, Some(json!(form))).await,
                    Ok(Ok(Err(refusal))) => refusal,
                    Ok(Err(_)) | Err(_) => Draft::text(answers::database_away()),
                }
            }
        };
        self.say(pressed, &refusal).await
    }

    async fn filled_in(&self, who: &Presser, wanted: Wanted) -> store::Result<Result<Form, Draft>> {
        match wanted {
            Wanted::Doc(press) => docs::open(&self.desk, who, press).await,
            Wanted::Schedule(SchedulePress::Edit(job)) => {
                schedule::edit_form(&self.desk, who, job).await
            }
            _ => Ok(Err(Draft::text(words::unknown_button()))),
        }
    }

    /// Why there is nothing to ask; none where there is.
    async fn look(&self, who: &Presser, wanted: Wanted) -> store::Result<Option<Draft>> {
        match wanted {
            Wanted::Verdict(Press::RejectWithReason { reference, hash }) => {
                askable(&self.desk, who, reference, hash).await
            }
            Wanted::Verdict(_) | Wanted::Team(_) | Wanted::Schedule(_) | Wanted::Doc(_) => Ok(None),
            Wanted::Task(press) => {
                let layout = self.layout.borrow().clone();
                tasks::askable(&self.desk, &layout, who, press).await
            }
        }
    }

    /// Acknowledges, does it, and says what is left to say.
    async fn work(&self, pressed: &Pressed, wanted: Wanted) -> Result<(), RestError> {
        // The answer to these stands in a message that the person alone sees.
        let own = match wanted {
            Wanted::Verdict(Press::Details { .. }) => true,
            // Files of before would stay on the message.
            Wanted::Doc(press) => !matches!(press, DocPress::Page(_)),
            _ => false,
        };
        let replaces = pressed.private;
        let acknowledged = if own {
            self.first(pressed, SAY_LATER, Some(json!({ "flags": EPHEMERAL })))
                .await
        } else {
            self.first(pressed, CHANGE_LATER, None).await
        };
        if let Err(error) = acknowledged {
            // The verdict counts all the same: the card will show it.
            tracing::warn!(%error, "a press could not be acknowledged: {error}");
        }
        let told = match self.done(pressed, wanted).await {
            Ok(told) => told,
            Err(error) => {
                let told = Told::of(&error);
                if let Told::Reference(reference) = &told {
                    tracing::error!(%reference, error = format!("{error:#}"), "a press failed");
                }
                Draft::text(told.sentence())
            }
        };
        let application = pressed.application;
        let token = pressed.token.expose_secret();
        let route = if own || replaces {
            Route::edit_original(application, token)
        } else {
            Route::create_followup(application, token)
        };
        self.send(message(route, &told)).await
    }

    async fn done(&self, pressed: &Pressed, what: Wanted) -> anyhow::Result<Draft> {
        let who = self.presser(pressed).await?;
        let typed = pressed.typed.as_deref();
        let given = Given {
            typed,
            chosen: pressed.chosen.first().map(String::as_str),
        };
        let deciding = async {
            loop {
                let done = match what {
                    Wanted::Verdict(what) => press(&self.desk, &who, what, typed, Utc::now()).await,
                    Wanted::Task(what) => {
                        let layout = self.layout.borrow().clone();
                        tasks::press(&self.desk, &layout, &who, (what, given), Utc::now()).await
                    }
                    Wanted::Team(what) => {
                        let layout = self.layout.borrow().clone();
                        team_press::press(&self.desk, &layout, &who, (what, given.chosen)).await
                    }
                    Wanted::Doc(what) => {
                        let layout = self.layout.borrow().clone();
                        let given = docs::Given {
                            interaction: pressed.interaction,
                            chosen: given.chosen,
                            fields: &pressed.fields,
                        };
                        docs::press(&self.desk, &layout, &who, (what, given)).await
                    }
                    Wanted::Schedule(what) => {
                        let layout = self.layout.borrow().clone();
                        let given = schedule::Given {
                            interaction: pressed.interaction,
                            chosen: given.chosen,
                            fields: &pressed.fields,
                        };
                        schedule::press(&self.desk, &layout, &who, (what, given), Utc::now()).await
                    }
                };
                match done {
                    Err(error) if error.is_outage() => {
                        tracing::warn!(%error, "a press waits for the database: {error}");
                        tokio::time::sleep(PAUSE).await;
                    }
                    told => break told,
                }
            }
        };
        match tokio::time::timeout(patience(what), deciding).await {
            Ok(told) => Ok(told?),
            Err(_) => Ok(Draft::text(answers::database_away())),
        }
    }

    /// Who pressed, with their roles in our server: a press elsewhere says nothing about them.
    async fn presser(&self, pressed: &Pressed) -> anyhow::Result<Presser> {
        let guild = self.layout.borrow().guild;
        let roles = match &pressed.member {
            Some((here, roles)) if *here == guild => Some(roles.clone()),
            _ => {
                let route = Route::guild_member(guild.get(), pressed.user.get());
                let asked = self.lanes.submit(Class::Interactive, Request::new(route));
                let member = tokio::time::timeout(MEMBER_TIMEOUT, asked).await;
                match member.map(|answer| answer.json::<Member>().into_result()) {
                    Ok(Ok(member)) => Some(member.roles),
                    Ok(Err(error)) if error.status() == Some(404) => None,
                    _ => return Err(UserError::new(answers::not_told_in_time()).into()),
                }
            }
        };
        Ok(Presser {
            user: pressed.user,
            name: pressed.name.clone(),
            bot: pressed.bot,
            roles,
        })
    }

    async fn say(&self, pressed: &Pressed, draft: &Draft) -> Result<(), RestError> {
        self.first(pressed, SAY, Some(private(draft))).await
    }

    /// The first answer.
    async fn first(
        &self,
        pressed: &Pressed,
        kind: u8,
        data: Option<Value>,
    ) -> Result<(), RestError> {
        answer::first(&self.lanes, pressed, kind, data).await
    }

    async fn send(&self, request: Request) -> Result<(), RestError> {
        answer::send(&self.lanes, request).await
    }
}

/// What somebody wants who has pressed something.
#[derive(Clone, Copy)]
enum Wanted {
    /// Something about a proposal or a delivery.
    Verdict(Press),
    /// Something about a task.
    Task(TaskPress),
    /// Something about agents or skills.
    Team(TeamPress),
    /// Something about the schedule.
    Schedule(SchedulePress),
    /// Something about documents or the mission.
    Doc(DocPress),
}

/// What a button, a list or a form that was sent asks for. A form's id on a button is none of ours, nor the
/// other way round.
fn read(pressed: &Pressed) -> Result<Wanted, UnknownPress> {
    let is_form = pressed.typed.is_some();
    if let Ok(press) = pressed.custom_id.parse::<TeamPress>() {
        let fits = !is_form && press.is_list() != pressed.chosen.is_empty();
        return fits.then_some(Wanted::Team(press)).ok_or(UnknownPress);
    }
    if let Ok(press) = pressed.custom_id.parse::<TaskPress>() {
        let fits = press.is_form() == is_form && press.is_list() != pressed.chosen.is_empty();
        return fits.then_some(Wanted::Task(press)).ok_or(UnknownPress);
    }
    if let Ok(press) = pressed.custom_id.parse::<SchedulePress>() {
        let fits = press.is_form() == is_form && press.is_list() != pressed.chosen.is_empty();
        return fits.then_some(Wanted::Schedule(press)).ok_or(UnknownPress);
    }
    if let Ok(press) = pressed.custom_id.parse::<DocPress>() {
        let fits = press.is_form() == is_form && press.is_list() != pressed.chosen.is_empty();
        return fits.then_some(Wanted::Doc(press)).ok_or(UnknownPress);
    }
    if !is_form {
        return pressed.custom_id.parse().map(Wanted::Verdict);
    }
    let ReasonForm { reference, hash } = pressed.custom_id.parse()?;
    Ok(Wanted::Verdict(Press::RejectWithReason { reference, hash }))
}

/// The form that has to be opened first.
fn form(wanted: &Wanted, pressed: &Pressed) -> Option<Modal> {
    match *wanted {
        Wanted::Verdict(Press::RejectWithReason { reference, hash }) => {
            let asks = pressed.typed.is_none();
            asks.then(|| words::reason_form(reference, hash))
        }
        Wanted::Task(TaskPress::AnswerFreely { item }) => Some(task_answers::answer_form(item)),
        Wanted::Task(TaskPress::Stop { task }) => Some(task_answers::stop_form(task)),
        Wanted::Verdict(_)
        | Wanted::Task(_)
        | Wanted::Team(_)
        | Wanted::Schedule(_)
        | Wanted::Doc(_) => None,
    }
}

/// How long the work for a press may take.
fn patience(wanted: Wanted) -> Duration {
    match wanted {
        Wanted::Team(TeamPress::CheckSkill { .. }) => CHECK_PATIENCE,
        Wanted::Doc(_) => DOC_PATIENCE,
        _ => PATIENCE,
    }
}
