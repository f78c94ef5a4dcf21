//! The mission: everybody may look, operators write it. Through the executor while it is there, else by the database.

use super::Desk;
use super::decide::{Presser, refused};
use super::docs_write::{reason, seen, writer, writer_of};
use super::task_find::in_time_or;
use crate::cards::mission as words;
use crate::cards::{Draft, Personas};
use crate::control::Save;
use crate::control::wire::OverviewSave;
use crate::delivery::fallback::Way;
use crate::model::document::MISSION;
use crate::model::mission::NewMission;
use crate::model::view::Entity;
use crate::store::Result;
use crate::store::mission::Saved;

/// What the mission is. `shown` tells whether its feature is on.
pub async fn mission(desk: &Desk, shown: bool) -> anyhow::Result<String> {
    in_time_or(words::database_away, async {
        let (mission, _) = desk.store.mission().await?;
        let problem = desk.store.banner().await?.problem;
        let personas = Personas::new(&desk.store.agents().await?);
        let problem = problem.as_deref();
        Ok(words::show(mission.as_ref(), &personas, shown, problem))
    })
    .await
}

/// Writes the mission, if an operator says so, who may have seen a version of it.
pub async fn written(
    desk: &Desk,
    presser: &Presser,
    (text, version): (&str, Option<u64>),
    shown: bool,
) -> Result<Draft> {
    if refused(desk, presser).is_some() {
        tracing::info!(user = %presser.user, "somebody who may not write the mission has tried to");
        return Ok(Draft::text(words::not_an_operator()));
    }
    let new = match NewMission::new(text) {
        Ok(new) => new,
        Err(why) => return Ok(Draft::text(words::refused(why))),
    };
    let told = match write(desk, presser, (&new, version)).await? {
        Ok(Saved::Done) => words::saved(true, shown),
        Ok(Saved::Same) => words::saved(false, shown),
        Ok(Saved::Taken(there)) => {
            let personas = Personas::new(&desk.store.agents().await?);
            return Ok(words::taken(&there, &personas, new.as_str()));
        }
        Err(why) => return Ok(Draft::text(words::not_taken(&why))),
    };
    // The feed tells it too, where there is one. Nobody listens only at the end.
    let _ = desk.look.send(Entity::MISSION);
    Ok(Draft::text(told))
}

async fn write(
    desk: &Desk,
    presser: &Presser,
    (new, version): (&NewMission, Option<u64>),
) -> Result<std::result::Result<Saved, String>> {
    let (by, name) = writer(presser);
    let by = (by.as_str(), name.as_str());
    let keep = || desk.store.set_mission((new, seen(version)), by);
    let before = desk.store.project_doc(MISSION).await?;
    // Existing executors write over whatever is there, so it is looked here, and told as the database tells it.
    let (kept, is_same) = match &before {
        Some(it) => {
            let kept = desk.store.is_as_seen(it.line.doc, seen(version), by.0);
            (kept.await?, it.text == new.as_str())
        }
        None => (true, false),
    };
    if !kept || is_same || !desk.route.is_direct() {
        return keep().await.map(Ok);
    }
    let wanted = Save::Overview(OverviewSave {
        mission: Some(new.as_str().to_owned()),
        writer: writer_of(by, version.filter(|_| before.is_some())),
        ..OverviewSave::default()
    });
    let asked = match desk.deliveries.save(&wanted, keep).await {
        Way::Backup(saved) => return saved.map(Ok),
        Way::Direct(asked) => asked,
    };
    // An executor may say that all went well and have done nothing.
    let (there, now) = (
        desk.store.mission().await?.0,
        desk.store.project_doc(MISSION).await?,
    );
    Ok(match (there, now) {
        (Some(there), Some(now)) if there.text == new.as_str() && !there.cut => {
            desk.store.tell_of_document(&now.line, by.1).await?;
            Ok(Saved::Done)
        }
        (Some(there), Some(now)) if before.is_none_or(|it| it.version != now.version) => {
            Ok(Saved::Taken(there))
        }
        _ => Err(reason(asked)),
    })
}
