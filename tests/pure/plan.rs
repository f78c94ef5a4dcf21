//! Wanted × ledger → actions.

use clawdos_bridge::cards::{Draft, Persona};
use clawdos_bridge::mirror::dirty::Dirty;
use clawdos_bridge::mirror::plan::{Action, Wanted, plan};
use clawdos_bridge::mirror::read_back::{Found, adopt};
use clawdos_bridge::model::view::{
    Entity, EntityKind, Surface, View, ViewAuthor, ViewKey, ViewState,
};
use clawdos_bridge::model::{ChannelId, DiscordMessageId};
use proptest::prelude::*;

const ENTITY: Entity = Entity {
    kind: EntityKind::Message,
    id: uuid::Uuid::nil(),
};

fn draft(text: &str) -> Draft {
    Draft {
        persona: Some(Persona::new("Ricky", "ricky")),
        content: text.to_owned(),
    }
}

fn wanted(texts: &[String]) -> Wanted {
    Wanted {
        surface: Surface::Room,
        drafts: texts.iter().map(|text| draft(text)).collect(),
        row_version: "7".to_owned(),
    }
}

fn view(part: i16, state: ViewState, text: &str, version: &str) -> View {
    View {
        key: ViewKey {
            entity: ENTITY,
            surface: Surface::Room,
            part,
        },
        channel: ChannelId::new(1).unwrap(),
        message: DiscordMessageId::new(100 + u64::from(part.unsigned_abs())),
        author: ViewAuthor::Webhook,
        hash: Some(draft(text).hash()),
        row_version: Some(version.to_owned()),
        state,
        since: chrono::DateTime::UNIX_EPOCH,
    }
}

/// What Discord and the ledger are after these actions.
fn carry_out(views: Vec<View>, actions: Vec<Action>) -> Vec<View> {
    let mut views = views;
    for action in actions {
        let key = action.key().clone();
        views.retain(|view| view.key != key);
        match action {
            Action::Create {
                draft, row_version, ..
            }
            | Action::Edit {
                draft, row_version, ..
            } => {
                views.push(View {
                    hash: Some(draft.hash()),
                    row_version: Some(row_version),
                    ..view(key.part, ViewState::Sent, "", "")
                });
            }
            Action::Note {
                view,
                row_version: Some(row_version),
            } => views.push(View {
                row_version: Some(row_version),
                ..view
            }),
            Action::Delete { .. }
            | Action::Note {
                row_version: None, ..
            } => {}
        }
    }
    views
}

proptest! {
    #[test]
    fn doing_it_once_is_enough(
        texts in proptest::collection::vec("[ab]{1,2}", 0..5),
        there in proptest::collection::vec(("[ab]{1,2}", any::<bool>(), "[67]"), 0..5),
    ) {
        let views: Vec<View> = there
            .iter()
            .zip(0_i16..)
            .map(|((text, failed, version), part)| {
                let state = if *failed { ViewState::Failed } else { ViewState::Sent };
                view(part, state, text, version)
            })
            .collect();
        let actions = plan(ENTITY, Some(wanted(&texts)), views.clone());
        let after = carry_out(views, actions);
        prop_assert_eq!(plan(ENTITY, Some(wanted(&texts)), after), vec![]);
    }
}

#[test]
fn what_is_under_way_is_left_alone() {
    for state in [ViewState::Sending, ViewState::Unknown] {
        let views = vec![view(0, state, "old", "6")];
        assert_eq!(
            plan(ENTITY, Some(wanted(&["new".to_owned()])), views.clone()),
            vec![]
        );
        assert_eq!(plan(ENTITY, None, views), vec![]);
    }
}

#[test]
fn a_persons_own_message_is_never_touched() {
    let own = View {
        author: ViewAuthor::Person,
        ..view(0, ViewState::Sent, "theirs", "6")
    };
    assert_eq!(
        plan(
            ENTITY,
            Some(wanted(&["ours".to_owned()])),
            vec![own.clone()]
        ),
        vec![]
    );
    let forgotten = plan(ENTITY, None, vec![own]);
    assert!(matches!(
        forgotten.as_slice(),
        [Action::Note {
            row_version: None,
            ..
        }]
    ));
}

#[test]
fn a_row_that_is_gone_takes_its_messages_with_it() {
    let views = vec![
        view(0, ViewState::Sent, "a", "7"),
        view(1, ViewState::Sent, "b", "7"),
    ];
    let actions = plan(ENTITY, None, views);
    assert!(
        actions
            .iter()
            .all(|action| matches!(action, Action::Delete { .. }))
    );
    assert_eq!(actions.len(), 2);
}

#[test]
fn a_refused_version_is_not_sent_again_and_a_new_one_is() {
    let refused = |version| vec![view(0, ViewState::Failed, "x", version)];
    assert_eq!(
        plan(ENTITY, Some(wanted(&["x".to_owned()])), refused("7")),
        vec![]
    );
    let actions = plan(ENTITY, Some(wanted(&["x".to_owned()])), refused("6"));
    assert!(matches!(actions.as_slice(), [Action::Create { .. }]));
}

#[test]
fn equal_texts_are_adopted_in_the_order_they_were_sent() {
    let found = |id, content: &str| Found {
        id: DiscordMessageId::new(id).unwrap(),
        content: content.to_owned(),
    };
    let there = [found(1, "same"), found(2, "other"), found(3, "same ")];
    let ids: Vec<_> = adopt(&["same", "same", "same", "other"], &there)
        .into_iter()
        .map(|id| id.map(DiscordMessageId::get))
        .collect();
    assert_eq!(ids, [Some(1), Some(3), None, Some(2)]);
}

#[test]
fn a_burst_costs_one_look_and_nothing_is_looked_at_twice_at_once() {
    let mut dirty = Dirty::default();
    for _ in 0..10 {
        dirty.mark(ENTITY);
    }
    assert_eq!(dirty.take(10), [ENTITY]);
    dirty.mark(ENTITY);
    assert!(dirty.is_empty(), "it is being worked on");
    dirty.done(ENTITY);
    assert_eq!(dirty.take(10), [ENTITY], "it changed meanwhile");
    dirty.done(ENTITY);
    assert!(dirty.is_empty());
}
