//! What the page's console and its login ask of `/_sandbox` and `/auth/login`, on loopback.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::Result;
use clawdos_sandbox::{Switch, SwitchError};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::world::{Answer, World, options, read};

/// A lamp that is turned when it is let go, and counts how many are at it.
#[derive(Default)]
struct Lamp {
    on: AtomicBool,
    hands: AtomicUsize,
    turns: AtomicUsize,
    held: AtomicBool,
    begun: Notify,
    go: Notify,
}

impl Lamp {
    async fn turn(self: Arc<Self>, on: bool) -> Result<(), SwitchError> {
        assert_eq!(
            self.hands.fetch_add(1, Ordering::SeqCst),
            0,
            "one at a time"
        );
        self.begun.notify_one();
        if self.held.load(Ordering::SeqCst) {
            self.go.notified().await;
        }
        self.on.store(on, Ordering::SeqCst);
        self.turns.fetch_add(1, Ordering::SeqCst);
        self.hands.fetch_sub(1, Ordering::SeqCst);
        Ok(())
    }

    fn switch(self: &Arc<Self>) -> Switch {
        let (turned, seen) = (Arc::clone(self), Arc::clone(self));
        Switch::new(
            "lamp",
            "The lamp",
            move |on| Arc::clone(&turned).turn(on),
            move || seen.on.load(Ordering::SeqCst),
        )
    }
}

async fn with(switches: Vec<Switch>) -> Result<(World, tempfile::TempDir)> {
    let dir = tempfile::tempdir()?;
    let mut options = options(dir.path());
    options.switches = switches;
    Ok((World::with(options).await?, dir))
}

async fn turn(world: &World, name: &str, body: Value) -> Result<Answer> {
    let path = format!("/switches/{name}");
    world.control(Method::POST, &path, &body).await
}

async fn trouble(world: &World) -> Result<Value> {
    let answer = world.control(Method::GET, "/trouble", &json!(null)).await?;
    Ok(answer.is(200))
}

#[tokio::test]
async fn the_console_turns_switches_and_shows_them() -> Result<()> {
    let lamp = Arc::new(Lamp::default());
    let (world, _dir) = with(vec![lamp.switch()]).await?;
    let off = json!([{"name": "lamp", "label": "The lamp", "on": false, "busy": false}]);
    assert_eq!(trouble(&world).await?["switches"], off);
    turn(&world, "lamp", json!({"on": true})).await?.is(204);
    assert!(lamp.on.load(Ordering::SeqCst));
    assert_eq!(trouble(&world).await?["switches"][0]["on"], true);
    // What is so already is not an error.
    turn(&world, "lamp", json!({"on": true})).await?.is(204);
    for wrong in [json!({}), json!({"on": "yes"}), json!([]), json!(null)] {
        assert_eq!(turn(&world, "lamp", wrong).await?.status, 400);
    }
    assert_eq!(turn(&world, "none", json!({"on": true})).await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn a_switch_is_turned_once_at_a_time_and_to_the_end() -> Result<()> {
    let lamp = Arc::new(Lamp::default());
    lamp.held.store(true, Ordering::SeqCst);
    let (world, _dir) = with(vec![lamp.switch()]).await?;
    {
        let first = turn(&world, "lamp", json!({"on": true}));
        tokio::select! {
            answer = first => panic!("it is held: {answer:?}"),
            () = lamp.begun.notified() => {}
        }
        // Here the client goes away.
    }
    assert_eq!(trouble(&world).await?["switches"][0]["busy"], true);
    let (second, ()) = tokio::join!(turn(&world, "lamp", json!({"on": false})), async {
        lamp.held.store(false, Ordering::SeqCst);
        lamp.go.notify_one();
    });
    second?.is(204);
    assert_eq!(lamp.turns.load(Ordering::SeqCst), 2);
    assert!(!lamp.on.load(Ordering::SeqCst), "the last one counts");
    assert_eq!(trouble(&world).await?["switches"][0]["busy"], false);
    Ok(())
}

#[tokio::test]
async fn a_switch_that_does_not_turn_says_why() -> Result<()> {
    let failing = |name: &str, error: fn() -> SwitchError| {
        Switch::new(name, "It", move |_| async move { Err(error()) }, || true)
    };
    let refused = failing("refused", || SwitchError::Refused("Not now.".to_owned()));
    let failed = failing("failed", || SwitchError::Failed("It burnt.".to_owned()));
    let broken = Switch::new("broken", "It", |_| async { panic!("on purpose") }, || true);
    let (world, _dir) = with(vec![refused, failed, broken]).await?;
    for (name, status, text) in [
        ("refused", 409, "Not now."),
        ("failed", 500, "It burnt."),
        (
            "broken",
            500,
            "The switch broke while it was turned. The log says more.",
        ),
    ] {
        let answer = turn(&world, name, json!({"on": false})).await?;
        assert_eq!(
            (answer.status, &answer.body["message"]),
            (status, &json!(text))
        );
    }
    let after = trouble(&world).await?;
    assert_eq!(after["switches"][2]["busy"], false, "{after}");
    Ok(())
}

#[tokio::test]
async fn people_log_in_with_their_name() -> Result<()> {
    let world = World::start().await?;
    let people = world
        .control(Method::GET, "/people", &json!(null))
        .await?
        .is(200);
    let told: Vec<_> = people
        .as_array()
        .into_iter()
        .flatten()
        .map(|person| (&person["name"], &person["operator"]))
        .collect();
    assert_eq!(
        told,
        [
            (&json!("zack"), &json!(true)),
            (&json!("mallory"), &json!(false))
        ]
    );
    assert!(!people.to_string().contains(&world.person("zack").token));
    let login = |body: Value| world.nobody(Method::POST, "/auth/login", Some(body));
    for body in [
        json!({"login": "mallory"}),
        json!({"login": "mallory", "password": ""}),
        json!({"login": "mallory", "password": null}),
    ] {
        let answer = login(body).await?.is(200);
        let mallory = world.person("mallory");
        assert_eq!(
            answer,
            json!({"user_id": mallory.id, "token": mallory.token})
        );
    }
    login(json!({"login": "nobody"}))
        .await?
        .blames("login", "INVALID_LOGIN");
    let bot = login(json!({"login": "Mission Control"})).await?;
    bot.blames("login", "INVALID_LOGIN");
    login(json!({}))
        .await?
        .blames("login", "BASE_TYPE_REQUIRED");
    login(json!({"login": 5}))
        .await?
        .blames("login", "STRING_TYPE_CONVERT");
    // What people type is not in the log of requests.
    let log = world
        .control(Method::GET, "/requests", &json!(null))
        .await?
        .is(200);
    assert!(!log.to_string().contains("/auth/login"), "{log}");
    Ok(())
}

#[tokio::test]
async fn pages_of_other_sites_are_turned_away() -> Result<()> {
    let world = World::start().await?;
    let base = world.sandbox.info().page.clone();
    let own = base.trim_end_matches('/').to_owned();
    let port = own.rsplit(':').next().unwrap_or_default();
    let evil = format!("evil.example:{port}");
    let local = format!("localhost:{port}");
    let other = format!("http://localhost:{port}");
    let cases: [(&[(&str, &str)], u16); 7] = [
        (&[("origin", &own)], 200),
        (&[("host", &local), ("origin", &other)], 200),
        (&[("host", &evil)], 403),
        (
            &[("host", &evil), ("origin", &format!("http://{evil}"))],
            403,
        ),
        (&[("origin", "https://evil.example")], 403),
        (&[("origin", "null")], 403),
        // Another server of this machine is another site.
        (&[("origin", &other)], 403),
    ];
    for (headers, status) in cases {
        let login = world.http.post(format!("{base}api/v10/auth/login"));
        let people = world.http.get(format!("{base}_sandbox/people"));
        for mut request in [login.json(&json!({"login": "zack"})), people] {
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let answer = read(request).await?;
            assert_eq!(answer.status, status, "{headers:?}: {}", answer.body);
        }
    }
    Ok(())
}
