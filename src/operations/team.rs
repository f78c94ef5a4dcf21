//! The team: everybody in the server may look, operators hire.

use std::future::Future;
use std::time::Duration;

use uuid::Uuid;

use super::Desk;
use super::decide::{Presser, refused};
use crate::cards::team::{self as words, Detail, Seat};
use crate::cards::{Draft, hire as hiring, task_answers};
use crate::control::Asked;
use crate::control::wire::HireItem;
use crate::delivery::fallback::{Call, Way};
use crate::discord::layout::Layout;
use crate::model::hire::{Hire, Request, RequestState};
use crate::model::team::Member;
use crate::model::view::Surface;
use crate::model::{AgentKey, InteractionId, MessageId};
use crate::store::Result;
use crate::store::provision::Filed;

/// How long the database may take: a command has to be answered within 3 s (source: Discord).
const PATIENCE: Duration = Duration::from_secs(2);

/// An executor that answered without saying what it did may still be writing the row.
const LOOKS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(100);

/// Somebody who is wanted, as it was typed.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The interaction: the same one asks once, however often it is heard.
    pub interaction: InteractionId,
    /// The name people will call it by.
    pub name: String,
    /// The short id, the middle of its key.
    pub short: String,
    /// What it will do.
    pub role: Option<String>,
    /// One emoji that stands for it.
    pub emoji: Option<String>,
}

/// What somebody who asked is told, and what may still change about it.
#[derive(Debug, Clone)]
pub struct Told {
    /// The words.
    pub draft: Draft,
    /// The request, while it is open.
    pub open: Option<Uuid>,
}

impl From<String> for Told {
    fn from(text: String) -> Self {
        Self {
            draft: Draft::text(text),
            open: None,
        }
    }
}

/// Which agent is meant.
#[derive(Debug, Clone)]
pub enum Which {
    /// Whoever is called so.
    Called(String),
    /// The one of this row.
    Row(Uuid),
}

fn seat<'a>(layout: &Layout, member: &'a Member) -> Seat<'a> {
    let channel = layout.channel(&Surface::dm(&member.key));
    let task = member.task.as_ref();
    Seat {
        member,
        channel: channel.map(|channel| channel.id),
        thread: task.and_then(|(task, _)| layout.threads().thread(*task)),
    }
}

/// A page of the team, with who is asked for.
pub async fn list(
    desk: &Desk,
    layout: &Layout,
    presser: &Presser,
    page: u16,
) -> anyhow::Result<Draft> {
    if presser.roles.is_none() {
        return Ok(Draft::text(task_answers::members_only()));
    }
    in_time(listed(desk, layout, page)).await
}

/// The same, for who is a member.
pub(super) async fn listed(desk: &Desk, layout: &Layout, page: u16) -> Result<Draft> {
    let members = desk.store.members().await?;
    let requests = desk.store.open_hires().await?;
    let seats: Vec<_> = members.iter().map(|member| seat(layout, member)).collect();
    Ok(words::team(&seats, &requests, page))
}

/// One agent with all that is known.
pub async fn show(
    desk: &Desk,
    layout: &Layout,
    presser: &Presser,
    which: Which,
) -> anyhow::Result<Draft> {
    if presser.roles.is_none() {
        return Ok(Draft::text(task_answers::members_only()));
    }
    in_time(shown(desk, layout, &which)).await
}

/// The same, for who is a member.
pub(super) async fn shown(desk: &Desk, layout: &Layout, which: &Which) -> Result<Draft> {
    let members = desk.store.members().await?;
    let found = match which {
        Which::Row(row) => members.iter().find(|member| member.row == *row),
        Which::Called(word) => {
            let called = layout.roster().find(word).map(|it| it.key.clone());
            let key = called.or_else(|| word.parse::<AgentKey>().ok());
            members
                .iter()
                .find(|member| Some(&member.key) == key.as_ref())
        }
    };
    let Some(member) = found else {
        return Ok(Draft::text(match which {
            Which::Called(word) => words::unknown_agent(word),
            Which::Row(_) => words::unknown_agent("of this row"),
        }));
    };
    let jobs = desk.store.jobs_of(&member.key).await?;
    let missing = layout.lacks(&Surface::dm(&member.key));
    let bots = desk.bots.borrow().clone();
    Ok(words::agent(&Detail {
        seat: seat(layout, member),
        missing: &missing,
        jobs: &jobs,
        bot: bots.get(member.key.short()),
    }))
}

/// Asks for a new agent: the executor while it is there, else the queue that it will look into.
pub async fn hire(
    desk: &Desk,
    layout: &Layout,
    presser: &Presser,
    wanted: &Wanted,
) -> anyhow::Result<Told> {
    if let Some(draft) = refused(desk, presser) {
        tracing::info!(user = %presser.user, "somebody who may not hire has tried to");
        return Ok(Told { draft, open: None });
    }
    let (role, emoji) = (wanted.role.as_deref(), wanted.emoji.as_deref());
    let hire = match Hire::parse(&wanted.name, &wanted.short, role, emoji) {
        Ok(hire) => safe(desk, hire),
        Err(bad) => return Ok(hiring::bad_hire(&bad.to_string()).into()),
    };
    let id = MessageId::for_interaction(wanted.interaction).0;
    let id = Uuid::new_v5(&id, b"hire");
    // Whoever answers the Control API may not look.
    match patiently(desk.store.hire_hindered(id, &hire)).await? {
        Err(draft) => return Ok(Told { draft, open: None }),
        Ok(None) => {}
        // The same command has asked for it before.
        Ok(Some(Filed::Request(_))) => return stands(desk, layout, id, &hire).await,
        Ok(Some(taken)) => return Ok(taken_words(&taken, &hire).into()),
    }
    let filed = desk
        .route
        .execute_with_fallback(
            || call(desk, id, &hire),
            |refusal| async { Ok(refusal.map(Told::from)) },
            |_| queue(desk, id, &hire),
        )
        .await;
    let refusal = match filed {
        Way::Direct(refusal) | Way::Backup(refusal) => refusal?,
    };
    if let Some(refusal) = refusal {
        return Ok(refusal);
    }
    tracing::info!(user = %presser.user, agent = %hire.key, "an agent was asked for");
    stands(desk, layout, id, &hire).await
}

/// What an executor that is not ours may pass through a shell.
fn safe(desk: &Desk, hire: Hire) -> Hire {
    let safe = |text: String| desk.shell.row_text(text, true);
    Hire {
        name: safe(hire.name),
        role: hire.role.map(safe),
        ..hire
    }
}

/// What the database gives, or what a person is told who cannot wait for it.
pub(super) async fn patiently<T>(
    work: impl Future<Output = Result<T>>,
) -> anyhow::Result<std::result::Result<T, Draft>> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(Ok(it)) => Ok(Ok(it)),
        Ok(Err(error)) if !error.is_outage() => Err(error.into()),
        Ok(Err(_)) | Err(_) => Ok(Err(Draft::text(hiring::database_away()))),
    }
}

/// The same, where what it gives is what a person is told.
pub(super) async fn in_time(work: impl Future<Output = Result<Draft>>) -> anyhow::Result<Draft> {
    Ok(patiently(work).await?.unwrap_or_else(|away| away))
}

async fn call(desk: &Desk, id: Uuid, hire: &Hire) -> Call<Option<String>> {
    let item = HireItem {
        id: Some(id),
        agent_key: Some(hire.key.to_string()),
        agent_id_short: Some(hire.key.short().to_owned()),
        display_name: Some(hire.name.clone()),
        name: Some(hire.name.clone()),
        emoji: hire.emoji.clone(),
        role_short: hire.role.clone(),
    };
    match desk.control.request_agent(item).await {
        Asked::Done => Call::Taken(None),
        Asked::Refused(why) => Call::Taken(Some(hiring::refused(&why))),
        Asked::NotSent(why) | Asked::NotKnown(why) => Call::NotSent(why),
        Asked::Unknown(why) => {
            desk.route.doubt();
            // The row may be there all the same; who looks for it finds it, or says so.
            tracing::warn!("nobody knows whether an agent was asked for: {why}");
            Call::Taken(None)
        }
    }
}

async fn queue(desk: &Desk, id: Uuid, hire: &Hire) -> anyhow::Result<Option<Told>> {
    Ok(match patiently(desk.store.file_hire(id, hire)).await? {
        Err(draft) => Some(Told { draft, open: None }),
        Ok(Filed::Request(_)) => None,
        Ok(taken) => Some(taken_words(&taken, hire).into()),
    })
}

fn taken_words(taken: &Filed, hire: &Hire) -> String {
    match taken {
        Filed::ShortTaken => hiring::short_taken(hire.key.short()),
        Filed::NameTaken => hiring::name_taken(&hire.name),
        Filed::Asked | Filed::Request(_) => hiring::asked_before(hire.key.short()),
    }
}

/// How the request stands; an existing executor gives it an id of its own.
async fn stands(desk: &Desk, layout: &Layout, id: Uuid, hire: &Hire) -> anyhow::Result<Told> {
    for _ in 0..LOOKS {
        let found = patiently(async {
            let own = desk.store.hire_request(id).await?;
            Ok(match own {
                Some(own) => Some(own),
                None => desk.store.newest_hire(&hire.key).await?,
            })
        });
        match found.await? {
            Err(draft) => return Ok(Told { draft, open: None }),
            Ok(Some(request)) => return Ok(told(desk, layout, &request)),
            Ok(None) => tokio::time::sleep(PAUSE).await,
        }
    }
    Ok(hiring::unknown_outcome().into())
}

fn told(desk: &Desk, layout: &Layout, request: &Request) -> Told {
    let agent: Option<AgentKey> = request.agent_key.parse().ok();
    let channel = agent.and_then(|agent| layout.channel(&Surface::dm(&agent)).cloned());
    let waits = match request.state {
        RequestState::Queued | RequestState::Running => true,
        // Its channel is still to come, and may not.
        RequestState::Done => channel.is_none(),
        RequestState::Failed(_) => false,
    };
    Told {
        draft: hiring::request(
            request,
            desk.route.is_direct(),
            channel.map(|channel| channel.id),
        ),
        open: waits.then_some(request.id),
    }
}

/// How a request stands now.
pub async fn look(desk: &Desk, layout: &Layout, request: Uuid) -> Result<Told> {
    Ok(match desk.store.hire_request(request).await? {
        Some(request) => told(desk, layout, &request),
        None => hiring::request_gone().into(),
    })
}

/// Tries a request that failed again, for an operator.
pub async fn retry(
    desk: &Desk,
    layout: &Layout,
    presser: &Presser,
    request: Uuid,
) -> Result<Draft> {
    if let Some(refusal) = refused(desk, presser) {
        return Ok(refusal);
    }
    if desk.store.hire_request(request).await?.is_none() {
        return Ok(Draft::text(hiring::request_gone()));
    }
    if !desk.store.retry_hire(request).await? {
        return Ok(Draft::text(hiring::not_failed()));
    }
    tracing::info!(user = %presser.user, %request, "a request for an agent is tried again");
    Ok(look(desk, layout, request).await?.draft)
}
