//! How often somebody may write: repeated nonces, slow mode, edits of old messages.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use serde_json::Value;

use super::permissions::bits;
use super::{Message, State, now_ms, snowflake_ms};
use crate::limits;
use crate::rest::error::{ApiError, ApiResult};

/// What authors' enforced nonces led to: channel, message and when.
#[derive(Default)]
pub(super) struct Nonces(HashMap<(u64, String), (u64, u64, u64)>);

/// When old messages were edited.
#[derive(Default)]
pub(super) struct OldEdits(HashMap<u64, VecDeque<u64>>);

impl Nonces {
    /// Where a nonce of an author led, if that is not too long ago.
    pub(super) fn find(&self, author: u64, nonce: &Value) -> Option<(u64, u64)> {
        let (channel, message, at) = *self.0.get(&(author, nonce.to_string()))?;
        (now_ms().saturating_sub(at) < limits::NONCE_MEMORY_MS).then_some((channel, message))
    }

    /// Remembers where a nonce led; forgets those that are too old when there are many.
    pub(super) fn remember(&mut self, message: &Message) {
        let Some(nonce) = &message.nonce else { return };
        let now = now_ms();
        if self.0.len() >= 4096 {
            self.0
                .retain(|_, (_, _, at)| now.saturating_sub(*at) < limits::NONCE_MEMORY_MS);
        }
        let at = snowflake_ms(message.id);
        self.0.insert(
            (message.author, nonce.to_string()),
            (message.channel, message.id, at),
        );
    }
}

impl OldEdits {
    /// Forgets a message that is gone.
    pub(super) fn forget(&mut self, message: u64) {
        self.0.remove(&message);
    }
}

impl State {
    /// Refuses somebody who wrote in a channel with slow mode too short a time ago (20016). Bots and
    /// those who manage messages or the channel are exempt.
    pub(crate) fn refuse_hasty(&self, user: u64, channel: u64) -> ApiResult<()> {
        let slow_ms = self
            .channels
            .get(&channel)
            .map_or(0, |found| found.slowmode_seconds * 1000);
        let permissions = self.permissions(user, channel);
        let exempt = permissions & (bits::MANAGE_MESSAGES | bits::MANAGE_CHANNELS) != 0
            || self.users.get(&user).is_some_and(|user| user.bot);
        let Some(list) = self
            .messages
            .get(&channel)
            .filter(|_| slow_ms > 0 && !exempt)
        else {
            return Ok(());
        };
        let now = now_ms();
        let age_ms = |message: &Message| now.saturating_sub(snowflake_ms(message.id));
        let recent = list
            .values()
            .rev()
            .take_while(|message| age_ms(message) < slow_ms);
        let Some(previous) = recent.into_iter().find(|message| message.author == user) else {
            return Ok(());
        };
        let text = "This action cannot be performed due to slowmode rate limit";
        let mut error = ApiError::new(429, 20016, text);
        let wait = Duration::from_millis(slow_ms - age_ms(previous));
        error.retry_after = Some(wait.as_secs_f64());
        Err(error)
    }

    /// Discord caps edits of messages that are older than an hour (30046, as HTTP 429).
    pub(super) fn count_old_edit(&mut self, message: &Message) -> ApiResult<()> {
        let now = now_ms();
        if now.saturating_sub(message.written_ms()) < limits::OLD_MESSAGE_MS {
            return Ok(());
        }
        let edits = self.old_edits.0.entry(message.id).or_default();
        while edits
            .front()
            .is_some_and(|at| now.saturating_sub(*at) >= limits::OLD_EDIT_WINDOW_MS)
        {
            edits.pop_front();
        }
        if let Some(first) = edits.front().filter(|_| edits.len() >= limits::OLD_EDITS) {
            let text =
                "Maximum number of edits to messages older than 1 hour reached. Try again later.";
            let mut error = ApiError::new(429, 30046, text);
            let wait_ms = (first + limits::OLD_EDIT_WINDOW_MS).saturating_sub(now);
            error.retry_after = Some(Duration::from_millis(wait_ms).as_secs_f64());
            return Err(error);
        }
        edits.push_back(now);
        Ok(())
    }
}
