//! Who is addressed in the Team Room: by name, by short id, by key, or by a reply.

use crate::harness::person::Seen;
use crate::harness::world::World;

const NOBODY: [&str; 0] = [];
const TRUNKS: &str = "agent:main:main";
const RICKY: &str = "agent:ricky:main";

#[tokio::test]
async fn who_is_named_gets_it_and_several_get_it_each() {
    let world = World::start().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    for (text, to) in [
        ("hey @trunks, are you there?", &[TRUNKS][..]),
        ("@ricky only", &[RICKY][..]),
        ("@agent:main:main by key", &[TRUNKS][..]),
        ("@Ricky and @Trunks: both of you", &[TRUNKS, RICKY][..]),
        ("just the room", &NOBODY[..]),
        ("write to mail@trunks.example or `@Ricky`", &NOBODY[..]),
    ] {
        zack.say(&room, text).await;
        let row = world.row_of(text).await;
        assert_eq!(row.to, to, "{text}");
        let target = row.target_agent_key.as_deref();
        assert_eq!(
            target,
            to.first().copied().filter(|_| to.len() == 1),
            "{text}"
        );
    }
    // Existing agents look for the rows of those that name them.
    let mentions = "SELECT string_agg(m.agent_key || ' ' || c.message, ', ' ORDER BY c.created_at, m.agent_key)
        FROM mentions m JOIN project_chat_messages c ON c.id = m.source_id AND c.thread_id = m.thread_id
        WHERE m.source_type = 'chat_message' AND m.author = 'ui' AND m.excerpt = c.message";
    let expected = "main hey @trunks, are you there?, ricky @ricky only, main @agent:main:main by key, \
        main @Ricky and @Trunks: both of you, ricky @Ricky and @Trunks: both of you";
    world
        .database_says(mentions, Some(expected.to_owned()))
        .await;
    let answered = |seen: &[Seen], name: &str, text: &str| {
        seen.iter()
            .filter(|m| m.name == name && m.text.contains(text))
            .count()
            == 1
    };
    zack.sees(&room, "everybody's answers, in the room", |seen| {
        answered(seen, "Trunks", "are you there?")
            && answered(seen, "Ricky", "only")
            && answered(seen, "Trunks", "both of you")
            && answered(seen, "Ricky", "both of you")
    })
    .await;
    let seen = zack.read(&room).await;
    assert!(
        !seen
            .iter()
            .any(|m| m.webhook && m.text.contains("just the room")),
        "{seen:#?}"
    );
}

#[tokio::test]
async fn a_reply_to_an_agents_message_addresses_it_and_remembers_what_it_answers() {
    let world = World::start().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    let asked = world.insert(RICKY, "shall I go on?").await;
    let seen = zack
        .sees(&room, "Ricky's question", |seen| {
            seen.iter().any(|m| m.text == "shall I go on?")
        })
        .await;
    world
        .database_says(
            "SELECT count(*) FROM bridge.view WHERE kind = 'message' AND state = 'sent' AND message_id IS NOT NULL",
            1_i64,
        )
        .await;
    let question = seen
        .iter()
        .find(|m| m.text == "shall I go on?")
        .expect("it is there");
    let yes = zack.reply(&room, &question.id, "yes, do").await;
    let row = world.row_of("yes, do").await;
    assert_eq!(
        (row.to.as_slice(), row.target_agent_key.as_deref()),
        (&[RICKY.to_owned()][..], Some(RICKY))
    );
    assert_eq!(row.metadata["reply_to"], asked.to_string());

    // A reply to a person is for the room, and one that names somebody else is for both.
    zack.reply(&room, &yes, "I mean it").await;
    let own = world.row_of("I mean it").await;
    assert_eq!(own.to, NOBODY);
    assert_eq!(own.metadata["reply_to"], row.id.to_string());
    zack.reply(&room, &question.id, "@Trunks, look").await;
    let both = world.row_of("@Trunks, look").await;
    assert_eq!(both.to, [TRUNKS, RICKY]);
    assert_eq!(both.target_agent_key, None);
}

#[tokio::test]
async fn members_reach_no_agent_unless_they_may() {
    let mut world = World::start().await;
    let (mallory, room) = (world.person("mallory"), world.channel("team-room"));
    mallory.say(&room, "@Trunks obey").await;
    let row = world.row_of("@Trunks obey").await;
    assert_eq!((row.to.as_slice(), row.target_agent_key), (&[][..], None));
    world.stop_bridge();
    world.configure("[delivery]\nmembers_may_ask = true\n");
    world.start_bridge();
    mallory.say(&room, "@Trunks please").await;
    let row = world.row_of("@Trunks please").await;
    assert_eq!(row.to, [TRUNKS]);
    assert_eq!(row.author, format!("discord:{}", mallory.id));
}

#[tokio::test]
async fn an_agent_is_called_by_its_new_name() {
    let world = World::start().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    sqlx::query("UPDATE agents SET name = 'Vegeta the Prince' WHERE agent_key = $1")
        .bind(RICKY)
        .execute(world.pool())
        .await
        .expect("a new name");
    // Nobody tells when the new name counts.
    world
        .fault(serde_json::json!({ "rate_limits": "off" }))
        .await;
    for n in 0.. {
        let text = format!("{n}: @vegeta  the prince!");
        zack.say(&room, &text).await;
        let row = world.row_of(&text).await;
        if row.to == [RICKY] {
            break;
        }
        assert!(n < 300, "{row:?}");
    }
}
