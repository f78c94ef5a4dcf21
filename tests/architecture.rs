//! Holds what `ARCHITECTURE.md` draws: imports run downward, and outside crates stay in their rooms.

#[path = "architecture/source.rs"]
mod source;

use std::path::Path;

use source::{files, imports};

/// The rooms, lowest layer first. Rooms of one layer do not import each other, [`SIDEWAYS`] aside.
const LAYERS: [&str; 6] = [
    "model error clock",
    "config telemetry",
    "store spool feed control control::wire cards discord::rest discord::lanes discord::layout \
     discord::own_bots discord::portal discord::receipts discord::files",
    "operations mirror mode delivery",
    "discord::gateway discord::sessions discord::switchboard discord::presence discord::presses discord::lobby \
     discord::inbound discord::events commands doctor backfill health executor embedded",
    "main lib app cli lifecycle",
];
/// Islands import these rooms and no others, so that each could become a program of its own.
const ISLANDS: [(&str, &str); 2] = [
    ("executor", "model store control::wire clock"),
    ("embedded", ""),
];
/// Importer, imported, reason.
const SIDEWAYS: [(&str, &str, &str); 21] = [
    ("telemetry", "config", "how to log is a section of it"),
    ("discord::lanes", "discord::rest", "lanes pace requests"),
    ("discord::layout", "discord::rest", "channels are requests"),
    ("discord::layout", "discord::lanes", "at their pace"),
    (
        "discord::own_bots",
        "discord::rest",
        "it asks who somebody is",
    ),
    ("discord::own_bots", "discord::lanes", "at their pace"),
    ("discord::receipts", "discord::rest", "a mark is a request"),
    ("discord::receipts", "discord::lanes", "at their pace"),
    ("discord::gateway", "discord::events", "what it tells"),
    ("discord::gateway", "discord::presence", "what it shows"),
    ("discord::sessions", "discord::gateway", "one for each bot"),
    ("discord::sessions", "discord::events", "what they tell"),
    (
        "discord::switchboard",
        "discord::events discord::lobby",
        "what it hands on",
    ),
    ("discord::inbound", "discord::events", "what it is told"),
    (
        "discord::inbound",
        "discord::presses",
        "whom it hands buttons to",
    ),
    ("discord::presses", "discord::events", "what it is told"),
    (
        "discord::lobby",
        "discord::events discord::presses",
        "what it is told, and how presses are answered",
    ),
    (
        "commands",
        "discord::lobby",
        "how a failure of /setup is told",
    ),
    ("delivery", "mode", "it decides: direct or queued"),
    ("operations", "delivery", "where a message is handed over"),
    ("app", "cli lifecycle", "app is the root of everything"),
];
/// Who may name which crate. The pool is made by the root; the feed asks what the server can do.
const OUTSIDE: [(&str, &str); 3] = [
    ("sqlx::", "src/store/ src/app/database.rs src/feed/check.rs"),
    ("serenity::", "src/discord/ src/cards/ commands/"),
    ("poise::", "src/discord/ src/cards/ commands/"),
];

/// The layer and the name of the room that a path leads to.
fn room(path: &str) -> Option<(usize, &'static str)> {
    let all = LAYERS.iter().enumerate();
    all.flat_map(|(layer, rooms)| rooms.split(' ').map(move |room| (layer, room)))
        .filter(|(_, room)| format!("{path}::").starts_with(&format!("{room}::")))
        .max_by_key(|(_, room)| room.len())
}

/// Why a module must not import a path.
fn refusal(module: &str, path: &str) -> Option<String> {
    let Some(((low, from), (high, to))) = room(module).zip(room(path)) else {
        return Some(format!("give {module} and {path:?} a room and a layer"));
    };
    let among = |rooms: &str| rooms.split(' ').any(|room| room == to);
    let own = from == to || to.starts_with(&format!("{from}::"));
    let mut sideways = SIDEWAYS.iter().filter(|(importer, ..)| *importer == from);
    let sideways = sideways.any(|(_, rooms, _)| among(rooms));
    let island = ISLANDS.iter().find(|(island, _)| *island == from);
    let allowed = own || island.map_or(high < low || sideways, |(_, rooms)| among(rooms));
    let rule = island.map_or("downward only", |_| "an island sees only its list");
    (!allowed).then(|| format!("{from} (L{low}) imports {path} (L{high}), but {rule}"))
}

fn rust(file: &str) -> bool {
    Path::new(file)
        .extension()
        .is_some_and(|ending| ending == "rs")
}

/// Whether it is a source of the sandbox's page; what is built and what npm brings is not.
fn page(file: &str) -> bool {
    let ours = ["sandbox/web/src/", "sandbox/web/tests/"];
    ours.iter().any(|folder| file.starts_with(folder))
}

fn none(found: &[String]) {
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn an_import_is_seen_however_it_is_written() {
    let source = "use crate::{model::Id, app::{self, Run as R},\n b};// crate::cli
        fn f() -> super::Other { crate::health::serve(x) }
        mod tests { use super::*; fn g() { super::super::keeper() } }";
    let (lines, paths): (Vec<_>, Vec<_>) = imports("mirror::plan", source).into_iter().unzip();
    let expected = "model::Id app app::Run::R b health::serve mirror::Other mirror::plan::* \
                    mirror::keeper";
    assert_eq!(paths.join(" "), expected);
    assert_eq!(lines, [1, 1, 1, 1, 3, 3, 4, 4]);
    let refused = |path| refusal("mirror::plan", path).is_some();
    assert!(refused("commands") && refused("mode::next") && refused("new") && !refused("cards"));
}

#[test]
fn imports_run_downward() {
    let (mut found, all) = (Vec::new(), files(&["src", "commands"]));
    assert!(!all.is_empty(), "there are sources to look at");
    for (file, text) in all {
        let module = file.trim_start_matches("src/").trim_end_matches(".rs");
        let module = module.trim_end_matches("/mod").replace('/', "::");
        for (line, path) in imports(&module, &text) {
            found.extend(refusal(&module, &path).map(|why| format!("{file}:{line}: {why}")));
        }
    }
    none(&found);
}

#[test]
fn outside_crates_stay_in_their_rooms() {
    let mut found = Vec::new();
    for (file, text) in files(&["src", "commands"]) {
        for (name, rooms) in OUTSIDE {
            let here = rooms.split(' ').any(|room| file.starts_with(room));
            for (at, line) in text.lines().enumerate().filter(|_| !here) {
                if line.contains(name) && !line.trim_start().starts_with("//") {
                    found.push(format!("{file}:{}: {name} belongs to {rooms}", at + 1));
                }
            }
        }
    }
    none(&found);
}

#[test]
fn the_sandbox_knows_nothing_of_the_bridge() {
    let mut found = files(&["sandbox"]);
    found.retain(|(file, text)| {
        text.contains("clawdos_bridge") || file.ends_with("Cargo.toml") && text.contains("path =")
    });
    none(&found.into_iter().map(|(file, _)| file).collect::<Vec<_>>());
}

#[test]
fn the_page_draws_what_it_holds_and_holds_what_it_hears() {
    let mut found = Vec::new();
    for (file, text) in files(&["sandbox/web/src"]) {
        let above: &[&str] = match file.split('/').nth(3) {
            Some("discord") => &["../state/", "../view/"],
            Some("state") => &["../view/"],
            _ => &[],
        };
        let imports = text.lines().filter(|line| line.contains(" from \""));
        let wrong = imports.filter(|line| above.iter().any(|room| line.contains(room)));
        found.extend(wrong.map(|line| format!("{file}: {line}")));
    }
    none(&found);
}

#[test]
fn files_are_short_enough_to_read() {
    let mut found = files(&["src", "commands", "sandbox", "tests", "benches"]);
    found.retain(|(file, text)| (rust(file) || page(file)) && text.lines().count() > 400);
    none(&found.into_iter().map(|(file, _)| file).collect::<Vec<_>>());
}

#[test]
fn the_documents_name_files_that_exist() {
    let mut found = Vec::new();
    for document in ["README.md", "ARCHITECTURE.md"] {
        let text = source::read(document).expect("the document is there");
        let quoted = text.split('`').skip(1).step_by(2);
        // What a build makes is there after it.
        let made = |name: &&str| name.starts_with("target/");
        for name in quoted.filter(|name| !name.contains([' ', '\n', ':']) && !made(name)) {
            let named = rust(name) || name.ends_with('/') || name.starts_with("deploy/");
            if named && !source::exists(name) && !source::exists(&format!("src/{name}")) {
                found.push(format!("{document}: {name}"));
            }
        }
    }
    none(&found);
}
