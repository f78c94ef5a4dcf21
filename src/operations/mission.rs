//! The mission: everybody may look, operators write it.

use super::Desk;
use super::decide::{Presser, refused};
use super::task_find::in_time_or;
use crate::cards::Personas;
use crate::cards::mission as words;
use crate::model::message::MEMBER_PREFIX;
use crate::model::mission::NewMission;
use crate::model::view::Entity;
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

/// Writes the mission, if an operator says so.
pub async fn set_mission(
    desk: &Desk,
    presser: &Presser,
    text: &str,
    shown: bool,
) -> anyhow::Result<String> {
    if refused(desk, presser).is_some() {
        tracing::info!(user = %presser.user, "somebody who may not write the mission has tried to");
        return Ok(words::not_an_operator());
    }
    let new = match NewMission::new(text) {
        Ok(new) => new,
        Err(why) => return Ok(words::refused(why)),
    };
    let by = format!("{MEMBER_PREFIX}{}", presser.user);
    in_time_or(words::database_away, async {
        let saved = desk.store.set_mission(&new, (&by, &presser.name)).await?;
        let told = match saved {
            Saved::Done => words::saved(true, shown),
            Saved::Same => words::saved(false, shown),
            Saved::Taken(there) => {
                let personas = Personas::new(&desk.store.agents().await?);
                return Ok(words::taken(&there, &personas, new.as_str()));
            }
        };
        // The feed tells it too, where there is one. Nobody listens only at the end.
        let _ = desk.look.send(Entity::MISSION);
        Ok(told)
    })
    .await
}
