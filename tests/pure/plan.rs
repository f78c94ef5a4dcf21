//! Wanted × ledger → actions.

use clawdos_bridge::cards::{Draft, Mark, Persona, Upkeep};
use clawdos_bridge::mirror::dirty::Dirty;
use clawdos_bridge::mirror::plan::{Action, Wanted, plan as plan_at};
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
    Draft::spoken(Persona::new("Ricky", "ricky"), text.to_owned())
}

fn wanted(texts: &[String]) -> Vec<Wanted> {
    vec![Wanted {
        surface: Surface::Room,
        drafts: texts.iter().map(|text| draft(text)).collect(),
        row_version: "7".to_owned(),
    }]
}

/// The plan at a moment when every message is new.
fn plan(entity: Entity, wanted: Vec<Wanted>, views: Vec<View>) -> Vec<Action> {
    plan_at(entity, wanted, views, chrono::DateTime::UNIX_EPOCH)
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
                    key,
                    hash: Some(draft.hash()),
                    row_version: Some(row_version),
                    ..view(0, ViewState::Sent, "", "")
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
            | Action::Replace { .. }
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
        let actions = plan(ENTITY, wanted(&texts), views.clone());
        let after = carry_out(views, actions);
        prop_assert_eq!(plan(ENTITY, wanted(&texts), after), vec![]);
    }
}

#[test]
fn what_is_under_way_is_left_alone() {
    for state in [ViewState::Sending, ViewState::Unknown] {
        let views = vec![view(0, state, "old", "6")];
        assert_eq!(
            plan(ENTITY, wanted(&["new".to_owned()]), views.clone()),
            vec![]
        );
        assert_eq!(plan(ENTITY, Vec::new(), views), vec![]);
    }
}

#[test]
fn a_persons_own_message_is_never_touched() {
    let own = View {
        author: ViewAuthor::Person,
        ..view(0, ViewState::Sent, "theirs", "6")
    };
    assert_eq!(
        plan(ENTITY, wanted(&["ours".to_owned()]), vec![own.clone()]),
        vec![]
    );
    let forgotten = plan(ENTITY, Vec::new(), vec![own]);
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
    let actions = plan(ENTITY, Vec::new(), views);
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
        plan(ENTITY, wanted(&["x".to_owned()]), refused("7")),
        vec![]
    );
    let actions = plan(ENTITY, wanted(&["x".to_owned()]), refused("6"));
    assert!(matches!(actions.as_slice(), [Action::Create { .. }]));
}

fn card(state: &str) -> Draft {
    Draft {
        upkeep: Upkeep::Card,
        ..Draft::text(format!("**Write a file** · `00000000`\n{state}"))
    }
}

fn card_on(surfaces: &[Surface], state: &str) -> Vec<Wanted> {
    let wanted = |surface: &Surface| Wanted {
        surface: surface.clone(),
        drafts: vec![card(state)],
        row_version: "7".to_owned(),
    };
    surfaces.iter().map(wanted).collect()
}

const BOTH: [Surface; 2] = [Surface::Room, Surface::Approvals];

#[test]
fn a_proposal_is_shown_where_it_was_made_and_among_the_approvals() {
    let actions = plan(ENTITY, card_on(&BOTH, "open"), Vec::new());
    let made: Vec<_> = actions.iter().map(|it| it.key().surface.clone()).collect();
    assert_eq!(made, BOTH);
    let views = carry_out(Vec::new(), actions);
    assert_eq!(plan(ENTITY, card_on(&BOTH, "open"), views.clone()), vec![]);

    let bot = |view: View| View {
        author: ViewAuthor::Bot,
        ..view
    };
    let views: Vec<View> = views.into_iter().map(bot).collect();
    let both_change = plan(ENTITY, card_on(&BOTH, "approved"), views.clone());
    assert!(
        both_change
            .iter()
            .all(|it| matches!(it, Action::Edit { .. }))
            && both_change.len() == 2,
        "{both_change:?}"
    );
    let moved = plan(ENTITY, card_on(&BOTH[1..], "open"), views);
    assert!(
        matches!(moved.as_slice(), [Action::Delete { view }] if view.key.surface == Surface::Room),
        "{moved:?}"
    );
}

#[test]
fn a_card_never_stands_in_a_message_that_a_webhook_wrote() {
    let borrowed = vec![view(0, ViewState::Sent, "an agent's words", "6")];
    let actions = plan(ENTITY, card_on(&BOTH[..1], "open"), borrowed);
    assert!(
        matches!(actions.as_slice(), [Action::Replace { .. }]),
        "{actions:?}"
    );
}

#[test]
fn a_persons_words_that_become_a_proposal_stay_theirs_and_are_shown_among_the_approvals() {
    let own = View {
        author: ViewAuthor::Person,
        ..view(0, ViewState::Sent, "theirs", "6")
    };
    let actions = plan(ENTITY, card_on(&BOTH, "open"), vec![own]);
    assert!(
        matches!(actions.as_slice(), [Action::Create { key, .. }] if key.surface == Surface::Approvals),
        "{actions:?}"
    );
}

#[test]
fn what_changes_for_ever_is_posted_anew_once_it_is_an_hour_old() {
    let made = chrono::DateTime::from_timestamp(1_795_342_843, 0).unwrap();
    let there = View {
        author: ViewAuthor::Bot,
        message: Some(DiscordMessageId::at(made)),
        ..view(0, ViewState::Sent, "1 waiting", "6")
    };
    let digest = |upkeep| {
        let drafts = vec![Draft {
            upkeep,
            ..card("2 waiting")
        }];
        let mut wanted = card_on(&BOTH[..1], "");
        wanted[0].drafts = drafts;
        wanted
    };
    for (upkeep, minutes, anew) in [
        (Upkeep::Renewed, 59, false),
        (Upkeep::Renewed, 61, true),
        (Upkeep::Card, 61, false),
    ] {
        let now = made + chrono::Duration::minutes(minutes);
        let actions = plan_at(ENTITY, digest(upkeep), vec![there.clone()], now);
        let replaced = matches!(actions.as_slice(), [Action::Replace { .. }]);
        assert_eq!(
            replaced, anew,
            "{upkeep:?} after {minutes} min: {actions:?}"
        );
    }
}

#[test]
fn a_card_is_known_by_its_first_line_and_never_taken_for_an_agents_words() {
    let open = card("open");
    let decided = card("approved by Anna").content;
    let imitation = Found {
        by_webhook: true,
        ..found(1, &decided)
    };
    let there = [imitation, found(2, "other"), found(3, &decided)];
    let adopted = adopt(&[open.mark(), open.mark()], &there);
    assert_eq!(adopted, [DiscordMessageId::new(3), None]);
}

fn found(id: u64, content: &str) -> Found {
    Found {
        id: DiscordMessageId::new(id).unwrap(),
        content: content.to_owned(),
        by_webhook: false,
    }
}

#[test]
fn words_under_a_name_are_known_where_the_bot_has_said_it() {
    let agents = Found {
        by_webhook: true,
        ..found(1, "**Trunks**\nhello")
    };
    let there = [agents, found(2, "**Trunks**\nhello"), found(3, "hello")];
    let marks = [Mark::Whole("hello"), Mark::Whole("hello")];
    let ids: Vec<_> = adopt(&marks, &there)
        .into_iter()
        .map(|id| id.map(DiscordMessageId::get))
        .collect();
    assert_eq!(ids, [Some(2), Some(3)]);
    let quoting = [found(4, "**Trunks**\n-# ↪ Ricky: what?\nthat")];
    let adopted = adopt(&[Mark::Answer("that")], &quoting);
    assert_eq!(adopted, [DiscordMessageId::new(4)]);
}

#[test]
fn equal_texts_are_adopted_in_the_order_they_were_sent() {
    let there = [found(1, "same"), found(2, "other"), found(3, "same ")];
    let marks = ["same", "same", "same", "other"].map(Mark::Whole);
    let ids: Vec<_> = adopt(&marks, &there)
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

/// The two places of one thread.
fn places() -> [Surface; 2] {
    [
        Surface::Dm("ricky".to_owned()),
        "bot-ricky-7".parse().unwrap(),
    ]
}

#[test]
fn a_persons_words_are_copied_to_the_other_place_of_the_thread() {
    for (theirs, other) in [(0, 1), (1, 0)] {
        let places = places();
        let own = View {
            key: ViewKey {
                surface: places[theirs].clone(),
                ..view(0, ViewState::Sent, "", "").key
            },
            author: ViewAuthor::Person,
            ..view(0, ViewState::Sent, "theirs", "6")
        };
        let actions = plan(ENTITY, card_on(&places, "theirs"), vec![own.clone()]);
        assert!(
            matches!(actions.as_slice(), [Action::Create { key, .. }] if key.surface == places[other]),
            "{actions:?}"
        );
        // Without the bot its channel is not among the places, and the copy in the server is.
        let wanted = card_on(&places[..1], "theirs");
        let copies = plan(ENTITY, wanted, vec![own]).len();
        assert_eq!(copies, theirs, "the place of the person alone wants none");
    }
}

#[test]
fn words_in_private_have_a_word_in_the_ledger() {
    for (word, short) in [("bot-ricky-7", "ricky"), ("bot-a-b-7-18", "a-b-7")] {
        let surface: Surface = word.parse().unwrap();
        assert_eq!(surface.to_string(), word);
        assert_eq!(surface.in_server(), Surface::Dm(short.to_owned()));
        assert!(surface.is_private() && surface.takes_messages());
    }
    for word in [
        "bot-",
        "bot-ricky",
        "bot--7",
        "bot-ricky-",
        "bot-ricky-0",
        "bot-ricky-x",
    ] {
        assert!(word.parse::<Surface>().is_err(), "{word}");
    }
}
