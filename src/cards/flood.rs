//! What somebody is told who writes more than can be read.

/// Many messages in a few seconds: nothing is lost, and it takes its time.
pub fn slower() -> String {
    "That is a lot at once. Everything is kept and handled in the order in which you wrote it, so \
     answers may take a while."
        .to_owned()
}
