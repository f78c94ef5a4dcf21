//! `/setup`: what its controls say, what its card tells, and who owns the bot.

use std::collections::HashSet;

use chrono::DateTime;
use clawdos_bridge::cards::custom_id::{LIMIT, Press};
use clawdos_bridge::cards::setup::press::SetupPress;
use clawdos_bridge::cards::setup::{Place, PlaceState, Sight, answers, card, choice, mask};
use clawdos_bridge::discord::portal::{Application, PERMISSIONS};
use clawdos_bridge::model::labs::{Feature, Labs};
use clawdos_bridge::model::mode::{Mode, State};
use clawdos_bridge::model::operators::{Changes, Chosen, Kind, Operators, version};
use clawdos_bridge::model::{ChannelId, GuildId, ProjectId, RoleId, UserId};
use proptest::prelude::*;
use serde_json::{Value, json};

fn presses() -> impl Strategy<Value = SetupPress> {
    let parts = (0..8_u8, "[a-z0-9-]{1,64}", any::<u64>(), any::<u8>());
    parts.prop_map(|(which, project, number, mask)| {
        let project: ProjectId = project.parse().unwrap();
        match which {
            0 => SetupPress::Look(project),
            1 => SetupPress::Choose(Kind::User, project, number),
            2 => SetupPress::Choose(Kind::Role, project, number),
            3 => SetupPress::Labs(project, mask),
            4 => SetupPress::Project,
            5 => SetupPress::Show(project, GuildId::new(number)),
            6 => SetupPress::Create(project),
            _ => SetupPress::Named(project),
        }
    })
}

proptest! {
    #[test]
    fn what_we_write_is_what_we_read_and_nothing_else_reads_it(press in presses()) {
        let text = press.to_string();
        prop_assert!((1..=LIMIT).contains(&text.len()), "{text}");
        prop_assert_eq!(text.parse(), Ok(press.clone()));
        prop_assert!(text.parse::<Press>().is_err(), "{text}");
        prop_assert!(!(press.is_form() && press.is_list()));
    }

    #[test]
    fn whatever_comes_back_is_read_to_the_letter_or_not_at_all(
        press in presses(), cut in 0..100_usize, end in "[ :0A-F]{1,40}", noise in "setup:[a-z]{0,6}(:[a-z0-9:-]{0,90})?",
    ) {
        let text = press.to_string();
        let cut = text[..cut.min(text.len() - 1)].to_owned();
        for other in [cut, format!(" {text}"), format!("{text}{end}"), text.to_uppercase(), noise] {
            if let Ok(read) = other.parse::<SetupPress>() {
                prop_assert_eq!(read.to_string(), other);
            }
        }
    }

    #[test]
    fn a_project_in_a_list_fits_whatever_it_is_called(id in "[a-z0-9-]{1,100}", name in ".{0,200}") {
        let label = choice(&id.parse().unwrap(), &name);
        prop_assert!((1..=100).contains(&label.encode_utf16().count()), "{label:?}");
    }

    #[test]
    fn no_card_breaks_a_limit(
        name in ".{0,300}", reason in ".{0,900}", places in 0..500_u64, chosen in 0..60_u64,
        missing in any::<u16>(), on in any::<u8>(), note in ".{0,2500}",
    ) {
        let permissions: Vec<_> = PERMISSIONS.iter().enumerate()
            .map(|(bit, (_, name))| (*name, missing & 1 << bit == 0))
            .collect();
        let state = |it: u64| match it % 5 {
            0 => PlaceState::Off(Feature::ALL.to_vec()),
            1 => PlaceState::NoRoom,
            2 => PlaceState::NotAllowed,
            3 => PlaceState::Coming,
            _ => PlaceState::There(ChannelId::new(u64::MAX / 2 - it).unwrap()),
        };
        let places: Vec<_> = (0..places)
            .map(|it| Place { name: format!("dm-{}", "x".repeat(60)), state: state(it) })
            .collect();
        let users: Vec<_> = (1..=chosen).filter_map(|it| UserId::new(u64::MAX / 2 - it)).collect();
        let roles: Vec<_> = (1..=chosen).filter_map(|it| RoleId::new(u64::MAX / 2 - it)).collect();
        let configured = Operators {
            users: users.iter().copied().collect(),
            roles: HashSet::new(),
        };
        let labs = Feature::ALL.into_iter().enumerate()
            .fold(Labs::default(), |labs, (bit, it)| labs.with(it, on & 1 << bit != 0));
        let sight = Sight {
            project: &"x".repeat(64).parse().unwrap(),
            name: &name,
            places: &places,
            mode: &state_of(&reason),
            permissions: Some(&permissions),
            invite: "https://discord.com/oauth2/authorize?client_id=1",
            configured: &configured,
            chosen: &Chosen { users, roles: roles.clone() },
            gone: &roles,
            labs,
            switches: true,
        };
        let draft = card(&sight, Some(&note));
        prop_assert!(draft.content.encode_utf16().count() <= 2_000);
        let shown = json!(draft);
        let fields = shown["embeds"][0]["fields"].as_array().unwrap();
        let all: String = fields.iter().filter_map(|it| it["value"].as_str()).collect();
        prop_assert!(all.encode_utf16().count() < 5_500);
        for (name, granted) in &permissions {
            let line = if *granted { format!("✅ {name}") } else { format!("❌ **{name}**") };
            prop_assert!(all.contains(&line), "{line} is missing: {all}");
        }
        prop_assert_eq!(mask(labs), on & 0x3f);
        prop_assert!(draft.components.len() <= 5);
        for list in shown["components"].as_array().unwrap().iter().map(|row| &row["components"][0]) {
            let defaults = list["default_values"].as_array().map_or(0, Vec::len);
            prop_assert!(defaults <= 25);
        }
    }
}

fn state_of(reason: &str) -> State {
    State {
        mode: Some(Mode::Backup),
        reason: reason.to_owned(),
        ..State::unknown(DateTime::UNIX_EPOCH)
    }
}

#[test]
fn lists_come_with_who_is_chosen_and_name_what_they_show() {
    let chosen = Chosen {
        users: [7, 3].into_iter().filter_map(UserId::new).collect(),
        roles: Vec::new(),
    };
    let sight = Sight {
        project: &"front-office".parse().unwrap(),
        name: "Front Office",
        places: &[],
        mode: &state_of("no answer"),
        permissions: None,
        invite: "",
        configured: &Operators::default(),
        chosen: &chosen,
        gone: &[],
        labs: Labs::default(),
        switches: false,
    };
    let shown = json!(card(&sight, None));
    let people = &shown["components"][0]["components"][0];
    assert_eq!(people["type"], 5);
    assert_eq!(
        people["default_values"],
        json!([{ "id": "7", "type": "user" }, { "id": "3", "type": "user" }])
    );
    assert_eq!(
        (&people["min_values"], &people["max_values"]),
        (&json!(0), &json!(25))
    );
    let id = format!("setup:user:front-office:{:016x}", version(&[3, 7]));
    assert_eq!(people["custom_id"], id);
    let text = shown.to_string();
    assert!(text.contains("one operator has to stay"), "{text}");
    assert!(text.contains("Discord does not say"), "{text}");
    assert!(text.contains("choose yourself above"), "{text}");
    // Two lists and the button: nobody else's features.
    assert_eq!(shown["components"].as_array().map(Vec::len), Some(3));
}

#[test]
fn an_activity_tells_who_came_and_who_went() {
    let changes = Changes {
        added: vec![1, 2],
        removed: vec![3],
    };
    let names = [(1, "mallory".to_owned())];
    assert_eq!(
        answers::activity("zack", Kind::User, &changes, &names),
        "zack changed the operators with /setup; new: mallory (account 1), account 2; taken out: account 3"
    );
}

fn owners(application: Value) -> Vec<u64> {
    let application: Application = serde_json::from_value(application).unwrap();
    let mut owners: Vec<u64> = application.owners().into_iter().map(UserId::get).collect();
    owners.sort_unstable();
    owners
}

#[test]
fn an_application_belongs_to_its_owner_or_to_who_has_accepted_in_its_team() {
    assert!(owners(json!({ "id": "1" })).is_empty());
    assert_eq!(
        owners(json!({ "id": "1", "owner": { "id": "7" }, "team": null })),
        [7]
    );
    let member = |id: &str, state: u8, role: &str| json!({ "membership_state": state, "role": role, "user": { "id": id } });
    // Of a team Discord names an account of its own as the owner.
    let team = json!({
        "id": "9", "owner_user_id": "2",
        "members": [member("2", 2, ""), member("3", 1, "admin"), member("4", 2, "developer"),
            member("5", 2, "read_only")],
    });
    assert_eq!(
        owners(json!({ "id": "1", "owner": { "id": "99" }, "team": team })),
        [2, 4]
    );
}
