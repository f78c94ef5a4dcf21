//! What the feed over the websocket is told.

use clawdos_bridge::config::FeedKind;

use crate::Start;

#[test]
fn the_websocket_feed_needs_an_address_and_one_key() {
    let websocket = "[feed]\nkind = \"websocket\"\n";
    let start = Start::with_file(websocket);
    let keys: Vec<String> = start
        .problems()
        .iter()
        .map(|it| it.place.to_string())
        .collect();
    assert_eq!(keys, ["`supabase.url`", "`supabase.key`"]);
    let both = Start::with_file(websocket)
        .env("SUPABASE_URL", "ftp://hunter5@abc.supabase.co")
        .env("SUPABASE_KEY", "hunter5")
        .env("SUPABASE_KEY_FILE", "/keys/supabase");
    let problems = both.problems();
    assert!(
        problems
            .iter()
            .any(|it| it.to_string().contains("Remove one")),
        "{problems:?}"
    );
    assert!(!format!("{problems:?}").contains("hunter5"), "{problems:?}");
    let start = Start::with_file(websocket)
        .env("SUPABASE_URL", "http://supabase.example.com/")
        .env("SUPABASE_KEY", "hunter5");
    let config = start.config();
    assert_eq!(config.feed.kind, FeedKind::Websocket);
    assert_eq!(config.supabase.url.as_ref().map(url::Url::path), Some("/"));
    assert!(!format!("{config:?}").contains("hunter5"));
    let sentences = config.warnings().join(" ");
    assert!(sentences.contains("key of Supabase travels unencrypted"));
    // Without the websocket they are somebody else's.
    assert!(
        Start::new()
            .env("SUPABASE_URL", "https://abc.supabase.co")
            .load()
            .is_ok()
    );
}
