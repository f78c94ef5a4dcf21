//! Mentions become names.

use reqwest::Method;

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
