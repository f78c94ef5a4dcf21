//! A file that came with a message in Discord.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use url::Url;

/// Most bytes of a file that agents get word for word.
pub const INLINE_FILE: u64 = 16 * 1024;

/// Most bytes of all the files of one message that agents get word for word.
pub const INLINE_MESSAGE: u64 = 48 * 1024;

/// Media types that are text although they are not called so.
const TEXT_TYPES: [&str; 12] = [
    "application/json",
    "application/ld+json",
    "application/x-ndjson",
    "application/toml",
    "application/yaml",
    "application/x-yaml",
    "application/csv",
    "application/xml",
    "application/javascript",
    "application/typescript",
    "application/sql",
    "application/x-sh",
];

/// Endings of files that are text whatever their media type says: notes, data, source code.
const TEXT_ENDINGS: [&str; 56] = [
    "txt", "md", "markdown", "rst", "log", "csv", "tsv", "json", "jsonl", "ndjson", "toml", "yaml",
    "yml", "ini", "cfg", "conf", "env", "xml", "html", "htm", "css", "scss", "sql", "rs", "py",
    "js", "mjs", "cjs", "ts", "tsx", "jsx", "go", "java", "kt", "swift", "c", "h", "cc", "cpp",
    "hpp", "cs", "rb", "php", "pl", "lua", "sh", "bash", "zsh", "ps1", "r", "scala", "dart", "tf",
    "diff", "patch", "vue",
];

/// A file in Discord.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Its name.
    pub name: String,
    /// Bytes, as Discord says.
    pub size: u64,
    /// Where it can be fetched for a while: Discord signs and ends these addresses.
    pub url: String,
    /// Its media type, where Discord knows one. Whoever uploads it chooses it.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

impl File {
    /// When its address ends: the parameter `ex`, seconds since 1970 in hexadecimal digits (source:
    /// Discord's reference, "Signed Attachment CDN URLs").
    pub fn expires_at(&self) -> Option<DateTime<Utc>> {
        let url = Url::parse(&self.url).ok()?;
        let (_, ends) = url.query_pairs().find(|(name, _)| name == "ex")?;
        DateTime::from_timestamp(i64::from_str_radix(&ends, 16).ok()?, 0)
    }

    /// Whether it is text that is small enough to be read along with its message.
    pub fn is_small_text(&self) -> bool {
        let kind = self.kind.as_deref().unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        let kind = kind.to_ascii_lowercase();
        let ending = self.ending();
        let text = kind.starts_with("text/")
            || TEXT_TYPES.contains(&kind.as_str())
            || TEXT_ENDINGS.contains(&ending.as_str());
        text && self.size <= INLINE_FILE
    }

    /// What stands behind the last dot of its name, in small letters.
    pub fn ending(&self) -> String {
        let ending = self.name.rsplit_once('.').map(|(_, ending)| ending);
        ending.unwrap_or_default().to_ascii_lowercase()
    }
}

/// The files that may be read word for word, by their place in the list: the first ones that fit.
pub fn inline(files: &[File]) -> Vec<usize> {
    let mut left = INLINE_MESSAGE;
    let fits = |(at, file): (usize, &File)| {
        let takes = file.is_small_text() && file.size <= left;
        left -= if takes { file.size } else { 0 };
        takes.then_some(at)
    };
    files.iter().enumerate().filter_map(fits).collect()
}
