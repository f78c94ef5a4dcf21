//! The rest of Mission Control as one day of its operator, with the built-in executor, and again while that is stopped.

use reqwest::StatusCode;
use serde_json::Value;
use sqlx::PgPool;

use crate::harness::card::Card;
use crate::harness::client::Client;
use crate::harness::demo::Demo;
use crate::harness::person::Seen;
use crate::harness::status::card as status_card;
use crate::harness::wait::eventually;

const MISSION: &str = "Every hat out of the door by Friday";

/// The operator's day.
struct Day {
    demo: Demo,
    zack: Client,
    pool: PgPool,
    at: String,
}

impl Day {
    async fn begin() -> Self {
        let demo = Demo::configured("[mode]\npoll_seconds = 1\n[mirror]\nsweep_seconds = 2\n");
        let skill = demo.data_dir().join("skills/post");
        std::fs::create_dir_all(&skill).expect("it is writable");
        let manifest = "name = \"Post\"\n[requires]\nconfig = [\"stamps.toml\"]\n";
        std::fs::write(skill.join("skill.toml"), manifest).expect("it is writable");
        let demo = demo.again();
        // The story of the demo has a heartbeat of its own.
        let pool = demo.pool().await;
        sqlx::raw_sql(
            "DELETE FROM bridge.job; DELETE FROM cron_mirror WHERE job_id <> '__mirror_state__'",
        )
        .execute(&pool)
        .await
        .expect("people may delete");
        Self {
            zack: demo.client("zack").await,
            at: demo.channel("status"),
            pool,
            demo,
        }
    }

    async fn counted(&self, query: &'static str, wanted: i64) {
        eventually(query, || async {
            let counting = sqlx::query_scalar::<_, i64>(query);
            let found = counting.fetch_one(&self.pool).await.expect("a count");
            (found == wanted).then_some(()).ok_or(found)
        })
        .await;
    }

    async fn give(&self, command: (&str, &str), options: &[(&str, &str)]) -> Card {
        self.zack.sub(&self.at, command, options).await
    }

    /// The card of a job, once it says this.
    async fn job(&self, name: &str, says: &str) -> Card {
        eventually(&format!("{name} says {says}"), || async {
            let card = self.give(("schedule", "show"), &[("job", name)]).await;
            if card.says(says) { Ok(card) } else { Err(card) }
        })
        .await
    }

    async fn press(&self, card: &Card, label: &str) -> Card {
        self.zack.told(&self.zack.press(card, label).await).await
    }

    async fn ask_for_job(&self, name: &str) -> Card {
        let options = [
            ("name", name),
            ("agent", "main"),
            ("schedule", "weekdays at 9:00"),
            ("instructions", "Count the hats."),
            ("timezone", "America/New_York"),
        ];
        self.give(("schedule", "new"), &options).await
    }

    /// Changes when a job runs, in its form.
    async fn move_to_morning(&self, card: &Card, name: &str) {
        let form = self.zack.asked(&self.zack.press(card, "Edit…").await).await;
        let fields = [
            ("name", name),
            ("schedule", "daily at 7:30"),
            ("timezone", "America/New_York"),
            ("instructions", "Count the hats."),
        ];
        self.zack.told(&self.zack.fill(&form, &fields).await).await;
    }

    async fn ask_for_heartbeat(&self, agent: &str) -> Card {
        let what = "Please find a late parcel, propose create_task Chase the late parcel";
        let options = [("agent", agent), ("interval", "5m"), ("instructions", what)];
        self.give(("heartbeat", "new"), &options).await
    }

    /// Moves a job's clock: its time has come.
    async fn time_passes(&self, job: &str) {
        let due = "UPDATE bridge.job SET next_run_at = now() - interval '1 second' WHERE name = $1";
        let done = sqlx::query(due).bind(job).execute(&self.pool).await;
        assert_eq!(done.expect("it is written").rows_affected(), 1, "{job}");
    }

    async fn executor(&self, on: bool) {
        let turned = self.demo.switch("executor", on).await.0;
        assert_eq!(turned, StatusCode::NO_CONTENT);
        let mode = if on {
            "**Live** since"
        } else {
            "**Backup** since"
        };
        let person = &self.zack.person;
        person
            .sees(&self.at, mode, |seen| status_card(seen).contains(mode))
            .await;
    }

    /// A finding of a heartbeat in `#activity`, and its wish to act in `#approvals`: nothing was done.
    async fn finds_and_asks(&self, agent: &str) {
        let person = &self.zack.person;
        person
            .sees(&self.demo.channel("activity"), "the finding", |seen| {
                let found = |text: &str| text.contains(agent) && text.contains("late parcel");
                seen.iter().any(|it| found(&it.text))
            })
            .await;
        eventually("the wish to act", || async {
            let cards = person.cards(&self.demo.channel("approvals")).await;
            let waits = |card: &&Card| {
                card.says("Chase the late parcel")
                    && card.says(agent)
                    && card.live().contains(&"Approve")
            };
            cards.iter().find(waits).map(drop).ok_or(cards)
        })
        .await;
        let made = "SELECT count(*) FROM tasks WHERE title LIKE '%late parcel%'";
        self.counted(made, 0).await;
    }
}

#[tokio::test]
async fn a_day_in_mission_control() {
    let day = Day::begin().await;
    let (zack, person) = (&day.zack, &day.zack.person);

    // The mission is pinned, and agents are told.
    let told = day.give(("mission", "set"), &[("text", MISSION)]).await;
    assert!(told.says("This is the mission now"), "{told:?}");
    let activity = day.demo.channel("activity");
    // Beside it stands that it was set.
    let is_banner = |it: &&Seen| it.text.starts_with("🎯") && it.text.contains(MISSION);
    let there = |seen: &[Seen]| seen.iter().any(|it| is_banner(&it));
    let banner = person.sees(&activity, "the banner", there).await;
    let banner = banner.iter().find(is_banner).expect("it is there");
    eventually("it is pinned", || async {
        let path = format!("/channels/{activity}/messages/pins");
        let (_, pins) = person.call(reqwest::Method::GET, &path, None).await;
        let items = pins["items"].as_array().cloned().unwrap_or_default();
        let is_it = |it: &Value| it["message"]["id"] == banner.id.as_str();
        items.iter().any(is_it).then_some(()).ok_or(pins)
    })
    .await;
    let pack = zack.used(&day.at, "context", &[("agent", "main")]).await;
    assert!(pack.says("Mission"), "{pack:?}");
    person
        .say(&day.demo.channel("dm-main"), "What is our mission?")
        .await;
    person
        .sees(
            &day.demo.channel("dm-main"),
            "what the agent knows",
            |seen| {
                seen.iter()
                    .any(|it| it.name == "Trunks" && it.text.contains(MISSION))
            },
        )
        .await;

    // A heartbeat finds something when its time has come, and asks before it acts.
    let told = day.ask_for_heartbeat("ricky").await;
    assert!(told.says("a non-destructive periodic check"), "{told:?}");
    day.job("heartbeat-ricky", "every 5 minutes").await;
    day.time_passes("heartbeat-ricky").await;
    day.finds_and_asks("Ricky").await;

    // A job is made, run, edited and deleted.
    day.ask_for_job("Stocktaking").await;
    let card = day.job("Stocktaking", "weekdays at 9:00 New York").await;
    day.press(&card, "Run now").await;
    let ran = day.job("Stocktaking", "✅ ok").await;
    day.move_to_morning(&ran, "Stocktaking").await;
    let card = day.job("Stocktaking", "daily at 7:30").await;
    let asked = day.press(&card, "Delete").await;
    day.press(&asked, "Yes, delete it").await;
    day.counted(
        "SELECT count(*) FROM cron_mirror WHERE name = 'Stocktaking'",
        0,
    )
    .await;

    // A skill is repaired and checked again.
    let card = eventually("the skill", || async {
        let card = zack.used(&day.at, "skills", &[("skill", "Post")]).await;
        if card.says("Needs setup") {
            Ok(card)
        } else {
            Err(card)
        }
    })
    .await;
    let stamps = day.demo.data_dir().join("skills/post/stamps.toml");
    std::fs::write(&stamps, "none = true\n").expect("it is writable");
    let card = day.press(&card, "Check again").await;
    assert!(card.says("✅ Ready"), "{card:?}");
}

#[tokio::test]
async fn the_same_day_with_the_executor_stopped_is_caught_up_with_when_it_returns() {
    let day = Day::begin().await;
    let (zack, person) = (&day.zack, &day.zack.person);
    for name in ["Change me", "Run me", "Drop me"] {
        day.ask_for_job(name).await;
        day.job(name, "weekdays at 9:00 New York").await;
    }
    day.executor(false).await;

    let told = day.give(("mission", "set"), &[("text", MISSION)]).await;
    assert!(told.says("This is the mission now"), "{told:?}");
    day.ask_for_heartbeat("ricky").await;
    day.ask_for_job("Stocktaking").await;
    let card = day.job("Run me", "never run").await;
    day.press(&card, "Run now").await;
    let card = day.job("Change me", "weekdays").await;
    day.move_to_morning(&card, "Change me").await;
    let card = day.job("Drop me", "weekdays").await;
    let asked = day.press(&card, "Delete").await;
    day.press(&asked, "Yes, delete it").await;
    let list = day.give(("schedule", "list"), &[]).await;
    for waits in [
        "create heartbeat-ricky",
        "create Stocktaking",
        "run Run me",
        "edit Change me",
        "delete Drop me",
    ] {
        assert!(list.says(waits), "{waits}: {list:?}");
    }
    let card = zack.used(&day.at, "skills", &[("skill", "Post")]).await;
    assert!(card.says("Requires executor connection"), "{card:?}");
    let dm = day.demo.channel("dm-main");
    person.say(&dm, "What is our mission?").await;

    day.executor(true).await;
    day.job("heartbeat-ricky", "every 5 minutes").await;
    day.job("Stocktaking", "weekdays at 9:00 New York").await;
    day.job("Run me", "✅ ok").await;
    day.job("Change me", "daily at 7:30").await;
    day.counted("SELECT count(*) FROM cron_mirror WHERE name = 'Drop me'", 0)
        .await;
    let list = day.give(("schedule", "list"), &[]).await;
    assert!(!list.says("waits since"), "{list:?}");
    person
        .sees(&dm, "what the agent knows", |seen| {
            seen.iter()
                .any(|it| it.name == "Trunks" && it.text.contains(MISSION))
        })
        .await;
    day.time_passes("heartbeat-ricky").await;
    day.finds_and_asks("Ricky").await;
    let stamps = day.demo.data_dir().join("skills/post/stamps.toml");
    std::fs::write(&stamps, "none = true\n").expect("it is writable");
    let card = zack.used(&day.at, "skills", &[("skill", "Post")]).await;
    let card = day.press(&card, "Check again").await;
    assert!(card.says("✅ Ready"), "{card:?}");
}
