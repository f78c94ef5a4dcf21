//! Reads sources as text: which files there are, and what of our own crate they import.

use std::{fs, path::Path};

/// The text of a file of the repository.
pub fn read(name: &str) -> Option<String> {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).ok()
}

/// Whether the repository has a file or folder of this name.
pub fn exists(name: &str) -> bool {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name).exists()
}

/// Every text below some folders of the repository, with its name; what npm brings is none of ours.
pub fn files(folders: &[&str]) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in folders {
        let entries = fs::read_dir(root.join(folder)).into_iter().flatten();
        for entry in entries.flatten() {
            let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.file_name() == "node_modules" {
                continue;
            }
            if entry.path().is_dir() {
                found.extend(files(&[&name]));
            } else if let Some(text) = read(&name) {
                found.push((name, text));
            }
        }
    }
    found
}

/// Line and path from the root of every import of our own crate. Tests stand last in a file.
pub fn imports(module: &str, text: &str) -> Vec<(usize, String)> {
    let code = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    let code = code.collect::<Vec<_>>().join("\n");
    let tests = code.find("mod tests {").unwrap_or(code.len());
    let starts = code
        .match_indices("crate::")
        .chain(code.match_indices("super::"));
    let mut found = Vec::new();
    for (at, root) in starts.filter(|(at, _)| !code[..*at].ends_with("::")) {
        let inside = if at > tests { "::tests" } else { "" };
        let here = if root == "super::" {
            format!("{module}{inside}")
        } else {
            String::new()
        };
        for path in unfold(&code[at..]) {
            let mut place: Vec<&str> = here.split("::").collect();
            for step in path.split("::") {
                match step {
                    "super" => drop(place.pop()),
                    "crate" | "self" => {}
                    name => place.push(name),
                }
            }
            place.retain(|step| !step.is_empty());
            found.push((code[..at].matches('\n').count() + 1, place.join("::")));
        }
    }
    found
}

/// The paths at the start of `text`: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn unfold(text: &str) -> Vec<String> {
    let (mut outer, mut path, mut found) = (Vec::new(), String::new(), Vec::new());
    let statement = text.split(';').next().unwrap_or_default();
    for sign in statement.replace(" as ", "::").chars() {
        match sign {
            '{' if path.ends_with("::") => outer.push(path.clone()),
            ',' | '}' if !outer.is_empty() => {
                found.extend((outer.last() != Some(&path)).then_some(path));
                outer.truncate(outer.len() - usize::from(sign == '}'));
                path = outer.last().cloned().unwrap_or_default();
            }
            _ if sign.is_alphanumeric() || "_:*".contains(sign) => path.push(sign),
            _ if outer.is_empty() => break,
            _ => {}
        }
    }
    found.extend((!path.is_empty()).then_some(path));
    found
}
