//! Tests of `model::change`.

use clawdos_bridge::model::change::*;

#[test]
fn every_table_is_found_by_its_own_name_and_no_other() {
    for table in Table::ALL {
        assert_eq!(table.as_str().parse::<Table>(), Ok(*table));
    }
    assert_eq!(Table::ALL.len(), 19, "the list of issue 4");
    for stranger in ["", "Tasks", "task", "pg_class", "tasks "] {
        assert!(
            stranger.parse::<Table>().is_err(),
            "{stranger:?} is not ours"
        );
    }
}

#[test]
fn a_key_comes_back_as_the_database_printed_it() {
    for text in [
        "5f0c1d2e-3b4a-4c5d-8e9f-000102030405",
        "5F0C1D2E-3B4A-4C5D-8E9F-000102030405",
        "5f0c1d2e3b4a4c5d8e9f000102030405",
        "{5f0c1d2e-3b4a-4c5d-8e9f-000102030405}",
        "front-office",
        "",
    ] {
        assert_eq!(RowKey::from(text).to_string(), text);
    }
    assert!(
        RowKey::from("5f0c1d2e-3b4a-4c5d-8e9f-000102030405")
            .as_uuid()
            .is_some()
    );
    assert!(
        RowKey::from("5F0C1D2E-3B4A-4C5D-8E9F-000102030405")
            .as_uuid()
            .is_none()
    );
}

#[test]
fn a_snapshot_sees_what_ended_before_it() {
    let snapshot: Snapshot = "1000:1005:1000,1003".parse().unwrap();
    let seen = (997..=1007).filter(|xid| snapshot.sees(Xid(*xid)));
    assert_eq!(seen.collect::<Vec<_>>(), [997, 998, 999, 1001, 1002, 1004]);
    assert!("7:7:".parse::<Snapshot>().unwrap().sees(Xid(6)));
    for text in ["", "1:2", "a:b:", "1:2:x", "1:2:3,", "-1:2:"] {
        assert_eq!(
            text.parse::<Snapshot>().is_ok(),
            text == "1:2:3,",
            "{text:?}"
        );
    }
}

#[test]
fn a_snapshot_sees_across_the_wraparound_of_transaction_numbers() {
    let round = 1_u64 << 32;
    let before: Snapshot = format!("{0}:{1}:{0}", round - 2, round - 1)
        .parse()
        .unwrap();
    assert!(before.sees(Xid(u32::MAX - 5)) && !before.sees(Xid(u32::MAX - 1)));
    assert!(!before.sees(Xid(3)), "the next round has not begun");
    let after: Snapshot = format!("{}:{}:{}", round + 4, round + 6, round + 4)
        .parse()
        .unwrap();
    assert!(after.sees(Xid(u32::MAX)) && after.sees(Xid(3)) && after.sees(Xid(5)));
    assert!(!after.sees(Xid(4)) && !after.sees(Xid(6)));
}
