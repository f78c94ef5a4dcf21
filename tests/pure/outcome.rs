//! What became of an action, in words for people.

use clawdos_bridge::store::execution::Outcome;

/// Characters of a result that people get to read.
const RESULT: usize = 1500;

#[test]
fn a_result_is_bounded_and_visible() {
    let said = |text: &str| Outcome::Executed(text.to_owned()).text();
    assert_eq!(said("a\u{0}b\u{1b}[31m\nc"), "a\u{fffd}b[31m\nc");
    assert_eq!(said(&"x".repeat(9000)).chars().count(), RESULT);
    let short = "x".repeat(RESULT);
    assert_eq!(said(&short), short);
}
