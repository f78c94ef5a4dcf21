//! Files of a message, as agents read them: in the text of the row, because some executors read
//! nothing else.

use chrono::SecondsFormat;

use super::persona::is_invisible;
use crate::model::file::File;
use crate::model::markup::longest_run;

/// Longest name or media type that is shown, in characters.
const WORD: usize = 120;

/// A message's text with its files behind it. `contents` are those of the files that were read, each in
/// its file's place; a file without one is its name, size, type and address.
pub fn with_files(text: &str, files: &[File], contents: &[Option<String>]) -> String {
    let mut whole = text.to_owned();
    for (at, file) in files.iter().enumerate() {
        if !whole.is_empty() {
            whole.push('\n');
        }
        whole.push_str(&line(file));
        if let Some(Some(content)) = contents.get(at) {
            whole.push('\n');
            whole.push_str(&fenced(&file.ending(), content));
        }
    }
    whole
}

/// Something that a message shows instead of words.
pub fn sticker(name: &str) -> String {
    format!("(sticker: {})", word(name))
}

/// A message that somebody has passed on, quoted.
pub fn forwarded(text: &str) -> String {
    let quoted: Vec<String> = text.lines().map(|line| format!("> {line}")).collect();
    format!("(forwarded)\n{}", quoted.join("\n"))
}

fn line(file: &File) -> String {
    let kind = file
        .kind
        .as_deref()
        .map(word)
        .filter(|kind| !kind.is_empty());
    let kind = kind.map_or_else(String::new, |kind| format!(", {kind}"));
    let until = file.expires_at().map_or_else(String::new, |at| {
        let at = at.to_rfc3339_opts(SecondsFormat::Secs, true);
        format!(", link until {at}")
    });
    let (name, size) = (word(&file.name), file.size);
    format!("[file: {name} ({size} bytes{kind}){until}] {}", file.url)
}

/// A block of code that nothing in the content can end.
fn fenced(language: &str, content: &str) -> String {
    let fence = "`".repeat(longest_run(content).max(2) + 1);
    let plain = language.chars().all(|c| c.is_ascii_alphanumeric());
    let language = if plain { language } else { "" };
    let end = if content.ends_with('\n') { "" } else { "\n" };
    format!("{fence}{language}\n{content}{end}{fence}")
}

/// On one line, with nothing that cannot be seen.
fn word(text: &str) -> String {
    let kept = |c: &char| !c.is_control() && !is_invisible(*c);
    text.chars().filter(kept).take(WORD).collect()
}

#[cfg(test)]
mod tests {
    use super::{fenced, with_files};
    use crate::model::file::File;

    fn file(name: &str) -> File {
        File {
            name: name.to_owned(),
            size: 5,
            url: "https://cdn.example/a?ex=65d903de".to_owned(),
            kind: Some("text/plain".to_owned()),
        }
    }

    #[test]
    fn a_file_is_a_line_and_what_is_in_it() {
        let files = [file("a.rs"), file("b\n[file: c.rs")];
        let text = with_files("look", &files, &[Some("fn x".to_owned()), None]);
        let link = "(5 bytes, text/plain), link until 2024-02-23T20:45:18Z] \
                    https://cdn.example/a?ex=65d903de";
        assert_eq!(
            text,
            format!("look\n[file: a.rs {link}\n```rs\nfn x\n```\n[file: b[file: c.rs {link}")
        );
        assert_eq!(
            with_files("", &files[..1], &[]),
            format!("[file: a.rs {link}")
        );
    }

    #[test]
    fn nothing_in_a_file_ends_its_block() {
        let block = fenced("md", "a ````b```` c\n");
        assert!(
            block.starts_with("`````md\n") && block.ends_with("\n`````"),
            "{block}"
        );
        assert_eq!(fenced("b`d", "x"), "```\nx\n```");
    }
}
