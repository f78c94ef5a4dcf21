//! What a message may hold.

use anyhow::Result;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::world::{World, id, read};

#[tokio::test]
async fn content_is_measured_in_code_points() -> Result<()> {
    let world = World::start().await?;
    let path = format!("/channels/{}/messages", world.general);
    let say = |text: String| world.bot(Method::POST, &path, Some(json!({"content": text})));
    say("🦀".repeat(2000)).await?.is(200);
    say("🦀".repeat(2001))
        .await?
        .blames("content", "BASE_TYPE_MAX_LENGTH");
    say(" \n ".to_owned()).await?.refuses(400, 50006);
    world
        .bot(Method::POST, &path, Some(json!({})))
        .await?
        .refuses(400, 50006);
    world
        .bot(Method::POST, &path, Some(json!({"content": 5})))
        .await?
        .blames("content", "STRING_TYPE_CONVERT");
    Ok(())
}

#[tokio::test]
async fn embeds_are_limited_each_and_together() -> Result<()> {
    let world = World::start().await?;
    let path = format!("/channels/{}/messages", world.general);
    let send = |embeds: Value| world.bot(Method::POST, &path, Some(json!({"embeds": embeds})));
    let long = |count: usize| "x".repeat(count);
    send(json!([{"title": long(256), "description": long(4096)}]))
        .await?
        .is(200);
    send(json!([{"title": long(257)}]))
        .await?
        .blames("embeds.0.title", "BASE_TYPE_MAX_LENGTH");
    send(json!([{"description": long(4097)}]))
        .await?
        .blames("embeds.0.description", "BASE_TYPE_MAX_LENGTH");
    send(json!([{"footer": {"text": long(2049)}}]))
        .await?
        .blames("embeds.0.footer.text", "BASE_TYPE_MAX_LENGTH");
    send(json!([{"author": {"name": long(257)}}]))
        .await?
        .blames("embeds.0.author.name", "BASE_TYPE_MAX_LENGTH");
    let field = json!({"name": "n", "value": "v"});
    send(json!([{"fields": vec![field.clone(); 25]}]))
        .await?
        .is(200);
    send(json!([{"fields": vec![field; 26]}]))
        .await?
        .blames("embeds.0.fields", "BASE_TYPE_MAX_LENGTH");
    send(json!([{"fields": [{"name": long(257), "value": "v"}]}]))
        .await?
        .blames("embeds.0.fields.0.name", "BASE_TYPE_MAX_LENGTH");
    send(json!([{"fields": [{"name": "n", "value": long(1025)}]}]))
        .await?
        .blames("embeds.0.fields.0.value", "BASE_TYPE_MAX_LENGTH");
    send(json!([{"fields": [{"name": "n", "value": " "}]}]))
        .await?
        .blames("embeds.0.fields.0.value", "BASE_TYPE_REQUIRED");
    let half = json!({"description": long(3001)});
    send(json!([half, half]))
        .await?
        .blames("embeds", "MAX_EMBED_SIZE_EXCEEDED");
    send(Value::Array(vec![json!({"title": "t"}); 11]))
        .await?
        .blames("embeds", "BASE_TYPE_MAX_LENGTH");
    send(json!([{"title": "t", "color": 0x0100_0000}]))
        .await?
        .blames("embeds.0.color", "NUMBER_TYPE_MAX");
    send(json!([{"title": "t", "url": "javascript:x"}]))
        .await?
        .blames("embeds.0.url", "URL_TYPE_INVALID_URL");
    send(json!([{"title": "t", "timestamp": "yesterday"}]))
        .await?
        .blames("embeds.0.timestamp", "DATE_TIME_TYPE_PARSE");
    Ok(())
}

#[tokio::test]
async fn components_are_limited() -> Result<()> {
    let world = World::start().await?;
    let path = format!("/channels/{}/messages", world.general);
    let send = |rows: Value| {
        world.bot(
            Method::POST,
            &path,
            Some(json!({"content": "c", "components": rows})),
        )
    };
    let button =
        |id: &str, label: &str| json!({"type": 2, "style": 1, "label": label, "custom_id": id});
    let row = |items: Vec<Value>| json!({"type": 1, "components": items});
    send(json!([row(vec![button("a", "A"), button("b", "B")])]))
        .await?
        .is(200);
    send(json!([row(vec![button("a", "A"), button("a", "B")])]))
        .await?
        .blames(
            "components.0.components.1.custom_id",
            "COMPONENT_CUSTOM_ID_DUPLICATED",
        );
    send(json!([row(vec![button("a", &"x".repeat(81))])]))
        .await?
        .blames("components.0.components.0.label", "BASE_TYPE_MAX_LENGTH");
    send(json!([row(vec![button(&"x".repeat(101), "A")])]))
        .await?
        .blames(
            "components.0.components.0.custom_id",
            "BASE_TYPE_BAD_LENGTH",
        );
    let six = (0..6).map(|n| button(&n.to_string(), "A")).collect();
    send(json!([row(six)]))
        .await?
        .blames("components.0.components", "BASE_TYPE_BAD_LENGTH");
    let rows = (0..6)
        .map(|n| row(vec![button(&n.to_string(), "A")]))
        .collect();
    send(Value::Array(rows))
        .await?
        .blames("components", "BASE_TYPE_MAX_LENGTH");
    let options: Vec<Value> = (0..26)
        .map(|n| json!({"label": "l", "value": n.to_string()}))
        .collect();
    let select = json!({"type": 3, "custom_id": "s", "options": options});
    send(json!([row(vec![select])]))
        .await?
        .blames("components.0.components.0.options", "BASE_TYPE_BAD_LENGTH");
    let people = |most: u64, kind: &str| {
        let given = json!([{"id": "7", "type": kind}, {"id": "8", "type": kind}]);
        json!({"type": 5, "custom_id": "s", "max_values": most, "default_values": given})
    };
    send(json!([row(vec![people(25, "user")])])).await?.is(200);
    let given = "components.0.components.0.default_values";
    send(json!([row(vec![people(1, "user")])]))
        .await?
        .blames(given, "BASE_TYPE_BAD_LENGTH");
    send(json!([row(vec![people(25, "role")])]))
        .await?
        .blames(&format!("{given}.0.type"), "BASE_TYPE_CHOICES");
    send(json!([button("a", "A")]))
        .await?
        .blames("components.0.type", "BASE_TYPE_CHOICES");
    send(json!([row(vec![
        json!({"type": 2, "style": 5, "label": "L"})
    ])]))
    .await?
    .blames("components.0.components.0.url", "BASE_TYPE_REQUIRED");
    Ok(())
}

#[tokio::test]
async fn files_come_back_as_they_were_sent() -> Result<()> {
    let world = World::start().await?;
    let path = format!("/channels/{}/messages", world.general);
    let token = format!("Bot {}", world.sandbox.info().bot_token);
    let part = |bytes: Vec<u8>| Part::bytes(bytes).file_name("notes über.txt");
    let form = Form::new()
        .text(
            "payload_json",
            json!({"content": "see", "attachments": [{"id": 0, "description": "alt"}]}).to_string(),
        )
        .part("files[0]", part(b"inside".to_vec()));
    let made = read(
        world
            .request(Method::POST, &path, Some(&token))
            .multipart(form),
    )
    .await?
    .is(200);
    let file = &made["attachments"][0];
    assert_eq!(
        (file["size"].as_u64(), file["description"].as_str()),
        (Some(6), Some("alt"))
    );
    let url = file["url"].as_str().unwrap_or_default();
    assert_eq!(
        world.http.get(url).send().await?.bytes().await?.as_ref(),
        b"inside"
    );
    // An edit keeps the attachments it lists.
    let one = format!("{path}/{}", id(&made)?);
    let kept = world
        .bot(
            Method::PATCH,
            &one,
            Some(json!({"attachments": [{"id": file["id"]}]})),
        )
        .await?
        .is(200);
    assert_eq!(kept["attachments"][0]["id"], file["id"]);
    let none = world
        .bot(Method::PATCH, &one, Some(json!({"attachments": []})))
        .await?
        .is(200);
    assert_eq!(none["attachments"], json!([]));
    Ok(())
}

#[tokio::test]
async fn files_are_limited_in_size_and_number() -> Result<()> {
    let world = World::start().await?;
    let path = format!("/channels/{}/messages", world.general);
    let token = format!("Bot {}", world.sandbox.info().bot_token);
    let part = |bytes: Vec<u8>| Part::bytes(bytes).file_name("f.bin");
    let big = Form::new().part("files[0]", part(vec![0; 10 * 1024 * 1024 + 1]));
    read(
        world
            .request(Method::POST, &path, Some(&token))
            .multipart(big),
    )
    .await?
    .refuses(413, 40005);
    let many = (0..11).fold(Form::new(), |form, n| {
        form.part(format!("files[{n}]"), part(vec![0]))
    });
    read(
        world
            .request(Method::POST, &path, Some(&token))
            .multipart(many),
    )
    .await?
    .refuses(400, 30015);

    Ok(())
}

#[tokio::test]
async fn mentions_count_as_allowed() -> Result<()> {
    let world = World::start().await?;
    let path = format!("/channels/{}/messages", world.general);
    let (zack, mallory) = (
        world.person("zack").id.clone(),
        world.person("mallory").id.clone(),
    );
    let text = format!("<@{zack}> <@!{mallory}> @everyone <@1>");
    let mentioned = |message: &Value| -> Vec<String> {
        let users = message["mentions"].as_array().into_iter().flatten();
        users
            .filter_map(|user| user["username"].as_str().map(ToOwned::to_owned))
            .collect()
    };
    let all = world
        .bot(Method::POST, &path, Some(json!({"content": text})))
        .await?
        .is(200);
    assert_eq!(mentioned(&all), ["zack", "mallory"]);
    assert_eq!(
        all["mention_everyone"], false,
        "the bot has no MENTION_EVERYONE"
    );
    let body = json!({"content": text, "allowed_mentions": {"parse": []}});
    assert!(mentioned(&world.bot(Method::POST, &path, Some(body)).await?.is(200)).is_empty());
    let body = json!({"content": text, "allowed_mentions": {"users": [mallory]}});
    assert_eq!(
        mentioned(&world.bot(Method::POST, &path, Some(body)).await?.is(200)),
        ["mallory"]
    );
    let by_owner = world
        .zack(Method::POST, &path, Some(json!({"content": text})))
        .await?
        .is(200);
    assert_eq!(by_owner["mention_everyone"], true);
    let body =
        json!({"content": "x", "allowed_mentions": {"parse": ["users"], "users": [mallory]}});
    let refused = world.bot(Method::POST, &path, Some(body)).await?;
    refused.blames(
        "allowed_mentions",
        "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
    );
    Ok(())
}

#[tokio::test]
async fn polls_are_limited() -> Result<()> {
    let world = World::start().await?;
    let path = format!("/channels/{}/messages", world.general);
    let answer = |text: &str| json!({"poll_media": {"text": text}});
    let poll = |question: &str, answers: Vec<Value>| {
        let body = json!({"poll": {"question": {"text": question}, "answers": answers}});
        world.bot(Method::POST, &path, Some(body))
    };
    let made = poll("Ship it?", vec![answer("yes"), answer("no")])
        .await?
        .is(200);
    assert_eq!(made["poll"]["answers"][1]["answer_id"], 2);
    assert!(made["poll"]["expiry"].is_string());
    let one = format!("{path}/{}", id(&made)?);
    world
        .bot(Method::PATCH, &one, Some(json!({"content": "x"})))
        .await?
        .refuses(400, 520_003);
    poll(&"q".repeat(301), vec![answer("a")])
        .await?
        .blames("poll.question.text", "BASE_TYPE_BAD_LENGTH");
    poll("q", vec![answer("a"); 11])
        .await?
        .blames("poll.answers", "BASE_TYPE_MAX_LENGTH");
    poll("q", vec![answer(&"a".repeat(56))])
        .await?
        .blames("poll.answers.0.poll_media.text", "BASE_TYPE_BAD_LENGTH");
    Ok(())
}

#[tokio::test]
async fn a_v2_message_stays_one() -> Result<()> {
    let world = World::start().await?;
    let path = format!("/channels/{}/messages", world.general);
    let text = |text: &str| json!([{"type": 10, "content": text}]);
    let legacy = json!({"content": "x", "flags": 32768, "components": text("a")});
    let refused = world.bot(Method::POST, &path, Some(legacy)).await?;
    refused.blames(
        "content",
        "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
    );
    let made = world
        .bot(
            Method::POST,
            &path,
            Some(json!({"flags": 32768, "components": text("a")})),
        )
        .await?
        .is(200);
    let one = format!("{path}/{}", id(&made)?);
    let edited = world
        .bot(Method::PATCH, &one, Some(json!({"components": text("b")})))
        .await?
        .is(200);
    assert_eq!(
        (edited["flags"].as_u64(), &edited["components"]),
        (Some(32768), &text("b"))
    );
    let many: Vec<Value> = (0..41).map(|_| text("a")[0].clone()).collect();
    let refused = world
        .bot(
            Method::POST,
            &path,
            Some(json!({"flags": 32768, "components": many})),
        )
        .await?;
    refused.blames("components", "BASE_TYPE_MAX_LENGTH");
    Ok(())
}

#[tokio::test]
async fn a_forum_post_brings_its_files() -> Result<()> {
    let world = World::start().await?;
    let board = id(&world.channel(json!({"name": "tasks", "type": 15})).await?)?;
    let token = format!("Bot {}", world.sandbox.info().bot_token);
    let body = json!({"name": "p", "message": {"attachments": [{"id": 0, "filename": "log.txt"}]}});
    let form = Form::new()
        .text("payload_json", body.to_string())
        .part("files[0]", Part::bytes(b"inside".to_vec()).file_name("x"));
    let path = format!("/channels/{board}/threads");
    let made = read(
        world
            .request(Method::POST, &path, Some(&token))
            .multipart(form),
    )
    .await?
    .is(201);
    let file = &made["message"]["attachments"][0];
    assert_eq!(file["filename"], "log.txt");
    let url = file["url"].as_str().unwrap_or_default();
    assert_eq!(
        world.http.get(url).send().await?.bytes().await?.as_ref(),
        b"inside"
    );
    Ok(())
}
