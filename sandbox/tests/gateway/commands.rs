//! Slash commands, context menus, autocomplete.

use serde_json::{Value, json};

use crate::people::Scene;

fn ask() -> Value {
    json!({
        "name": "ask", "description": "Ask an agent",
        "options": [
            {"type": 3, "name": "agent", "description": "Who", "required": true, "autocomplete": true},
            {"type": 3, "name": "mood", "description": "How",
             "choices": [{"name": "Kind", "value": "kind"}, {"name": "Curt", "value": "curt"}]},
            {"type": 4, "name": "times", "description": "How often", "min_value": 1, "max_value": 3},
            {"type": 6, "name": "for", "description": "For whom"},
        ],
    })
}

#[tokio::test]
async fn a_slash_command_reaches_the_bot_with_all_that_serenity_insists_on() {
    let mut scene = Scene::start().await;
    let command = scene.declare(ask()).await;
    let options = json!([
        {"type": 3, "name": "agent", "value": "ricky"},
        {"type": 6, "name": "for", "value": scene.world.id("mallory")},
    ]);
    scene.act("zack", scene.slash(&command, options)).await;
    let created = scene.zack.event("INTERACTION_CREATE").await;
    assert_eq!(created["nonce"], "1234567890");
    let interaction = scene.bot.event("INTERACTION_CREATE").await;
    assert_eq!(interaction["id"], created["id"]);
    assert_eq!(interaction["type"], 2);
    assert_eq!(interaction["guild_id"], scene.world.guild().as_str());
    assert_eq!(
        interaction["member"]["user"]["id"],
        scene.world.id("zack").as_str()
    );
    for key in [
        "application_id",
        "token",
        "version",
        "channel_id",
        "channel",
        "locale",
        "guild_locale",
        "app_permissions",
        "attachment_size_limit",
        "entitlements",
        "context",
    ] {
        assert!(
            !interaction[key].is_null(),
            "{key} is missing in {interaction:#}"
        );
    }
    assert!(
        interaction["member"]["permissions"]
            .as_str()
            .unwrap()
            .parse::<u64>()
            .unwrap()
            > 0
    );
    let owners = json!({"0": scene.world.guild()});
    assert_eq!(interaction["authorizing_integration_owners"], owners);
    let data = &interaction["data"];
    assert_eq!(data["name"], "ask");
    assert_eq!(
        data["options"][0],
        json!({"type": 3, "name": "agent", "value": "ricky"})
    );
    let mallory = scene.world.id("mallory");
    assert_eq!(data["resolved"]["users"][&mallory]["username"], "mallory");
    assert!(data["resolved"]["members"][&mallory]["permissions"].is_string());
}

#[tokio::test]
async fn the_answer_to_a_slash_command_goes_to_the_channel_and_the_person_is_told() {
    let mut scene = Scene::start().await;
    let interaction = scene.ping().await;
    let body = json!({"type": 4, "data": {"content": "Asked."}});
    assert_eq!(scene.answer(&interaction, body).await.status, 204);
    let message = scene.mallory.message("MESSAGE_CREATE", "Asked.").await;
    assert_eq!(message["type"], 20);
    assert_eq!(
        message["interaction_metadata"]["user"]["id"],
        scene.world.id("zack").as_str()
    );
    assert_eq!(
        message["application_id"],
        scene.world.application().as_str()
    );
    assert_eq!(
        scene.zack.event("INTERACTION_SUCCESS").await["nonce"],
        "1234567890"
    );
}

#[tokio::test]
async fn options_that_do_not_fit_the_declaration_are_refused() {
    let scene = Scene::start().await;
    let command = scene.declare(ask()).await;
    let agent = json!({"type": 3, "name": "agent", "value": "ricky"});
    for (options, place) in [
        (json!([]), "/errors/data/options/agent"),
        (
            json!([agent, {"type": 3, "name": "mood", "value": "rude"}]),
            "/errors/data/options/1/value",
        ),
        (
            json!([agent, {"type": 4, "name": "times", "value": 9}]),
            "/errors/data/options/1/value",
        ),
        (
            json!([agent, {"type": 4, "name": "times", "value": "2"}]),
            "/errors/data/options/1/value",
        ),
        (
            json!([agent, {"type": 6, "name": "for", "value": "1"}]),
            "/errors/data/options/1/value",
        ),
        (
            json!([agent, {"type": 3, "name": "color", "value": "red"}]),
            "/errors/data/options/1",
        ),
    ] {
        let answer = scene.try_to("zack", scene.slash(&command, options)).await;
        assert_eq!(
            (answer.status, &answer.json["code"]),
            (400, &json!(50035)),
            "{answer:?}"
        );
        assert!(answer.json.pointer(place).is_some(), "{place}: {answer:?}");
    }
}

#[tokio::test]
async fn subcommands_reach_the_bot_with_their_options() {
    let mut scene = Scene::start().await;
    let text = json!({"type": 3, "name": "text", "description": "What", "required": true});
    let post = json!({"type": 1, "name": "post", "description": "Post", "options": [text]});
    let command = json!({"name": "room", "description": "The room", "options": [post]});
    let command = scene.declare(command).await;
    let refused = scene.try_to("zack", scene.slash(&command, json!([]))).await;
    assert_eq!(refused.json["code"], 50035, "{refused:?}");
    let text = json!({"type": 3, "name": "text", "value": "hi"});
    let options = json!([{"type": 1, "name": "post", "options": [text]}]);
    scene
        .act("zack", scene.slash(&command, options.clone()))
        .await;
    assert_eq!(
        scene.bot.event("INTERACTION_CREATE").await["data"]["options"],
        options
    );
}

#[tokio::test]
async fn a_message_command_shows_its_target_even_without_the_content_intent() {
    let mut scene = Scene::start().await;
    let command = scene
        .declare(json!({"name": "Promote to task", "type": 3}))
        .await;
    let target = scene
        .world
        .person("mallory")
        .say(&scene.general, "do this")
        .await;
    scene.act("zack", scene.menu(&command, &target)).await;
    let data = scene.bot.event("INTERACTION_CREATE").await["data"].take();
    assert_eq!(data["target_id"], target.as_str());
    assert_eq!(data["resolved"]["messages"][&target]["content"], "do this");
}

#[tokio::test]
async fn a_user_command_shows_whom_it_is_about() {
    let mut scene = Scene::start().await;
    let command = scene.declare(json!({"name": "Ask about", "type": 2})).await;
    let mallory = scene.world.id("mallory");
    scene.act("zack", scene.menu(&command, &mallory)).await;
    let data = scene.bot.event("INTERACTION_CREATE").await["data"].take();
    assert_eq!(
        (&data["type"], &data["target_id"]),
        (&json!(2), &json!(mallory))
    );
    assert_eq!(data["resolved"]["users"][&mallory]["username"], "mallory");
    assert!(data["resolved"]["members"][&mallory]["permissions"].is_string());
    let nobody = scene.try_to("zack", scene.menu(&command, "5")).await;
    assert_eq!((nobody.status, &nobody.json["code"]), (404, &json!(10013)));
}

#[tokio::test]
async fn in_a_private_channel_there_is_a_user_and_no_member() {
    let mut scene = Scene::start().await;
    let path = format!("/applications/{}/commands", scene.world.application());
    let command = json!({"name": "ping", "description": "Answers"});
    let command = scene.world.bot().post(&path, command).await.json;
    let dm = json!({"recipient_id": scene.world.id("zack")});
    let dm = scene.world.bot().post("/users/@me/channels", dm).await.json;
    let mut body = scene.slash(&command, json!([]));
    body["channel_id"] = dm["id"].clone();
    body.as_object_mut().unwrap().remove("guild_id");
    scene.act("zack", body).await;
    let interaction = scene.bot.event("INTERACTION_CREATE").await;
    assert_eq!(interaction["user"]["id"], scene.world.id("zack").as_str());
    assert!(interaction.get("member").is_none() && interaction.get("guild_id").is_none());
    assert_eq!(interaction["context"], 1);
    assert!(interaction["app_permissions"].is_string());
}

#[tokio::test]
async fn choices_come_while_an_option_is_typed() {
    let mut scene = Scene::start().await;
    let command = scene.declare(ask()).await;
    let options = json!([{"type": 3, "name": "agent", "value": "ri", "focused": true}]);
    scene.act("zack", scene.typing(&command, options)).await;
    let interaction = scene.bot.event("INTERACTION_CREATE").await;
    assert_eq!(interaction["type"], 4);
    assert_eq!(interaction["data"]["options"][0]["focused"], true);
    let too_many: Vec<_> = (0..26)
        .map(|n| json!({"name": "x", "value": n.to_string()}))
        .collect();
    let refused = scene
        .answer(
            &interaction,
            json!({"type": 8, "data": {"choices": too_many}}),
        )
        .await;
    assert_eq!(refused.json["code"], 50035, "{refused:?}");
    let message = json!({"type": 4, "data": {"content": "no"}});
    assert_eq!(
        scene.answer(&interaction, message).await.status,
        400,
        "only choices answer this"
    );
    let choices = json!([{"name": "Ricky", "value": "ricky"}]);
    let body = json!({"type": 8, "data": {"choices": choices}});
    assert_eq!(scene.answer(&interaction, body).await.status, 204);
    let offered = scene
        .zack
        .event("APPLICATION_COMMAND_AUTOCOMPLETE_RESPONSE")
        .await;
    assert_eq!(offered["choices"], choices);
    assert_eq!(offered["nonce"], "1234567890");
}

#[tokio::test]
async fn commands_are_for_those_who_may_use_them() {
    let mut scene = Scene::start().await;
    let command = json!({
        "name": "admin", "description": "For few", "default_member_permissions": "32",
    });
    let command = scene.declare(command).await;
    let body = scene.slash(&command, json!([]));
    assert_eq!(
        scene.try_to("mallory", body.clone()).await.json["code"],
        50013
    );
    scene.act("zack", body.clone()).await;
    scene.bot.event("INTERACTION_CREATE").await;
    let bot = scene.world.bot().post("/interactions", body.clone()).await;
    assert_eq!((bot.status, &bot.json["code"]), (403, &json!(20001)));
    let mut outdated = body.clone();
    outdated["data"]["version"] = json!("1");
    assert_eq!(scene.try_to("zack", outdated).await.json["code"], 50035);
    let mut unknown = body;
    unknown["data"]["id"] = json!("1");
    assert_eq!(scene.try_to("zack", unknown).await.json["code"], 10063);
}

#[tokio::test]
async fn a_persons_client_can_list_the_commands() {
    let scene = Scene::start().await;
    let command = scene.declare(ask()).await;
    let path = format!("/channels/{}/application-command-index", scene.general);
    let index = scene.world.person("zack").get(&path).await.json;
    assert_eq!(index["application_commands"][0]["id"], command["id"]);
    assert_eq!(
        index["applications"][0]["id"],
        scene.world.application().as_str()
    );
}
