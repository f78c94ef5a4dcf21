//! No 429 where Discord's headers tell enough to avoid it, and not much slower than they allow.

use std::time::{Duration, Instant};

use clawdos_bridge::discord::lanes::{Class, Lanes};
use clawdos_bridge::discord::rest::{Request, Route};
use futures_util::future::join_all;
use serde_json::json;

use super::discord::{Discord, Limits, webhook};

fn post(channel: u64, text: &str) -> Request {
    Request::new(Route::create_message(channel)).json(&json!({"content": text}))
}

/// Submits everything at once and waits for all of it.
async fn all_sent(lanes: &Lanes, requests: impl IntoIterator<Item = Request>) -> Duration {
    let began = Instant::now();
    let submissions: Vec<_> = requests
        .into_iter()
        .map(|request| lanes.submit(Class::Backlog, request))
        .collect();
    for outcome in join_all(submissions).await {
        assert!(outcome.is_sent(), "{outcome:?}");
    }
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_messages_over_ten_webhooks_cause_no_429() {
    let window = Duration::from_secs(2);
    let limits = Limits {
        bucket: Some((5, window)),
        global: Some((50, Duration::from_secs(1))),
    };
    let (discord, _, lanes) = Discord::start(limits).await;
    let requests = (0..200).map(|number| {
        Request::new(Route::execute_webhook(&webhook(1 + number % 10), None))
            .json(&json!({"content": number.to_string()}))
    });
    let took = all_sent(&lanes, requests).await;
    assert_eq!(discord.count(429), 0);
    assert_eq!(discord.count(200), 200);
    // 20 messages per webhook: four windows, the last of which need not end.
    let ideal = window * 3;
    println!(
        "200 messages took {took:?}, {:.4} of the shortest time that the limits allow",
        took.as_secs_f64() / ideal.as_secs_f64()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn forty_lanes_together_stay_within_the_global_limit() {
    let second = Duration::from_secs(1);
    let limits = Limits {
        bucket: Some((1_000, second)),
        global: Some((50, second)),
    };
    let (discord, _, lanes) = Discord::start(limits).await;
    let took = all_sent(&lanes, (0..160).map(|number| post(1 + number % 40, "x"))).await;
    assert_eq!(discord.count(429), 0);
    println!("160 requests at 50 per second took {took:?}");
    let seen = discord.seen();
    for stretch in seen.windows(51) {
        assert!(stretch[50].at - stretch[0].at >= second, "51 in a second");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_lane_has_one_request_in_flight_and_keeps_the_order() {
    let (discord, _, lanes) = Discord::start(Limits::default()).await;
    let texts: Vec<String> = (0..50).map(|number| format!("message {number}")).collect();
    all_sent(&lanes, texts.iter().map(|text| post(1, text))).await;
    let seen = discord.seen();
    let contents: Vec<_> = seen
        .iter()
        .map(|seen| seen.body["content"].as_str())
        .collect();
    let expected: Vec<_> = texts.iter().map(|text| Some(text.as_str())).collect();
    assert_eq!(contents, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_limits_is_not_paced() {
    let (discord, _, lanes) = Discord::start(Limits::default()).await;
    let requests = (0..3_000).map(|number| {
        Request::new(Route::execute_webhook(&webhook(1 + number % 20), None))
            .json(&json!({"content": number.to_string()}))
    });
    let took = all_sent(&lanes, requests).await;
    assert_eq!(discord.count(200), 3_000);
    println!(
        "{:.0} requests per second, the server's own work included",
        3_000.0 / took.as_secs_f64()
    );
    // Paced, the hidden webhook limit alone would hold the last of them for four minutes.
    assert!(took < Duration::from_mins(1), "{took:?}");
    assert_eq!(lanes.depth(), 0);
}
