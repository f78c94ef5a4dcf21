//! Reading settings one by one from the file and the environment, and collecting everything that is
//! wrong on the way. No text of a value ever enters a problem from here: it might be a secret.

use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Place, Problem};
use super::suggest::nearest;
use super::value::{Raw, Refused};

/// Looks up an environment variable by name.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A key the bridge knows, with the environment variable that overrides it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownKey {
    /// With its section, such as `discord.token`.
    pub key: String,
    /// Absent: the file only.
    pub variable: Option<&'static str>,
}

/// The file's text, its table, and what has been asked of it so far.
pub(super) struct Source<'a> {
    path: PathBuf,
    text: &'a str,
    root: DeTable<'a>,
    env: Environment<'a>,
    known: Vec<KnownKey>,
    /// Sections whose keys are names that people choose.
    open_sections: Vec<&'static str>,
    pub(super) problems: Vec<Problem>,
    pub(super) file_is_broken: bool,
}

impl<'a> Source<'a> {
    /// Parses the file. A file that is not TOML counts as empty, with one problem.
    pub(super) fn new(path: &Path, text: &'a str, env: Environment<'a>) -> Self {
        let mut source = Self {
            path: path.to_owned(),
            text,
            root: DeTable::new(),
            env,
            known: Vec::new(),
            open_sections: Vec::new(),
            problems: Vec::new(),
            file_is_broken: false,
        };
        match DeTable::parse(text) {
            Ok(table) => source.root = table.into_inner(),
            Err(error) => {
                let at = error.span().map_or(text.len(), |span| span.start);
                let place = source.file_place(at, key_around(text, at));
                // Only the message: the error's own rendering quotes the line, secrets included.
                source.problems.push(Problem {
                    place,
                    what: format!("not valid TOML: {}", error.message().replace('\n', ", ")),
                    fix: "Write `key = value` lines below a `[section]`, texts in double quotes"
                        .to_owned()
                        + "; deploy/bridge.example.toml shows every key.",
                });
                source.file_is_broken = true;
            }
        }
        source
    }

    /// One setting: the environment wins over the file. A value that is refused is a problem and
    /// counts as absent, so that the rest can be looked at as well.
    pub(super) fn get<T>(
        &mut self,
        key: &str,
        variable: Option<&'static str>,
        parse: impl Fn(&Raw<'_>) -> Result<T, Refused>,
    ) -> Option<T> {
        self.known.push(KnownKey {
            key: key.to_owned(),
            variable,
        });
        let from_file = self.take(key).and_then(|(offset, value)| {
            let parsed = parse(&Raw::from_toml(&value));
            let place = self.file_place(offset, Some(key.to_owned()));
            self.accept(place, parsed)
        });
        let from_env = variable.and_then(|name| {
            // Compose files and shells pass `NAME=` for "not set".
            let text = (self.env)(name).filter(|text| !text.trim().is_empty())?;
            let parsed = parse(&Raw::Text(text.trim()));
            self.accept(Place::Variable(name), parsed)
        });
        from_env.or(from_file)
    }

    /// The names below a section, such as the agents of `executor.agents`.
    pub(super) fn names_below(&mut self, section: &'static str) -> Vec<String> {
        self.open_sections.push(section);
        let table = self.table(section);
        table.map_or_else(Vec::new, |table| {
            table
                .keys()
                .map(|name| name.get_ref().to_string())
                .collect()
        })
    }

    /// Something in a section that cannot be used, and is not looked at any further.
    pub(super) fn refuse_name(&mut self, section: &str, name: &str, refused: Refused) {
        let removed = self
            .table(section)
            .and_then(|table| table.remove_entry(name));
        let offset = removed.map_or(0, |(name, _)| name.span().start);
        let place = self.file_place(offset, Some(format!("{section}.{name}")));
        self.accept::<()>(place, Err(refused));
    }

    /// What is left in the file after everything was asked for is unknown. Returns all problems and
    /// all keys that were asked for.
    pub(super) fn finish(mut self) -> (Vec<Problem>, Vec<KnownKey>) {
        let root = std::mem::take(&mut self.root);
        self.report_leftovers(&root, "");
        (self.problems, self.known)
    }

    fn accept<T>(&mut self, place: Place, parsed: Result<T, Refused>) -> Option<T> {
        parsed
            .map_err(|Refused { what, fix }| self.problems.push(Problem { place, what, fix }))
            .ok()
    }

    /// Removes a value from the file's table; what stays behind at the end is unknown.
    fn take(&mut self, key: &str) -> Option<(usize, Spanned<DeValue<'a>>)> {
        let (section, name) = key.rsplit_once('.')?;
        let (name, value) = self.table(section)?.remove_entry(name)?;
        Some((name.span().start, value))
    }

    fn table(&mut self, section: &str) -> Option<&mut DeTable<'a>> {
        section.split('.').try_fold(&mut self.root, |table, part| {
            match table.get_mut(part).map(Spanned::get_mut) {
                Some(DeValue::Table(inner)) => Some(inner),
                _ => None,
            }
        })
    }

    fn report_leftovers(&mut self, table: &DeTable<'_>, prefix: &str) {
        for (name, value) in table {
            let key = format!("{prefix}{}", name.get_ref());
            let inside = format!("{key}.");
            let known = self.open_sections.contains(&key.as_str())
                || self
                    .known
                    .iter()
                    .any(|known| known.key.starts_with(&inside));
            match value.get_ref() {
                DeValue::Table(inner) if known => self.report_leftovers(inner, &inside),
                _ => {
                    let refused = if known {
                        Refused::new(
                            "this is a section, not a value",
                            format!("Write `[{key}]` on a line of its own and its keys below it."),
                        )
                    } else {
                        self.unknown(&key)
                    };
                    let place = self.file_place(name.span().start, Some(key));
                    self.accept::<()>(place, Err(refused));
                }
            }
        }
    }

    fn unknown(&self, key: &str) -> Refused {
        let keys = self.known.iter().map(|known| known.key.as_str());
        let fix = match nearest(key, &keys) {
            Some(meant) => format!("Did you mean `{meant}`?"),
            None => "Remove it; deploy/bridge.example.toml shows every key.".to_owned(),
        };
        Refused::new("there is no such key", fix)
    }

    fn file_place(&self, offset: usize, key: Option<String>) -> Place {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line = 1 + before.matches('\n').count();
        Place::File {
            path: self.path.clone(),
            line: Some(line),
            key,
        }
    }
}

/// The key on the line of a syntax error, as far as it can be told from broken text.
fn key_around(text: &str, offset: usize) -> Option<String> {
    let is_key = |name: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        !name.is_empty() && name.bytes().all(plain)
    };
    let upto = text.get(..offset)?;
    let start = upto.rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[start..].lines().next()?;
    let (name, _) = line.split_once('=').unwrap_or((line, ""));
    let name = Some(name.trim()).filter(|name| is_key(name))?;
    let section = text[..start].lines().rev().find_map(|line| {
        let header = line.trim().strip_prefix('[')?;
        let (header, _) = header.split_once(']')?;
        Some(header.trim()).filter(|header| is_key(header))
    });
    Some(section.map_or_else(|| name.to_owned(), |section| format!("{section}.{name}")))
}
