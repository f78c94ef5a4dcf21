//! What the buttons, lists and forms of tasks do. Operators only.

use chrono::{DateTime, Utc};

use super::decide::Presser;
use super::{Desk, answer, task};
use crate::cards::Draft;
use crate::cards::task_press::TaskPress;
use crate::discord::layout::Layout;
use crate::store::Result;

/// What came with a press.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// What was typed into the form.
    pub typed: Option<&'a str>,
    /// What was chosen from the list.
    pub chosen: Option<&'a str>,
}

/// Does what a control of a task says. Gives back what the person is told.
pub async fn press(
    desk: &Desk,
    layout: &Layout,
    presser: &Presser,
    (press, given): (TaskPress, Given<'_>),
    now: DateTime<Utc>,
) -> Result<Draft> {
    if let Some(why) = task::hindered(desk, layout, presser) {
        return Ok(Draft::text(why));
    }
    let typed = given.typed.unwrap_or_default();
    let told = match press {
        TaskPress::Answer { item, letter } => answer::choose(desk, presser, item, letter).await?,
        TaskPress::AnswerFreely { item } | TaskPress::AnswerForm { item } => {
            answer::write(desk, presser, item, typed).await?
        }
        TaskPress::Status { task } => {
            let chosen = given.chosen.unwrap_or_default();
            task::set_status(desk, presser, task, chosen).await?
        }
        TaskPress::Stop { task } | TaskPress::StopForm { task } => {
            task::stop(desk, presser, task, typed).await?
        }
        TaskPress::Delete { task, until } => {
            task::delete(desk, presser, (task, until), now).await?
        }
    };
    Ok(Draft::text(told))
}

/// Whether there is something left to fill in a form for. Gives back what the person is told where there is
/// not.
pub async fn askable(
    desk: &Desk,
    layout: &Layout,
    presser: &Presser,
    press: TaskPress,
) -> Result<Option<Draft>> {
    if let Some(why) = task::hindered(desk, layout, presser) {
        return Ok(Some(Draft::text(why)));
    }
    let why = match press {
        TaskPress::AnswerFreely { item } => answer::answerable(desk, item).await?,
        TaskPress::Stop { task } => task::stoppable(desk, task).await?,
        _ => None,
    };
    Ok(why.map(Draft::text))
}
