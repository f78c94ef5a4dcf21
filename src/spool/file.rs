//! The spool's file: appended to, cut back after a failed write, and replaced whole when little of
//! it counts any more. Everything here blocks.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::record::Record;

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// Its records, in order.
    pub(super) records: Vec<Record>,
    /// The numbers of lines that cannot be read, from 1.
    pub(super) damaged: Vec<usize>,
    /// Bytes up to the end of its last whole line.
    pub(super) whole: u64,
    /// Bytes after that: a write that a crash has cut off, and that nobody was told of.
    pub(super) torn: usize,
}

/// Reads a file; one that is not there is empty.
pub(super) fn read(path: &Path) -> io::Result<Contents> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Contents::default()),
        Err(error) => return Err(error),
    };
    let end = bytes.iter().rposition(|byte| *byte == b'\n');
    let (whole, torn) = bytes.split_at(end.map_or(0, |end| end + 1));
    let mut contents = Contents {
        whole: whole.len() as u64,
        torn: torn.len(),
        ..Contents::default()
    };
    for (at, line) in whole.split_inclusive(|byte| *byte == b'\n').enumerate() {
        match Record::read(line) {
            Some(record) => contents.records.push(record),
            None => contents.damaged.push(at + 1),
        }
    }
    Ok(contents)
}

/// The file, opened when it is first needed.
#[derive(Debug)]
pub(super) struct SpoolFile {
    path: PathBuf,
    open: Option<File>,
    /// Bytes that count.
    len: u64,
    /// Whether bytes that do not count may stand behind them.
    tail: bool,
}

impl SpoolFile {
    /// A file of which this much counts.
    pub(super) fn new(path: PathBuf, contents: &Contents) -> Self {
        Self {
            path,
            open: None,
            len: contents.whole,
            tail: contents.torn > 0,
        }
    }

    /// Bytes that count.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Adds lines; with `durable` they survive a power cut once this returns. After a failure
    /// nothing of them counts.
    pub(super) fn append(&mut self, lines: &str, durable: bool) -> io::Result<()> {
        let mut file = match self.open.take() {
            Some(file) => file,
            None => self.open()?,
        };
        if self.tail {
            file.set_len(self.len)?;
            self.tail = false;
        }
        let written = file.write_all(lines.as_bytes());
        let written = written.and_then(|()| if durable { file.sync_data() } else { Ok(()) });
        match written {
            Ok(()) => self.len += lines.len() as u64,
            // Half a line must not stand before the next one.
            Err(_) => self.tail = file.set_len(self.len).is_err(),
        }
        self.open = Some(file);
        written
    }

    fn open(&self) -> io::Result<File> {
        let is_new = !self.path.exists();
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            // People's words are nobody else's business.
            .mode(0o600)
            .open(&self.path)?;
        if is_new {
            sync_folder(&self.path)?;
        }
        Ok(file)
    }

    /// Replaces the file by those of its records that still count, whole or not at all. With none
    /// left there is no file.
    pub(super) fn keep_only(&mut self, counts: impl Fn(&Record) -> bool) -> io::Result<()> {
        let records = read(&self.path)?.records;
        let lines: String = records
            .iter()
            .filter(|record| counts(record))
            .map(Record::line)
            .collect();
        if lines.is_empty() {
            match fs::remove_file(&self.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => sync_folder(&self.path)?,
            }
        } else {
            let new = self.path.with_extension("jsonl.new");
            let mut file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&new)?;
            file.write_all(lines.as_bytes())?;
            file.sync_all()?;
            fs::rename(&new, &self.path)?;
            sync_folder(&self.path)?;
        }
        self.open = None;
        self.len = lines.len() as u64;
        self.tail = false;
        Ok(())
    }
}

/// Copies a file with damaged lines aside, before it is ever replaced: somebody may want to look.
pub(super) fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let aside = path.with_extension("jsonl.damaged");
    fs::copy(path, &aside)?;
    Ok(aside)
}

/// A name in a folder is durable only when the folder is.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
