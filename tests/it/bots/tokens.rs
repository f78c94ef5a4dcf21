//! Tokens that Discord does not take cost one bot, and are told.

use super::stage::Stage;
use crate::doctor::examine_world;
use crate::harness::status::card;
use crate::harness::world::World;

const WRONG: &str = "MTIz.wrong.t0ken";

#[tokio::test]
async fn a_wrong_token_takes_down_that_bot_alone_and_shows() {
    let mut world = World::without_bridge().await;
    let ricky = world.make_application("Ricky").await;
    world.configure(&format!(
        "[agents.main]\ndiscord_token = \"{WRONG}\"\n[agents.ricky]\ndiscord_token = \"{}\"\n",
        ricky.token
    ));
    world.start_bridge();
    world.has_sessions(2).await;
    let zack = world.person("zack");
    let private = zack.opens(&ricky.bot).await;
    let stage = Stage {
        world,
        zack,
        ricky,
        private,
    };
    stage.greet().await;
    let dm = stage.world.channel("dm-main");
    stage.zack.say(&dm, "do you work?").await;
    stage
        .zack
        .sees(&dm, "Trunks' answer", |seen| {
            seen.iter()
                .any(|m| m.name == "Trunks" && m.text.contains("do you work?"))
        })
        .await;
    let status = stage.world.channel("status");
    stage
        .zack
        .sees(&status, "the bot that is down", |seen| {
            let card = card(seen);
            card.contains(
                "Trunks's own bot is down: Discord does not accept the token of agents.main",
            ) && !card.contains("Ricky's own bot")
        })
        .await;
    let found = examine_world(&stage.world).await;
    assert_eq!(found.code, Some(1), "{}", found.text);
    assert_eq!(found.complaints(), ["own bot of main"], "{}", found.text);
    assert!(
        found
            .step("own bot of main")
            .contains("agents.main.discord_token")
    );
    assert_eq!(found.says("own bot of ricky"), "ok: accepted: it is Ricky");
    let told = stage.world.log() + &found.text;
    for secret in [WRONG, &stage.ricky.token] {
        assert!(!told.contains(secret), "a token was shown: {told}");
    }
}
