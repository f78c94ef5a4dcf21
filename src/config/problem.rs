//! What is wrong with a configuration, where, and how to put it right.

use std::fmt;
use std::path::PathBuf;

/// Where a setting was found, or where it is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In the configuration file.
    File {
        /// The file as it was opened.
        path: PathBuf,
        /// Counted from 1; absent when the whole file is meant.
        line: Option<usize>,
        /// The key with its section, such as `discord.token`; absent outside of any key.
        key: Option<String>,
    },
    /// In an environment variable.
    Variable(&'static str),
    /// Not in one place: it is about this key, or about several together.
    Key(&'static str),
    /// The same below a name that a person has chosen.
    NamedKey(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line, key } => {
                write!(f, "{}", path.display())?;
                if let Some(line) = line {
                    write!(f, ", line {line}")?;
                }
                match key {
                    Some(key) => write!(f, ", `{key}`"),
                    None => Ok(()),
                }
            }
            Self::Variable(name) => f.write_str(name),
            Self::Key(key) => write!(f, "`{key}`"),
            Self::NamedKey(key) => write!(f, "`{key}`"),
        }
    }
}

/// One thing that keeps the bridge from starting. Never contains the value of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where to look.
    pub place: Place,
    /// What is wrong, as the end of a sentence that starts with the place.
    pub what: String,
    /// What to do, as a sentence.
    pub fix: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}. {}", self.place, self.what, self.fix)
    }
}

/// Everything that is wrong with a configuration, so that it takes one round to repair.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigProblems(pub Vec<Problem>);

impl fmt::Display for ConfigProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [only] => write!(f, "The configuration has a problem.\n  - {only}"),
            all => {
                write!(f, "The configuration has {} problems.", all.len())?;
                all.iter().try_for_each(|one| write!(f, "\n  - {one}"))
            }
        }
    }
}
