//! Skills: everybody in the server may look, operators have them checked.

use chrono::Utc;
use uuid::Uuid;

use super::Desk;
use super::decide::{Presser, refused};
use super::team::in_time;
use crate::cards::{Draft, skills as words, task_answers};
use crate::model::skill::Skill;
use crate::store::Result;

/// Most skills that are offered (source: Discord).
const OFFERED: usize = 25;

/// A page of all skills, or the one that is called so.
pub async fn look(desk: &Desk, presser: &Presser, called: Option<&str>) -> anyhow::Result<Draft> {
    if presser.roles.is_none() {
        return Ok(Draft::text(task_answers::members_only()));
    }
    in_time(async {
        let skills = desk.store.skills().await?;
        let Some(word) = called.map(str::trim).filter(|word| !word.is_empty()) else {
            return Ok(words::list(&skills, 0));
        };
        Ok(match find(&skills, word) {
            Some(skill) => words::skill(skill, desk.route.is_direct(), None),
            None => Draft::text(words::unknown(word)),
        })
    })
    .await
}

/// By its row, its id, or its name in any case.
fn find<'a>(skills: &'a [Skill], word: &str) -> Option<&'a Skill> {
    let row = Uuid::try_parse(word).ok();
    let lower = word.to_lowercase();
    let by = |fits: &dyn Fn(&Skill) -> bool| skills.iter().find(|skill| fits(skill));
    by(&|skill| Some(skill.row) == row)
        .or_else(|| by(&|skill| skill.id == word))
        .or_else(|| by(&|skill| skill.name.trim().to_lowercase() == lower))
}

/// The skills that what is typed so far may mean, as the name to show and the row to send.
pub async fn suggest(desk: &Desk, typed: &str) -> Vec<(String, String)> {
    let typed = typed.trim().to_lowercase();
    let skills = desk.store.skills().await.unwrap_or_default();
    let fits = |skill: &&Skill| {
        let words = [&skill.name, &skill.id];
        words
            .iter()
            .any(|word| word.to_lowercase().contains(&typed))
    };
    let offer = |skill: &Skill| (words::offer(skill), skill.row.to_string());
    skills
        .iter()
        .filter(fits)
        .take(OFFERED)
        .map(offer)
        .collect()
}

/// A page of all skills.
pub async fn page(desk: &Desk, page: u16) -> Result<Draft> {
    Ok(words::list(&desk.store.skills().await?, page))
}

/// One skill.
pub async fn show(desk: &Desk, row: Uuid) -> Result<Draft> {
    let skill = desk.store.skill(row).await?;
    Ok(skill.map_or_else(
        || Draft::text(words::gone()),
        |skill| words::skill(&skill, desk.route.is_direct(), None),
    ))
}

/// Has the executor look at a skill anew, and shows what the mirror says then.
pub async fn check(desk: &Desk, presser: &Presser, row: Uuid) -> Result<Draft> {
    if let Some(refusal) = refused(desk, presser) {
        return Ok(refusal);
    }
    let Some(skill) = desk.store.skill(row).await? else {
        return Ok(Draft::text(words::gone()));
    };
    if !desk.route.is_direct() {
        return Ok(words::skill(&skill, false, None));
    }
    let looked = match desk.control.check_skill(&skill.id).await {
        // It does not know the question, or the skill; all of them may tell.
        Ok(false) => desk.control.refresh_skills().await,
        other => other.map(drop),
    };
    let note = match looked {
        Ok(()) => words::checked(Utc::now().timestamp()),
        Err(error) => {
            desk.route.doubt();
            words::not_checked(&error.to_string())
        }
    };
    Ok(match desk.store.skill(row).await? {
        Some(skill) => words::skill(&skill, desk.route.is_direct(), Some(&note)),
        None => Draft::text(words::gone()),
    })
}
