//! What an executor that is not ours may be told: existing ones pass messages through a shell, in
//! double quotes, where `$` and the backtick still mean something (source: `ClawdOS`). No escape
//! survives on the way there, so look-alikes take their place.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::client::{ControlError, ExecutorHealth};

/// A text in which a shell finds nothing to expand, and a person reads the same.
pub fn shell_safe(text: &str) -> Cow<'_, str> {
    if text.contains(['$', '`']) {
        Cow::Owned(text.replace('$', "\u{ff04}").replace('`', "\u{2cb}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Knows whether what reads the queue is an executor of ours. Cheap to clone; all clones know the
/// same. Not knowing counts as not ours.
#[derive(Debug, Clone)]
pub struct ShellGuard {
    /// Absent: there is nothing to guard against.
    ours: Option<Arc<AtomicBool>>,
}

impl ShellGuard {
    /// For our own executor, and for who has switched the guard off.
    pub fn off() -> Self {
        Self { ours: None }
    }

    /// For an address at which anybody may answer; nothing is known yet.
    pub fn watching() -> Self {
        Self {
            ours: Some(Arc::default()),
        }
    }

    /// Takes note of a look at the executor.
    pub(super) fn learn(&self, seen: &Result<ExecutorHealth, ControlError>) {
        if let Some(ours) = &self.ours {
            let known = seen.as_ref().is_ok_and(|health| health.built_in);
            ours.store(known, Ordering::Release);
        }
    }

    /// Whether texts for agents have to be made safe now.
    pub fn is_on(&self) -> bool {
        let ours = self.ours.as_ref();
        ours.is_some_and(|ours| !ours.load(Ordering::Acquire))
    }

    /// A text as an agent may get it.
    pub fn safe<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.is_on() {
            shell_safe(text)
        } else {
            Cow::Borrowed(text)
        }
    }

    /// The text of a message that is about to be written. With a delivery it has to be safe in its
    /// row: a worker reads it there without asking us.
    pub fn row_text(&self, text: String, with_delivery: bool) -> String {
        if with_delivery {
            self.safe(&text).into_owned()
        } else {
            text
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ControlError, ExecutorHealth, ShellGuard, shell_safe};

    fn seen(built_in: bool) -> ExecutorHealth {
        ExecutorHealth {
            built_in,
            binary: None,
            version: None,
            failures: Vec::new(),
        }
    }

    #[test]
    fn only_what_a_shell_expands_is_replaced() {
        assert_eq!(shell_safe("$(id) `id` $5"), "＄(id) ˋidˋ ＄5");
        assert_eq!(shell_safe("\"a\" 'b' \\n !x"), "\"a\" 'b' \\n !x");
    }

    #[test]
    fn whoever_is_not_known_to_be_ours_is_not() {
        let guard = ShellGuard::watching();
        let desk = guard.clone();
        assert!(desk.is_on());
        guard.learn(&Ok(seen(true)));
        assert!(!desk.is_on());
        assert_eq!(desk.row_text("$5".to_owned(), true), "$5");
        guard.learn(&Ok(seen(false)));
        assert_eq!(desk.row_text("$5".to_owned(), true), "＄5");
        assert_eq!(desk.row_text("$5".to_owned(), false), "$5");
        guard.learn(&Ok(seen(true)));
        guard.learn(&Err(ControlError::Unreachable(String::new())));
        assert!(desk.is_on());
    }

    #[test]
    fn our_own_executor_gets_every_character() {
        let guard = ShellGuard::off();
        guard.learn(&Ok(seen(false)));
        assert_eq!(guard.safe("`$5`"), "`$5`");
    }
}
