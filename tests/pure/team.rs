//! Who is not in the team any more.

use clawdos_bridge::store::team::departed;

#[test]
fn who_is_gone_is_named() {
    let key = "agent:ricky:main".parse().unwrap();
    assert_eq!(departed(&key), "Ricky is not in the team any more.");
}
