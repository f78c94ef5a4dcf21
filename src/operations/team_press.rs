//! What the controls of agents and skills do.

use uuid::Uuid;

use super::decide::Presser;
use super::team::{self, Which};
use super::{Desk, skills};
use crate::cards::team_press::TeamPress;
use crate::cards::{Draft, task_answers};
use crate::discord::layout::Layout;
use crate::store::Result;

/// Does what a control says. `chosen` is what came back from a list. Gives back what the person is told.
pub async fn press(
    desk: &Desk,
    layout: &Layout,
    presser: &Presser,
    (press, chosen): (TeamPress, Option<&str>),
) -> Result<Draft> {
    if presser.roles.is_none() {
        return Ok(Draft::text(task_answers::members_only()));
    }
    // What no list of ours holds is nobody's row.
    let row = chosen.and_then(|value| Uuid::try_parse(value).ok());
    let row = row.unwrap_or_default();
    Ok(match press {
        TeamPress::Agents { page } => team::listed(desk, layout, page).await?,
        TeamPress::Agent => team::shown(desk, layout, &Which::Row(row)).await?,
        TeamPress::Hire { request } => team::look(desk, layout, request).await?.draft,
        TeamPress::RetryHire { request } => team::retry(desk, layout, presser, request).await?,
        TeamPress::Skills { page } => skills::page(desk, page).await?,
        TeamPress::Skill => skills::show(desk, row).await?,
        TeamPress::CheckSkill { row } => skills::check(desk, presser, row).await?,
    })
}
