//! `/skills`: what can be used, what is missing, and checking again.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::harness::card::Card;
use crate::harness::client::Client;
use crate::harness::demo::Demo;
use crate::harness::existing::Existing;
use crate::harness::wait::eventually;
use crate::harness::world::World;

fn write_skill(world: &World, id: &str, manifest: &str) {
    let folder = world.data_dir().join("skills").join(id);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("skill.toml"), manifest).unwrap();
}

fn write_program(file: &Path) {
    std::fs::write(file, "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Waits until `/skills` says this.
async fn list_says(zack: &Client, at: &str, words: &str) -> Card {
    eventually(words, || async {
        let card = zack.used(at, "skills", &[]).await;
        if card.says(words) {
            Ok(card)
        } else {
            Err(card)
        }
    })
    .await
}

const LABELS: &str = "name = \"Labels\"\nemoji = \"🎩\"\n[requires]\nbins = [\"label-printer\"]\n";

#[tokio::test]
async fn an_operator_repairs_a_skill_and_checks_it_again() {
    let mut world = World::without_bridge().await;
    write_skill(&world, "labels", LABELS);
    write_skill(
        &world,
        "notes",
        "name = \"Notes\"\ndescription = \"Keeps notes\"\n[requires]\nbins = [\"sh\"]\n",
    );
    write_skill(&world, "quiet", "disabled = true\n");
    let bin = world.data_dir().join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    let path = std::env::var("PATH").unwrap();
    world.set("PATH", &format!("{}:{path}", bin.display()));
    world.start_bridge();
    let zack = Client::open(&world, "zack").await;
    let at = world.channel("status");
    let list = list_says(&zack, &at, "Labels").await;
    let expected = "**Skills**\n✅ Ready (1)\n- 🧩 **Notes** `Keeps notes`\n🛠️ Needs setup (1)\n- 🎩 **Labels**\n⏸️ Disabled (1)\n- 🧩 **quiet**";
    assert_eq!(list.content, expected);

    let offered = zack.offered(&at, "skills", "skill", "lab").await;
    assert_eq!(offered[0].0, "Labels · 🛠️ Needs setup");
    let chosen = zack.choose(&list, "v1:skill", &offered[0].1).await;
    let card = zack.told(&chosen).await;
    assert!(card.says("1. Install `label-printer`"), "{card:?}");
    assert!(
        card.content.contains("```sh\nbrew install label-printer"),
        "{card:?}"
    );
    assert_eq!(card.live(), ["Check again", "All skills"]);

    let pressed = zack.press(&card, "Check again").await;
    let still = zack.told(&pressed).await;
    assert!(
        still.says("Needs setup") && still.says("Checked <t:"),
        "{still:?}"
    );
    write_program(&bin.join("label-printer"));
    let mallory = Client::open(&world, "mallory").await;
    let hers = mallory.used(&at, "skills", &[("skill", "labels")]).await;
    let refused = mallory.press(&hers, "Check again").await;
    assert!(mallory.told(&refused).await.says("Only operators"));
    let pressed = zack.press(&still, "Check again").await;
    let ready = zack.told(&pressed).await;
    assert!(
        ready.says("✅ Ready") && ready.says("Everything that it needs is there"),
        "{ready:?}"
    );
    list_says(&zack, &at, "✅ Ready (2)").await;
}

#[tokio::test]
async fn without_an_executor_nothing_can_be_checked_until_it_is_back() {
    let mut world = World::without_bridge().await;
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    world.set("CONTROL_API_URL", &format!("http://127.0.0.1:{port}"));
    world.set("CONTROL_API_TOKEN", "between-us");
    world.configure("[mode]\npoll_seconds = 1\n");
    world.start_bridge();
    sqlx::query(
        "INSERT INTO skills_mirror (project_id, skill_id, name, extra_json) VALUES ('front-office', 'x', 'X', \
         '{\"eligible\": false, \"missing\": {\"env\": [\"X_KEY\"], \"config\": [\"x.token\"]}}')",
    )
    .execute(world.pool())
    .await
    .unwrap();
    let zack = Client::open(&world, "zack").await;
    let at = world.channel("status");
    let card = zack.used(&at, "skills", &[("skill", "X")]).await;
    assert!(card.says("Requires executor connection"), "{card:?}");
    assert!(
        card.content.contains("export X_KEY='…'")
            && card.content.contains("openclaw config set x.token"),
        "{card:?}"
    );
    assert!(!card.button("Check again").enabled);

    let mut executor = world.start_executor(port);
    let can_check = |card: &Card| card.live().contains(&"Check again");
    let live = eventually("a check is possible", || async {
        let card = zack.used(&at, "skills", &[("skill", "X")]).await;
        if can_check(&card) {
            Ok(card)
        } else {
            Err(card)
        }
    })
    .await;
    let pressed = zack.press(&live, "Check again").await;
    let checked = zack.told(&pressed).await;
    assert!(
        checked.says("Needs setup") && checked.says("Checked <t:"),
        "{checked:?}"
    );
    assert!(executor.stop().success());
    eventually("the executor is missed", || async {
        let card = zack.used(&at, "skills", &[("skill", "X")]).await;
        if can_check(&card) { Err(card) } else { Ok(()) }
    })
    .await;
    let late = zack.press(&checked, "Check again").await;
    let told = zack.told(&late).await;
    assert!(
        told.says("Requires executor connection") && !can_check(&told),
        "{told:?}"
    );
}

#[tokio::test]
async fn an_executor_that_knows_no_check_is_asked_for_all() {
    let mut world = World::without_bridge().await;
    let existing = Existing::start(&world).await;
    world.configure("[mode]\npoll_seconds = 1\n");
    world.set("CONTROL_API_URL", &existing.url());
    world.start_bridge();
    let live = "SELECT lower(mode) FROM bridge.mode_log ORDER BY id DESC LIMIT 1";
    world.database_says(live, "live".to_owned()).await;
    sqlx::query(
        "INSERT INTO skills_mirror (project_id, skill_id, name, extra_json) VALUES \
         ('front-office', '@scope/weather', 'Weather', '{\"eligible\": false, \"missing\": {\"bins\": [\"curl; reboot\"]}}')",
    )
    .execute(world.pool())
    .await
    .unwrap();
    let zack = Client::open(&world, "zack").await;
    let at = world.channel("status");
    let card = zack.used(&at, "skills", &[("skill", "weather")]).await;
    assert!(
        card.says("Install `curl; reboot`") && !card.content.contains("```"),
        "no command of this: {card:?}"
    );
    let pressed = zack.press(&card, "Check again").await;
    let ready = zack.told(&pressed).await;
    assert!(ready.says("✅ Ready") && ready.says("Checked"), "{ready:?}");
}

#[tokio::test]
async fn hostile_rows_cost_only_themselves() {
    let world = World::start().await;
    sqlx::raw_sql(
        "INSERT INTO skills_mirror (project_id, skill_id, name, description, extra_json) VALUES \
           ('front-office', 'a', '', '', 'null'), \
           ('front-office', 'b', '@everyone **B**', repeat('x', 1000000), '[1, 2]'), \
           ('front-office', 'c', 'C', '', '{\"emoji\": 7, \"missing\": \"no\", \"eligible\": false}'), \
           ('front-office', 'd', repeat('D', 5000), '', jsonb_build_object('blockedByAllowlist', true, 'x', repeat('y', 2000000))), \
           ('front-office', 'e', 'E', '', '{\"blockedByAllowlist\": true, \"disabled\": true}'); \
         INSERT INTO skills_mirror (project_id, skill_id, name, extra_json) \
           SELECT 'front-office', 's' || n, 'Skill ' || n, '{}' FROM generate_series(1, 200) AS n",
    )
    .execute(world.pool())
    .await
    .unwrap();
    let zack = Client::open(&world, "zack").await;
    let at = world.channel("status");
    let mut card = list_says(&zack, &at, "page 1 of").await;
    let mut all = card.content.clone();
    while card.live().contains(&"More") {
        let pressed = zack.press(&card, "More").await;
        card = zack.told(&pressed).await;
        assert!(card.pings == 0 && card.content.chars().count() <= 2_000);
        all.push_str(&card.content);
    }
    assert_eq!(all.matches("\n- ").count(), 205);
    assert!(all.contains("⛔ Blocked (1)") && all.contains("🛠️ Needs setup (1)"));
    for id in ["a", "b", "c", "d", "e"] {
        let card = zack.used(&at, "skills", &[("skill", id)]).await;
        assert!(card.live().contains(&"All skills"), "{id}: {card:?}");
    }
    let none = zack.used(&at, "skills", &[("skill", "nothing")]).await;
    assert!(none.says("There is no skill"), "{none:?}");
}

#[tokio::test]
async fn the_demo_has_one_skill_that_works_and_one_that_lacks_something() {
    let demo = Demo::start();
    let zack = Client::of(&demo.process.run, "zack").await;
    let at = demo.channel("status");
    let list = list_says(&zack, &at, "Hat labels").await;
    assert!(
        list.says("✅ Ready (1)") && list.says("🛠️ Needs setup (1)"),
        "{list:?}"
    );
    let card = zack.used(&at, "skills", &[("skill", "hat-labels")]).await;
    assert!(card.says("Install `hat-label-printer`"), "{card:?}");
}
