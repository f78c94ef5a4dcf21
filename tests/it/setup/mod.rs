//! `/setup`: who may use it, who decides, what is switched, and what is shown where.

mod card;
mod homes;
mod people;
mod projects;
mod strangers;

use crate::approvals::stage::Stage;
use crate::harness::card::Card;
use crate::harness::client::Client;
use crate::harness::world::World;

/// A permission of Discord's: who has it may use `/setup` as far as Discord is concerned.
const MANAGE_SERVER: &str = "32";

/// A server on which the bridge was just let loose: the configuration names nobody.
async fn fresh() -> Stage {
    let mut world = World::without_bridge().await;
    world.set("OPERATOR_IDS", "");
    Stage::open(world).await
}

/// Somebody whom Discord lets use `/setup`.
async fn manager(world: &World, name: &str) -> Client {
    let client = Client::open(world, name).await;
    world
        .give_role(&client.person.id, "Managers", MANAGE_SERVER)
        .await;
    client
}

/// `/setup`, in `#status`.
async fn setup(world: &World, who: &Client) -> Card {
    who.used(&world.channel("status"), "setup", &[]).await
}

/// `/setup project:…`, in `#status`.
async fn setup_of(world: &World, who: &Client, project: &str) -> Card {
    let status = world.channel("status");
    who.used(&status, "setup", &[("project", project)]).await
}

/// Chooses exactly these operators on a card.
async fn choose(who: &Client, card: &Card, list: &str, ids: &[&str]) -> Card {
    let list = card.list(&format!("setup:{list}:"));
    who.told(&who.pick(card, list, ids).await).await
}

/// The operators who were chosen, as `kind id`.
async fn chosen(world: &World) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT kind || ' ' || discord_id FROM bridge.operator WHERE project_id = 'front-office' \
         ORDER BY kind, discord_id",
    )
    .fetch_all(world.pool())
    .await
    .unwrap()
}
