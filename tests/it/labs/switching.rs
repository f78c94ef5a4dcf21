//! What is there, and how fast a switch acts.

use std::time::Duration;

use super::{
    QUIET, ROOM, becomes_a_row, channel, flags, labs, lists, rows, shows, without_flags, write,
};
use crate::harness::client::Client;
use crate::harness::person::count;
use crate::harness::world::{PROJECT, World};

/// The promise: a switch acts within a second. Channels that have to be made first may take longer.
const PROMISE: Duration = Duration::from_secs(1);

#[tokio::test]
async fn an_installation_without_flags_shows_the_three_rooms_and_says_how_to_get_the_others() {
    let mut world = without_flags().await;
    world.start_bridge();
    lists(&world, &QUIET).await;
    let path = format!("/guilds/{}/channels", world.guild());
    let zack = Client::open(&world, "zack").await;
    let (_, all) = zack.person.call(reqwest::Method::GET, &path, None).await;
    let all = all.to_string();
    for name in ["team-room", "dm-main", "dm-ricky", "\"DMs\""] {
        assert!(!all.contains(name), "{name}: {all}");
    }
    let log = world.log();
    assert!(
        log.contains("no feature of the Labs is on: use /labs in Discord"),
        "{log}"
    );
    assert!(!log.contains("has no agents"), "{log}");

    let status = world.channel("status");
    let list = labs(&zack, &status, None, None).await;
    for (flag, what) in [
        ("task_threads", "every task is a thread"),
        ("team_room", "#team-room"),
        ("operator_chat", "primary agent"),
        ("multi_dm", "all other agents"),
        ("heartbeat_ui", "heartbeats"),
        ("mission_banner", "mission"),
    ] {
        let line = list
            .content
            .lines()
            .find(|line| line.contains(&format!("**{flag}** is off")));
        let line = line.unwrap_or_else(|| panic!("no line about {flag}: {list:?}"));
        assert!(line.contains(what), "{line}");
        assert!(
            line.contains(&format!("/labs flag:{flag} on:True")),
            "{line}"
        );
    }
    assert_eq!(flags(&world).await, None, "looking writes nothing");
}

#[tokio::test]
async fn a_switch_in_the_dashboard_acts_within_a_second_and_nothing_said_meanwhile_is_lost_or_doubled()
 {
    let mut world = without_flags().await;
    world.start_bridge();
    let zack = world.person("zack");
    world
        .insert("agent:ricky:main", "said while it was off")
        .await;
    // The channel has to be made.
    write(&world, r#"{"team_room": true}"#).await;
    lists(&world, &ROOM).await;
    let room = channel(&world, "team-room");
    shows(&zack, &room, "said while it was off").await;

    let mut slowest = Duration::ZERO;
    // No more rows than Discord takes from a webhook without a pause.
    for round in 0..4 {
        write(&world, r#"{"team_room": false}"#).await;
        slowest = slowest.max(lists(&world, &QUIET).await);
        let text = format!("round {round}");
        world.insert("agent:ricky:main", &text).await;
        write(&world, r#"{"team_room": true}"#).await;
        let began = std::time::Instant::now();
        shows(&zack, &room, &text).await;
        slowest = slowest.max(began.elapsed());
    }
    println!("the slowest of eight switches took {slowest:?}");
    assert!(slowest < PROMISE, "{slowest:?}");
    let seen = zack.read(&room).await;
    assert_eq!(seen.len(), 5, "{seen:#?}");
    assert_eq!(channel(&world, "team-room"), room, "the same channel");
}

#[tokio::test]
async fn what_stands_there_stays_and_nothing_new_appears() {
    let world = World::start().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    let row = world.insert("agent:ricky:main", "before").await;
    shows(&zack, &room, "before").await;
    write(&world, "{}").await;
    lists(&world, &QUIET).await;
    world.insert("agent:ricky:main", "unseen").await;
    sqlx::query("UPDATE project_chat_messages SET message = 'changed meanwhile' WHERE id = $1")
        .bind(row)
        .execute(world.pool())
        .await
        .unwrap();
    // The status shows that the mirror has worked meanwhile.
    let proposal = r#"{"action_type": "create_task", "title": "Tidy up", "risk_level": "low"}"#;
    sqlx::query(
        "INSERT INTO project_chat_messages (project_id, author, message, message_type, metadata) \
         VALUES ($1, 'agent:ricky:main', 'a proposal', 'action_proposal', $2::jsonb)",
    )
    .bind(PROJECT)
    .bind(proposal)
    .execute(world.pool())
    .await
    .unwrap();
    let approvals = world.channel("approvals");
    zack.sees(&approvals, "its card where proposals are decided", |seen| {
        seen.iter().any(|message| message.text.contains("Ricky"))
    })
    .await;
    let seen = zack.read(&room).await;
    assert_eq!(seen.len(), 1, "{seen:#?}");
    assert_eq!(seen[0].text, "before");

    write(&world, r#"{"team_room": true}"#).await;
    let seen = zack
        .sees(&room, "everything that was said", |seen| seen.len() == 3)
        .await;
    assert_eq!(
        (count(&seen, "changed meanwhile"), count(&seen, "unseen")),
        (1, 1),
        "{seen:#?}"
    );
}

#[tokio::test]
async fn the_channels_of_agents_take_two_flags() {
    let mut world = without_flags().await;
    world.start_bridge();
    write(&world, r#"{"multi_dm": true}"#).await;
    let zack = Client::open(&world, "zack").await;
    let status = world.channel("status");
    let told = labs(&zack, &status, Some("multi_dm"), None).await;
    assert!(
        told.says("operator_chat") && told.says("without effect"),
        "{told:?}"
    );
    assert_eq!(super::listed(&world), QUIET);

    write(&world, r#"{"operator_chat": true}"#).await;
    lists(&world, &["activity", "approvals", "dm-main", "status"]).await;
    let told = labs(&zack, &status, Some("multi_dm"), Some(true)).await;
    assert!(told.says("is on now"), "{told:?}");
    lists(
        &world,
        &["activity", "approvals", "dm-main", "dm-ricky", "status"],
    )
    .await;
    let dm = channel(&world, "dm-ricky");
    zack.person.say(&dm, "are you there?").await;
    zack.person
        .sees(&dm, "the answer", |seen| {
            seen.iter().any(|m| m.name == "Ricky")
        })
        .await;
    let told = labs(&zack, &status, Some("operator_chat"), Some(false)).await;
    assert!(
        told.says("is off now") && told.says("off with it"),
        "{told:?}"
    );
    lists(&world, &QUIET).await;
}

#[tokio::test]
async fn without_an_agent_named_main_the_oldest_is_the_primary() {
    let mut world = without_flags().await;
    sqlx::query("DELETE FROM agents WHERE agent_key = 'agent:main:main'")
        .execute(world.pool())
        .await
        .unwrap();
    write(&world, r#"{"operator_chat": true}"#).await;
    world.start_bridge();
    lists(&world, &["activity", "approvals", "dm-ricky", "status"]).await;
}

#[tokio::test]
async fn with_the_feed_off_the_sweep_finds_a_switch_and_the_command_does_not_wait_for_it() {
    let mut world = without_flags().await;
    world.configure("[feed]\nkind = \"off\"\n[mirror]\nsweep_seconds = 2\n");
    world.start_bridge();
    write(&world, r#"{"team_room": true}"#).await;
    lists(&world, &ROOM).await;
    world.stop_bridge();
    world.configure("[feed]\nkind = \"off\"\n[mirror]\nsweep_seconds = 86400\n");
    world.start_bridge();
    let zack = Client::open(&world, "zack").await;
    let status = world.channel("status");
    labs(&zack, &status, Some("team_room"), Some(false)).await;
    lists(&world, &QUIET).await;
}

#[tokio::test]
async fn killed_between_two_switches_the_bridge_shows_what_is_on_once() {
    let mut world = World::start().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    world.insert("agent:ricky:main", "first").await;
    shows(&zack, &room, "first").await;
    zack.say(&room, "from a person").await;
    becomes_a_row(&world, "from a person").await;
    for round in 0..2 {
        world.kill_bridge();
        write(&world, r#"{"operator_chat": true}"#).await;
        let text = format!("hidden {round}");
        world.insert("agent:ricky:main", &text).await;
        world.start_bridge();
        lists(&world, &["activity", "approvals", "dm-main", "status"]).await;
        world
            .insert("agent:ricky:main", &format!("more of {text}"))
            .await;
        world.kill_bridge();
        let seen = zack.read(&room).await;
        assert_eq!(count(&seen, &text), 0, "{seen:#?}");
        write(&world, r#"{"team_room": true}"#).await;
        world.start_bridge();
        shows(&zack, &room, &format!("more of {text}")).await;
        shows(&zack, &room, &text).await;
    }
    let seen = zack.read(&room).await;
    assert_eq!(seen.len(), 6, "{seen:#?}");
    assert_eq!(rows(&world, "from a person").await, 1);
}

#[tokio::test]
async fn rows_of_what_is_off_do_not_keep_others_from_being_found() {
    let mut world = without_flags().await;
    write(&world, r#"{"operator_chat": true}"#).await;
    world.configure("[feed]\nkind = \"off\"\n[mirror]\nsweep_seconds = 1\n");
    sqlx::query(
        "INSERT INTO project_chat_messages (project_id, author, message) \
         SELECT $1, 'agent:ricky:main', 'row ' || n FROM generate_series(1, 6000) n",
    )
    .bind(PROJECT)
    .execute(world.pool())
    .await
    .unwrap();
    // However a dashboard or an agent has written the agent's key.
    let titles = [
        "DM:agent:main:main",
        "DM:main",
        "DM: agent:agent:main:main:more ",
        "DM:agent:main",
    ];
    let none = [
        "DM:",
        "DM:agent:main:",
        "dm:agent:main:main",
        "DM:agent:ma in:main",
        "Elsewhere",
    ];
    for title in titles.iter().chain(&none) {
        sqlx::query(
            "WITH thread AS (INSERT INTO project_chat_threads (project_id, title) \
                             VALUES ($1, $2) RETURNING id) \
             INSERT INTO project_chat_messages (project_id, thread_id, author, message) \
             SELECT $1, id, 'agent:main:main', 'in ' || $2 FROM thread",
        )
        .bind(PROJECT)
        .bind(title)
        .execute(world.pool())
        .await
        .unwrap();
    }
    world.start_bridge();
    let zack = world.person("zack");
    let seen = zack
        .sees(
            &world.channel("dm-main"),
            "what is behind them all",
            |seen| seen.len() == titles.len(),
        )
        .await;
    for title in titles {
        assert_eq!(count(&seen, format!("in {title}").trim()), 1, "{seen:#?}");
    }
}
