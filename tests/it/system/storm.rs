//! Everything goes away, one after the other and under traffic, and the posts tell the story.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::harness::outage::{crash, database_on};
use crate::harness::person::{Person, count};
use crate::harness::postgres::Server;
use crate::harness::status::posts;
use crate::harness::wait::eventually;
use crate::harness::world::World;

use super::post_says;

/// Agents that talk in the room, by SQL, and a person that asks one of them, until told to stop.
struct Traffic {
    stop: Arc<AtomicBool>,
    rows: Arc<AtomicUsize>,
    asked: Arc<AtomicUsize>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Traffic {
    fn start(world: &World, zack: &Person) -> Self {
        let (stop, rows, asked) = (Arc::default(), Arc::default(), Arc::default());
        let tasks = vec![
            tokio::spawn(talk(
                world.pool().clone(),
                Arc::clone(&stop),
                Arc::clone(&rows),
            )),
            tokio::spawn(ask(
                zack.clone(),
                world.channel("dm-main"),
                Arc::clone(&stop),
                Arc::clone(&asked),
            )),
        ];
        Self {
            stop,
            rows,
            asked,
            tasks,
        }
    }

    /// How many rows were written and how many questions asked.
    async fn end(self) -> (usize, usize) {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.expect("traffic does not panic");
        }
        (
            self.rows.load(Ordering::Relaxed),
            self.asked.load(Ordering::Relaxed),
        )
    }
}

/// Every row has an id of its own, so that one whose answer was lost is written once.
async fn talk(pool: sqlx::PgPool, stop: Arc<AtomicBool>, rows: Arc<AtomicUsize>) {
    while !stop.load(Ordering::Relaxed) {
        let n = rows.load(Ordering::Relaxed);
        let written = sqlx::query(
            "INSERT INTO project_chat_messages (id, project_id, author, message) \
             VALUES ($1, 'front-office', 'agent:ricky:main', $2) ON CONFLICT DO NOTHING",
        )
        .bind(uuid::Uuid::from_u128(0xfeed_0000 + n as u128))
        .bind(format!("row {n}"))
        .execute(&pool)
        .await;
        if written.is_ok() {
            rows.fetch_add(1, Ordering::Relaxed);
        }
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
}

async fn ask(zack: Person, channel: String, stop: Arc<AtomicBool>, asked: Arc<AtomicUsize>) {
    while !stop.load(Ordering::Relaxed) {
        let n = asked.fetch_add(1, Ordering::Relaxed);
        zack.say(&channel, &format!("question {n}")).await;
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
}

#[tokio::test]
async fn a_storm_under_traffic_loses_nothing_doubles_nothing_and_is_told_in_order() {
    let server = Server::start("logical");
    let mut world = World::on(database_on(&server).await).await;
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a port is free")
        .port();
    world.configure("[mode]\npoll_seconds = 1\n[mirror]\nsweep_seconds = 2\n");
    world
        .fault(serde_json::json!({ "rate_limits": "off" }))
        .await;
    world.set("CONTROL_API_URL", &format!("http://127.0.0.1:{port}"));
    world.set("CONTROL_API_TOKEN", "between-us");
    let mut executor = world.start_executor(port);
    world.start_bridge();
    let zack = world.person("zack");
    post_says(&world, &zack, "🟢 **Live** since").await;
    let traffic = Traffic::start(&world, &zack);

    executor.kill_hard();
    post_says(&world, &zack, "🟡 **Backup** since").await;
    let executor = world.start_executor(port);
    let backs = |world: &World, times: usize| {
        let (zack, status) = (zack.clone(), world.channel("status"));
        async move {
            let back = |seen: &[_]| {
                posts(seen)
                    .iter()
                    .filter(|it| it.contains("again after"))
                    .count()
            };
            zack.sees(&status, "the way back", |seen| back(seen) == times)
                .await;
        }
    };
    backs(&world, 1).await;

    end_feed(&world).await;
    crash(&server).await;
    // A crash is over before anybody has to be told; a database that stays away is not.
    crate::harness::outage::accept_connections(world.database(), false).await;
    crate::harness::outage::end_connections(world.database()).await;
    post_says(&world, &zack, "🔴 **Offline** since").await;
    crate::harness::outage::accept_connections(world.database(), true).await;
    backs(&world, 2).await;
    end_feed(&world).await;

    let (rows, asked) = traffic.end().await;
    assert!(rows > 20 && asked > 5, "{rows} rows, {asked} questions");
    everything_is_there_once(&world, &zack, rows, asked).await;
    let seen = zack.read(&world.channel("status")).await;
    let marks: Vec<&str> = posts(&seen)
        .iter()
        .filter_map(|post| {
            ["🟢", "🟡", "🔴"]
                .into_iter()
                .find(|mark| post.starts_with(mark))
        })
        .collect();
    let story = marks.concat();
    assert!(
        [
            "🟢🟡🟢🔴🟢",
            "🟢🟡🟢🔴🟡🟢",
            "🟢🟡🟢🟡🔴🟢",
            "🟢🟡🟢🟡🔴🟡🟢"
        ]
        .contains(&story.as_str()),
        "{story}: {seen:#?}"
    );
    drop(executor);
}

/// Ends the connection of the feed alone.
async fn end_feed(world: &World) {
    let ended = || async {
        sqlx::query_scalar::<_, i64>(
            "SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE backend_type = 'walsender') AS ended",
        )
        .fetch_one(world.pool())
        .await
    };
    eventually("the end of the feed's connection", || async {
        match ended().await {
            Ok(count) if count > 0 => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
}

async fn everything_is_there_once(world: &World, zack: &Person, rows: usize, asked: usize) {
    let (room, dm) = (world.channel("team-room"), world.channel("dm-main"));
    let last = format!("row {}", rows - 1);
    zack.sees(&room, &last, |seen| count(seen, &last) > 0).await;
    let asked_once = "SELECT count(DISTINCT message) FROM project_chat_messages \
                      WHERE message LIKE 'question %' AND author = 'ui' HAVING count(*) = count(DISTINCT message)";
    world
        .database_says(asked_once, i64::try_from(asked).expect("few"))
        .await;
    let under_way =
        "SELECT count(*) FROM chat_delivery_queue WHERE status NOT IN ('processed', 'failed')";
    world.database_says(under_way, 0_i64).await;
    let not_shown = "SELECT count(*) FROM project_chat_messages m WHERE NOT EXISTS \
                       (SELECT FROM bridge.view v WHERE v.entity_id = m.id::text AND v.state = 'sent')";
    world.database_says(not_shown, 0_i64).await;
    let seen = zack.read_all(&room).await;
    for n in 0..rows {
        let text = format!("row {n}");
        assert_eq!(count(&seen, &text), 1, "{text}");
    }
    // A turn that was cut off may have done something: it is not repeated, and its row says so.
    let cut_off: Vec<String> = sqlx::query_scalar(
        "SELECT m.message FROM chat_delivery_queue q JOIN project_chat_messages m ON m.id = q.message_id \
         WHERE q.status = 'failed' AND q.picked_up_at IS NOT NULL",
    )
    .fetch_all(world.pool())
    .await
    .expect("the database answers");
    let answers = zack.read_all(&dm).await;
    for n in 0..asked {
        let text = format!("question {n}");
        let told = answers
            .iter()
            .filter(|m| m.name == "Trunks" && quotes(&m.text, &text))
            .count();
        let once = told == 1 || (told == 0 && cut_off.contains(&text));
        assert!(
            once,
            "{told} answers to {text}; cut off: {cut_off:?}; {answers:#?}"
        );
    }
}

/// Whether an answer quotes this question, and not one with a longer number.
fn quotes(answer: &str, question: &str) -> bool {
    answer
        .split(question)
        .skip(1)
        .any(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
}
