//! `/output`: what came out of a task.

use super::events;
use crate::harness::client::Client;
use crate::harness::world::World;

#[tokio::test]
async fn outputs_are_texts_and_links_of_a_task_or_of_the_thread() {
    let world = World::start().await;
    let task = world.task("Write a report", "in_progress", None).await;
    let zack = Client::open(&world, "zack").await;
    let at = world.channel("status");
    let thread = world.thread("Write a report").await;
    world
        .database_says(
            "SELECT count(*) FROM bridge.task_thread WHERE thread_id IS NOT NULL",
            1_i64,
        )
        .await;
    let told = zack.used(&at, "output", &[("text", "It is long.")]).await;
    assert!(told.says("Which task?"), "{told:?}");
    let told = zack.used(&thread, "output", &[]).await;
    assert!(told.says("needs a text, a link or a file"), "{told:?}");
    for bad in [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://",
        "not a link",
        "https://a b.example",
    ] {
        let told = zack.used(&thread, "output", &[("link", bad)]).await;
        assert!(told.says("is no link"), "{bad}: {told:?}");
    }
    assert_eq!(events(&world).await, []);

    let told = zack
        .used(&thread, "output", &[("text", " It is long. ")])
        .await;
    assert!(told.says("Added to `Write a report`"), "{told:?}");
    let id = task.to_string();
    let options = [
        ("task", id.as_str()),
        ("link", "https://example.org/report"),
        ("text", "Read it."),
    ];
    let told = zack.used(&at, "output", &options).await;
    assert!(told.says("Added to `Write a report`"), "{told:?}");
    let happened = events(&world).await;
    let [(kind, _, text, metadata), (_, author, said, link)] = happened.as_slice() else {
        panic!("two outputs: {happened:#?}");
    };
    assert_eq!(
        (kind.as_str(), text.as_deref()),
        ("output_added", Some("It is long."))
    );
    assert_eq!(metadata["output_type"], "summary");
    assert_eq!(
        (author.as_str(), said.as_deref()),
        ("dashboard", Some("Read it."))
    );
    assert_eq!(link["output_type"], "link");
    assert_eq!(link["link_url"], "https://example.org/report");
    let old: i64 = sqlx::query_scalar("SELECT count(*) FROM task_outputs")
        .fetch_one(world.pool())
        .await
        .unwrap();
    assert_eq!(old, 0);
    zack.person
        .sees(&thread, "both outputs", |seen| {
            let has = |text: &str| seen.iter().any(|it| it.text.contains(text));
            has("It is long.") && has("https://example.org/report")
        })
        .await;
}

#[tokio::test]
async fn a_file_is_an_output_with_its_details() {
    let world = World::start().await;
    world.task("Write a report", "in_progress", None).await;
    let zack = Client::open(&world, "zack").await;
    let thread = world.thread("Write a report").await;
    world
        .database_says(
            "SELECT count(*) FROM bridge.task_thread WHERE thread_id IS NOT NULL",
            1_i64,
        )
        .await;
    let told = zack
        .used_with_file(
            &thread,
            ("output", "file"),
            ("report.md", "# All is well\n"),
        )
        .await;
    assert!(told.says("Added to `Write a report`"), "{told:?}");
    let happened = events(&world).await;
    let [(_, _, _, metadata)] = happened.as_slice() else {
        panic!("one output: {happened:#?}");
    };
    assert_eq!(metadata["output_type"], "file");
    assert_eq!(metadata["title"], "report.md");
    assert_eq!(metadata["size"], 14);
    let address = metadata["link_url"].as_str().expect("an address");
    let content = reqwest::get(address).await.unwrap().text().await.unwrap();
    assert_eq!(content, "# All is well\n");
    zack.person
        .sees(&thread, "the file", |seen| {
            seen.iter().any(|it| it.text.contains("report"))
        })
        .await;
}
