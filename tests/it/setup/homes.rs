//! Several projects and several servers, as they are set up in Discord.

use reqwest::Method;
use serde_json::{Value, json};

use super::{choose, manager, setup, setup_of};
use crate::harness::card::Card;
use crate::harness::client::{Act, Client};
use crate::harness::wait::eventually;
use crate::harness::world::World;

/// Another project, with an agent and a room, which is shown nowhere.
async fn add_ops(world: &World) {
    sqlx::raw_sql(
        "INSERT INTO projects (id, name) VALUES ('ops', 'Night Ops'); \
         INSERT INTO agents (project_id, agent_key, agent_id_short, name, provisioned) VALUES \
           ('ops', 'agent:main:main', 'main', 'Vegeta', true); \
         INSERT INTO project_settings (project_id, key, value) VALUES ('ops', 'labs_features', \
           '{\"team_room\": true}')",
    )
    .execute(world.pool())
    .await
    .unwrap();
}

/// What a person is told in the end, once it says this.
async fn in_the_end(who: &Client, act: &Act, says: &str) -> Card {
    eventually(says, || async {
        let told = who.told(act).await;
        if told.says(says) { Ok(told) } else { Err(told) }
    })
    .await
}

/// The channel of a project that is called so, in a server.
async fn channel(world: &World, who: &Client, guild: &str, category: &str, name: &str) -> String {
    let path = format!("/guilds/{guild}/channels");
    let (_, all) = who.person.call(Method::GET, &path, None).await;
    let all = all.as_array().cloned().unwrap_or_default();
    let of = |name: &str, parent: Option<&Value>| {
        let mut found = all.iter().filter(|it| it["name"] == name);
        let found = found.find(|it| parent.is_none_or(|parent| it["parent_id"] == *parent));
        found.map(|it| it["id"].clone())
    };
    let parent = of(category, None);
    let found = parent.and_then(|parent| of(name, Some(&parent)));
    let found = found.and_then(|it| it.as_str().map(str::to_owned));
    found.unwrap_or_else(|| panic!("no {name} below {category}: {all:#?} {}", world.log()))
}

/// A server of this person's own with the bot in it, and its first channel.
async fn own_server(world: &World, who: &Client) -> (String, String) {
    let body = json!({ "name": "Back Yard" });
    let (_, made) = who.person.call(Method::POST, "/guilds", Some(body)).await;
    let guild = made["id"].as_str().expect("it is made").to_owned();
    let (_, channels) = who
        .person
        .call(Method::GET, &format!("/guilds/{guild}/channels"), None)
        .await;
    let general = channels[0]["id"].as_str().expect("there is one").to_owned();
    let application = world.discord()["discord"]["application_id"].as_str();
    let application = application.expect("the run file has it");
    let bits = [4, 6, 10, 11, 13, 14, 15, 16, 29, 34, 35, 38, 51];
    let permissions: u64 = bits.iter().map(|bit| 1_u64 << bit).sum();
    let asked = json!({
        "guild_id": guild, "permissions": permissions.to_string(), "authorize": true,
    });
    let page = format!("/oauth2/authorize?client_id={application}&scope=bot+applications.commands");
    let (status, answer) = who.person.call(Method::POST, &page, Some(asked)).await;
    assert!(status.is_success(), "{answer}");
    (guild, general)
}

#[tokio::test]
async fn a_second_project_moves_in_and_has_operators_of_its_own() {
    let world = World::start().await;
    add_ops(&world).await;
    let zack = Client::open(&world, "zack").await;
    let mallory = manager(&world, "mallory").await;
    let card = setup_of(&world, &zack, "night ops").await;
    assert!(
        card.says("Show **Night Ops** (`ops`) in this server?"),
        "{card:#?}"
    );
    let act = zack.press(&card, "Show it here").await;
    let card = in_the_end(&zack, &act, "this server shows **Night Ops**").await;
    assert!(card.says("It is shown here now"), "{card:#?}");
    // Twice pressed is once moved.
    let old = setup_of(&world, &zack, "ops").await;
    assert!(old.says("this server shows **Night Ops**"), "{old:#?}");

    let guild = world.guild();
    let room = channel(&world, &zack, guild, "Night Ops", "team-room").await;
    assert!(card.says(&format!("<#{room}>")), "{card:#?}");
    assert!(card.says("`#tasks`: switched off"), "{card:#?}");
    let here = zack.used(&room, "setup", &[]).await;
    assert!(here.says("**Night Ops**"), "{here:#?}");
    let there = setup(&world, &zack).await;
    assert!(there.says("**Front Office**"), "{there:#?}");

    // Where the channel does not say which one is meant, one is asked.
    let (_, all) = zack
        .person
        .call(Method::GET, &format!("/guilds/{guild}/channels"), None)
        .await;
    let general = all
        .as_array()
        .and_then(|all| all.iter().find(|it| it["name"] == "general"));
    let general = general
        .and_then(|it| it["id"].as_str())
        .expect("there is one");
    let asked = zack.used(general, "setup", &[]).await;
    let list = asked.list("setup:project");
    assert_eq!(list.choices, ["front-office", "ops"]);
    let act = zack.pick(&asked, list, &["ops"]).await;
    let card = in_the_end(&zack, &act, "this server shows **Night Ops**").await;

    // Who is chosen for one project sets up that one.
    choose(&zack, &card, "user", &[&mallory.person.id]).await;
    let told = mallory.used(&room, "setup", &[]).await;
    assert!(
        told.says("**Night Ops**") && !told.says("Front Office"),
        "{told:#?}"
    );
    let told = setup(&world, &mallory).await;
    assert!(told.says("no operator of `front-office`"), "{told:#?}");
    let told = mallory.used(general, "setup", &[]).await;
    assert!(told.says("**Night Ops**"), "{told:#?}");
    let told = setup_of(&world, &mallory, "brand-new").await;
    assert!(
        told.says("can make one, and you are none of them"),
        "{told:#?}"
    );
    let offered = mallory.offered(general, "setup", "project", "").await;
    assert_eq!(offered, [("Night Ops (ops)".to_owned(), "ops".to_owned())]);
    let switch = |channel: String| {
        let mallory = &mallory;
        async move {
            let options = json!([
                { "type": 3, "name": "flag", "value": "team_room" },
                { "type": 5, "name": "on", "value": true },
            ]);
            let act = mallory.slash_with(&channel, "labs", options).await;
            mallory.told(&act).await
        }
    };
    assert!(switch(room).await.says("was on already"));
    assert!(
        switch(world.channel("status"))
            .await
            .says("Only operators switch")
    );
}

#[tokio::test]
async fn a_project_moves_to_another_server_and_strangers_servers_get_none() {
    let world = World::start().await;
    add_ops(&world).await;
    let zack = Client::open(&world, "zack").await;
    let card = setup_of(&world, &zack, "ops").await;
    let act = zack.press(&card, "Show it here").await;
    in_the_end(&zack, &act, "this server shows **Night Ops**").await;
    let before = channel(&world, &zack, world.guild(), "Night Ops", "team-room").await;

    let (guild, general) = own_server(&world, &zack).await;
    let zack = zack.in_server(&guild);
    let list = zack.used(&general, "setup", &[]).await;
    assert!(list.says("this server shows no project yet"), "{list:#?}");
    let choice = list.list("setup:project");
    let act = zack.pick(&list, choice, &["ops"]).await;
    let card = in_the_end(&zack, &act, "another server").await;
    assert!(card.says("Front Office"), "the server's name: {card:#?}");
    let act = zack.press(&card, "Move it here").await;
    let card = in_the_end(&zack, &act, "this server shows **Night Ops**").await;
    let room = channel(&world, &zack, &guild, "Night Ops", "team-room").await;
    assert!(card.says(&format!("<#{room}>")), "{card:#?}");
    // What was there stays.
    let (status, _) = zack
        .person
        .call(Method::GET, &format!("/channels/{before}"), None)
        .await;
    assert!(status.is_success());

    // Whoever owns a server owns no project.
    let mallory = Client::open(&world, "mallory").await;
    let (guild, general) = own_server(&world, &mallory).await;
    let mallory = mallory.in_server(&guild);
    for word in ["", "ops", "front-office", "something-else"] {
        let told = mallory.used(&general, "setup", &[("project", word)]).await;
        assert!(told.says("is for operators"), "{word}: {told:#?}");
    }
    let homes: i64 = sqlx::query_scalar("SELECT count(*) FROM bridge.home WHERE guild_id = $1")
        .bind(guild.parse::<i64>().unwrap())
        .fetch_one(world.pool())
        .await
        .unwrap();
    assert_eq!(homes, 0);
}

#[tokio::test]
async fn a_home_that_the_configuration_names_stays_there() {
    let mut world = World::without_bridge().await;
    let guild = world.guild().to_owned();
    world.set("DISCORD_GUILD_ID", &guild);
    world.start_bridge();
    let zack = Client::open(&world, "zack").await;
    let (guild, general) = own_server(&world, &zack).await;
    let zack = zack.in_server(&guild);
    let told = zack
        .used(&general, "setup", &[("project", "front-office")])
        .await;
    assert!(
        told.says("DISCORD_GUILD_ID") && told.buttons.is_empty(),
        "{told:#?}"
    );
}
