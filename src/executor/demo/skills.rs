//! What the demo team can do: one skill that works anywhere, and one that lacks a program.

use std::io;
use std::path::Path;

/// Folder and manifest.
const SKILLS: [(&str, &str); 2] = [
    (
        "plain-notes",
        r#"name = "Plain notes"
description = "Keeps short notes in text files, one a day."
version = "1.0"
emoji = "📝"

[requires]
bins = ["sh"]
"#,
    ),
    (
        "hat-labels",
        r#"name = "Hat labels"
description = "Prints a label for every hat that leaves the shop."
version = "0.3"
emoji = "🎩"

[requires]
bins = ["hat-label-printer"]
"#,
    ),
];

/// Writes them, unless there is a folder already: what is deleted in it stays deleted.
pub fn write_skills(folder: &Path) -> io::Result<()> {
    if folder.exists() {
        return Ok(());
    }
    for (name, manifest) in SKILLS {
        let folder = folder.join(name);
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("skill.toml"), manifest)?;
    }
    Ok(())
}
