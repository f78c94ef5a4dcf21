//! What people see in `#status`: one card, and posts.

use super::person::Seen;

/// The first line of the card.
pub const TITLE: &str = "**Mission Control**";

/// The card, which there must not be two of; nothing where it is still to come.
pub fn card(seen: &[Seen]) -> &str {
    let mut cards = seen.iter().filter(|m| m.text.starts_with(TITLE));
    let card = cards.next().map_or("", |card| card.text.as_str());
    assert_eq!(cards.count(), 0, "there is one card: {seen:#?}");
    card
}

/// The word of welcome, which is said once.
const WELCOME: &str = "**Welcome to Mission Control**";

/// The posts, which are everything else.
pub fn posts(seen: &[Seen]) -> Vec<&str> {
    let said = |m: &&Seen| !m.text.starts_with(TITLE) && !m.text.starts_with(WELCOME);
    let posts = seen.iter().filter(said);
    posts.map(|m| m.text.as_str()).collect()
}
