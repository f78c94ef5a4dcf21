//! Tests of `feed::pgoutput`.

use clawdos_bridge::model::change::{Op, Table, Xid};
use proptest::prelude::*;

use clawdos_bridge::feed::pgoutput::*;

/// `tasks (title, id)` as relation 7, with the key second.
fn decoder() -> Decoder {
    let mut decoder = Decoder::default();
    decoder.begin(9, 0);
    let relation = b"R\0\0\0\x07public\0tasks\0d\0\x02\0title\0\0\0\0\x19\xff\xff\xff\xff\
                     \x01id\0\0\0\0\x19\xff\xff\xff\xff";
    assert_eq!(decoder.message(relation), Ok(()));
    decoder
}

const INSERT: &[u8] = b"I\0\0\0\x07N\0\x02t\0\0\0\x05hellot\0\0\0\x02k1";

#[test]
fn a_row_is_known_by_its_key() {
    let mut decoder = decoder();
    decoder.message(INSERT).unwrap();
    let [change] = &decoder.take()[..] else {
        panic!("one change")
    };
    assert_eq!((change.table, change.op), (Table::Tasks, Op::Insert));
    assert_eq!(
        (change.key.to_string().as_str(), change.xid),
        ("k1", Some(Xid(9)))
    );
    let epoch = change.commit_at.map(|at| at.to_rfc3339());
    assert_eq!(epoch.as_deref(), Some("2000-01-01T00:00:00+00:00"));
}

#[test]
fn what_cannot_be_read_is_an_error_and_nothing_else() {
    let mut decoder = decoder();
    for end in 0..INSERT.len() {
        assert!(decoder.message(&INSERT[..end]).is_err(), "cut at {end}");
    }
    assert_eq!(decoder.waiting(), 0);
    assert!(decoder.take_sweep().is_some() && decoder.take_sweep().is_none());
    assert_eq!(
        decoder.message(b"Z123"),
        Err(Unreadable::UnknownMessage(b'Z'))
    );
    assert_eq!(decoder.take_sweep(), None);
    assert_eq!(
        decoder.message(b"I\0\0\0\x08N\0\0"),
        Err(Unreadable::UnknownRelation)
    );
    let null_key = b"D\0\0\0\x07K\0\x02nn";
    assert_eq!(
        decoder.message(null_key),
        Err(Unreadable::NoKey(Table::Tasks))
    );
    decoder.message(INSERT).unwrap();
    assert_eq!(decoder.waiting(), 1, "and goes on");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(kind in prop::sample::select(&b"RIUDTBCYOM?"[..]), rest: Vec<u8>) {
        let mut decoder = decoder();
        let _ = decoder.message(&[&[kind][..], &rest].concat());
        let _ = decoder.message(&[&[kind, 0, 0, 0, 7][..], &rest].concat());
    }
}
