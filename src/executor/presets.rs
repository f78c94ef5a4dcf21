//! The programs that we know how to talk to. Their limits are the usual ones.

use super::settings::{AgentCommand, AgentInput, Fresh};

impl AgentCommand {
    /// An agent of `OpenClaw`, which keeps a session per thread and knows its own documents (source: `ClawdOS` runs
    /// the same).
    pub fn openclaw() -> Self {
        Self::new([
            "openclaw",
            "agent",
            "--agent",
            "{short}",
            "--session-id",
            "{session}",
            "--message",
            "{message}",
            "--json",
            "--timeout",
            "120",
        ])
    }

    /// Claude Code without its terminal: the message on standard input, where it may be of any
    /// length and nothing in it is taken for an option. Its sessions are UUIDs, one word begins one
    /// and another goes on with it; what it is told besides comes after its own system prompt (source: its command
    /// line reference).
    pub fn claude() -> Self {
        let with = |how: &str| {
            [
                "claude",
                "-p",
                "--output-format",
                "json",
                how,
                "{session_uuid}",
                "--append-system-prompt={context}",
            ]
            .map(str::to_owned)
        };
        Self {
            input: AgentInput::Text,
            fresh: Some(Fresh {
                when: "No conversation found with session ID".to_owned(),
                argv: with("--session-id").to_vec(),
            }),
            ..Self::new(with("--resume"))
        }
    }

    /// The demo agent, a subcommand of our own `program`.
    pub fn demo(program: &str, short: &str) -> Self {
        Self::new([program, "demo-agent", "--agent", short])
    }
}
