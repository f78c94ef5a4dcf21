//! Order within one thread and agent: a line of tickets per lane, first come, first served.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::store::queue::Lane;

/// The lanes that somebody stands in.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    tails: Mutex<Tails>,
}

#[derive(Debug, Default)]
struct Tails {
    issued: u64,
    last: HashMap<Lane, (u64, oneshot::Receiver<()>)>,
}

/// A place in a lane. Whoever is behind moves up when it is dropped.
#[derive(Debug)]
pub(super) struct Ticket {
    lanes: Arc<Lanes>,
    lane: Lane,
    number: u64,
    ahead: Option<oneshot::Receiver<()>>,
    _done: oneshot::Sender<()>,
}

impl Lanes {
    /// Joins the end of a lane. The order of the calls is the order of the turns.
    pub(super) fn join(self: &Arc<Self>, lane: Lane) -> Ticket {
        let (done, behind) = oneshot::channel();
        let mut tails = self.tails.lock().unwrap_or_else(PoisonError::into_inner);
        tails.issued += 1;
        let number = tails.issued;
        let ahead = tails.last.insert(lane.clone(), (number, behind));
        Ticket {
            lanes: Arc::clone(self),
            lane,
            number,
            ahead: ahead.map(|(_, receiver)| receiver),
            _done: done,
        }
    }

    /// The lanes that are taken.
    pub(super) fn busy(&self) -> Vec<Lane> {
        let tails = self.tails.lock().unwrap_or_else(PoisonError::into_inner);
        tails.last.keys().cloned().collect()
    }
}

impl Ticket {
    /// Returns when everybody ahead is gone. A ticket that is dropped before lets the one behind
    /// overtake, so wait even when there is nothing left to do.
    pub(super) async fn called(&mut self) {
        if let Some(ahead) = self.ahead.as_mut() {
            // The one ahead never sends: it goes, and that is the signal.
            let _ = ahead.await;
            self.ahead = None;
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut tails = self
            .lanes
            .tails
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let last = tails.last.get(&self.lane).map(|(number, _)| *number);
        if last == Some(self.number) {
            tails.last.remove(&self.lane);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::FutureExt;

    use super::Lanes;

    #[tokio::test]
    async fn a_lane_moves_up_in_the_order_of_joining() {
        let lanes = Arc::new(Lanes::default());
        let lane = (None, "agent:main:main".parse().unwrap());
        let mut first = lanes.join(lane.clone());
        let mut second = lanes.join(lane.clone());
        let mut third = lanes.join(lane.clone());
        first.called().await;
        assert!(second.called().now_or_never().is_none());
        drop(first);
        second.called().await;
        assert!(third.called().now_or_never().is_none());
        assert_eq!(lanes.busy(), vec![lane]);
        drop(second);
        third.called().await;
        drop(third);
        assert!(lanes.busy().is_empty());
    }

    #[tokio::test]
    async fn lanes_do_not_wait_for_each_other() {
        let lanes = Arc::new(Lanes::default());
        let _first = lanes.join((None, "agent:main:main".parse().unwrap()));
        let mut other = lanes.join((None, "agent:ricky:main".parse().unwrap()));
        assert!(other.called().now_or_never().is_some());
    }
}
