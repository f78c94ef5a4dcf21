//! One line of JSON per change, so that nothing acknowledged is lost when the process is killed.
//!
//! A line holds a whole entity as it is after the change, or names one that is gone; replaying them in
//! order gives the state. At start the file is rewritten when most of its lines are outdated. A line is
//! with the kernel before the change is acknowledged (`write`, no `fsync`: the bar is the death of the
//! process, not of the machine).

use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::{Application, Channel, Command, Guild, Member, Message, Role, State, User, Webhook};

/// One line of the journal.
#[derive(Serialize, Deserialize)]
#[serde(tag = "k", content = "v", rename_all = "snake_case")]
pub(crate) enum Record<'a> {
    Guild(Cow<'a, Guild>),
    Role(Cow<'a, Role>),
    RoleGone(u64),
    User(Cow<'a, User>),
    Member(Cow<'a, Member>),
    MemberGone { guild: u64, user: u64 },
    Application(Cow<'a, Application>),
    Channel(Cow<'a, Channel>),
    ChannelGone(u64),
    Message(Cow<'a, Message>),
    MessageGone { channel: u64, id: u64 },
    Webhook(Cow<'a, Webhook>),
    WebhookGone(u64),
    Command(Cow<'a, Command>),
    CommandGone(u64),
}

impl<'a> Record<'a> {
    /// The line of a message.
    pub(super) fn message(message: &'a Message) -> Self {
        Record::Message(Cow::Borrowed(message))
    }
}

/// Lines noted under the lock and not yet written.
#[derive(Default)]
pub(super) struct Buffer(Vec<u8>);

impl Buffer {
    /// Adds a line.
    pub(super) fn note(&mut self, record: &Record<'_>) {
        let before = self.0.len();
        match serde_json::to_writer(&mut self.0, record) {
            Ok(()) => self.0.push(b'\n'),
            Err(error) => {
                self.0.truncate(before);
                tracing::error!(%error, "a change could not be written as JSON and will not survive a restart");
            }
        }
    }

    /// Takes the lines.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }
}

/// The open journal of a data folder; the file is locked as long as this lives.
pub(crate) struct Journal {
    file: File,
    failed: AtomicBool,
}

impl Journal {
    /// Opens the journal of a data folder, making both if need be, and reads the state from it.
    pub(crate) fn open(data_dir: &Path) -> Result<(Self, State)> {
        std::fs::create_dir_all(data_dir)
            .with_context(|| format!("The data folder {} cannot be made.", data_dir.display()))?;
        let path = data_dir.join("journal.jsonl");
        let file = open_locked(&path)?;
        let (mut state, lines) = load(&file, &path)?;
        state.settle();
        let file = if lines > 2 * state.entities() + 1000 {
            compact(&path, &state, file)?
        } else {
            file
        };
        Ok((
            Self {
                file,
                failed: AtomicBool::new(false),
            },
            state,
        ))
    }

    /// Writes lines. A disk that does not take them is told once in the log; the server goes on.
    pub(crate) fn append(&self, lines: &[u8]) {
        if let Err(error) = (&self.file).write_all(lines)
            && !self.failed.swap(true, Ordering::Relaxed)
        {
            tracing::error!(%error, "the sandbox cannot write its journal; changes will not survive a restart");
        }
    }
}

fn open_locked(path: &Path) -> Result<File> {
    let file = OpenOptions::new()
        .create(true)
        .read(true)
        .append(true)
        // It holds tokens.
        .mode(0o600)
        .open(path)
        .with_context(|| format!("The sandbox's journal {} cannot be opened.", path.display()))?;
    if file.try_lock().is_err() {
        bail!(
            "Another sandbox is running on {}. Stop it or choose another data folder.",
            path.parent().unwrap_or(path).display()
        );
    }
    Ok(file)
}

fn load(file: &File, path: &Path) -> Result<(State, usize)> {
    let mut state = State::default();
    let mut reader = BufReader::new(file);
    let (mut line, mut lines, mut good) = (Vec::new(), 0, 0);
    loop {
        line.clear();
        let length = reader.read_until(b'\n', &mut line)?;
        if length == 0 {
            break;
        }
        if line.last() != Some(&b'\n') {
            // The process was killed in the middle of this line, so nobody was told about it.
            file.set_len(good)?;
            break;
        }
        let record: Record<'static> = serde_json::from_slice(&line).with_context(|| {
            format!(
                "Line {} of {} is damaged. Delete the file to start afresh.",
                lines + 1,
                path.display()
            )
        })?;
        state.apply(record);
        lines += 1;
        good += u64::try_from(length)?;
    }
    Ok((state, lines))
}

fn compact(path: &Path, state: &State, old: File) -> Result<File> {
    let fresh: PathBuf = path.with_extension("jsonl.new");
    std::fs::write(&fresh, b"")?;
    let file = open_locked(&fresh)?;
    let mut writer = BufWriter::new(&file);
    let mut put = |record: Record<'_>| -> Result<()> {
        serde_json::to_writer(&mut writer, &record)?;
        writer.write_all(b"\n")?;
        Ok(())
    };
    state
        .guilds
        .values()
        .try_for_each(|guild| put(Record::Guild(Cow::Borrowed(guild))))?;
    state
        .roles
        .values()
        .try_for_each(|role| put(Record::Role(Cow::Borrowed(role))))?;
    state
        .users
        .values()
        .try_for_each(|user| put(Record::User(Cow::Borrowed(user))))?;
    state
        .members
        .values()
        .try_for_each(|member| put(Record::Member(Cow::Borrowed(member))))?;
    state
        .applications
        .values()
        .try_for_each(|found| put(Record::Application(Cow::Borrowed(found))))?;
    state
        .channels
        .values()
        .try_for_each(|channel| put(Record::Channel(Cow::Borrowed(channel))))?;
    state
        .webhooks
        .values()
        .try_for_each(|webhook| put(Record::Webhook(Cow::Borrowed(webhook))))?;
    state
        .commands
        .values()
        .try_for_each(|command| put(Record::Command(Cow::Borrowed(command))))?;
    state
        .messages
        .values()
        .flat_map(|list| list.values())
        .try_for_each(|message| put(Record::message(message)))?;
    writer.flush()?;
    drop(writer);
    std::fs::rename(&fresh, path)?;
    drop(old);
    Ok(file)
}

impl State {
    /// Replays one line.
    fn apply(&mut self, record: Record<'static>) {
        match record {
            Record::Guild(guild) => {
                self.guilds.insert(guild.id, guild.into_owned());
            }
            Record::Role(role) => {
                let mut role = role.into_owned();
                role.guild = self.named_guild(role.guild);
                self.roles.insert(role.id, role);
            }
            Record::RoleGone(id) => {
                self.roles.remove(&id);
            }
            Record::User(user) => {
                self.users.insert(user.id, user.into_owned());
            }
            Record::Member(member) => {
                let mut member = member.into_owned();
                member.guild = self.named_guild(member.guild);
                self.members.insert((member.guild, member.user), member);
            }
            Record::MemberGone { guild, user } => {
                self.members.remove(&(guild, user));
            }
            Record::Application(found) => {
                self.applications.insert(found.id, found.into_owned());
            }
            Record::Channel(channel) => {
                let mut channel = channel.into_owned();
                if !channel.is_private() {
                    channel.guild = self.named_guild(channel.guild);
                }
                self.channels.insert(channel.id, channel);
            }
            Record::ChannelGone(id) => {
                self.channels.remove(&id);
                self.messages.remove(&id);
            }
            Record::Message(message) => {
                let list = self.messages.entry(message.channel).or_default();
                list.insert(message.id, Box::new(message.into_owned()));
            }
            Record::MessageGone { channel, id } => {
                self.messages.entry(channel).or_default().remove(&id);
                self.last_snowflake = self.last_snowflake.max(id);
            }
            Record::Webhook(webhook) => {
                self.webhooks.insert(webhook.id, webhook.into_owned());
            }
            Record::WebhookGone(id) => {
                self.webhooks.remove(&id);
            }
            Record::Command(command) => {
                self.commands.insert(command.id, command.into_owned());
            }
            Record::CommandGone(id) => {
                self.commands.remove(&id);
            }
        }
    }

    /// The guild that a line means: those of when there was one name none.
    fn named_guild(&self, guild: u64) -> u64 {
        if guild == 0 {
            self.first_guild()
        } else {
            guild
        }
    }

    /// What follows from the entities and is not in the journal: tokens, the last id, each channel's
    /// last message, recent nonces.
    fn settle(&mut self) {
        self.tokens = self
            .users
            .values()
            .map(|user| (user.token.clone(), user.id))
            .collect();
        let newest = [
            self.channels.keys().next_back(),
            self.webhooks.keys().next_back(),
            self.commands.keys().next_back(),
            self.roles.keys().next_back(),
            self.users.keys().next_back(),
            self.guilds.keys().next_back(),
        ];
        for id in newest.into_iter().flatten() {
            self.last_snowflake = self.last_snowflake.max(*id);
        }
        let now = super::now_ms();
        for (channel, list) in &mut self.messages {
            while list.len() > crate::limits::MESSAGES_KEPT {
                list.pop_first();
            }
            let Some((newest, _)) = list.last_key_value() else {
                continue;
            };
            self.last_snowflake = self.last_snowflake.max(*newest);
            if let Some(channel) = self.channels.get_mut(channel) {
                channel.last_message = channel.last_message.max(Some(*newest));
                channel.last_pin_ms = list.values().filter_map(|message| message.pinned_ms).max();
                if let Some(thread) = &mut channel.thread {
                    thread.message_count = list.len() as u64;
                }
            }
            let recent = |message: &&super::Message| {
                now.saturating_sub(super::snowflake_ms(message.id)) < crate::limits::NONCE_MEMORY_MS
            };
            for message in list.values().rev().map(Box::as_ref).take_while(recent) {
                self.nonces.remember(message);
            }
        }
    }

    /// How many lines a compact journal would have.
    fn entities(&self) -> usize {
        self.messages
            .values()
            .map(std::collections::BTreeMap::len)
            .sum::<usize>()
            + self.channels.len()
            + self.webhooks.len()
            + self.commands.len()
            + self.users.len()
            + self.members.len()
            + self.roles.len()
            + self.applications.len()
            + self.guilds.len()
    }
}
