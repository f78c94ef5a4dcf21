//! Time zones by their IANA names.

use chrono_tz::{TZ_VARIANTS, Tz};

use super::{Field, Wrong, quoted};

/// Reads a zone: its IANA name in any case, or the name of its city.
pub fn zone(text: &str) -> Result<Tz, Wrong> {
    let name = text.trim().replace(' ', "_");
    let mut all = TZ_VARIANTS.iter();
    let exact = all.find(|zone| zone.name().eq_ignore_ascii_case(&name));
    let by_city = || {
        let mut all = TZ_VARIANTS.iter();
        all.find(|zone| {
            let (place, city) = zone.name().rsplit_once('/').unwrap_or_default();
            !place.is_empty() && city.eq_ignore_ascii_case(&name)
        })
    };
    exact.or_else(by_city).copied().ok_or_else(|| {
        let reason = format!(
            "{} is no time zone; one is named like America/New_York",
            quoted(text)
        );
        Wrong::new(Field::Timezone, reason)
    })
}

/// How people call a zone: by its city.
pub fn city(zone: Tz) -> String {
    let name = zone.name();
    let (_, city) = name.rsplit_once('/').unwrap_or(("", name));
    city.replace('_', " ")
}

/// The zones that what is typed so far may mean, at most `most`.
pub fn suggest(typed: &str, most: usize) -> Vec<&'static str> {
    let typed = typed.trim().replace(' ', "_").to_ascii_lowercase();
    let names = TZ_VARIANTS.iter().map(|zone| zone.name());
    let mut found: Vec<_> = names
        .filter_map(|name| {
            let at = name.to_ascii_lowercase().find(&typed)?;
            let begins = at == 0 || name.as_bytes().get(at - 1) == Some(&b'/');
            Some((!begins, !name.contains('/') && name != "UTC", name))
        })
        .collect();
    found.sort_unstable();
    found.truncate(most);
    found.into_iter().map(|(_, _, name)| name).collect()
}
