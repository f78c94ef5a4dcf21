//! `[spool]`: how much is kept while the database is away.

use super::Start;

#[test]
fn the_spool_has_bounds_within_reason() {
    let config = Start::with_file("[spool]\nmessages = 3\nbytes = 100000\n").config();
    assert_eq!((config.spool.messages, config.spool.bytes), (3, 100_000));
    for text in [
        "[spool]\nmessages = 0\n",
        "[spool]\nmessages = \"many\"\n",
        // One long message has to fit.
        "[spool]\nbytes = 10000\n",
        "[spool]\nbytes = 99999999999\n",
    ] {
        let problem = Start::with_file(text).only_problem();
        assert!(problem.what.contains("whole number"), "{text}: {problem}");
    }
}
