//! Two audiences for errors: what a person can act on is a [`UserError`], everything else is logged
//! once where it is handled and the person gets a short reference to that log line.

use rand::Rng as _;

/// A sentence for the person who asked, in their words: what is wrong and what to do about it.
///
/// It travels inside `anyhow::Error` like any other error; [`Told::of`] tells it apart at the edge.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UserError(pub String);

impl UserError {
    /// An error whose text is shown to the person as it is.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

/// Letters and digits that are not mistaken for each other when read aloud or typed from a screen.
const REFERENCE_ALPHABET: &[u8; 30] = b"23456789abcdefghjkmnpqrstvwxyz";

/// Eight of thirty characters are 39 bits: enough to find one log line, short enough to type.
const REFERENCE_LENGTH: usize = 8;

/// A short random reference that connects what a person was told with the log line that has the
/// details. It carries no information by itself.
pub fn reference() -> String {
    let mut rng = rand::rng();
    (0..REFERENCE_LENGTH)
        .map(|_| char::from(REFERENCE_ALPHABET[rng.random_range(0..REFERENCE_ALPHABET.len())]))
        .collect()
}

/// What a person is told about an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// The error is about what they did or can change: this sentence is for them.
    Person(String),
    /// The error is ours: log it with this reference, and show the person the reference only.
    Reference(String),
}

impl Told {
    /// Decides, once and at the edge, which of the two an error is.
    ///
    /// A [`UserError`] counts wherever it stands: as the error itself, as a context, or as a source.
    pub fn of(error: &anyhow::Error) -> Self {
        let as_context = error.downcast_ref::<UserError>();
        let found = as_context.or_else(|| error.chain().find_map(|cause| cause.downcast_ref()));
        match found {
            Some(UserError(sentence)) => Self::Person(sentence.clone()),
            None => Self::Reference(reference()),
        }
    }

    /// The text to show.
    pub fn sentence(&self) -> String {
        match self {
            Self::Person(sentence) => sentence.clone(),
            Self::Reference(reference) => format!(
                "Something went wrong on our side. Please try again; if it stays, tell whoever \
                 runs the bridge this reference: `{reference}`."
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("wrapped")]
    struct Wrapper(#[source] UserError);

    #[test]
    fn a_user_error_is_found_wherever_it_stands_in_the_chain() {
        let expected = Told::Person("Pick an agent.".to_owned());
        let user = || UserError::new("Pick an agent.");
        let itself = anyhow::Error::new(user());
        let below = Err::<(), _>(user()).context("while reading").unwrap_err();
        let above = Err::<(), _>(std::fmt::Error).context(user()).unwrap_err();
        let between = above.context("outermost");
        let source = anyhow::Error::new(Wrapper(user()));
        for error in [itself, below, between, source] {
            assert_eq!(Told::of(&error), expected, "{error:?}");
        }
    }

    #[test]
    fn every_other_error_is_hidden_behind_a_fresh_reference() {
        let error = anyhow::anyhow!("password=hunter2 refused");
        let (first, second) = (Told::of(&error), Told::of(&error));
        assert_ne!(first, second);
        assert!(!first.sentence().contains("hunter2"));
        let Told::Reference(reference) = first else {
            panic!("not a reference: {first:?}")
        };
        assert_eq!(reference.len(), REFERENCE_LENGTH);
    }
}
