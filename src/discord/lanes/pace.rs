//! What lanes share: Discord's global limit, its hidden limit for webhooks, and the invalid-request budget.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::Class;
use super::bucket;
use super::invalid::InvalidBudget;
use super::window::Window;
use crate::discord::rest::{Access, Heard, LaneKey, Scope};

/// Discord's global limit (Rate Limits): per bot, and per address for what goes without the bot token.
const GLOBAL_LIMIT: usize = 50;
const GLOBAL_SPAN: Duration = Duration::from_secs(1);

/// As slow as global 429s make us.
const GLOBAL_FLOOR: usize = 10;

/// One request per second is won back after this long without a global 429.
const RECOVERY: Duration = Duration::from_secs(5);

/// Not documented, seen by many (discord-api-docs #367, #1454): all webhooks of a channel together.
const WEBHOOK_LIMIT: usize = 30;
const WEBHOOK_SPAN: Duration = Duration::from_mins(1);

/// A webhook's own bucket is 2 s long, so that a longer wait can only be the channel's hidden limit.
const LONGER_THAN_A_BUCKET: Duration = Duration::from_secs(10);

/// So many answers in a row without any limit, and the server has none.
const UNLIMITED_AFTER: u32 = 20;

/// At most 50 requests in any second, fewer after a global 429: somebody else uses the same token or address.
#[derive(Debug)]
struct Governor {
    window: Window,
    changed: Option<Instant>,
}

impl Governor {
    fn new() -> Self {
        Self {
            window: Window::new(GLOBAL_LIMIT, GLOBAL_SPAN),
            changed: None,
        }
    }

    fn free(&mut self, now: Instant) -> Result<(), Instant> {
        if let Some(changed) = self.changed.filter(|changed| now >= *changed + RECOVERY) {
            let limit = self.window.limit() + 1;
            self.window.set_limit(limit);
            self.changed = (limit < GLOBAL_LIMIT).then(|| changed + RECOVERY);
        }
        self.window.free(now)
    }

    fn slow_down(&mut self, until: Instant) {
        let slower = self.window.limit() * 3 / 4;
        self.window.set_limit(slower.max(GLOBAL_FLOOR));
        self.changed = Some(until);
    }
}

/// The limits that lanes share.
#[derive(Debug)]
pub(super) struct Pace {
    bot: Governor,
    open: Governor,
    webhooks: HashMap<u64, WebhookChannel>,
    paused_until: Option<Instant>,
    invalid: InvalidBudget,
    unlimited: u32,
}

#[derive(Debug)]
struct WebhookChannel {
    window: Window,
    held_until: Option<Instant>,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            bot: Governor::new(),
            open: Governor::new(),
            webhooks: HashMap::new(),
            paused_until: None,
            invalid: InvalidBudget::default(),
            unlimited: 0,
        }
    }

    fn enforced(&self) -> bool {
        self.unlimited < UNLIMITED_AFTER
    }

    fn governor(&mut self, access: Access) -> Option<&mut Governor> {
        match access {
            Access::Bot => Some(&mut self.bot),
            Access::Open => Some(&mut self.open),
            Access::Interaction => None,
        }
    }

    /// `Ok` if such a request may go now; else when to ask again.
    pub(super) fn may_send(
        &mut self,
        access: Access,
        class: Class,
        now: Instant,
    ) -> Result<(), Instant> {
        let class = match access {
            Access::Interaction => Class::Interactive,
            Access::Bot | Access::Open => class,
        };
        if let Some(until) = self.invalid.closed_until(class, now) {
            return Err(until);
        }
        let paused = self.paused_until.filter(|until| *until > now);
        let enforced = self.enforced();
        let Some(governor) = self.governor(access) else {
            return Ok(());
        };
        if let Some(until) = paused {
            return Err(until);
        }
        if enforced { governor.free(now) } else { Ok(()) }
    }

    /// When the hidden limit lets a webhook of this channel post; `None` if nothing is known against now.
    pub(super) fn webhook_free_at(&self, channel: u64, now: Instant) -> Option<Instant> {
        let channel = self.webhooks.get(&channel).filter(|_| self.enforced())?;
        channel.window.free(now).err().max(channel.held_until)
    }

    /// When the hidden limit of this channel may be forgotten.
    pub(super) fn webhook_quiet_at(&self, channel: u64, now: Instant) -> Option<Instant> {
        let channel = self.webhooks.get(&channel)?;
        channel.window.quiet_at(now).max(channel.held_until)
    }

    pub(super) fn forget_webhooks_of(&mut self, channel: u64) {
        self.webhooks.remove(&channel);
    }

    pub(super) fn started(&mut self, access: Access, webhook_channel: Option<u64>, now: Instant) {
        if let Some(governor) = self.governor(access) {
            governor.window.take(now);
        }
        if let Some(channel) = webhook_channel {
            let channel = self.webhooks.entry(channel).or_insert(WebhookChannel {
                window: Window::new(WEBHOOK_LIMIT, WEBHOOK_SPAN),
                held_until: None,
            });
            channel.window.take(now);
        }
    }

    /// The request sent then is over. `arrived`: when it was answered, or may have reached the server at the latest.
    pub(super) fn over(
        &mut self,
        access: Access,
        webhook_channel: Option<u64>,
        sent: Instant,
        arrived: Option<Instant>,
    ) {
        let settle = |window: &mut Window| match arrived {
            Some(arrived) => window.answered(sent, arrived),
            None => window.never_sent(sent),
        };
        if let Some(governor) = self.governor(access) {
            settle(&mut governor.window);
        }
        if let Some(channel) = webhook_channel.and_then(|id| self.webhooks.get_mut(&id)) {
            settle(&mut channel.window);
        }
    }

    /// Takes in what an answer says about limits. `wait` is set for a 429.
    pub(super) fn heard(
        &mut self,
        lane: LaneKey,
        access: Access,
        heard: &Heard,
        wait: Option<Duration>,
        now: Instant,
    ) {
        let limits = &heard.limits;
        if limits.present() {
            self.unlimited = 0;
        } else if heard.status < 300 && access != Access::Interaction {
            self.unlimited = self.unlimited.saturating_add(1);
        }
        let shared = wait.is_some() && limits.scope == Scope::Shared;
        if matches!(heard.status, 401 | 403 | 429) && !shared {
            self.invalid.count(now);
        }
        let Some(wait) = wait else { return };
        metrics::counter!("bridge_rate_limited_total", "scope" => limits.scope.as_str())
            .increment(1);
        let until = bucket::after(now, wait);
        match (limits.scope, lane) {
            (Scope::Global, _) => self.pause(access, until, now),
            (Scope::User, LaneKey::Webhook { channel, .. }) if wait > LONGER_THAN_A_BUCKET => {
                if let Some(channel) = self.webhooks.get_mut(&channel) {
                    channel.held_until = channel.held_until.max(Some(until));
                }
            }
            _ => {}
        }
    }

    fn pause(&mut self, access: Access, until: Instant, now: Instant) {
        let fresh = self.paused_until.is_none_or(|paused| paused <= now);
        self.paused_until = self.paused_until.max(Some(until));
        // What was in flight comes back with the same news; that is one reason to slow down, not fifty.
        if let Some(governor) = self.governor(access).filter(|_| fresh) {
            governor.slow_down(until);
            tracing::warn!(
                per_second = governor.window.limit(),
                "Discord's global rate limit was hit; everything waits, then goes on more slowly"
            );
        }
    }
}
