//! `/agents`: the list and the details.

use crate::harness::card::Card;
use crate::harness::client::Client;
use crate::harness::wait::eventually;
use crate::harness::world::{PROJECT, World};

async fn sql(world: &World, statements: &str) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(statements.to_owned()))
        .execute(world.pool())
        .await
        .unwrap();
}

/// The row of an agent, which is what the list gives back.
async fn row(world: &World, short: &str) -> String {
    let row: uuid::Uuid =
        sqlx::query_scalar("SELECT id FROM agents WHERE project_id = $1 AND agent_id_short = $2")
            .bind(PROJECT)
            .bind(short)
            .fetch_one(world.pool())
            .await
            .unwrap();
    row.to_string()
}

fn line<'a>(card: &'a Card, name: &str) -> &'a str {
    let mut lines = card.content.lines();
    lines
        .find(|line| line.contains(name))
        .unwrap_or_else(|| panic!("{name}: {card:?}"))
}

#[tokio::test]
async fn the_team_is_listed_with_what_each_works_on() {
    let world = World::start().await;
    let mallory = Client::open(&world, "mallory").await;
    let at = world.channel("status");
    sql(&world, "
        INSERT INTO agent_status (project_id, agent_key, state, last_activity_at, last_heartbeat_at, note) VALUES
          ('front-office', 'agent:main:main', 'idle', now() - interval '2 hours', now() - interval '5 minutes', null),
          ('front-office', 'agent:ricky:main', 'working', now() - interval '31 minutes', null, 'Counting @everyone');
        INSERT INTO tasks (project_id, title, status, assignee_agent_key) VALUES
          ('front-office', 'Sweep the yard', 'in_progress', 'agent:ricky:main');
        UPDATE agents SET role = 'Builds `things`', purpose_text = 'To measure first' WHERE agent_id_short = 'ricky';
        INSERT INTO cron_mirror (project_id, job_id, name, schedule_kind, schedule_expr, target_agent_key, last_status, next_run_at, enabled) VALUES
          ('front-office', 'a', 'heartbeat-ricky', 'every', '1800000', null, 'ok', now(), true),
          ('front-office', 'b', 'Weekly report', 'cron', '0 9 * * 1', 'agent:ricky:main', null, null, false),
          ('front-office', '__mirror_state__', 'heartbeat-ricky', 'state', null, 'agent:ricky:main', null, null, true)
        ON CONFLICT (project_id, job_id) DO UPDATE SET name = excluded.name, target_agent_key = excluded.target_agent_key;").await;
    world.thread("Sweep the yard").await;
    let card = eventually("the team", || async {
        let card = mallory.used(&at, "agents", &[]).await;
        let told = card.says("Sweep the yard") && card.content.contains("<#");
        if told { Ok(card) } else { Err(card) }
    })
    .await;
    assert!(card.says("The team: 2 agents"), "{card:?}");
    assert!(
        line(&card, "Trunks").contains("🟢 idle, seen <t:"),
        "{card:?}"
    );
    let ricky = line(&card, "Ricky");
    assert!(
        ricky.contains("⚫ offline, on `Sweep the yard` (<#"),
        "{ricky}"
    );

    let chosen = mallory
        .choose(&card, "v1:agent", &row(&world, "ricky").await)
        .await;
    let detail = mallory.told(&chosen).await;
    let dm = world.channel("dm-ricky");
    for words in [
        "`agent:ricky:main`",
        &format!("Channel: <#{dm}>"),
        "Works on: `Sweep the yard`",
        "Approvals: none open",
        "Builds ˋthingsˋ",
        "To measure first",
        "Counting @everyone",
        "💓 Heartbeat `heartbeat-ricky`, next <t:",
        "⏰ Job `Weekly report`, paused",
    ] {
        assert!(detail.content.contains(words), "{words}: {detail:?}");
    }
    assert_eq!(
        detail.content.matches("💓").count(),
        1,
        "the mirror's bookkeeping is no job"
    );
    assert_eq!(detail.pings, 0);
    let back = mallory.press(&detail, "The team").await;
    assert!(mallory.told(&back).await.says("The team: 2 agents"));
}

#[tokio::test]
async fn proposals_are_counted_and_an_agent_is_found_by_any_of_its_names() {
    let world = World::start().await;
    let zack = Client::open(&world, "zack").await;
    let at = world.channel("status");
    let dm = world.channel("dm-ricky");
    zack.person
        .say(&dm, "propose create_task water the plants")
        .await;
    for name in ["ricky", "RICKY", "agent:ricky:main", "@Ricky"] {
        eventually("one proposal", || async {
            let card = zack.used(&at, "agents", &[("agent", name)]).await;
            if card.says("Approvals: 1 open proposal") {
                Ok(())
            } else {
                Err(card)
            }
        })
        .await;
    }
    let offered = zack.offered(&at, "agents", "agent", "ri").await;
    assert_eq!(
        offered,
        [("Ricky".to_owned(), "agent:ricky:main".to_owned())]
    );
    let none = zack.used(&at, "agents", &[("agent", "`nobody`")]).await;
    assert!(none.says("There is no agent"), "{none:?}");
    sql(&world, "UPDATE project_settings SET value = '{\"operator_chat\": true}' WHERE key = 'labs_features'").await;
    eventually("what is switched off", || async {
        let card = zack.used(&at, "agents", &[("agent", "ricky")]).await;
        if card.says("/labs flag:multi_dm on:True") {
            Ok(())
        } else {
            Err(card)
        }
    })
    .await;
}

#[tokio::test]
async fn sixty_agents_with_terrible_names_are_turned_page_by_page() {
    let mut world = World::without_bridge().await;
    sql(&world, "
        UPDATE project_settings SET value = '{\"team_room\": true}' WHERE key = 'labs_features';
        INSERT INTO agents (project_id, agent_key, name, emoji, agent_id_short, role, purpose_text, created_at)
        SELECT 'front-office', 'agent:a' || n || ':main', repeat('*_`|@everyone', 40) || n, repeat('💥', 400), 'a' || n,
               repeat('`', 3000), repeat('x', 100000), now() + n * interval '1 second'
        FROM generate_series(1, 58) AS n").await;
    world.start_bridge();
    let zack = Client::open(&world, "zack").await;
    let at = world.channel("status");
    let mut card = eventually("the first page", || async {
        let card = zack.used(&at, "agents", &[]).await;
        let first = card.says("The team: 60 agents**, page 1 of");
        if first { Ok(card) } else { Err(card) }
    })
    .await;
    let mut pages = 1;
    let mut lines = card.content.lines().count() - 1;
    while card.live().contains(&"More") {
        let pressed = zack.press(&card, "More").await;
        card = zack.told(&pressed).await;
        assert!(card.content.chars().count() <= 2_000 && card.pings == 0);
        lines += card.content.lines().count() - 1;
        pages += 1;
    }
    assert_eq!(lines, 60, "everybody is on one of the {pages} pages");
    let chosen = zack
        .choose(&card, "v1:agent", &row(&world, "a58").await)
        .await;
    let detail = zack.told(&chosen).await;
    assert!(
        detail.says("agent:a58:main") && detail.content.chars().count() <= 2_000,
        "{detail:?}"
    );
}
