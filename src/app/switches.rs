//! Parts that are switched off and on while everything else runs, so that people see what happens then.
//! The sandbox's console has the levers. Where there is none, or a part is not ours, nothing can be
//! switched.

use std::net::SocketAddr;

use tokio::net::TcpSocket;
use tokio::sync::{mpsc, oneshot, watch};

/// On or off, and whom to tell what has become of it.
type Wish = (bool, oneshot::Sender<Result<(), String>>);

/// The switches as the parts have them.
pub struct Hands {
    /// Of the built-in executor.
    pub executor: Hand,
    /// Of the embedded database.
    pub database: Hand,
    /// Rings when one was turned.
    pub turned: watch::Sender<()>,
}

/// A part's end of its switch.
pub struct Hand {
    wishes: mpsc::Receiver<Wish>,
    on: watch::Sender<bool>,
    turned: watch::Sender<()>,
}

/// Whoever has turned a switch, and waits. Dropped when the part ends with the bridge.
pub struct Asking(oneshot::Sender<Result<(), String>>);

impl Hands {
    /// Nothing can be switched.
    pub fn fixed() -> Self {
        Self {
            executor: Hand::fixed(),
            database: Hand::fixed(),
            turned: watch::Sender::default(),
        }
    }
}

impl Hand {
    /// One that nobody turns.
    pub fn fixed() -> Self {
        let (_, wishes) = mpsc::channel(1);
        Self {
            wishes,
            on: watch::Sender::new(true),
            turned: watch::Sender::default(),
        }
    }

    /// Waits until somebody wants the part to be other than it is.
    pub async fn asked(&mut self) -> Asking {
        while let Some((wanted, tell)) = self.wishes.recv().await {
            if wanted != *self.on.borrow() {
                return Asking(tell);
            }
            // Nobody waits for the answer any more: it is so all the same.
            let _ = tell.send(Ok(()));
        }
        std::future::pending().await
    }

    /// The part is as it was wanted.
    pub fn done(&self, asking: Asking) {
        self.on.send_modify(|on| *on = !*on);
        self.turned.send_replace(());
        let _ = asking.0.send(Ok(()));
    }
}

impl Asking {
    /// It did not work, for a reason that is a sentence.
    pub fn failed(self, reason: String) {
        let _ = self.0.send(Err(reason));
    }
}

/// Keeps others off an address while nobody listens there: whoever calls is refused. Without it the system
/// may give the port away.
pub fn hold(address: SocketAddr) -> Option<TcpSocket> {
    let held = || {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok::<_, std::io::Error>(socket)
    };
    held()
        .inspect_err(|error| tracing::warn!(%error, %address, "the address cannot be kept free"))
        .ok()
}

#[cfg(feature = "sandbox")]
pub use lever::levers;

/// The other end, in the console.
#[cfg(feature = "sandbox")]
mod lever {

    use clawdos_sandbox::{Switch, SwitchError};
    use tokio::sync::{mpsc, oneshot, watch};

    use super::{Hand, Hands, Wish};
    use crate::cards::switches as words;
    use crate::config::Config;

    /// Both ends of what is ours.
    pub fn levers(config: &Config) -> (Vec<Switch>, Hands) {
        let mut hands = Hands::fixed();
        let mut switches = Vec::new();
        if config.control_api.url.is_none() {
            let (switch, hand) = lever("executor", words::EXECUTOR, &hands.turned);
            hands.executor = hand;
            switches.push(switch);
        }
        if config.database.url.is_none() {
            let (switch, hand) = lever("database", words::DATABASE, &hands.turned);
            hands.database = hand;
            switches.push(switch);
        }
        (switches, hands)
    }

    fn lever(name: &str, label: &str, turned: &watch::Sender<()>) -> (Switch, Hand) {
        let (wish, wishes) = mpsc::channel(1);
        let on = watch::Sender::new(true);
        let shown = on.subscribe();
        let turn = move |on| turn(wish.clone(), on);
        let switch = Switch::new(name, label, turn, move || *shown.borrow());
        let hand = Hand {
            wishes,
            on,
            turned: turned.clone(),
        };
        (switch, hand)
    }

    async fn turn(wish: mpsc::Sender<Wish>, on: bool) -> Result<(), SwitchError> {
        let ending = || SwitchError::Refused(words::ENDING.to_owned());
        let (tell, told) = oneshot::channel();
        wish.send((on, tell)).await.map_err(|_| ending())?;
        let done = told.await.map_err(|_| ending())?;
        done.map_err(|reason| SwitchError::Failed(words::failed(&reason)))
    }
}
