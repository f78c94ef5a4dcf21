//! Who may decide: what is known of those who were chosen.

use std::collections::HashSet;
use std::sync::Arc;

use clawdos_bridge::model::UserId;
use clawdos_bridge::model::operators::{Chosen, Roll, version};

#[test]
fn an_older_look_takes_nothing_back() {
    let ids = |id| Chosen {
        users: UserId::new(id).into_iter().collect(),
        roles: Vec::new(),
    };
    let roll = Roll::new(Arc::default());
    let (slow, fast) = (roll.look(), roll.look());
    roll.learn(fast, &ids(2));
    roll.learn(slow, &ids(1));
    assert_eq!(roll.now().users, HashSet::from_iter(UserId::new(2)));
    roll.learn(roll.look(), &Chosen::default());
    assert!(roll.is_empty());
}

#[test]
fn a_version_names_what_is_in_a_list_and_not_its_order() {
    assert_eq!(version(&[1, 2]), version(&[2, 1]));
    assert_ne!(version(&[1, 2]), version(&[1]));
    assert_ne!(version(&[]), version(&[1]));
}
