//! Discord's numbers, each once. Source, unless said otherwise: Discord's developer documentation
//! and its `OpenAPI` description (July 2026).

/// Code points of a message's content.
pub(crate) const CONTENT: usize = 2000;
/// Embeds of a message.
pub(crate) const EMBEDS: usize = 10;
/// Code points of an embed title.
pub(crate) const EMBED_TITLE: usize = 256;
/// Code points of an embed description.
pub(crate) const EMBED_DESCRIPTION: usize = 4096;
/// Fields of an embed.
pub(crate) const EMBED_FIELDS: usize = 25;
/// Code points of a field's name.
pub(crate) const FIELD_NAME: usize = 256;
/// Code points of a field's value.
pub(crate) const FIELD_VALUE: usize = 1024;
/// Code points of a footer.
pub(crate) const EMBED_FOOTER: usize = 2048;
/// Code points of an embed author's name.
pub(crate) const EMBED_AUTHOR: usize = 256;
/// Code points of all embeds of a message together.
pub(crate) const EMBED_TOTAL: usize = 6000;
/// Code points of an embed's addresses.
pub(crate) const EMBED_URL: usize = 2048;
/// Files of a message.
pub(crate) const ATTACHMENTS: usize = 10;
/// Bytes of one file.
pub(crate) const ATTACHMENT_BYTES: usize = 10 * 1024 * 1024;
/// Bytes of a request.
pub(crate) const REQUEST_BYTES: usize = 25 * 1024 * 1024;
/// Code points of a nonce.
pub(crate) const NONCE: usize = 25;
/// How long `enforce_nonce` remembers; Discord says "the past few minutes".
pub(crate) const NONCE_MEMORY_MS: u64 = 5 * 60 * 1000;
/// Action rows of a message.
pub(crate) const ROWS: usize = 5;
/// Buttons of a row.
pub(crate) const BUTTONS: usize = 5;
/// Options of a select menu.
pub(crate) const OPTIONS: usize = 25;
/// Components of a V2 message, nested ones included.
pub(crate) const COMPONENTS_V2: usize = 40;
/// Different emoji on a message.
pub(crate) const REACTIONS: usize = 20;
/// Pinned messages of a channel.
pub(crate) const PINS: usize = 250;
/// Webhooks of a channel.
pub(crate) const WEBHOOKS: usize = 15;
/// Code points of a webhook's, channel's or thread's name.
pub(crate) const NAME: usize = 100;
/// Code points of a webhook's name, also of the one a message overrides it with.
pub(crate) const WEBHOOK_NAME: usize = 80;
/// Channels of a guild, categories included, threads not.
pub(crate) const CHANNELS: usize = 500;
/// Channels of a category.
pub(crate) const CATEGORY_CHANNELS: usize = 50;
/// Code points of a channel's topic.
pub(crate) const TOPIC: usize = 1024;
/// Code points of a forum's guidelines.
pub(crate) const FORUM_TOPIC: usize = 4096;
/// Seconds of slow mode.
pub(crate) const SLOWMODE_SECONDS: u64 = 21_600;
/// Active threads of a guild; not documented, widely given as 1000.
pub(crate) const ACTIVE_THREADS: usize = 1000;
/// Tags of a forum.
pub(crate) const FORUM_TAGS: usize = 20;
/// Tags of a forum post.
pub(crate) const POST_TAGS: usize = 5;
/// Code points of a forum tag's name.
pub(crate) const TAG_NAME: usize = 50;
/// Bulk delete: the least and the most messages, and how old they may be.
pub(crate) const BULK_DELETE: std::ops::RangeInclusive<usize> = 2..=100;
/// Bulk delete takes messages of the last two weeks.
pub(crate) const BULK_DELETE_AGE_MS: u64 = 14 * 24 * 60 * 60 * 1000;
/// From this age on, edits of a message are capped (error 30046).
pub(crate) const OLD_MESSAGE_MS: u64 = 60 * 60 * 1000;
/// How many edits of one old message are taken in [`OLD_EDIT_WINDOW_MS`]. Discord documents neither
/// number; the sandbox is strict, so that a card that is edited for ever is found out.
pub(crate) const OLD_EDITS: usize = 5;
/// See [`OLD_EDITS`].
pub(crate) const OLD_EDIT_WINDOW_MS: u64 = 60 * 60 * 1000;
/// Messages kept per channel; older ones are forgotten so that a long run stays in memory.
pub(crate) const MESSAGES_KEPT: usize = 50_000;
/// Chat-input commands per scope.
pub(crate) const CHAT_COMMANDS: usize = 100;
/// User and message commands per scope, each.
pub(crate) const CONTEXT_COMMANDS: usize = 15;
/// Characters of one command with all its options.
pub(crate) const COMMAND_CHARACTERS: usize = 8000;
/// Code points of a poll's question.
pub(crate) const POLL_QUESTION: usize = 300;
/// Answers of a poll.
pub(crate) const POLL_ANSWERS: usize = 10;
/// Code points of a poll's answer.
pub(crate) const POLL_ANSWER: usize = 55;
/// Hours a poll may run.
pub(crate) const POLL_HOURS: u64 = 768;
/// Stickers of a message.
pub(crate) const STICKERS: usize = 3;
/// Webhooks of a guild.
pub(crate) const GUILD_WEBHOOKS: usize = 1000;
/// Permission overwrites of a channel.
pub(crate) const OVERWRITES: usize = 1000;
/// New application commands per day in one scope.
pub(crate) const COMMAND_CREATES: usize = 200;
/// See [`COMMAND_CREATES`].
pub(crate) const COMMAND_CREATES_WINDOW_MS: u64 = 24 * 60 * 60 * 1000;
