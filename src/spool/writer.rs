//! The one who writes the file: everything that has gathered in one go, and away from the threads
//! that must not wait for a disk.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::file::{Contents, SpoolFile};

/// Most commands of one write.
const BATCH: usize = 1_000;

/// The file may grow by so many bytes beyond its messages before it is replaced: notes of what was
/// written and refused.
const SLACK: u64 = 2 * 1024 * 1024;

/// Lines to be written.
pub(super) struct Command {
    /// Whole lines.
    pub(super) lines: String,
    /// Who waits until they are durable; nobody waits for notes.
    pub(super) reply: Option<oneshot::Sender<Result<(), String>>>,
}

/// The part that writes the spool.
pub struct Writer {
    shared: Arc<Shared>,
    inbox: mpsc::UnboundedReceiver<Command>,
    file: SpoolFile,
    /// Whether the file has lines that do not count any more.
    stale: bool,
}

impl Writer {
    pub(super) fn new(
        shared: Arc<Shared>,
        path: PathBuf,
        contents: &Contents,
        inbox: mpsc::UnboundedReceiver<Command>,
    ) -> Self {
        Self {
            shared,
            inbox,
            file: SpoolFile::new(path, contents),
            stale: contents.whole > 0 || contents.torn > 0,
        }
    }

    /// Writes until cancelled, and then what has been handed over before.
    pub async fn run(mut self, cancel: CancellationToken) -> anyhow::Result<()> {
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                biased;
                () = cancel.cancelled() => break,
                count = self.inbox.recv_many(&mut batch, BATCH) => if count == 0 {
                    // No file, or nobody left who could say anything.
                    cancel.cancelled().await;
                    break;
                }
            }
            self = self.write(std::mem::take(&mut batch)).await?;
        }
        self.inbox.close();
        while let Ok(command) = self.inbox.try_recv() {
            batch.push(command);
        }
        self.write(batch).await?;
        Ok(())
    }

    async fn write(mut self, batch: Vec<Command>) -> anyhow::Result<Self> {
        let writing = tokio::task::spawn_blocking(move || {
            self.write_now(batch);
            self
        });
        writing.await.context("the spool's writer failed")
    }

    fn write_now(&mut self, batch: Vec<Command>) {
        let durable = batch.iter().any(|command| command.reply.is_some());
        let lines: String = batch.iter().map(|command| command.lines.as_str()).collect();
        if lines.is_empty() {
            return;
        }
        let written = self.file.append(&lines, durable);
        self.stale = true;
        if let (Err(error), false) = (&written, durable) {
            tracing::warn!(%error, "the spool cannot be written: {error}");
        }
        for waiting in batch.into_iter().filter_map(|command| command.reply) {
            let told = written.as_ref().map(|&()| ()).map_err(ToString::to_string);
            // Who does not wait any more is stopping.
            let _ = waiting.send(told);
        }
        self.tidy();
    }

    /// Replaces the file once nothing in it is on its way, or when most of it does not count.
    fn tidy(&mut self) {
        let bound = u64::try_from(self.shared.bounds.bytes).unwrap_or(u64::MAX);
        let counting = {
            let state = self.shared.state();
            let full = self.file.len() > bound.saturating_mul(2).saturating_add(SLACK);
            if !(self.stale && (state.is_idle() || full)) {
                return;
            }
            state.counting()
        };
        match self.file.keep_only(|record| counting.counts(record)) {
            Ok(()) => self.stale = false,
            Err(error) => tracing::warn!(%error, "the spool cannot be tidied up: {error}"),
        }
    }
}
