//! Lists that are longer than a message: page by page.

use std::ops::Range;

use super::button::MOST_CHOICES;
use super::quote::length;

/// Which lines stand on which page, where a page has so much room in UTF-16 units and its lines can be chosen
/// from a list. There is always one page, which may be empty.
pub fn pages(lines: &[String], room: usize) -> Vec<Range<usize>> {
    let mut pages = Vec::new();
    let (mut start, mut used) = (0, 0);
    for (at, line) in lines.iter().enumerate() {
        let needs = length(line) + 1;
        if at > start && (used + needs > room || at - start == MOST_CHOICES) {
            pages.push(start..at);
            (start, used) = (at, 0);
        }
        used += needs;
    }
    pages.push(start..lines.len());
    pages
}

/// The page that is meant, or the last one where there are fewer by now.
pub fn page(pages: &[Range<usize>], wanted: u16) -> (u16, Range<usize>) {
    let last = pages.len().saturating_sub(1);
    let at = usize::from(wanted).min(last);
    let range = pages.get(at).cloned().unwrap_or_default();
    (u16::try_from(at).unwrap_or(u16::MAX), range)
}
