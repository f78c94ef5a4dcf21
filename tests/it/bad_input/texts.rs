//! Texts that agents and dashboards write, as Discord shows them.

use serde_json::{Value, json};

use crate::harness::person::{Seen, count};
use crate::harness::world::{PROJECT, World};

/// Discord takes so many code points in a message.
const LIMIT: usize = 2000;

async fn unhurried() -> World {
    let world = World::start().await;
    world.fault(json!({ "rate_limits": "off" })).await;
    world
}

/// Writes a row and gives back everything the room shows up to a mark that is written after it.
async fn shown(world: &World, text: &str) -> Vec<Seen> {
    let room = world.channel("team-room");
    world.insert("agent:main:main", text).await;
    world.insert("agent:main:main", "the end").await;
    let mut seen = world
        .person("zack")
        .sees(&room, "the mark", |seen| count(seen, "the end") == 1)
        .await;
    seen.pop();
    assert!(seen.iter().all(|m| m.text.chars().count() <= LIMIT));
    seen
}

#[tokio::test]
async fn every_markup_arrives_as_it_was_written_and_mentions_nobody() {
    let world = unhurried().await;
    let zack = world.person("zack").id;
    let texts = [
        format!("@everyone @here <@{zack}> <@&1> <#2> </status:3> <:party:4> <a:dance:5> <t:0:R>"),
        "**bold** *it* _it_ __under__ ~~gone~~ ||hidden|| `code` \\*plain\\*".to_owned(),
        "# Heading\n## Smaller\n-# small\n> quote\n>>> all of it\n- item\n  - nested\n1. one"
            .to_owned(),
        "```rust\nfn main() { println!(\"[a](b)\"); }\n```".to_owned(),
        "https://example.org <https://example.org/quiet> 🧢 e\u{301} ﷽ \u{1f469}\u{200d}\u{1f52c}"
            .to_owned(),
        "\"quotes\" 'single' back\\slash \"allowed_mentions\":{\"parse\":[\"everyone\"]}"
            .to_owned(),
    ];
    for text in &texts {
        world.insert("agent:main:main", text).await;
    }
    let room = world.channel("team-room");
    let seen = world
        .person("zack")
        .sees(&room, "every text", |seen| seen.len() == texts.len())
        .await;
    let seen: Vec<String> = seen.into_iter().map(|m| m.text).collect();
    assert_eq!(seen, texts);
    let requests = world.requests().await;
    let posts: Vec<&Value> = requests
        .iter()
        .filter(|request| request["body"]["content"].is_string())
        .collect();
    assert!(posts.len() >= texts.len());
    for request in posts {
        assert_eq!(
            request["body"]["allowed_mentions"],
            json!({ "parse": [] }),
            "{request}"
        );
    }
}

#[tokio::test]
async fn links_read_as_where_they_go() {
    let world = unhurried().await;
    let texts = [
        (
            "[your bank](https://evil.example)",
            "your bank (https://evil.example)",
        ),
        (
            "[https://good.example](https://evil.example)",
            "https://good.example (https://evil.example)",
        ),
        (
            "see [note] and [docs](https://docs.example)",
            "see [note] and docs (https://docs.example)",
        ),
        (
            "[two\nlines](https://evil.example)",
            "two\nlines (https://evil.example)",
        ),
        (
            "[a [b] c](https://evil.example)",
            "a [b] c (https://evil.example)",
        ),
        (
            "`[code](stays)` and [x](<https://evil.example>)",
            "`[code](stays)` and x (<https://evil.example>)",
        ),
        ("array[0](call) is no link", "array[0](call) is no link"),
    ];
    for (text, _) in texts {
        world.insert("agent:main:main", text).await;
    }
    let room = world.channel("team-room");
    let seen = world
        .person("zack")
        .sees(&room, "every text", |seen| seen.len() == texts.len())
        .await;
    let seen: Vec<&str> = seen.iter().map(|m| m.text.as_str()).collect();
    assert_eq!(seen, texts.map(|(_, shown)| shown));
}

#[tokio::test]
async fn one_character_too_many_makes_two_messages() {
    let world = unhurried().await;
    let text = "x".repeat(LIMIT + 1);
    let seen = shown(&world, &text).await;
    assert_eq!(seen.len(), 2);
    assert_eq!(
        seen.iter().map(|m| m.text.as_str()).collect::<String>(),
        text
    );
}

#[tokio::test]
async fn a_text_of_the_limit_is_one_message() {
    let world = unhurried().await;
    let text = "ü".repeat(LIMIT);
    let seen = shown(&world, &text).await;
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].text, text);
}

#[tokio::test]
async fn forty_thousand_characters_arrive_in_order_and_whole() {
    let world = unhurried().await;
    let words: Vec<String> = (0..4000).map(|n| format!("word{n:05}")).collect();
    let text: String = words.chunks(20).map(|line| line.join(" ") + "\n").collect();
    assert!(text.chars().count() >= 40_000);
    let seen = shown(&world, &text).await;
    let arrived: Vec<&str> = seen
        .iter()
        .flat_map(|m| m.text.split_whitespace())
        .collect();
    assert_eq!(arrived, words);
    assert!(seen.iter().all(|m| m.name == "Trunks"));

    // The same row, shortened: what is left over goes.
    sqlx::query("UPDATE project_chat_messages SET message = 'short' WHERE message LIKE 'word%'")
        .execute(world.pool())
        .await
        .unwrap();
    let room = world.channel("team-room");
    let zack = world.person("zack");
    let seen = zack
        .sees(&room, "the short text alone", |seen| seen.len() == 2)
        .await;
    assert_eq!(seen[0].text, "short");
}

#[tokio::test]
async fn a_long_text_is_completed_when_the_bridge_dies_in_the_middle_of_it() {
    let mut world = World::start().await;
    let words: Vec<String> = (0..2000).map(|n| format!("word{n:05}")).collect();
    // Discord's limits hold up most of its parts.
    world.insert("agent:main:main", &words.join(" ")).await;
    let room = world.channel("team-room");
    let zack = world.person("zack");
    zack.sees(&room, "the first parts", |seen| seen.len() >= 3)
        .await;
    world.kill_bridge();
    world.fault(json!({ "rate_limits": "off" })).await;
    world.start_bridge();
    world.insert("agent:main:main", "the end").await;
    let mut seen = zack
        .sees(&room, "the mark", |seen| count(seen, "the end") == 1)
        .await;
    seen.pop();
    let arrived: Vec<&str> = seen
        .iter()
        .flat_map(|m| m.text.split_whitespace())
        .collect();
    assert_eq!(arrived, words);
}

#[tokio::test]
async fn forty_thousand_characters_without_a_space_arrive_whole() {
    let world = unhurried().await;
    let text: String = (0..40_000_u32)
        .filter_map(|n| char::from_u32(0x4e00 + n % 20_000))
        .collect();
    let seen = shown(&world, &text).await;
    assert_eq!(
        seen.iter().map(|m| m.text.as_str()).collect::<String>(),
        text
    );
}

#[tokio::test]
async fn a_long_code_block_stays_code_in_every_part() {
    let world = unhurried().await;
    let lines: Vec<String> = (0..600)
        .map(|n| format!("    let x{n} = {n}; // `tick`"))
        .collect();
    let text = format!("Look:\n```rust\n{}\n```\nThat was it.", lines.join("\n"));
    let seen = shown(&world, &text).await;
    assert!(seen.len() > 5);
    for part in &seen {
        assert_eq!(part.text.matches("```").count() % 2, 0, "{}", part.text);
    }
    for part in &seen[1..seen.len() - 1] {
        assert!(part.text.starts_with("```rust\n"), "{}", part.text);
    }
    let arrived: Vec<&str> = seen
        .iter()
        .flat_map(|m| m.text.lines())
        .filter(|line| !line.starts_with("```"))
        .collect();
    let mut wanted = vec!["Look:"];
    wanted.extend(lines.iter().map(String::as_str));
    wanted.push("That was it.");
    assert_eq!(arrived, wanted);
}

#[tokio::test]
async fn a_text_without_anything_to_see_is_shown_as_that() {
    let world = unhurried().await;
    for text in ["", "   \n\t ", "\u{200b}\u{2060}", "\u{1}\u{2}\u{1f}\u{7f}"] {
        world.insert("agent:ricky:main", text).await;
    }
    let room = world.channel("team-room");
    let seen = world
        .person("zack")
        .sees(&room, "every row", |seen| seen.len() == 4)
        .await;
    for message in seen {
        assert_eq!(message.name, "Ricky");
        assert!(message.text.contains("empty message"), "{message:?}");
    }
}

#[tokio::test]
async fn control_characters_do_not_get_in_the_way_of_the_text() {
    let world = unhurried().await;
    let noise: String = (1..32_u32)
        .chain(127..160)
        .filter_map(char::from_u32)
        .filter(|c| !c.is_whitespace())
        .collect();
    let seen = shown(&world, &format!("be{noise}fore\tand\u{202e}after\u{200b}")).await;
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].text, "before\tandafter");
}

#[tokio::test]
async fn an_agent_whose_name_discord_refuses_is_heard_all_the_same() {
    let world = unhurried().await;
    let names = [
        "Clyde",
        "discord helper",
        "everyone",
        "",
        " \u{200b} ",
        &"n".repeat(200),
        "a\nb",
    ];
    for (n, name) in names.iter().enumerate() {
        sqlx::query("INSERT INTO agents (project_id, agent_key, name) VALUES ($1, $2, $3)")
            .bind(PROJECT)
            .bind(format!("agent:odd{n}:main"))
            .bind(name)
            .execute(world.pool())
            .await
            .unwrap();
    }
    for n in 0..names.len() {
        world
            .insert(&format!("agent:odd{n}:main"), &format!("text {n}"))
            .await;
    }
    for author in [
        "Clyde",
        "",
        "@everyone",
        "agent:",
        "discord:x",
        &"s".repeat(300),
    ] {
        world
            .insert(author, &format!("from {}", author.len()))
            .await;
    }
    let room = world.channel("team-room");
    let zack = world.person("zack");
    let seen = zack
        .sees(&room, "everybody's words", |seen| {
            seen.len() == names.len() + 6
        })
        .await;
    for message in seen {
        assert!(!message.name.trim().is_empty(), "{message:?}");
    }
}
