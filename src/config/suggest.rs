//! What a person meant when they misspelt a key.

/// The known key that is nearest to an unknown one: the same name in another section, or a name
/// that is a typing error away. `None` when nothing is near enough to be a help.
pub(super) fn nearest<'k>(
    unknown: &str,
    known: &(impl Iterator<Item = &'k str> + Clone),
) -> Option<String> {
    let (section, name) = unknown.rsplit_once('.').unwrap_or(("", unknown));
    let sections = known.clone().filter_map(|key| key.split_once('.'));
    let candidates = known
        .clone()
        .map(str::to_owned)
        .chain(sections.map(|(section, _)| section.to_owned()));
    let (distance, best) = candidates
        .map(|key| {
            let (its_section, its_name) = key.rsplit_once('.').unwrap_or(("", &key));
            let elsewhere = usize::from(its_section != section);
            // A misspelt section is one mistake, whatever stands in it.
            let apart = edits(name, its_name) * 2 + elsewhere;
            let whole = edits(unknown, &key) * 2;
            (apart.min(whole), key)
        })
        .min()?;
    (distance <= tolerance(name) * 2 + 1).then_some(best)
}

/// One mistake in three letters is still the same word.
fn tolerance(name: &str) -> usize {
    name.chars().count().div_ceil(3).min(3)
}

/// How many letters have to be inserted, removed or replaced to make one text of the other
/// (Levenshtein).
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (above, letter) in from.chars().enumerate() {
        let mut diagonal = above;
        row[0] = above + 1;
        for (column, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 5] = [
        "discord.token",
        "discord.guild_id",
        "control_api.token",
        "mirror.sweep_seconds",
        "executor.agents.main.argv",
    ];

    #[test]
    fn a_misspelt_key_is_recognised_and_a_strange_one_is_not() {
        for (unknown, meant) in [
            ("discord.tokn", Some("discord.token")),
            ("discord.guildid", Some("discord.guild_id")),
            ("control_api.tokem", Some("control_api.token")),
            ("dicord", Some("discord")),
            ("guild_id", Some("discord.guild_id")),
            (
                "executor.agents.main.args",
                Some("executor.agents.main.argv"),
            ),
            ("mirror.colour", None),
            ("something.else_entirely", None),
        ] {
            let found = nearest(unknown, &KNOWN.into_iter());
            assert_eq!(found.as_deref(), meant, "for {unknown}");
        }
    }

    #[test]
    fn edits_are_counted_as_levenshtein_did() {
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("same", "same"), 0);
    }
}
