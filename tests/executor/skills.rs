//! The skills of the built-in executor: what it reports, and what a check finds.

use std::path::PathBuf;

use clawdos_bridge::executor::ExecutorSettings;
use clawdos_bridge::model::skill::{Skill, SkillStatus};
use reqwest::{Client, Method};
use serde_json::Value;

use crate::stage::{Running, Stage, eventually};

impl Stage {
    fn skills(&self) -> PathBuf {
        self.folder.path().join("skills")
    }

    fn write_skill(&self, id: &str, file: &str, manifest: &str) {
        let folder = self.skills().join(id);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(file), manifest).unwrap();
    }

    async fn with_skills(&self) -> Running {
        let settings = ExecutorSettings {
            skills: self.skills(),
            ..Self::settings(&[])
        };
        Running::start(settings, self.store.clone()).await
    }

    async fn mirrored_skill(&self, id: &str) -> Option<Skill> {
        let skills = self.store.skills().await.unwrap();
        skills.into_iter().find(|skill| skill.id == id)
    }
}

async fn call(executor: &Running, method: Method, path: &str) -> (u16, Value) {
    let request = Client::new().request(method, executor.url(path));
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn check(executor: &Running, id: &str) -> (u16, Value) {
    call(executor, Method::POST, &format!("/api/skills/{id}/check")).await
}

#[tokio::test]
async fn skills_are_reported_and_a_check_sees_what_was_repaired() {
    let stage = Stage::new().await;
    stage.write_skill("notes", "skill.toml", "name = \"Notes\"\n[requires]\nbins = [\"sh\"]\nany_bins = [\"no-such\", \"sh\"]\nos = [\"linux\", \"darwin\"]\n");
    stage.write_skill(
        "labels",
        "skill.json",
        r#"{"name": "Labels", "emoji": "🎩", "version": "2", "requires": {
            "bins": ["no-such-printer", "../sh", ""], "any_bins": ["no-a", "no-b"],
            "env": ["NO_SUCH_VARIABLE", "A=B"], "config": ["printer.toml"], "os": ["plan9"]}}"#,
    );
    stage.write_skill("quiet", "skill.toml", "disabled = true");
    let executor = stage.with_skills().await;
    let (status, all) = call(&executor, Method::GET, "/api/skills").await;
    let ids: Vec<_> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["id"].as_str().unwrap())
        .collect();
    assert_eq!(
        (status, ids),
        (200, vec!["labels", "notes", "quiet"]),
        "{all}"
    );
    let ready = stage.mirrored_skill("notes").await.unwrap();
    assert_eq!(
        (ready.status, ready.name.as_str()),
        (SkillStatus::Ready, "Notes")
    );
    assert_eq!(
        stage.mirrored_skill("quiet").await.unwrap().status,
        SkillStatus::Disabled
    );
    let labels = stage.mirrored_skill("labels").await.unwrap();
    assert_eq!(labels.status, SkillStatus::NeedsSetup);
    assert_eq!(labels.missing.bins, ["no-such-printer", "../sh"]);
    assert_eq!(labels.missing.any_bins, ["no-a", "no-b"]);
    assert_eq!(labels.missing.env, ["NO_SUCH_VARIABLE", "A=B"]);
    assert_eq!(labels.missing.os, ["plan9"]);
    let file = stage.skills().join("labels/printer.toml");
    assert_eq!(labels.missing.config, [file.to_string_lossy()]);

    std::fs::write(&file, "").unwrap();
    let manifest =
        r#"{"name": "Labels", "requires": {"bins": ["sh"], "config": ["printer.toml"]}}"#;
    stage.write_skill("labels", "skill.json", manifest);
    let (code, answer) = check(&executor, "labels").await;
    assert_eq!(
        (code, answer["status"].as_str()),
        (200, Some("ready")),
        "{answer}"
    );
    assert_eq!(
        stage.mirrored_skill("labels").await.unwrap().status,
        SkillStatus::Ready
    );
    executor.stop().await;
}

#[tokio::test]
async fn what_is_no_skill_is_found_nowhere_and_what_is_broken_says_so() {
    let stage = Stage::new().await;
    stage.write_skill("broken", "skill.toml", "name = [");
    stage.write_skill("typo", "skill.toml", "nmae = \"x\"");
    stage.write_skill("huge", "skill.toml", &"# ".repeat(40_000));
    stage.write_skill("empty", "other.toml", "");
    stage.write_skill(".hidden", "skill.toml", "");
    let locked = stage.skills().join("locked/skill.toml");
    std::fs::create_dir_all(&locked).unwrap();
    let executor = stage.with_skills().await;
    let (_, all) = call(&executor, Method::GET, "/api/skills").await;
    assert_eq!(all.as_array().unwrap().len(), 3, "{all}");
    for id in ["broken", "typo", "huge"] {
        let skill = stage.mirrored_skill(id).await.unwrap();
        assert_eq!(skill.status, SkillStatus::NeedsSetup);
        assert!(
            skill.description.contains("skill.toml cannot be read"),
            "{skill:?}"
        );
    }
    for id in [
        "no-such",
        "..",
        "%2e%2e%2fskills%2fbroken",
        ".hidden",
        "empty",
    ] {
        let (code, answer) = check(&executor, id).await;
        assert_eq!(code, 404, "{id}: {answer}");
    }
    executor.stop().await;
}

#[tokio::test]
async fn the_mirror_follows_and_leaves_the_rows_of_others_alone() {
    let stage = Stage::new().await;
    sqlx::query(
        "INSERT INTO skills_mirror (project_id, skill_id, name, extra_json) \
         VALUES ('front-office', 'theirs', 'Theirs', '{\"source\": \"bundled\"}'), \
                ('front-office', 'old', 'Old', '{\"source\": \"clawdos-bridge\"}')",
    )
    .execute(stage.store.pool())
    .await
    .unwrap();
    stage.write_skill("new", "skill.toml", "");
    let executor = stage.with_skills().await;
    eventually("the start has reported", async || {
        let new = stage.mirrored_skill("new").await;
        new.map(drop).ok_or_else(|| "nothing".to_owned())
    })
    .await;
    assert!(stage.mirrored_skill("theirs").await.is_some());
    assert_eq!(stage.mirrored_skill("old").await, None);
    let version = || async {
        let query = "SELECT xmin::text FROM skills_mirror WHERE skill_id = 'new'";
        let version: String = sqlx::query_scalar(query)
            .fetch_one(stage.store.pool())
            .await
            .unwrap();
        version
    };
    let before = version().await;
    call(&executor, Method::GET, "/api/skills").await;
    assert_eq!(
        version().await,
        before,
        "what has not changed is not written"
    );
    std::fs::remove_dir_all(stage.skills()).unwrap();
    let (status, all) = call(&executor, Method::GET, "/api/skills").await;
    assert_eq!((status, all), (200, serde_json::json!([])));
    assert_eq!(stage.mirrored_skill("new").await, None);
    executor.stop().await;
}
