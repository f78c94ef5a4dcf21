//! Several servers: the bot comes into one and is thrown out of it, and the others go on.

use reqwest::Method;

use super::{add_ops, channel, invite, second_server};
use crate::harness::client::Client;
use crate::harness::demo::Demo;
use crate::harness::person::Person;
use crate::harness::wait::eventually;
use crate::harness::world::World;

#[tokio::test]
async fn a_server_that_shows_nothing_is_told_so_and_learns_nothing() {
    let demo = Demo::start();
    let zack = demo.person("zack");
    let (guild, general) = second_server(&zack).await;
    invite(&demo, &zack, &guild).await;
    zack.sees(&general, "the word of welcome", |seen| {
        seen.iter()
            .any(|it| it.text.contains("Mission Control is here"))
    })
    .await;
    let client = demo.client("zack").await.in_server(&guild);
    let card = client.used(&general, "agents", &[]).await;
    assert!(card.says("shows no project yet"), "{card:?}");
    assert!(!card.says("Trunks"), "{card:?}");
    // A start later nothing is said again, and the one home is still the one.
    let demo = demo.again();
    let zack = demo.person("zack");
    let dm = channel(&demo, "front-office", "dm-main").await;
    zack.say(&dm, "hello again").await;
    zack.sees(&dm, "an answer", |seen| {
        seen.iter()
            .any(|it| it.name == "Trunks" && it.text.contains("hello again"))
    })
    .await;
    assert_eq!(zack.read(&general).await.len(), 1);
}

#[tokio::test]
async fn each_server_has_its_project_and_one_that_throws_us_out_stops_no_other() {
    let demo = Demo::start();
    let zack = demo.person("zack");
    let (guild, _) = second_server(&zack).await;
    invite(&demo, &zack, &guild).await;
    add_ops(&demo.pool().await, &guild).await;
    let demo = demo.again();
    let zack = demo.person("zack");
    let theirs = channel(&demo, "ops", "dm-main").await;
    let (_, about) = zack
        .call(Method::GET, &format!("/channels/{theirs}"), None)
        .await;
    assert_eq!(about["guild_id"], guild.as_str(), "{about}");
    zack.say(&theirs, "ops, are you there?").await;
    zack.sees(&theirs, "Vegeta's answer", |seen| {
        seen.iter()
            .any(|it| it.name == "Vegeta" && it.text.contains("are you there"))
    })
    .await;

    let kicked = format!("/guilds/{guild}/members/{}", bot_of(&demo).await);
    let (status, answer) = zack.call(Method::DELETE, &kicked, None).await;
    assert!(status.is_success(), "{answer}");
    let ours = channel(&demo, "front-office", "dm-main").await;
    zack.say(&ours, "and you?").await;
    zack.sees(&ours, "Trunks' answer", |seen| {
        seen.iter()
            .any(|it| it.name == "Trunks" && it.text.contains("and you?"))
    })
    .await;
    zack.say(&theirs, "ops, did you miss me?").await;

    // Invited again, it goes on where it was, with what was said meanwhile.
    invite(&demo, &zack, &guild).await;
    let again = channel(&demo, "ops", "dm-main").await;
    assert_eq!(again, theirs);
    zack.sees(&theirs, "Vegeta's second answer", |seen| {
        seen.iter()
            .any(|it| it.name == "Vegeta" && it.text.contains("did you miss me"))
    })
    .await;
}

#[tokio::test]
async fn a_bot_in_several_servers_starts_and_says_how_one_of_them_is_chosen() {
    let mut world = World::without_bridge().await;
    let zack = world.person("zack");
    let (guild, general) = second_server(&zack).await;
    let application = world.discord()["discord"]["application_id"]
        .as_str()
        .expect("a text");
    super::let_in(&zack, application, &guild).await;
    world.start_bridge();
    assert_eq!(world.run()["projects"], serde_json::json!([]));
    let said = world.log();
    for words in [
        "several servers",
        "/setup",
        "DISCORD_GUILD_ID",
        &format!("Front Office ({})", world.guild()),
        &format!("Back Office ({guild})"),
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let client = Client::open(&world, "zack").await.in_server(&guild);
    let card = client.used(&general, "agents", &[]).await;
    assert!(card.says("shows no project yet"), "{card:?}");

    // The configuration chooses as well.
    world.stop_bridge();
    world.set("DISCORD_GUILD_ID", &guild);
    world.start_bridge();
    assert_eq!(world.run()["projects"][0]["guild_id"], guild.as_str());
    // And it is remembered.
    world.stop_bridge();
    world.set("DISCORD_GUILD_ID", "");
    world.start_bridge();
    assert_eq!(world.run()["projects"][0]["guild_id"], guild.as_str());
}

/// The account of the bridge's bot. It shares the pace of the bridge, which may just have used it up.
async fn bot_of(demo: &Demo) -> String {
    let bot = Person::bot(&demo.process.run);
    eventually("the bot's account", || async {
        let (_, account) = bot.call(Method::GET, "/users/@me", None).await;
        let id = account["id"].as_str().map(str::to_owned);
        id.ok_or(account)
    })
    .await
}
