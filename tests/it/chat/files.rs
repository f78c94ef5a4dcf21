//! Files that people send along.

use crate::harness::world::World;

#[tokio::test]
async fn agents_get_what_is_in_small_texts_and_where_the_others_are() {
    let world = World::start().await;
    let (zack, dm) = (world.person("zack"), world.channel("dm-ricky"));
    let long = "x".repeat(20_000);
    let files = [
        ("plan.md", "step one\n```\ncode\n```\n"),
        ("long.txt", long.as_str()),
        ("binary.txt", "no\0text"),
    ];
    zack.upload(&dm, "look at these", &files).await;
    let row = world
        .row("the row", |row| row.message.starts_with("look at these"))
        .await;
    let text = &row.message;
    assert!(text.contains("[file: plan.md (22 bytes"), "{text}");
    assert!(
        text.contains("\n````md\nstep one\n```\ncode\n```\n````"),
        "{text}"
    );
    assert!(text.contains("[file: long.txt (20000 bytes"), "{text}");
    assert!(
        !text.contains("xxxx") && !text.contains("no\0text"),
        "{text}"
    );
    let listed = row.metadata["attachments"].as_array().expect("a list");
    assert_eq!(listed.len(), 3);
    assert_eq!(listed[0]["name"], "plan.md");
    assert_eq!(listed[0]["size"], 22);
    assert!(
        listed[0]["url"]
            .as_str()
            .is_some_and(|url| url.starts_with("http"))
    );
    assert!(
        listed[0]["type"]
            .as_str()
            .is_some_and(|kind| kind.starts_with("text/plain"))
    );
    zack.sees(&dm, "the agent's answer", |seen| {
        seen.iter()
            .any(|m| m.name == "Ricky" && m.text.contains("step one"))
    })
    .await;
}

#[tokio::test]
async fn an_edit_keeps_what_is_in_the_files() {
    let world = World::start().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    let said = zack.upload(&room, "old", &[("a.txt", "the content")]).await;
    world
        .row("the row", |row| row.message.starts_with("old"))
        .await;
    zack.edit(&room, &said, "new").await;
    let row = world
        .row("the edit", |row| {
            row.message.starts_with("new\n[file: a.txt")
        })
        .await;
    assert!(row.message.contains("the content"), "{}", row.message);
    assert_eq!(row.metadata["attachments"][0]["name"], "a.txt");
}
