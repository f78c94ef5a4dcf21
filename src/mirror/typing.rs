//! "… is typing", where an agent works on a message.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::discord::lanes::{Class, Lanes};
use crate::discord::rest::{Request, Route};
use crate::model::{ChannelId, DeliveryId};

/// Discord shows it for ten seconds (source: its Channel page).
const EVERY: Duration = Duration::from_secs(8);

/// A turn that is over sooner is not worth showing: it would still be shown after the answer.
const AFTER: Duration = Duration::from_millis(800);

/// No turn takes longer: whoever is not heard of for so long has not told its end.
const LONGEST: Duration = Duration::from_mins(10);

/// Deliveries, and the channels in which their agents work on them; none when they do not.
pub type AtWork = Vec<(DeliveryId, Vec<ChannelId>)>;

/// Shows where agents work, until cancelled.
pub async fn run(
    lanes: Lanes,
    mut at_work: mpsc::UnboundedReceiver<AtWork>,
    cancel: CancellationToken,
) -> anyhow::Result<()> {
    let mut working: HashMap<DeliveryId, (Vec<ChannelId>, Instant)> = HashMap::new();
    let mut shown: HashMap<ChannelId, Instant> = HashMap::new();
    let mut next: Option<Instant> = None;
    loop {
        tokio::select! {
            biased;
            () = cancel.cancelled() => return Ok(()),
            Some(news) = at_work.recv() => {
                for (delivery, channels) in news {
                    if channels.is_empty() {
                        working.remove(&delivery);
                    } else {
                        working.entry(delivery).or_insert_with(|| (Vec::new(), Instant::now())).0 = channels;
                    }
                }
            }
            () = tokio::time::sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
        }
        working.retain(|_, (_, since)| since.elapsed() < LONGEST);
        next = show(&lanes, &working, &mut shown);
    }
}

/// Shows what is due. Gives back when something is due again.
fn show(
    lanes: &Lanes,
    working: &HashMap<DeliveryId, (Vec<ChannelId>, Instant)>,
    shown: &mut HashMap<ChannelId, Instant>,
) -> Option<Instant> {
    let mut since: HashMap<ChannelId, Instant> = HashMap::new();
    for (channels, began) in working.values() {
        for channel in channels {
            let first = since.entry(*channel).or_insert(*began);
            *first = (*first).min(*began);
        }
    }
    shown.retain(|channel, _| since.contains_key(channel));
    let mut next = None;
    for (channel, began) in since {
        let due = shown.get(&channel).map_or(began + AFTER, |at| *at + EVERY);
        let due = if due > Instant::now() {
            due
        } else {
            shown.insert(channel, Instant::now());
            // Nobody needs to know whether it worked; the next one comes soon.
            tokio::spawn(lanes.submit(Class::Edit, Request::new(Route::typing(channel.get()))));
            Instant::now() + EVERY
        };
        next = Some(next.map_or(due, |sooner: Instant| sooner.min(due)));
    }
    next
}
