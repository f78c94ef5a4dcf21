//! Mentions become names.

use reqwest::Method;
use serde_json::json;

use crate::harness::person::Person;
use crate::harness::world::World;

#[tokio::test]
async fn agents_and_dashboards_read_names() {
    let world = World::start().await;
    let (zack, mallory) = (world.person("zack"), world.person("mallory"));
    let room = world.channel("team-room");
    let bot = Person::bot(world.discord());
    let (_, account) = bot.call(Method::GET, "/users/@me", None).await;
    let bot = account["id"].as_str().expect("the bot's account");
    let mallory = &mallory.id;
    let text = format!(
        "<@{mallory}> and <@{bot}>: see <#{room}> at <t:0:R> <:ship:12345> </ask:99> <@777> `<#{room}>`"
    );
    zack.say(&room, &text).await;
    let row = world.row("the row", |row| row.author == "ui").await;
    let start = "@mallory and ";
    assert!(
        row.message.to_lowercase().starts_with(start),
        "{}",
        row.message
    );
    let rest =
        format!(": see #team-room at 1970-01-01T00:00:00Z :ship: /ask @user 777 `<#{room}>`");
    assert!(row.message.ends_with(&rest), "{}", row.message);
    let name = &row.message[start.len()..row.message.len() - rest.len()];
    assert!(
        !name.is_empty() && !name.contains(['<', '@']),
        "{}",
        row.message
    );
}

#[tokio::test]
async fn roles_and_channels_are_called_as_they_are_called_now() {
    let world = World::start().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    let bot = Person::bot(world.discord());
    let path = format!("/guilds/{}/roles", world.guild());
    let (_, roles) = bot.call(Method::GET, &path, None).await;
    let roles = roles.as_array().expect("a list");
    let role = roles.iter().find(|role| role["name"] != "@everyone");
    let role = role.expect("the bot has a role of its own");
    let (id, name) = (role["id"].as_str().expect("an id"), &role["name"]);
    zack.say(&room, &format!("ping <@&{id}>")).await;
    let name = name.as_str().expect("a name");
    world.row_of(&format!("ping @{name}")).await;

    let activity = world.channel("activity");
    let body = json!({ "name": "what-happened" });
    let path = format!("/channels/{activity}");
    let (status, answer) = bot.call(Method::PATCH, &path, Some(body)).await;
    assert!(status.is_success(), "{answer}");
    zack.say(&room, &format!("look into <#{activity}>")).await;
    world.row_of("look into #what-happened").await;
}
