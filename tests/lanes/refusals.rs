//! What Discord says no to, and what an error may show.

use std::time::{Duration, Instant};

use clawdos_bridge::discord::lanes::Class;
use clawdos_bridge::discord::rest::{ErrorKind, Outcome, Request, RestError, Route};
use serde_json::{Value, json};

use super::discord::{BOT_TOKEN, Discord, Limits, Scripted, connect, webhook};

fn post(channel: u64) -> Request {
    Request::new(Route::create_message(channel)).json(&json!({"content": "x"}))
}

fn refused<T: std::fmt::Debug>(outcome: Outcome<T>) -> RestError {
    match outcome {
        Outcome::NotSent(error) => error,
        other => panic!("it was not refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_form_error_names_the_field_and_the_reason() {
    let (discord, _, lanes) = Discord::start(Limits::default()).await;
    let form = json!({"code": 50035, "message": "Invalid Form Body", "errors": {"embeds": {"0": {"title": {
        "_errors": [{"code": "BASE_TYPE_MAX_LENGTH", "message": "Must be 256 or fewer in length."}]}}}}});
    discord.script("POST /channels/1/messages", Scripted::status(400, form));
    let error = refused(lanes.submit(Class::Backlog, post(1)).await);
    assert_eq!(
        (error.kind(), error.status()),
        (ErrorKind::Rejected, Some(400))
    );
    assert_eq!(
        error.to_string(),
        "POST /channels/{channel_id}/messages: Invalid Form Body: embeds.0.title: Must be 256 or fewer in length. (HTTP 400, Discord code 50035)"
    );
}

#[tokio::test]
async fn a_refused_bot_token_stops_everything_until_it_is_replaced() {
    let (discord, rest, lanes) = Discord::start(Limits::default()).await;
    let unauthorized = || Scripted::status(401, json!({"message": "401: Unauthorized", "code": 0}));
    discord.script("POST /channels/1/messages", unauthorized());
    let error = refused(lanes.submit(Class::Backlog, post(1)).await);
    assert_eq!(error.kind(), ErrorKind::TokenRefused);
    assert!(error.message().contains("DISCORD_TOKEN"));
    for channel in 1..20 {
        let error = refused(lanes.submit(Class::Interactive, post(channel)).await);
        assert_eq!(error.kind(), ErrorKind::TokenRefused);
    }
    assert_eq!(discord.asked().len(), 1);
    rest.trust_token_again();
    assert!(lanes.submit(Class::Backlog, post(1)).await.is_sent());

    // The token of a webhook is another matter.
    let bad = json!({"message": "Invalid Webhook Token", "code": 50027});
    discord.script("POST /webhooks/1/", Scripted::status(401, bad));
    let execute = Request::new(Route::execute_webhook(&webhook(1), None)).json(&json!({}));
    let error = refused(lanes.submit(Class::Backlog, execute).await);
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Rejected, Some(50027))
    );
    assert!(!rest.token_refused());
}

#[tokio::test]
async fn a_429_without_a_readable_wait_is_waited_out_for_five_seconds() {
    let (discord, _, lanes) = Discord::start(Limits::default()).await;
    let garbage = Scripted::status(429, json!({"message": "slower", "retry_after": "abc"}))
        .header("retry-after", "abc")
        .header("x-ratelimit-limit", "5.0")
        .header("x-ratelimit-remaining", "none")
        .header("x-ratelimit-reset-after", "-1");
    discord.script("POST /channels/1/messages", garbage);
    let began = Instant::now();
    assert!(lanes.submit(Class::Backlog, post(1)).await.is_sent());
    assert!(began.elapsed() >= Duration::from_secs(5));
    assert_eq!(discord.asked().len(), 2);
}

#[tokio::test]
async fn a_429_that_does_not_end_is_reported_in_the_end() {
    let (discord, _, lanes) = Discord::start(Limits::default()).await;
    for _ in 0..100 {
        discord.script("POST /channels/1/messages", Scripted::limited("user", 0.01));
    }
    let error = refused(lanes.submit(Class::Backlog, post(1)).await);
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.retry_after(), Some(Duration::from_millis(10)));
    assert!(discord.asked().len() < 20);
}

#[tokio::test]
async fn too_many_edits_of_an_old_message_are_reported_at_once() {
    let (discord, _, lanes) = Discord::start(Limits::default()).await;
    let old = json!({"message": "Maximum number of edits to messages older than 1 hour reached.",
        "code": 30046, "retry_after": 600.0, "global": false});
    discord.script("PATCH /channels/1/messages/5", Scripted::status(429, old));
    let edit = Request::new(Route::edit_message(1, 5)).json(&json!({"content": "x"}));
    let error = refused(lanes.submit(Class::Edit, edit).await);
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::RateLimited, Some(30046))
    );
    // Younger messages of the channel are edited as before.
    let edit = Request::new(Route::edit_message(1, 6)).json(&json!({"content": "x"}));
    assert!(lanes.submit(Class::Edit, edit).await.is_sent());
}

#[tokio::test]
async fn no_error_shows_a_secret_even_if_the_server_quotes_it() {
    let (discord, rest, lanes) = Discord::start(Limits::default()).await;
    let hook = webhook(1);
    let secrets = [
        BOT_TOKEN,
        "webhook-token-1",
        "interaction-token",
        "127.0.0.1",
    ];
    let quote = json!({"message": format!("bad {BOT_TOKEN} webhook-token-1 interaction-token"), "code": 50035,
        "errors": {"token": {"_errors": [{"code": "X", "message": format!("is webhook-token-1 {BOT_TOKEN}")}]}}});
    let mut shown: Vec<String> =
        vec![format!("{rest:?} {lanes:?} {hook:?}").replace("127.0.0.1", "")];
    let routes = || {
        [
            Route::execute_webhook(&hook, None),
            Route::create_followup(9, "interaction-token"),
        ]
    };
    for status in [400, 401, 403, 404, 500] {
        for route in routes() {
            // Each endpoint's own secret and the bot token are what it can leak; the others it has never seen.
            let own = if format!("{:?}", route.lane()).contains("Webhook") {
                quote.to_string().replace("interaction-token", "")
            } else {
                quote.to_string().replace("webhook-token-1", "")
            };
            let own: Value = serde_json::from_str(&own).expect("still JSON");
            discord.script("POST /webhooks/", Scripted::status(status, own));
            let request = Request::new(route).json(&json!({"content": "x"}));
            shown.push(format!("{request:?}"));
            let error = lanes.submit(Class::Backlog, request).await.into_result();
            let error = error.expect_err("the server said no");
            shown.push(format!("{error} {error:?} {}", error.message()));
        }
    }
    let late = Scripted::status(200, json!({})).delayed(Duration::from_secs(30));
    discord.script("POST /webhooks/", late);
    let (_, nowhere) = connect("http://127.0.0.1:9/api/v10");
    for (lanes, route) in [(&lanes, routes()), (&nowhere, routes())]
        .into_iter()
        .flat_map(|(lanes, routes)| routes.map(|route| (lanes, route)))
    {
        let request = Request::new(route)
            .json(&json!({"content": "x"}))
            .timeout(Duration::from_millis(100))
            .give_up_after(Duration::ZERO);
        if let Err(error) = lanes.submit(Class::Backlog, request).await.into_result() {
            shown.push(format!("{error} {error:?}"));
        }
    }
    assert!(shown.len() >= 23, "{shown:#?}");
    for text in &shown {
        for secret in secrets {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}
