//! What people are told about their messages while the database is away.

/// The spool is full, or the disk is: this message is not kept.
pub fn not_kept() -> String {
    "The database is away and no more messages can be kept. This one is not kept: please send it \
     again when `#status` says that the database is back."
        .to_owned()
}
