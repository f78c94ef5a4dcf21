//! Several projects in one process.

mod moving;
mod one_server;
mod servers;

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::harness::demo::Demo;
use crate::harness::person::Person;
use crate::harness::wait::eventually;

/// What the bridge asks for in a server, by the bits of its permissions (source: the invitation that it prints).
const BITS: [u64; 13] = [4, 6, 10, 11, 13, 14, 15, 16, 29, 34, 35, 38, 51];

/// Another project with two agents, shown in a server from the next start on.
async fn add_ops(pool: &PgPool, guild: &str) {
    sqlx::raw_sql(
        "INSERT INTO projects (id, name) VALUES ('ops', 'Night *Ops*');
         INSERT INTO agents (project_id, agent_key, agent_id_short, name, emoji, provisioned) VALUES
           ('ops', 'agent:main:main', 'main', 'Vegeta', '🔥', true),
           ('ops', 'agent:ricky:main', 'ricky', 'Rick', '🧪', true);
         INSERT INTO project_settings (project_id, key, value) VALUES ('ops', 'labs_features',
           '{\"team_room\": true, \"operator_chat\": true, \"multi_dm\": true, \"task_threads\": true}');",
    )
    .execute(pool)
    .await
    .expect("it is written");
    sqlx::query("INSERT INTO bridge.home (project_id, guild_id) VALUES ('ops', $1)")
        .bind(guild.parse::<i64>().expect("a number"))
        .execute(pool)
        .await
        .expect("it is written");
}

/// A channel of a project, as the run file tells it now.
async fn channel(demo: &Demo, project: &str, surface: &str) -> String {
    eventually(surface, || async {
        let text = std::fs::read_to_string(demo.data_dir().join("run.json")).unwrap_or_default();
        let run: Value = serde_json::from_str(&text).unwrap_or_default();
        let projects = run["projects"].as_array().cloned().unwrap_or_default();
        let mut of_it = projects.iter().filter(|it| it["project_id"] == project);
        let channel = of_it.next().and_then(|it| it["channels"][surface].as_str());
        channel.map(ToOwned::to_owned).ok_or(run)
    })
    .await
}

/// A server of zack's own, and its first channel.
pub async fn second_server(zack: &Person) -> (String, String) {
    let body = json!({ "name": "Back Office" });
    let (_, made) = zack.call(Method::POST, "/guilds", Some(body)).await;
    let guild = made["id"].as_str().expect("it is made").to_owned();
    let (_, channels) = zack
        .call(Method::GET, &format!("/guilds/{guild}/channels"), None)
        .await;
    let general = channels[0]["id"].as_str().expect("there is one");
    (guild, general.to_owned())
}

/// Lets the bridge's bot into a server.
async fn invite(demo: &Demo, zack: &Person, guild: &str) {
    let_in(zack, &demo.text("/discord/application_id"), guild).await;
}

/// The same, as the page of its invitation does.
pub async fn let_in(zack: &Person, application: &str, guild: &str) {
    let page = format!("/oauth2/authorize?client_id={application}&scope=bot+applications.commands");
    let permissions: u64 = BITS.iter().map(|bit| 1 << bit).sum();
    let permissions = permissions.to_string();
    let asked = json!({ "guild_id": guild, "permissions": permissions, "authorize": true });
    let (status, answer) = zack.call(Method::POST, &page, Some(asked)).await;
    assert!(status.is_success(), "{answer}");
}
