//! What operators do on the card of a task, and below a question.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::card::Card;
use crate::harness::client::Client;
use crate::harness::wait::eventually;
use crate::harness::world::World;

const QUESTION: &str =
    "NEEDS ATTENTION: which colour?\nA) Blue, like the sky\nB) Green\nC) Whatever is left";

/// Without rate limits, with mallory as a second operator.
async fn two_operators() -> (World, Client, Client) {
    let mut world = World::without_bridge().await;
    world.fault(json!({ "rate_limits": "off" })).await;
    let both = format!("{},{}", world.person("zack").id, world.person("mallory").id);
    world.set("OPERATOR_IDS", &both);
    world.start_bridge();
    let zack = Client::open(&world, "zack").await;
    let mallory = Client::open(&world, "mallory").await;
    (world, zack, mallory)
}

/// The card of a task, once it says this.
async fn card(zack: &Client, thread: &str, says: &str) -> Card {
    card_of(zack, thread, "Sweep the yard", says).await
}

/// The card of a task that can be controlled, once it says this.
pub(super) async fn card_of(zack: &Client, thread: &str, title: &str, says: &str) -> Card {
    let controlled = |card: &Card| card.buttons.iter().any(|it| it.label == "Stop…");
    let expected = |card: &Card| controlled(card) && card.says(says);
    let zack = &zack.person;
    zack.sees_card(thread, title, says, expected).await
}

fn list(task: Uuid) -> String {
    format!("v1:status:task:{}", task.simple())
}

async fn status(world: &World, task: Uuid) -> String {
    sqlx::query_scalar("SELECT status FROM tasks WHERE id = $1")
        .bind(task)
        .fetch_one(world.pool())
        .await
        .expect("the task is there")
}

/// The message in a thread that carries this button, whoever posted it.
pub(super) async fn question(zack: &Client, thread: &str, label: &str, enabled: bool) -> Card {
    let path = format!("/channels/{thread}/messages?limit=100");
    eventually("a question with its buttons", || async {
        let (_, messages) = zack.person.call(Method::GET, &path, None).await;
        let all: Vec<Card> = messages
            .as_array()
            .into_iter()
            .flatten()
            .map(Card::of)
            .collect();
        let has = |card: &&Card| {
            let mut buttons = card.buttons.iter();
            buttons.any(|it| it.label == label && it.enabled == enabled)
        };
        all.iter().find(has).cloned().ok_or(all)
    })
    .await
}

/// Content and metadata of the answers, oldest first.
async fn answers(world: &World) -> Vec<(String, String, Value)> {
    sqlx::query_as(
        "SELECT author, content, metadata FROM task_events \
         WHERE content LIKE 'Answer:%' ORDER BY created_at",
    )
    .fetch_all(world.pool())
    .await
    .expect("the database answers")
}

#[tokio::test]
async fn a_status_is_chosen_on_the_card_and_a_stop_asks_why() {
    let world = World::start().await;
    let task = world.task("Sweep the yard", "inbox", None).await;
    let thread = world.thread("Sweep the yard").await;
    let zack = Client::open(&world, "zack").await;
    let shown = card(&zack, &thread, "Inbox").await;
    let act = zack.choose(&shown, &list(task), "in_progress").await;
    let told = zack.told(&act).await;
    assert!(told.says("📥 Inbox → 🔧 In progress"), "{told:?}");
    let shown = card(&zack, &thread, "In progress").await;

    let act = zack.press(&shown, "Stop…").await;
    let form = zack.asked(&act).await;
    assert_eq!(form.title, "Stop a task");
    let act = zack.submit(&form, "  ").await;
    let told = zack.told(&act).await;
    assert!(told.says("needs a reason"), "{told:?}");
    assert_eq!(status(&world, task).await, "in_progress");
    let act = zack.press(&shown, "Stop…").await;
    let form = zack.asked(&act).await;
    let told = zack
        .told(&zack.submit(&form, "It rains `cats` @everyone.").await)
        .await;
    assert!(told.says("Stopped: `Sweep the yard`"), "{told:?}");
    let reason: String = sqlx::query_scalar(
        "SELECT metadata ->> 'reason' FROM task_events \
         WHERE metadata ->> 'new_status' = 'stopped'",
    )
    .fetch_one(world.pool())
    .await
    .unwrap();
    assert_eq!(reason, "It rains `cats` @everyone.");

    let shown = zack
        .person
        .sees_card(&thread, "Sweep the yard", "a stopped card", |card| {
            card.says("Stopped") && card.live().is_empty()
        })
        .await;
    // A card that was on the screen before.
    let stop = format!("v1:stop:task:{}", task.simple());
    let (act, (code, _)) = zack.try_press(&shown, &stop).await;
    assert!(
        code.is_client_error(),
        "Discord presses no dead button: {act:?}"
    );
    // What is over can be taken up again, as a dashboard may.
    let act = zack.choose(&shown, &list(task), "review").await;
    let told = zack.told(&act).await;
    assert!(told.says("→ 🔎 Review"), "{told:?}");
    assert_eq!(status(&world, task).await, "review");
}

#[tokio::test]
async fn while_the_feature_is_off_the_controls_that_are_still_there_do_nothing() {
    let world = World::start().await;
    let task = world.task("Sweep the yard", "inbox", None).await;
    let thread = world.thread("Sweep the yard").await;
    let zack = Client::open(&world, "zack").await;
    let shown = card(&zack, &thread, "Inbox").await;
    world
        .sql(
            "UPDATE project_settings SET value = '{\"team_room\": true}' WHERE key = 'labs_features'",
        )
        .await;
    let at = world.channel("status");
    eventually("the feature is off", || async {
        let told = zack.sub(&at, ("task", "list"), &[]).await;
        if told.says("switched off") {
            Ok(())
        } else {
            Err(told)
        }
    })
    .await;
    let chosen = zack.choose(&shown, &list(task), "in_progress").await;
    for act in [chosen, zack.press(&shown, "Stop…").await] {
        let told = zack.told(&act).await;
        assert!(told.says("switched off"), "{told:?}");
    }
    assert_eq!(status(&world, task).await, "inbox");
}

#[tokio::test]
async fn who_is_no_operator_chooses_stops_and_answers_nothing() {
    let world = World::start().await;
    let task = world.task("Sweep the yard", "inbox", None).await;
    world.comment(task, QUESTION).await;
    let thread = world.thread("Sweep the yard").await;
    let mallory = Client::open(&world, "mallory").await;
    let shown = card(&mallory, &thread, "Inbox").await;
    let asked = question(&mallory, &thread, "B) Green", true).await;
    for act in [
        mallory.choose(&shown, &list(task), "done").await,
        mallory.press(&shown, "Stop…").await,
        mallory.press(&asked, "B) Green").await,
        mallory.press(&asked, "Custom…").await,
    ] {
        let told = mallory.told(&act).await;
        assert!(told.says("Only operators"), "{told:?}");
    }
    assert_eq!(status(&world, task).await, "inbox");
    assert_eq!(answers(&world).await, []);
}

#[tokio::test]
async fn a_question_is_answered_once_and_whoever_asked_hears_of_it() {
    let (world, zack, mallory) = two_operators().await;
    let task = world.task("Paint the wall", "in_progress", None).await;
    let id = world.comment(task, QUESTION).await;
    let thread = world.thread("Paint the wall").await;
    let asked = question(&zack, &thread, "A) Blue, like the sky", true).await;
    let labels: Vec<_> = asked.buttons.iter().map(|it| it.label.as_str()).collect();
    let expected = [
        "A) Blue, like the sky",
        "B) Green",
        "C) Whatever is left",
        "Custom…",
    ];
    assert_eq!(labels, expected);

    let form = zack.asked(&zack.press(&asked, "Custom…").await).await;
    let (first, second) = tokio::join!(
        async {
            mallory
                .told(&mallory.press(&asked, "A) Blue, like the sky").await)
                .await
        },
        async { zack.told(&zack.press(&asked, "B) Green").await).await },
    );
    let all = answers(&world).await;
    let [(author, content, metadata)] = all.as_slice() else {
        panic!("one answer: {all:#?}");
    };
    assert_eq!(author, "dashboard");
    assert_eq!(metadata["reply_to"], id.to_string());
    let (winner, loser) = if content == "Answer: A — Blue, like the sky" {
        (first, second)
    } else {
        assert_eq!(content, "Answer: B — Green");
        (second, first)
    };
    assert!(winner.says("Answered: "), "{winner:?}");
    let name = metadata["author_name"].as_str().unwrap();
    assert!(loser.says(&format!("Answered by **{name}**")), "{loser:?}");

    // The form was open all the time.
    let told = zack.told(&zack.submit(&form, "Red").await).await;
    assert!(told.says("Answered by **"), "{told:?}");
    let after = question(&zack, &thread, "Custom…", false).await;
    assert_eq!(after.live(), Vec::<&str>::new());
    assert!(after.says("Answered by"), "{after:?}");
    let told: Vec<String> = sqlx::query_scalar(
        "SELECT m.message FROM project_chat_messages m \
         JOIN chat_delivery_queue q ON q.message_id = m.id \
         WHERE q.target_agent_key = 'agent:ricky:main'",
    )
    .fetch_all(world.pool())
    .await
    .unwrap();
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(told[0].contains(content.as_str()), "{told:#?}");
}

#[tokio::test]
async fn an_answer_of_ones_own_is_written_in_a_form() {
    let world = World::start().await;
    let task = world.task("Paint the wall", "in_progress", None).await;
    // An old comment, of before there were events.
    let id: Uuid = sqlx::query_scalar(
        "INSERT INTO task_comments (project_id, task_id, author_agent_key, content) \
         VALUES ('front-office', $1, 'agent:ricky:main', $2) RETURNING id",
    )
    .bind(task)
    .bind(QUESTION)
    .fetch_one(world.pool())
    .await
    .unwrap();
    let thread = world.thread("Paint the wall").await;
    let zack = Client::open(&world, "zack").await;
    let asked = question(&zack, &thread, "B) Green", true).await;
    let form = zack.asked(&zack.press(&asked, "Custom…").await).await;
    let told = zack.told(&zack.submit(&form, " \n ").await).await;
    assert!(told.says("There is no text"), "{told:?}");
    let form = zack.asked(&zack.press(&asked, "Custom…").await).await;
    let told = zack.told(&zack.submit(&form, "Red, and soon").await).await;
    assert!(told.says("Answered: `Custom — Red, and soon`"), "{told:?}");
    let all = answers(&world).await;
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].1, "Answer: Custom — Red, and soon");
    assert_eq!(all[0].2["reply_to"], format!("lc_{id}"));
    question(&zack, &thread, "Custom…", false).await;
    // A press that was on its way: the form is not opened any more.
    let custom = asked.button("Custom…").custom_id.clone();
    let (_, (code, _)) = zack.try_press(&asked, &custom).await;
    assert!(code.is_client_error(), "{code}");
}
