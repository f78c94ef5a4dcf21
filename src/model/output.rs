//! What comes out of a task.

/// What kind of output it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutputType {
    /// A text that sums up.
    Summary,
    /// A file.
    File,
    /// An address.
    Link,
    /// A text for somebody.
    Message,
    /// What a log says, in short.
    LogSummary,
}

impl OutputType {
    /// All of them (source: the CHECK of `ClawdOS`'s `task_outputs`).
    pub const ALL: [Self; 5] = [
        Self::Summary,
        Self::File,
        Self::Link,
        Self::Message,
        Self::LogSummary,
    ];

    /// From the word in the metadata; none where it is no known one.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }

    /// The word in the metadata.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Summary => "summary",
            Self::File => "file",
            Self::Link => "link",
            Self::Message => "message",
            Self::LogSummary => "log_summary",
        }
    }
}
