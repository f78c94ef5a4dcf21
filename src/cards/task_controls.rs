//! What can be done about a task or a question in it, below its card.

use super::Row;
use crate::model::attention::Question;
use crate::model::task::{TaskStatus, TimelineItem};

/// Below the card of a task that is no proposal: its status to choose, and a button that stops it.
pub fn task_controls(_task: uuid::Uuid, _status: &TaskStatus) -> Vec<Row> {
    Vec::new()
}

/// Below a question: a button per option and one for another answer; none once it is answered.
pub fn question_controls(_item: TimelineItem, _question: &Question, _answered: bool) -> Vec<Row> {
    Vec::new()
}
