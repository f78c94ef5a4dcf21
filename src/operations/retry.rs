//! Trying a failed delivery again.

use super::Desk;
use super::decide::Presser;
use crate::cards::{Draft, delivery as words};
use crate::model::DeliveryId;
use crate::store::Result;

/// Tries a failed delivery again, for operators and for whoever wrote the message, as far as they
/// may address agents. Gives back what the person is told.
pub async fn again(desk: &Desk, presser: &Presser, delivery: DeliveryId) -> Result<Draft> {
    let Some(author) = desk.store.asked_by(delivery).await? else {
        return Ok(Draft::text(words::delivery_gone()));
    };
    let roles = presser.roles.as_deref();
    let operator = roles.is_some_and(|roles| desk.operators.includes(presser.user, roles));
    let own = roles.is_some() && author == Some(presser.user) && desk.members_may_ask;
    if presser.bot || !(operator || own) {
        tracing::info!(user = %presser.user, delivery_id = %delivery, "somebody who may not has pressed Retry");
        return Ok(Draft::text(words::may_not_retry()));
    }
    if desk.store.is_running(delivery).await? {
        return Ok(Draft::text(words::still_at_work()));
    }
    if !desk.store.retry(delivery).await? {
        return Ok(Draft::text(words::not_failed()));
    }
    tracing::info!(user = %presser.user, delivery_id = %delivery, "delivery {delivery} is tried again");
    desk.deliveries.pump();
    Ok(Draft::text(words::again(desk.deliveries.is_direct())))
}
