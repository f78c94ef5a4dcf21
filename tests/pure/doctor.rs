//! What doctor shows, and what it compares: pure.

use std::time::Duration;

use clawdos_bridge::doctor::registered::Difference;
use clawdos_bridge::doctor::{Group, Line, Report, Status, text};
use clawdos_bridge::model::change::Table;
use proptest::prelude::*;
use serde_json::json;

fn probes() -> Vec<Line> {
    let line = |(number, table): (u64, &Table)| {
        Line::ok(Group::Changes, table.as_str(), "").took(Duration::from_micros(401 + 97 * number))
    };
    (0..).zip(Table::ALL).map(line).collect()
}

fn good() -> Vec<Line> {
    let mut lines = vec![
        Line::ok(Group::Operators, "operators", "1 user, 2 roles"),
        Line::ok(
            Group::Database,
            "connection",
            "db.example.com:5432/postgres",
        ),
        Line::ok(Group::Discord, "server", "Front Office"),
        Line::ok(Group::Permissions, "View Channels", "granted"),
        Line::ok(Group::Permissions, "Send Messages in Threads", "granted"),
        Line::ok(Group::Permissions, "Pin Messages", "granted"),
    ];
    lines.extend(probes());
    lines
}

#[test]
fn all_is_well() {
    insta::assert_snapshot!(text(&Report::new(Some(4711), &good())));
}

#[test]
fn every_problem_has_a_line_of_its_own_and_its_next_step() {
    let mut lines = good();
    lines.retain(|line| line.name != "tasks");
    lines.extend([
        Line::failure(Group::Changes, "tasks", "nobody announces its changes")
            .next("See publication, under Database."),
        Line::failure(Group::Database, "publication", "").explained(
            "changes of these tables are not announced: public.tasks. Run ALTER PUBLICATION \
             supabase_realtime ADD TABLE public.tasks",
        ),
        Line::warning(
            Group::Database,
            "row security",
            "off for agents, tasks, task_events, task_outputs, task_comments, brain_docs, activities",
        )
        .next("Run ALTER TABLE public.agents ENABLE ROW LEVEL SECURITY;"),
        Line::failure(Group::Permissions, "Pin Messages", "missing").next(
            "Invite the bot again: https://discord.com/oauth2/authorize?client_id=1&scope=bot+applications.commands&permissions=2252126701169745",
        ),
    ]);
    insta::assert_snapshot!(text(&Report::new(None, &lines)));
}

#[test]
fn machines_read_the_same() {
    let lines = [
        Line::ok(Group::Changes, "tasks", "1.2 ms").took(Duration::from_nanos(1_234_567)),
        Line::warning(Group::ControlApi, "clock", "30 s behind ours").next("Compare `date -u`."),
    ];
    let report = Report::new(None, &lines);
    let json = serde_json::to_string_pretty(&report).unwrap();
    insta::assert_snapshot!(json.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
}

#[test]
fn names_from_outside_cannot_drive_the_terminal() {
    let line = Line::ok(Group::Discord, "server", "a\u{1b}[2Jb\nc\u{7}d");
    let shown = text(&Report::new(None, &[line]));
    assert!(shown.contains("a [2Jb c d"), "{shown:?}");
}

proptest! {
    #[test]
    fn whatever_is_found_fits_a_terminal_of_100_columns(
        words in prop::collection::vec("[a-z]{1,20}", 0..60),
        failures in prop::collection::vec(any::<bool>(), 1..25),
    ) {
        let found = words.join(" ");
        let group = [Group::Changes, Group::Database];
        let lines = failures.iter().zip(group.iter().cycle()).map(|(failure, group)| {
            if *failure {
                Line::failure(*group, "agent_provision_requests", found.clone()).next(found.clone())
            } else {
                Line::ok(*group, "agent_provision_requests", found.clone()).took(Duration::from_secs(5))
            }
        });
        let lines: Vec<Line> = lines.collect();
        let report = Report::new(None, &lines);
        prop_assert_eq!(report.ok, report.count(Status::Failure) == 0);
        for line in text(&report).lines() {
            prop_assert!(line.chars().count() <= 100, "{}", line);
        }
    }
}

#[test]
fn what_discord_adds_is_no_difference_and_what_it_lacks_is_named() {
    let wanted = json!([
        { "name": "status", "description": "How it is", "options": [], "nsfw": false },
        { "name": "Promote", "type": 3, "description": "" },
        { "name": "ask", "type": 1, "description": "Ask", "options": [
            { "type": 3, "name": "what", "description": "What", "required": false },
        ] },
    ]);
    let registered = json!([
        { "id": "1", "version": "2", "name": "status", "type": 1, "description": "How it is",
          "nsfw": false, "contexts": null, "default_member_permissions": null },
        { "name": "Promote", "type": 3, "description": "" },
        { "name": "ask", "type": 1, "description": "Ask", "options": [
            { "type": 3, "name": "what", "description": "What" },
        ] },
    ]);
    assert!(Difference::between(&wanted, &registered).is_none());

    let mut other = registered.clone();
    other[0]["description"] = json!("Something else");
    other[2]["name"] = json!("old");
    let difference = Difference::between(&wanted, &other);
    assert_eq!(
        difference.words(),
        "missing: ask; not as they should be: status; not ours: old"
    );
    assert_eq!(Difference::between(&wanted, &json!([])).missing.len(), 3);
}
