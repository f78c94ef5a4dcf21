//! The team and the skills as people see them: within Discord's limits whatever the rows hold, and what comes
//! back from their controls is something that we have written.

use chrono::{DateTime, Utc};
use clawdos_bridge::cards::custom_id::{LIMIT, Press, ReasonForm};
use clawdos_bridge::cards::help::{Command, help, welcome};
use clawdos_bridge::cards::hire::request;
use clawdos_bridge::cards::task_press::TaskPress;
use clawdos_bridge::cards::team::{Detail, Seat, agent, team};
use clawdos_bridge::cards::team_press::TeamPress;
use clawdos_bridge::cards::{Draft, skills};
use clawdos_bridge::commands::help::described;
use clawdos_bridge::model::bots::BotState;
use clawdos_bridge::model::hire::{Request, RequestState};
use clawdos_bridge::model::presence::Presence;
use clawdos_bridge::model::skill::{Missing, Skill, SkillStatus};
use clawdos_bridge::model::team::{Job, Member};
use proptest::prelude::*;
use uuid::Uuid;

fn fits(draft: &Draft) {
    let length = draft.content.chars().map(char::len_utf16).sum::<usize>();
    assert!(length <= 2_000, "{length}: {}", draft.content);
    assert!(draft.components.len() <= 5);
    for row in &draft.components {
        assert!(row.buttons().len() <= 5);
        for button in row.buttons() {
            assert!(
                (1..=80).contains(&button.label.chars().count()),
                "{button:?}"
            );
        }
        if let clawdos_bridge::cards::Row::Select(select) = row {
            assert!((1..=25).contains(&select.choices.len()));
            for choice in &select.choices {
                assert!(
                    (1..=100).contains(&choice.label.chars().count()),
                    "{choice:?}"
                );
            }
        }
    }
}

fn member(text: &str, now: DateTime<Utc>) -> Member {
    let some = Some(text.to_owned());
    Member {
        row: Uuid::new_v4(),
        key: "agent:nova:main".parse().unwrap(),
        name: text.to_owned(),
        role: some.clone(),
        purpose: some.clone(),
        emoji: some.clone(),
        is_provisioned: false,
        presence: Presence::Working,
        seen: Some(now),
        note: some,
        task: Some((Uuid::new_v4(), text.to_owned())),
        proposals: 3,
    }
}

fn skill(text: &str, status: SkillStatus) -> Skill {
    let list = vec![text.to_owned(); 20];
    Skill {
        row: Uuid::new_v4(),
        id: text.to_owned(),
        name: text.to_owned(),
        description: text.to_owned(),
        version: text.to_owned(),
        emoji: Some(text.to_owned()),
        homepage: Some(text.to_owned()),
        source: Some("clawdos-bridge".to_owned()),
        status,
        missing: Missing {
            bins: list.clone(),
            any_bins: list.clone(),
            env: list.clone(),
            config: list.clone(),
            os: list,
        },
    }
}

fn asked(text: &str, state: RequestState) -> Request {
    Request {
        id: Uuid::new_v4(),
        agent_key: text.to_owned(),
        name: text.to_owned(),
        state,
        requested_at: Utc::now(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_card_breaks_a_limit(text in any::<String>(), times in 1..300_usize, many in 0..70_usize, page in any::<u16>()) {
        let text = text.repeat(times);
        let now = Utc::now();
        let members: Vec<_> = (0..many).map(|_| member(&text, now)).collect();
        let seats: Vec<_> = members.iter().map(|member| Seat { member, channel: None, thread: None }).collect();
        let failed = vec![asked(&text, RequestState::Failed(text.clone())); 12];
        fits(&team(&seats, &failed, page));
        for it in &failed {
            fits(&request(it, true, None));
        }
        let jobs = vec![Job {
            name: text.clone(), is_heartbeat: true, enabled: true, next_run_at: Some(now),
            last_run_at: Some(now), last_status: Some(text.clone()),
        }; 10];
        let down = BotState::Down(text.clone());
        for seat in seats.iter().take(1) {
            fits(&agent(&Detail { seat: *seat, missing: &[], jobs: &jobs, bot: Some(&down) }));
        }
        let all: Vec<_> = (0..many).map(|at| skill(&text, SkillStatus::ALL[at % 4])).collect();
        fits(&skills::list(&all, page));
        for one in all.iter().take(4) {
            fits(&skills::skill(one, false, Some(&skills::not_checked(&text))));
        }
    }

    #[test]
    fn what_we_write_is_what_we_read_and_nothing_else_reads_it(which in 0..7_u8, page in any::<u16>(), id in any::<u128>(), end in "[ :0a-z]{1,9}") {
        let id = Uuid::from_u128(id);
        let press = match which {
            0 => TeamPress::Agents { page },
            1 => TeamPress::Agent,
            2 => TeamPress::Hire { request: id },
            3 => TeamPress::RetryHire { request: id },
            4 => TeamPress::Skills { page },
            5 => TeamPress::Skill,
            _ => TeamPress::CheckSkill { row: id },
        };
        let text = press.to_string();
        prop_assert!((1..=LIMIT).contains(&text.len()));
        prop_assert_eq!(text.parse(), Ok(press));
        prop_assert!(text.parse::<Press>().is_err() && text.parse::<ReasonForm>().is_err());
        prop_assert!(text.parse::<TaskPress>().is_err());
        for other in [format!(" {text}"), text.to_uppercase(), text.replacen("v1", "v2", 1), format!("{text}:"), format!("{text}{end}")] {
            prop_assert_ne!(other.parse::<TeamPress>(), Ok(press), "{}", other);
        }
    }
}

#[test]
fn every_page_together_shows_everything_once() {
    let all: Vec<_> = (0..120)
        .map(|at| skill(&format!("skill {at:03}"), SkillStatus::Ready))
        .collect();
    let pages: Vec<_> = (0..10)
        .map(|page| skills::list(&all, page).content)
        .collect();
    let whole = pages.join("\n");
    for at in 0..120 {
        let name = format!("**skill {at:03}**");
        let on = pages.iter().filter(|page| page.contains(&name)).count();
        assert!(on >= 1, "{name}: {whole}");
    }
}

#[test]
fn only_plain_words_get_into_a_command_that_people_copy() {
    for bad in [
        "x; reboot",
        "$(id)",
        "a b",
        "-rf",
        "`id`",
        "a'b",
        "a\nb",
        "",
        "ä",
    ] {
        let card = skills::skill(&skill(bad, SkillStatus::NeedsSetup), true, None);
        assert!(!card.content.contains("```sh"), "{bad:?}: {}", card.content);
    }
    let card = skills::skill(&skill("jq", SkillStatus::NeedsSetup), true, None);
    assert!(
        card.content.contains("sudo apt-get install jq"),
        "{}",
        card.content
    );
}

#[test]
fn help_tells_every_command_and_fits_with_room_to_grow() {
    let mut commands = described();
    assert!(
        commands
            .iter()
            .any(|it| it.name == "task" && it.below.contains(&"new".to_owned()))
    );
    for count in [0, 30] {
        commands.extend((0..count).map(|at| Command {
            name: format!("later-{at}"),
            description: "d".repeat(100),
            below: vec!["new".to_owned(), "list".to_owned()],
        }));
        let draft = help(&commands);
        fits(&draft);
        let shown: String = draft.embeds[0]
            .fields()
            .iter()
            .map(|it| it.value.clone())
            .collect();
        for command in commands
            .iter()
            .filter(|it| count == 0 || !it.name.starts_with("later"))
        {
            assert!(
                shown.contains(&command.name) && shown.contains(&command.description),
                "{command:?}"
            );
        }
    }
    fits(&welcome());
}
