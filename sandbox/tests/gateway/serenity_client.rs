//! A real serenity client understands every event.

use serde_json::{Value, json};
use serenity::all::{ClientBuilder, Context, Event, GatewayIntents, HttpBuilder};
use serenity::async_trait;
use serenity::client::RawEventHandler;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, timeout_at};

use crate::people::{Scene, button, modal};
use crate::support::{PATIENCE, World};

/// Hands all events to the test.
struct Listener(UnboundedSender<Event>);

#[async_trait]
impl RawEventHandler for Listener {
    async fn raw_event(&self, _: Context, event: Event) {
        // The test may be over already.
        let _ = self.0.send(event);
    }
}

/// What serenity made of the events. It handles each in a task of its own, so their order is lost.
struct Heard {
    events: UnboundedReceiver<Event>,
    /// Events that nobody has waited for yet.
    waiting: Vec<String>,
}

impl Heard {
    /// Waits for an event of this name; an event that serenity cannot read fails the test.
    async fn wait_for(&mut self, name: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.waiting.iter().position(|heard| heard == name) {
                self.waiting.remove(at);
                return;
            }
            let event = timeout_at(deadline, self.events.recv()).await;
            let event = event.unwrap_or_else(|_| panic!("no {name}; heard {:?}", self.waiting));
            let event = event.expect("serenity ended");
            if let Event::Unknown(unknown) = &event {
                panic!("serenity cannot read {}: {:?}", unknown.kind, unknown.value);
            }
            self.waiting.push(event.name().unwrap_or_default());
        }
    }
}

async fn listen(world: &World) -> Heard {
    let (sender, events) = unbounded_channel();
    let http = HttpBuilder::new(world.bot_token())
        .proxy(world.sandbox.info().page.trim_end_matches('/'))
        .ratelimiter_disabled(true)
        .build();
    let intents = GatewayIntents::non_privileged() | GatewayIntents::MESSAGE_CONTENT;
    let mut client = ClientBuilder::new_with_http(http, intents)
        .raw_event_handler(Listener(sender))
        .await
        .unwrap();
    tokio::spawn(async move { client.start().await });
    let mut heard = Heard {
        events,
        waiting: Vec::new(),
    };
    heard.wait_for("READY").await;
    heard.wait_for("GUILD_CREATE").await;
    heard
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serenity_reads_messages_channels_threads_and_reactions() {
    let world = World::start().await;
    world.fault(json!({"rate_limits": "off"})).await;
    let mut heard = listen(&world).await;
    let (bot, zack) = (world.bot(), world.person("zack"));
    let general = world.general().await;
    let first = zack.say(&general, "hello").await;
    heard.wait_for("MESSAGE_CREATE").await;
    let path = format!("/channels/{general}/messages");
    let reply = json!({"content": "reply", "message_reference": {"message_id": first}});
    let reply = bot.post(&path, reply).await.json;
    heard.wait_for("MESSAGE_CREATE").await;
    let message = format!("{path}/{}", reply["id"].as_str().unwrap());
    let embed = json!({"embeds": [{"title": "t", "fields": [{"name": "n", "value": "v"}]}]});
    bot.patch(&message, embed).await;
    heard.wait_for("MESSAGE_UPDATE").await;
    zack.put(&format!("{message}/reactions/%E2%9C%85/@me"), Value::Null)
        .await;
    heard.wait_for("MESSAGE_REACTION_ADD").await;
    zack.delete(&format!("{message}/reactions/%E2%9C%85/@me"))
        .await;
    heard.wait_for("MESSAGE_REACTION_REMOVE").await;
    bot.delete(&message).await;
    heard.wait_for("MESSAGE_DELETE").await;
    bot.post(
        &format!("{path}/{first}/threads"),
        json!({"name": "a thread"}),
    )
    .await;
    heard.wait_for("THREAD_CREATE").await;
    bot.patch(&format!("/channels/{first}"), json!({"archived": true}))
        .await;
    heard.wait_for("THREAD_UPDATE").await;
    zack.delete(&format!("/channels/{first}")).await;
    heard.wait_for("THREAD_DELETE").await;
    let channels = format!("/guilds/{}/channels", world.guild());
    let channel = bot
        .post(&channels, json!({"name": "new", "type": 0}))
        .await
        .json;
    heard.wait_for("CHANNEL_CREATE").await;
    let channel = format!("/channels/{}", channel["id"].as_str().unwrap());
    bot.patch(&channel, json!({"topic": "words"})).await;
    heard.wait_for("CHANNEL_UPDATE").await;
    bot.post(&format!("{channel}/webhooks"), json!({"name": "Ricky"}))
        .await;
    heard.wait_for("WEBHOOKS_UPDATE").await;
    zack.post(&format!("{channel}/typing"), json!({})).await;
    heard.wait_for("TYPING_START").await;
    bot.delete(&channel).await;
    heard.wait_for("CHANNEL_DELETE").await;
    let forum = json!({"name": "tasks", "type": 15, "available_tags": [{"name": "open"}]});
    let forum = bot.post(&channels, forum).await.json;
    heard.wait_for("CHANNEL_CREATE").await;
    let post = json!({"name": "task 1", "message": {"content": "do it"}});
    let path = format!("/channels/{}/threads", forum["id"].as_str().unwrap());
    bot.post(&path, post).await;
    heard.wait_for("THREAD_CREATE").await;
    heard.wait_for("MESSAGE_CREATE").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serenity_reads_interactions_of_all_kinds() {
    let mut scene = Scene::start().await;
    // The scene's own bot listens too, to answer; a second session must not wait five seconds.
    scene.world.fault(json!({"rate_limits": "off"})).await;
    let mut heard = listen(&scene.world).await;
    let interaction = scene.ping().await;
    heard.wait_for("INTERACTION_CREATE").await;
    let row = json!([{"type": 1, "components": [button("b")]}]);
    let body = json!({"type": 4, "data": {"content": "?", "flags": 64, "components": row}});
    assert_eq!(scene.answer(&interaction, body).await.status, 204);
    heard.wait_for("MESSAGE_CREATE").await;
    let message = scene.zack.message("MESSAGE_CREATE", "?").await;
    scene
        .act("zack", scene.press(message["id"].as_str().unwrap(), "b"))
        .await;
    heard.wait_for("INTERACTION_CREATE").await;
    let press = scene.bot.event("INTERACTION_CREATE").await;
    assert_eq!(scene.answer(&press, modal("m", "i")).await.status, 204);
    let opened = scene.zack.event("INTERACTION_MODAL_CREATE").await;
    scene.act("zack", scene.submit(&opened, "i", "text")).await;
    heard.wait_for("INTERACTION_CREATE").await;
    let submitted = scene.bot.event("INTERACTION_CREATE").await;
    let body = json!({"type": 4, "data": {"content": "public"}});
    assert_eq!(scene.answer(&submitted, body).await.status, 204);
    heard.wait_for("MESSAGE_CREATE").await;
    let command = json!({"name": "Promote", "type": 3});
    let command = scene.declare(command).await;
    let target = scene
        .world
        .person("mallory")
        .say(&scene.general, "target")
        .await;
    scene.act("zack", scene.menu(&command, &target)).await;
    heard.wait_for("INTERACTION_CREATE").await;
    let option = json!({"type": 3, "name": "agent", "description": "Who", "autocomplete": true});
    let command = json!({"name": "ask", "description": "Ask", "options": [option]});
    let command = scene.declare(command).await;
    let typed = json!([{"type": 3, "name": "agent", "value": "r", "focused": true}]);
    scene.act("zack", scene.typing(&command, typed)).await;
    heard.wait_for("INTERACTION_CREATE").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serenity_survives_a_dropped_socket_and_misses_nothing() {
    let world = World::start().await;
    let mut heard = listen(&world).await;
    let general = world.general().await;
    world.fault(json!({"drop_gateways": true})).await;
    world
        .person("zack")
        .say(&general, "while you were out")
        .await;
    heard.wait_for("MESSAGE_CREATE").await;
    heard.wait_for("RESUMED").await;
}
