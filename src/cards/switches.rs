//! The switches of the sandbox's console.

/// The built-in executor.
pub const EXECUTOR: &str = "Executor";

/// The embedded database.
pub const DATABASE: &str = "Database";

/// Nothing is switched any more.
pub const ENDING: &str = "The bridge is stopping. Start it again to use its switches.";

/// A part did not come back.
pub fn failed(reason: &str) -> String {
    format!("That did not work: {reason} Try again; the log says more.")
}
