//! Operators write: in a form or by a file, and never over what they have not seen.

use super::{files, rows, show};
use crate::harness::client::Client;
use crate::harness::world::World;

const RULES: &str = "INSERT INTO project_documents (project_id, title, source_type, content_text) \
                     VALUES ('front-office', 'Rules', 'note', 'Knock first.')";
const TEXT: &str = "SELECT content_text FROM project_documents WHERE title = 'Rules'";
const TOLD: &str = "SELECT count(*) FROM activities WHERE type = 'brain_doc_updated'";

#[tokio::test]
async fn of_two_who_edit_at_once_the_second_sees_both_and_goes_on_from_there() {
    let world = World::start().await;
    rows(&world, RULES).await;
    let (zack, at) = (Client::open(&world, "zack").await, world.channel("status"));
    let card = show(&zack, &at, "rules").await;
    assert_eq!(card.live(), ["Edit…", "Pin"]);
    let first = zack.asked(&zack.press(&card, "Edit…").await).await;
    let second = zack
        .sub_form(&at, ("docs", "edit"), &[("doc", "Rules")])
        .await;
    assert_eq!(
        (first.value.as_str(), second.value.as_str()),
        ("Knock first.", "Knock first.")
    );
    let told = zack.told(&zack.submit(&first, "Knock twice.").await).await;
    assert!(
        told.says("Saved: **Rules** has 12 characters now."),
        "{told:?}"
    );
    let told = zack
        .told(&zack.submit(&second, "Do not knock.").await)
        .await;
    assert!(told.says("Somebody else has changed **Rules**"), "{told:?}");
    assert!(
        told.says("Knock twice.") && told.says("Do not knock."),
        "{told:?}"
    );
    world.database_says(TEXT, "Knock twice.".to_owned()).await;
    let again = zack
        .asked(&zack.press(&told, "Edit the new one…").await)
        .await;
    assert_eq!(again.value, "Knock twice.");
    let told = zack.told(&zack.submit(&again, "Do not knock.").await).await;
    assert!(told.says("Saved"), "{told:?}");
    world.database_says(TEXT, "Do not knock.".to_owned()).await;
    world.database_says(TOLD, 2_i64).await;
    let told = zack.told(&zack.submit(&again, "Do not knock.").await).await;
    assert!(told.says("says this already"), "{told:?}");
    // Deleted while somebody writes: their words are not lost.
    let late = zack
        .sub_form(&at, ("docs", "edit"), &[("doc", "Rules")])
        .await;
    rows(&world, "DELETE FROM project_documents").await;
    let told = zack.told(&zack.submit(&late, "Too late.").await).await;
    assert!(told.says("no such document any more"), "{told:?}");
    assert_eq!(files(&told).await, ["Too late."]);
}

#[tokio::test]
async fn a_document_of_a_megabyte_is_changed_by_its_file() {
    let world = World::start().await;
    rows(&world, RULES).await;
    rows(&world, "UPDATE project_documents SET content_text = repeat('x', 1000000), updated_at = now() - interval '1 hour'").await;
    let (zack, at) = (Client::open(&world, "zack").await, world.channel("status"));
    let doc = [("doc", "Rules")];
    let told = zack.sub(&at, ("docs", "edit"), &doc).await;
    assert!(
        told.says("has 1000000 characters") && told.says("`/docs edit` as its `file`"),
        "{told:?}"
    );
    let shown = show(&zack, &at, "Rules").await;
    let name = shown.files[0].name.clone();
    let longer = "y".repeat(1_048_576);
    let told = zack
        .sub_with_file(&at, ("docs", "edit"), &doc, (&name, &longer))
        .await;
    assert!(
        told.says("Saved: **Rules** has 1048576 characters now."),
        "{told:?}"
    );
    world.database_says(TEXT, longer).await;
    // The same file once more: it tells of a version that is not there any more.
    let told = zack
        .sub_with_file(&at, ("docs", "edit"), &doc, (&name, "z"))
        .await;
    assert!(
        told.says("Somebody else has changed") && told.files.len() == 2,
        "{told:?}"
    );
    let told = zack
        .sub_with_file(
            &at,
            ("docs", "edit"),
            &doc,
            ("big.md", &"y".repeat(1_048_577)),
        )
        .await;
    assert!(told.says("1 MB at most"), "{told:?}");
}

/// What was there comes along: the file is based on nothing that we know.
#[tokio::test]
async fn a_file_of_any_other_name_replaces_what_is_not_from_just_now() {
    let world = World::start().await;
    rows(&world, RULES).await;
    let (zack, at) = (Client::open(&world, "zack").await, world.channel("status"));
    let doc = [("doc", "Rules")];
    let told = zack
        .sub_with_file(&at, ("docs", "edit"), &doc, ("mine.md", "Mine."))
        .await;
    assert!(told.says("Somebody else has changed"), "just now: {told:?}");
    rows(
        &world,
        "ALTER TABLE project_documents DISABLE TRIGGER USER;
         UPDATE project_documents SET updated_at = now() - interval '1 hour';
         ALTER TABLE project_documents ENABLE TRIGGER USER",
    )
    .await;
    let told = zack
        .sub_with_file(&at, ("docs", "edit"), &doc, ("mine.md", "Mine."))
        .await;
    assert!(
        told.says("What was there before is in the file"),
        "{told:?}"
    );
    assert_eq!(files(&told).await, ["Knock first."]);
    world.database_says(TEXT, "Mine.".to_owned()).await;
}

#[tokio::test]
async fn new_documents_are_made_once() {
    let world = World::start().await;
    let (zack, at) = (Client::open(&world, "zack").await, world.channel("status"));
    let form = zack
        .sub_form(
            &at,
            ("docs", "new"),
            &[("title", "Manners"), ("agent", "ricky")],
        )
        .await;
    let fields = [
        ("title", "Manners"),
        ("agent", "Ricky"),
        ("text", "Be kind."),
    ];
    let told = zack.told(&zack.fill(&form, &fields).await).await;
    assert!(
        told.says("Saved: **Manners \\(Ricky\\)** is new."),
        "{told:?}"
    );
    let soul = [("kind", "soul"), ("agent", "ricky")];
    let told = zack
        .sub_with_file(&at, ("docs", "new"), &soul, ("soul.md", "I look."))
        .await;
    assert!(told.says("Saved: **Soul of Ricky** is new."), "{told:?}");
    let told = zack
        .sub_with_file(&at, ("docs", "new"), &soul, ("soul.md", "I stare."))
        .await;
    assert!(told.says("There is one already: Soul."), "{told:?}");
    let file = ("a.md", "words");
    for (options, why) in [
        (&[][..], "needs a `title`"),
        (&[("title", "x"), ("agent", "nobody")], "nobody"),
    ] {
        let told = zack
            .sub_with_file(&at, ("docs", "new"), options, file)
            .await;
        assert!(told.says(why), "{why}: {told:?}");
    }
    world
        .database_says(
            "SELECT string_agg(title || ':' || content_text, ',') FROM project_documents",
            "Manners:Be kind.".to_owned(),
        )
        .await;
    world
        .database_says(
            "SELECT content FROM brain_docs WHERE doc_type = 'soul'",
            "I look.".to_owned(),
        )
        .await;
}

#[tokio::test]
async fn only_operators_write_and_see_what_agents_know() {
    let world = World::start().await;
    rows(&world, RULES).await;
    let (at, file) = (world.channel("status"), ("a.md", "words"));
    let mallory = Client::open(&world, "mallory").await;
    for sub in ["edit", "new"] {
        let options = if sub == "edit" {
            [("doc", "Rules")]
        } else {
            [("title", "Mine")]
        };
        let told = mallory.sub(&at, ("docs", sub), &options).await;
        assert!(told.says("perator"), "{told:?}");
        let told = mallory
            .sub_with_file(&at, ("docs", sub), &options, file)
            .await;
        assert!(told.says("perator"), "{told:?}");
    }
    let told = mallory.used(&at, "context", &[("agent", "ricky")]).await;
    assert!(told.says("perator") && told.files.is_empty(), "{told:?}");
    world
        .database_says(
            "SELECT string_agg(content_text, ',') FROM project_documents",
            "Knock first.".to_owned(),
        )
        .await;
}

#[tokio::test]
async fn the_mission_has_a_form_with_what_it_is_now() {
    let world = World::start().await;
    let (zack, at) = (Client::open(&world, "zack").await, world.channel("status"));
    let form = zack.sub_form(&at, ("mission", "set"), &[]).await;
    assert_eq!(
        (form.title.as_str(), form.value.as_str()),
        ("The mission", "")
    );
    let told = zack.told(&zack.submit(&form, "Open the shop").await).await;
    assert!(told.says("This is the mission now"), "{told:?}");
    let told = zack.told(&zack.submit(&form, "Close the shop").await).await;
    assert!(
        told.says("Somebody else has just written another mission"),
        "{told:?}"
    );
    let form = zack
        .asked(&zack.press(&told, "Edit the new one…").await)
        .await;
    assert_eq!(form.value, "Open the shop");
    // A dashboard takes any length.
    rows(
        &world,
        "UPDATE brain_docs SET content = repeat('m', 10000) WHERE doc_type = 'mission'",
    )
    .await;
    let form = zack.sub_form(&at, ("mission", "set"), &[]).await;
    assert_eq!(form.value, format!("{}…", "m".repeat(199)));
    let told = zack.told(&zack.submit(&form, "Shorter").await).await;
    assert!(told.says("This is the mission now"), "{told:?}");
    let mallory = Client::open(&world, "mallory").await;
    let told = mallory.sub(&at, ("mission", "set"), &[]).await;
    assert!(told.says("Only operators"), "{told:?}");
    world
        .database_says(
            "SELECT content FROM brain_docs WHERE doc_type = 'mission'",
            "Shorter".to_owned(),
        )
        .await;
}
