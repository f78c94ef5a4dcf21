//! Views: the Discord messages that we keep true, and where they live.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::proposal::{ProposalRef, ProposalSource};
use super::{AgentKey, ChannelId, DiscordMessageId, UserId};

/// Where a view lives.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Surface {
    /// `#team-room`.
    Room,
    /// `#approvals`.
    Approvals,
    /// `#status`.
    Status,
    /// `#activity`.
    Activity,
    /// `#tasks`: one card per task, which its thread begins with.
    Tasks,
    /// The thread of one task, its timeline.
    Task(Uuid),
    /// `#dm-<short>` of one agent.
    Dm(String),
    /// The private channel of one person with an agent's own bot. It shows the same thread as
    /// [`Self::Dm`] of that agent.
    BotDm {
        /// The agent's short name.
        short: String,
        /// The person.
        user: UserId,
    },
    /// The category of the rooms.
    Category,
    /// A category of the agents' channels, counted from 1.
    DmCategory(u8),
    /// A category of the channels of agents that are gone, counted from 1.
    ArchiveCategory(u8),
}

/// The word of the first category of agents' channels.
const DM_CATEGORY: &str = "category-dms";

/// The word of the first category of archived channels.
const ARCHIVE_CATEGORY: &str = "category-archive";

/// What stands before the id of a task.
const TASK: &str = "task-";

impl Surface {
    /// The channel of one agent.
    pub fn dm(agent: &AgentKey) -> Self {
        Self::Dm(agent.short().to_owned())
    }

    /// Whether people's messages there become rows.
    pub fn takes_messages(&self) -> bool {
        matches!(
            self,
            Self::Room | Self::Dm(_) | Self::BotDm { .. } | Self::Task(_)
        )
    }

    /// Whether agents speak in the channel itself, or in threads of it.
    pub fn has_personas(&self) -> bool {
        self.takes_messages() || *self == Self::Tasks
    }

    /// Whether it is a private channel with an agent's own bot.
    pub fn is_private(&self) -> bool {
        matches!(self, Self::BotDm { .. })
    }

    /// The surface in the server that shows the same thread: itself, but for private channels.
    #[must_use]
    pub fn in_server(&self) -> Self {
        match self {
            Self::BotDm { short, .. } => Self::Dm(short.clone()),
            other => other.clone(),
        }
    }

    /// Whether it holds channels instead of messages.
    pub fn is_category(&self) -> bool {
        matches!(
            self,
            Self::Category | Self::DmCategory(_) | Self::ArchiveCategory(_)
        )
    }
}

impl fmt::Display for Surface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Room => f.write_str("team-room"),
            Self::Approvals => f.write_str("approvals"),
            Self::Status => f.write_str("status"),
            Self::Activity => f.write_str("activity"),
            Self::Tasks => f.write_str("tasks"),
            Self::Task(task) => write!(f, "{TASK}{task}"),
            Self::Dm(short) => write!(f, "dm-{short}"),
            Self::BotDm { short, user } => write!(f, "bot-{short}-{user}"),
            Self::Category => f.write_str("category"),
            Self::DmCategory(1) => f.write_str(DM_CATEGORY),
            Self::DmCategory(number) => write!(f, "{DM_CATEGORY}-{number}"),
            Self::ArchiveCategory(1) => f.write_str(ARCHIVE_CATEGORY),
            Self::ArchiveCategory(number) => write!(f, "{ARCHIVE_CATEGORY}-{number}"),
        }
    }
}

/// A surface that nobody has heard of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown surface {0:?}")]
pub struct UnknownSurface(String);

impl FromStr for Surface {
    type Err = UnknownSurface;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "team-room" => Self::Room,
            "approvals" => Self::Approvals,
            "status" => Self::Status,
            "activity" => Self::Activity,
            "tasks" => Self::Tasks,
            "category" => Self::Category,
            other => of_one(other)
                .or_else(|| numbered(other, DM_CATEGORY).map(Self::DmCategory))
                .or_else(|| numbered(other, ARCHIVE_CATEGORY).map(Self::ArchiveCategory))
                .ok_or_else(|| UnknownSurface(text.to_owned()))?,
        })
    }
}

fn of_one(word: &str) -> Option<Surface> {
    if let Some(task) = word.strip_prefix(TASK) {
        return Uuid::try_parse(task).ok().map(Surface::Task);
    }
    if let Some(short) = word.strip_prefix("dm-") {
        return (!short.is_empty()).then(|| Surface::Dm(short.to_owned()));
    }
    // Short names may have hyphens, ids have none.
    let (short, user) = word.strip_prefix("bot-")?.rsplit_once('-')?;
    let user = user.parse().ok()?;
    let short = Some(short).filter(|short| !short.is_empty())?.to_owned();
    Some(Surface::BotDm { short, user })
}

/// The number of a category: none behind the first one's word.
fn numbered(text: &str, word: &str) -> Option<u8> {
    match text.strip_prefix(word)? {
        "" => Some(1),
        rest => rest.strip_prefix('-')?.parse().ok().filter(|n| *n > 1),
    }
}

/// Which kind of row a view shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntityKind {
    /// A row of `project_chat_messages`.
    Message,
    /// A row of `task_events`, the requests for approval among them.
    TaskEvent,
    /// A row of `task_comments`, which is older than `task_events` and in their place.
    TaskComment,
    /// A row of `task_outputs`, the same.
    TaskOutput,
    /// A row of `tasks`.
    Task,
    /// A row of `chat_delivery_queue`: a reply that says why it failed, or that it waits.
    Delivery,
    /// A change of the mode.
    Mode,
    /// The line that counts open proposals; one per project.
    Digest,
    /// A report of a table whose changes are not announced.
    Gap,
    /// The card that tells the state of the whole system; one per project.
    Status,
    /// A row of `activities`. It is shown in a post, mostly with others.
    Activity,
    /// A post in `#activity`: one row of `activities` or a burst of them.
    ActivityPost,
    /// The card of an agent's heartbeats, by the agent's row.
    Heartbeat,
    /// The banner with the mission; one per project.
    Mission,
}

impl EntityKind {
    /// Every kind, in the order in which one look takes them.
    pub const ALL: [Self; 14] = [
        Self::Message,
        Self::Task,
        Self::TaskEvent,
        Self::TaskComment,
        Self::TaskOutput,
        Self::Delivery,
        Self::Mode,
        Self::Digest,
        Self::Gap,
        Self::Status,
        Self::Activity,
        Self::ActivityPost,
        Self::Heartbeat,
        Self::Mission,
    ];

    /// From the word in the ledger.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// The word in the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::TaskEvent => "task_event",
            Self::TaskComment => "task_comment",
            Self::TaskOutput => "task_output",
            Self::Task => "task",
            Self::Delivery => "delivery",
            Self::Mode => "mode",
            Self::Digest => "digest",
            Self::Gap => "gap",
            Self::Status => "status",
            Self::Activity => "activity",
            Self::ActivityPost => "activity_post",
            Self::Heartbeat => "heartbeat",
            Self::Mission => "mission",
        }
    }
}

impl From<ProposalSource> for EntityKind {
    fn from(source: ProposalSource) -> Self {
        match source {
            ProposalSource::Message => Self::Message,
            ProposalSource::TaskEvent => Self::TaskEvent,
            ProposalSource::Task => Self::Task,
        }
    }
}

/// The row behind a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Entity {
    /// Which table.
    pub kind: EntityKind,
    /// Which row.
    pub id: Uuid,
}

impl Entity {
    /// The line that counts open proposals has no row of its own.
    pub const DIGEST: Self = Self {
        kind: EntityKind::Digest,
        id: Uuid::nil(),
    };

    /// The card in `#status` has none either.
    pub const STATUS: Self = Self {
        kind: EntityKind::Status,
        id: Uuid::nil(),
    };

    /// The banner shows whichever row has the mission.
    pub const MISSION: Self = Self {
        kind: EntityKind::Mission,
        id: Uuid::nil(),
    };
}

impl From<ProposalRef> for Entity {
    fn from(reference: ProposalRef) -> Self {
        Self {
            kind: reference.source.into(),
            id: reference.id,
        }
    }
}

/// Names one view: one part of one entity on one surface.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ViewKey {
    /// What it shows.
    pub entity: Entity,
    /// Where.
    pub surface: Surface,
    /// Which message of a text that needs several, from 0.
    pub part: i16,
}

/// How sure we are that a view is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ViewState {
    /// The request may be on its way: written before it is sent.
    Sending,
    /// Discord has confirmed it.
    Sent,
    /// Sent, and no answer came: the channel has to be read back.
    Unknown,
    /// Discord refused it for good.
    Failed,
}

impl ViewState {
    /// The word in the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Unknown => "unknown",
            Self::Failed => "failed",
        }
    }
}

/// Who is the author of a view's Discord message, and so who can edit it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ViewAuthor {
    /// The bot itself.
    Bot,
    /// The persona webhook of the channel.
    Webhook,
    /// A person: their message is the view, and never ours to edit.
    Person,
}

impl ViewAuthor {
    /// The word in the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bot => "bot",
            Self::Webhook => "webhook",
            Self::Person => "person",
        }
    }
}

/// A row of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Which view.
    pub key: ViewKey,
    /// The channel that holds it.
    pub channel: ChannelId,
    /// The Discord message; none while the first request is on its way.
    pub message: Option<DiscordMessageId>,
    /// Whose message it is.
    pub author: ViewAuthor,
    /// What it says, as a hash of the draft.
    pub hash: Option<Vec<u8>>,
    /// Version of the row that was rendered last.
    pub row_version: Option<String>,
    /// How sure we are.
    pub state: ViewState,
    /// When that was written.
    pub since: DateTime<Utc>,
}
