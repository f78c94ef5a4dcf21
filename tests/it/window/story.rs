//! The first minute of the demo: what is there, and the three things that the welcome names.

use crate::harness::card::Card;
use crate::harness::demo::Demo;
use crate::harness::wait::eventually;

const TASKS: [(&str, &str); 6] = [
    ("Agree on the opening day", "✅ Done"),
    ("Write the welcome mail", "🔎 Review"),
    (
        "Make the shop page load in under a second",
        "🔧 In progress",
    ),
    ("Connect the payment provider", "🚧 Blocked"),
    ("Put the return policy on the page", "👤 Assigned"),
    (
        "Think of a thank-you for the first hundred customers",
        "📥 Inbox",
    ),
];
const PROPOSED: &str = "Test the checkout on three phones";

#[tokio::test]
async fn the_demo_tells_a_story_and_the_three_things_to_try_work() {
    let demo = Demo::start();
    let zack = demo.client("zack").await;
    let room = demo.channel("team-room");
    let seen = zack
        .person
        .sees(&room, "a welcome", |seen| !seen.is_empty())
        .await;
    assert_eq!(seen.len(), 1, "{seen:#?}");
    assert_eq!((seen[0].name.as_str(), seen[0].webhook), ("Trunks", true));
    assert!(seen[0].text.contains("Three things to try"), "{seen:#?}");
    for (title, status) in TASKS {
        let thread = demo.thread(title).await;
        let expected = |card: &Card| card.says(status);
        zack.person
            .sees_card(&thread, &format!("**{title}**"), status, expected)
            .await;
    }

    // One: Ricky answers where he is named.
    zack.person.say(&room, "@Ricky how is the shop page?").await;
    zack.person
        .sees(&room, "Ricky's answer", |seen| {
            seen.iter()
                .any(|it| it.name == "Ricky" && it.text.contains("how is the shop page?"))
        })
        .await;

    // Two: the proposal that waits is approved, and carried out.
    let approvals = demo.channel("approvals");
    let waits = |card: &Card| card.live().contains(&"Approve") && !card.says("malformed");
    let card = zack
        .person
        .sees_card(&approvals, PROPOSED, "a proposal that waits", waits)
        .await;
    zack.acknowledged(&zack.press(&card, "Approve").await).await;
    let thread = demo.thread(PROPOSED).await;
    zack.person
        .sees_card(&thread, &format!("**{PROPOSED}**"), "its task", |card| {
            card.says("👤 Assigned") && card.says("Ricky")
        })
        .await;

    // Three: Ricky goes on with the answer.
    let thread = demo.thread("Connect the payment provider").await;
    let asks = |card: &Card| {
        card.buttons
            .iter()
            .any(|it| it.label.starts_with("B) ") && it.enabled)
    };
    let question = questions(&zack.person, &thread, asks).await;
    let label = question.live()[1].to_owned();
    zack.acknowledged(&zack.press(&question, &label).await)
        .await;
    zack.person
        .sees(&thread, "that he goes on", |seen| {
            seen.iter()
                .any(|it| it.name == "Ricky" && it.text.contains("Answer: B"))
        })
        .await;
    let expected = |card: &Card| card.says("🔎 Review");
    let title = "**Connect the payment provider**";
    zack.person
        .sees_card(&thread, title, "a task to look at", expected)
        .await;
}

/// A message with buttons of anybody, agents included.
async fn questions(
    person: &crate::harness::person::Person,
    thread: &str,
    expected: impl Fn(&Card) -> bool,
) -> Card {
    let path = format!("/channels/{thread}/messages?limit=100");
    eventually("a question", || async {
        let (_, messages) = person.call(reqwest::Method::GET, &path, None).await;
        let cards = messages.as_array().expect("a list").iter().map(Card::of);
        let cards: Vec<Card> = cards.collect();
        let found = cards.iter().find(|card| expected(card)).cloned();
        found.ok_or(cards)
    })
    .await
}

#[tokio::test]
async fn what_the_story_left_stays_as_people_left_it_and_the_heartbeat_is_known_by_every_sign() {
    let mut demo = Demo::start();
    let pool = demo.pool().await;
    let signs: (String, String, String, String, String, bool) = sqlx::query_as(
        "SELECT name, schedule_kind, schedule_expr, job_intent, target_agent_key,
                instructions LIKE E'@agent:agent:main:main\\n@intent:heartbeat\\n---\\n_%'
         FROM cron_mirror WHERE job_id <> '__mirror_state__'",
    )
    .fetch_one(&pool)
    .await
    .expect("one job");
    let (name, kind, expression, intent, agent, headed) = signs;
    assert_eq!(
        [&name, &kind, &expression, &intent, &agent],
        [
            "heartbeat-main",
            "every",
            "1800000",
            "heartbeat",
            "agent:main:main"
        ]
    );
    assert!(headed);
    let zack = demo.person("zack");
    let approvals = demo.channel("approvals");
    zack.sees_card(&approvals, PROPOSED, "a proposal", |_| true)
        .await;
    sqlx::raw_sql(
        "DELETE FROM tasks; DELETE FROM project_chat_messages; DELETE FROM cron_mirror;
         DELETE FROM bridge.job;
         DELETE FROM brain_docs; DELETE FROM agents WHERE name = 'Ricky'",
    )
    .execute(&pool)
    .await
    .expect("people may delete");
    pool.close().await;
    assert!(demo.process.stop().success(), "{}", demo.process.log());
    let demo = demo.again();
    let left: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM tasks) + (SELECT count(*) FROM project_chat_messages)
              + (SELECT count(*) FROM cron_mirror WHERE job_id <> '__mirror_state__')
              + (SELECT count(*) FROM brain_docs)
              + (SELECT count(*) FROM agents WHERE name = 'Ricky')",
    )
    .fetch_one(&demo.pool().await)
    .await
    .expect("a count");
    assert_eq!(left, 0, "what is deleted stays deleted");
    demo.person("zack")
        .sees_no_card(&demo.channel("approvals"), PROPOSED)
        .await;
}
