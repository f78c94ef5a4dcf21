//! What the page of a person rests on: Discord's own client endpoints and the gateway, as a person.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::support::{Api, PATIENCE, World};

fn ids(list: &Value) -> Vec<&str> {
    let items = list.as_array().into_iter().flatten();
    items.filter_map(|item| item["id"].as_str()).collect()
}

fn id(of: &Value) -> String {
    of["id"]
        .as_str()
        .unwrap_or_else(|| panic!("no id in {of}"))
        .to_owned()
}

/// Starts a thread without a message.
async fn thread(api: &Api, channel: &str, kind: u8) -> String {
    let path = format!("/channels/{channel}/threads");
    let answer = api.post(&path, json!({"name": "Talk", "type": kind})).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    id(&answer.json)
}

/// What stands in a channel, the newest first.
async fn texts(api: &Api, channel: &str) -> Vec<String> {
    let page = api
        .get(&format!("/channels/{channel}/messages?limit=100"))
        .await;
    let list = page.json.as_array().cloned().unwrap_or_default();
    let texts = list
        .iter()
        .filter_map(|message| message["content"].as_str());
    texts.map(ToOwned::to_owned).collect()
}

#[tokio::test]
async fn a_session_begins_with_all_that_the_page_shows() {
    let world = World::start().await;
    let general = world.general().await;
    let (zack, mallory) = (world.person("zack"), world.person("mallory"));
    let open = thread(&zack, &general, 11).await;
    let secret = thread(&zack, &general, 12).await;
    let old = thread(&zack, &general, 11).await;
    let archive = json!({"archived": true});
    assert_eq!(
        zack.patch(&format!("/channels/{old}"), archive)
            .await
            .status,
        200
    );
    let _other = world.person_session("mallory").await;
    let mut client = world.connect().await;
    client.identify(&world.token("zack"), 0).await;
    let ready = client.event("READY").await;
    let guild = client.event("GUILD_CREATE").await;
    assert_eq!(ready["guilds"][0], guild, "whole at once");
    assert!(ids(&guild["channels"]).contains(&general.as_str()));
    let mut threads = ids(&guild["threads"]);
    threads.sort_unstable();
    assert_eq!(threads, [open.as_str(), secret.as_str()]);
    for thread in guild["threads"].as_array().into_iter().flatten() {
        assert_eq!(thread["member"]["user_id"], world.id("zack").as_str());
    }
    let names: Vec<_> = guild["members"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|member| member["user"]["username"].as_str())
        .collect();
    for name in ["zack", "mallory", "Mission Control"] {
        assert!(names.contains(&name), "{names:?}");
    }
    assert!(ids(&guild["roles"]).contains(&world.guild().as_str()));
    let online = |user: &str| {
        let id = world.id(user);
        let presences = guild["presences"].as_array().into_iter().flatten();
        presences
            .filter(|found| found["user"]["id"] == id.as_str())
            .count()
    };
    assert_eq!(
        (online("zack"), online("mallory")),
        (1, 1),
        "{}",
        guild["presences"]
    );
    // Somebody else sees the open thread, and that it is not theirs.
    let mut client = world.connect().await;
    client.identify(&world.token("mallory"), 0).await;
    let guild = client.event("GUILD_CREATE").await;
    assert_eq!(ids(&guild["threads"]), [open.as_str()]);
    assert!(guild["threads"][0].get("member").is_none(), "{guild}");
    let path = format!("/channels/{general}/threads/archived/public");
    let archived = mallory.get(&path).await.json;
    assert_eq!(ids(&archived["threads"]), [old.as_str()]);
}

#[tokio::test]
async fn a_message_whose_answer_was_lost_is_not_sent_twice() {
    let world = World::start().await;
    let general = world.general().await;
    let mallory = world.person("mallory");
    let path = format!("/channels/{general}/messages");
    let slow = json!({"rate_limit_per_user": 600});
    let changed = world
        .person("zack")
        .patch(&format!("/channels/{general}"), slow)
        .await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let mut watcher = world.person_session("zack").await;
    let body = json!({"content": "once", "nonce": "1199", "enforce_nonce": true});
    // The connection breaks before the answer is read.
    let address = world.sandbox.info().gateway.replace("ws://", "");
    let mut socket = TcpStream::connect(&address).await.unwrap();
    let text = body.to_string();
    let head = format!(
        "POST /api/v10{path} HTTP/1.1\r\nhost: {address}\r\nauthorization: {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        world.token("mallory"),
        text.len()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(text.as_bytes()).await.unwrap();
    let event = watcher.message("MESSAGE_CREATE", "once").await;
    assert_eq!(event["nonce"], "1199");
    drop(socket);
    // Slow mode, too, is no reason to say that it was not sent.
    for _ in 0..2 {
        let again = mallory.post(&path, body.clone()).await;
        assert_eq!(
            (again.status, &again.json["id"]),
            (200, &event["id"]),
            "{again:?}"
        );
        assert_eq!(again.json["nonce"], "1199");
    }
    let other = json!({"content": "next", "nonce": "1200", "enforce_nonce": true});
    assert_eq!(mallory.post(&path, other).await.status, 429);
    assert_eq!(texts(&mallory, &general).await, ["once"]);
}

#[tokio::test]
async fn the_same_message_sent_at_once_is_one() {
    let world = World::start().await;
    let general = world.general().await;
    let zack = world.person("zack");
    let path = format!("/channels/{general}/messages");
    let body = json!({"content": "once", "nonce": 77, "enforce_nonce": true});
    let send = || zack.post(&path, body.clone());
    let (a, b, c, d) = tokio::join!(send(), send(), send(), send());
    for answer in [&a, &b, &c, &d] {
        assert_eq!(
            (answer.status, &answer.json["id"]),
            (200, &a.json["id"]),
            "{answer:?}"
        );
    }
    assert_eq!(texts(&zack, &general).await, ["once"]);
}

#[tokio::test]
async fn a_person_whose_socket_dropped_gets_what_they_missed() {
    let world = World::start().await;
    let general = world.general().await;
    let (zack, mallory) = (world.person("zack"), world.person("mallory"));
    let mut page = world.person_session("zack").await;
    mallory.say(&general, "seen").await;
    page.message("MESSAGE_CREATE", "seen").await;
    let (session, seq) = (page.session.clone(), page.seq);
    world.fault(json!({"drop_gateways": true})).await;
    assert_eq!(page.closed().await, None);
    let missed = mallory.say(&general, "missed").await;
    zack.say(&general, "own").await;
    mallory
        .delete(&format!("/channels/{general}/messages/{missed}"))
        .await;
    let mut page = world.connect().await;
    page.resume(&world.token("zack"), &session, seq).await;
    page.event("RESUMED").await;
    let names: Vec<_> = page
        .history()
        .iter()
        .filter_map(|payload| payload["t"].as_str())
        .filter(|name| name.starts_with("MESSAGE_"))
        .collect();
    assert_eq!(
        names,
        ["MESSAGE_CREATE", "MESSAGE_CREATE", "MESSAGE_DELETE"]
    );
    mallory.say(&general, "live").await;
    page.message("MESSAGE_CREATE", "live").await;
}

#[tokio::test]
async fn a_new_thread_is_its_owners_and_seen_by_the_others() {
    let world = World::start().await;
    let general = world.general().await;
    let (mut own, mut other) = (
        world.person_session("zack").await,
        world.person_session("mallory").await,
    );
    let made = thread(&world.person("zack"), &general, 11).await;
    let seen = own.event("THREAD_CREATE").await;
    assert_eq!(
        (&seen["id"], &seen["newly_created"]),
        (&json!(made), &json!(true))
    );
    assert_eq!(seen["member"]["user_id"], world.id("zack").as_str());
    let seen = other.event("THREAD_CREATE").await;
    assert_eq!(seen["id"], made.as_str());
    assert!(seen.get("member").is_none(), "{seen}");
    world.person("mallory").say(&made, "hello").await;
    let joined = other.event("THREAD_MEMBERS_UPDATE").await;
    assert_eq!(
        joined["added_members"][0]["user_id"],
        world.id("mallory").as_str()
    );
}

#[tokio::test]
async fn a_private_thread_appears_for_who_is_added_and_is_left_with_a_word() {
    let world = World::start().await;
    let general = world.general().await;
    let zack = world.person("zack");
    let mut mallory = world.person_session("mallory").await;
    let secret = thread(&zack, &general, 12).await;
    zack.say(&secret, "not yet").await;
    let member = format!("/channels/{secret}/thread-members/{}", world.id("mallory"));
    assert_eq!(zack.put(&member, json!({})).await.status, 204);
    let seen = mallory.event("THREAD_CREATE").await;
    assert_eq!((&seen["id"], &seen["type"]), (&json!(secret), &json!(12)));
    assert_eq!(seen["member"]["user_id"], world.id("mallory").as_str());
    zack.say(&secret, "for both").await;
    mallory.message("MESSAGE_CREATE", "for both").await;
    assert_eq!(zack.delete(&member).await.status, 204);
    let gone = mallory
        .payload(|payload| payload["d"]["removed_member_ids"].is_array())
        .await;
    assert_eq!(
        gone["d"]["removed_member_ids"],
        json!([world.id("mallory")])
    );
    zack.say(&secret, "alone").await;
    zack.say(&general, "for all").await;
    let read = mallory.contents_until("for all").await;
    assert_eq!(read, ["for all"]);
    let told = format!("{:?}", mallory.history());
    assert!(!told.contains("not yet") && !told.contains("alone"));
    let refused = world
        .person("mallory")
        .get(&format!("/channels/{secret}/messages"))
        .await;
    assert_eq!(
        (refused.status, &refused.json["code"]),
        (403, &json!(50001))
    );
}

#[tokio::test]
async fn who_is_mentioned_in_a_private_thread_is_there_to_read_it() {
    let world = World::start().await;
    let general = world.general().await;
    let zack = world.person("zack");
    let mut mallory = world.person_session("mallory").await;
    let secret = thread(&zack, &general, 12).await;
    zack.say(&secret, "not yet").await;
    let call = format!("<@{}> look", world.id("mallory"));
    zack.say(&secret, &call).await;
    assert_eq!(mallory.event("THREAD_CREATE").await["id"], secret.as_str());
    mallory.message("MESSAGE_CREATE", &call).await;
    let told = format!("{:?}", mallory.history());
    assert!(!told.contains("not yet"));
    assert_eq!(
        texts(&world.person("mallory"), &secret).await,
        [call.as_str(), "not yet"]
    );
}

#[tokio::test]
async fn a_channel_that_is_closed_to_somebody_goes_and_comes_back_with_its_threads() {
    let world = World::start().await;
    let general = world.general().await;
    let zack = world.person("zack");
    let made = thread(&zack, &general, 11).await;
    let mut mallory = world.person_session("mallory").await;
    let door = format!("/channels/{general}/permissions/{}", world.id("mallory"));
    let closed = json!({"type": 1, "allow": "0", "deny": (1 << 10).to_string()});
    assert_eq!(zack.put(&door, closed).await.status, 204);
    assert_eq!(
        mallory.event("CHANNEL_DELETE").await["id"],
        general.as_str()
    );
    zack.say(&general, "behind the door").await;
    assert_eq!(zack.delete(&door).await.status, 204);
    assert_eq!(
        mallory.event("CHANNEL_CREATE").await["id"],
        general.as_str()
    );
    let threads = mallory.event("THREAD_LIST_SYNC").await;
    assert_eq!(threads["channel_ids"], json!([general]));
    assert_eq!(ids(&threads["threads"]), [made.as_str()]);
    let told = format!("{:?}", mallory.history());
    assert!(!told.contains("behind the door"));
}

#[tokio::test]
async fn a_person_posts_in_a_forum_text_only() {
    let world = World::start().await;
    let path = format!("/guilds/{}/channels", world.guild());
    let forum = world
        .bot()
        .post(&path, json!({"name": "ideas", "type": 15}))
        .await;
    let path = format!("/channels/{}/threads", id(&forum.json));
    let mallory = world.person("mallory");
    let mut zack = world.person_session("zack").await;
    let button = json!({"type": 2, "style": 1, "label": "x", "custom_id": "x"});
    let dressed = json!({
        "content": "An idea", "embeds": [{"title": "x"}],
        "components": [{"type": 1, "components": [button]}],
    });
    let made = mallory
        .post(&path, json!({"name": "Idea", "message": dressed}))
        .await;
    assert_eq!(made.status, 201, "{made:?}");
    let message = &made.json["message"];
    assert_eq!(
        (
            &message["content"],
            &message["embeds"],
            &message["components"]
        ),
        (&json!("An idea"), &json!([]), &json!([]))
    );
    assert_eq!(zack.event("THREAD_CREATE").await["name"], "Idea");
    zack.message("MESSAGE_CREATE", "An idea").await;
    let bare = json!({"name": "Idea", "message": {"embeds": [{"title": "x"}]}});
    let refused = mallory.post(&path, bare).await;
    assert_eq!(
        (refused.status, &refused.json["code"]),
        (400, &json!(50006))
    );
}

#[tokio::test]
async fn the_gateway_speaks_text_to_browsers_of_any_origin_with_a_token() {
    let world = World::start().await;
    let address = world.sandbox.info().gateway.replace("ws://", "");
    let mut socket = TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "GET /?v=10&encoding=json HTTP/1.1\r\nhost: {address}\r\norigin: http://{address}\r\n\
         connection: keep-alive, Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-extensions: permessage-deflate; client_max_window_bits\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut seen = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    while !String::from_utf8_lossy(&seen).contains("heartbeat_interval") {
        let mut chunk = [0; 1024];
        let left = deadline.saturating_duration_since(Instant::now());
        let count = timeout(left, socket.read(&mut chunk))
            .await
            .unwrap()
            .unwrap();
        assert!(count > 0, "closed");
        seen.extend_from_slice(&chunk[..count]);
    }
    let text = String::from_utf8_lossy(&seen).to_lowercase();
    assert!(text.starts_with("http/1.1 101"), "{text}");
    assert!(!text.contains("permessage-deflate"), "{text}");
    let end = text.find("\r\n\r\n").unwrap() + 4;
    assert_eq!(seen[end], 0x81, "one whole text frame");
}
