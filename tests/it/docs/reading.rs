//! Everybody reads, and nobody reads what holds secrets.

use super::{files, rows, show};
use crate::harness::client::Client;
use crate::harness::world::World;

const DOCUMENTS: &str = "
    INSERT INTO projects (id, name) VALUES ('other', 'Other') ON CONFLICT DO NOTHING;
    INSERT INTO brain_docs (project_id, agent_key, doc_type, content, updated_by) VALUES
        ('front-office', 'agent:ricky:main', 'soul', 'I look into things.', 'ui');
    INSERT INTO project_documents (project_id, title, source_type, content_text, storage_path, pinned, sensitivity) VALUES
        ('front-office', 'Book', 'note', repeat('0123456789abcde' || chr(10), 65536), NULL, true, 'normal'),
        ('front-office', 'Keys', 'note', 'hunter2', NULL, false, 'contains_secrets'),
        ('front-office', '@everyone [safe](https://evil.example) **x**', 'note', '@everyone <@1>', NULL, false, NULL),
        ('front-office', 'Scan', 'upload', NULL, 'a/b.pdf', false, 'normal'),
        ('other', 'Theirs', 'note', 'theirs', NULL, false, 'normal')";

#[tokio::test]
async fn documents_are_listed_by_whose_they_are_and_are_text() {
    let world = World::start().await;
    rows(&world, DOCUMENTS).await;
    let at = world.channel("status");
    let mallory = Client::open(&world, "mallory").await;
    let list = mallory.sub(&at, ("docs", "list"), &[]).await;
    for there in [
        "**Ricky**\n- Soul",
        "**Documents**\n- 📌 Book · 1.0 MB",
        "🔒 Keys: it holds secrets",
    ] {
        assert!(list.says(there), "{there}: {list:?}");
    }
    assert!(
        list.says("Scan: a file that is kept elsewhere") && !list.says("Theirs"),
        "{list:?}"
    );
    assert!(
        list.says("\\[safe\\]\\(https") && list.pings == 0,
        "{list:?}"
    );

    let soul = show(&mallory, &at, "soul of ricky").await;
    assert!(
        soul.says("**Soul of Ricky**") && soul.says("I look into things."),
        "{soul:?}"
    );
    assert!(
        soul.live().is_empty() && soul.files.is_empty(),
        "only operators change it: {soul:?}"
    );
    let nasty = show(
        &mallory,
        &at,
        "@everyone [safe](https://evil.example) **x**",
    )
    .await;
    assert!(
        nasty.pings == 0 && nasty.says("```\n@everyone <@1>\n```") || nasty.says("`@everyone"),
        "{nasty:?}"
    );
}

#[tokio::test]
async fn a_document_of_a_megabyte_is_read_as_a_file() {
    let world = World::start().await;
    rows(&world, DOCUMENTS).await;
    let (zack, at) = (Client::open(&world, "zack").await, world.channel("status"));
    let book = show(&zack, &at, "book").await;
    assert!(
        book.says("The text is in the file") && book.says("A form takes 4,000"),
        "{book:?}"
    );
    assert_eq!(book.live(), ["Unpin"]);
    let text = files(&book).await.concat();
    assert_eq!(text, "0123456789abcde\n".repeat(65_536));
    // From the list as well.
    let list = zack.sub(&at, ("docs", "list"), &[]).await;
    let row: uuid::Uuid =
        sqlx::query_scalar("SELECT id FROM project_documents WHERE title = 'Book'")
            .fetch_one(world.pool())
            .await
            .unwrap();
    let chosen = format!("n{}", row.simple());
    let picked = zack
        .told(&zack.choose(&list, "v1:doc-pick", &chosen).await)
        .await;
    assert!(
        picked.says("**Book**") && picked.files.len() == 1,
        "{picked:?}"
    );
    let told = zack.told(&zack.press(&book, "Unpin").await).await;
    assert!(told.says("not pinned any more"), "{told:?}");
    let told = show(&zack, &at, "no such").await;
    assert!(told.says("There is no document `no such`"), "{told:?}");
}

#[tokio::test]
async fn a_secret_is_named_and_neither_shown_nor_offered_nor_changed_nor_logged() {
    let world = World::start().await;
    rows(&world, DOCUMENTS).await;
    rows(
        &world,
        "UPDATE project_documents SET sensitivity = 'Contains Secrets' WHERE title = 'Scan'",
    )
    .await;
    let (zack, at) = (Client::open(&world, "zack").await, world.channel("status"));
    let told = show(&zack, &at, "keys").await;
    assert!(
        told.says("**Keys** holds secrets") && told.files.is_empty(),
        "{told:?}"
    );
    assert!(show(&zack, &at, "scan").await.says("holds secrets"));
    let told = zack.sub(&at, ("docs", "edit"), &[("doc", "Keys")]).await;
    assert!(told.says("neither shown nor changed"), "{told:?}");
    let file = ("keys.md", "mine now");
    let told = zack
        .sub_with_file(&at, ("docs", "edit"), &[("doc", "Keys")], file)
        .await;
    assert!(told.says("neither shown nor changed"), "{told:?}");
    let offered = zack.offered_in(&at, ("docs", "show"), "doc", "").await;
    assert!(
        offered.iter().any(|(name, _)| name == "🔒 Keys"),
        "{offered:?}"
    );
    assert!(
        zack.offered_in(&at, ("docs", "show"), "doc", "hunter")
            .await
            .is_empty()
    );
    rows(
        &world,
        "UPDATE project_documents SET pinned = true WHERE title = 'Keys'",
    )
    .await;
    let told = zack.used(&at, "context", &[("agent", "ricky")]).await;
    assert!(told.says("`Keys`, since it holds secrets"), "{told:?}");
    assert!(!files(&told).await.concat().contains("hunter2"));
    world
        .database_says(
            "SELECT content_text FROM project_documents WHERE title = 'Keys'",
            "hunter2".to_owned(),
        )
        .await;
    assert!(!world.log().contains("hunter2"));
}

#[tokio::test]
async fn many_documents_are_paged() {
    let world = World::start().await;
    rows(
        &world,
        "INSERT INTO project_documents (project_id, title, source_type, content_text)
         SELECT 'front-office', 'Document ' || n, 'note', 'x' FROM generate_series(1, 60) n",
    )
    .await;
    let (zack, at) = (Client::open(&world, "zack").await, world.channel("status"));
    let first = zack.sub(&at, ("docs", "list"), &[]).await;
    assert!(
        first.says("60, page 1 of 3") && first.live() == ["Next"],
        "{first:?}"
    );
    let second = zack.told(&zack.press(&first, "Next").await).await;
    assert!(
        second.says("page 2 of 3\n**Documents**\n- Document"),
        "{second:?}"
    );
    assert_eq!(second.live(), ["Previous", "Next"]);
    let last = zack.told(&zack.press(&second, "Next").await).await;
    assert!(
        last.says("page 3 of 3") && last.live() == ["Previous"],
        "{last:?}"
    );
    let offered = zack
        .offered_in(&at, ("docs", "show"), "doc", "ment 59")
        .await;
    assert_eq!(offered.len(), 1, "{offered:?}");
}
