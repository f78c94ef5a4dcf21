//! Agents that are run by a preset: programs of the real names, which take and print what the real
//! ones do.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::harness::world::World;

/// What a shell would make something of.
const NASTY: &str = "--json costs $5 and `ten` \"quoted\" {key}\nsecond line";

/// Takes its arguments down and prints what `openclaw agent --json` prints.
const OPENCLAW: &str = r#"#!/bin/sh
printf '%s\n' "$@" > "$(dirname "$0")/openclaw.args"
cat <<'END'
{"runId": "4f", "status": "ok", "summary": "completed", "result": {"payloads": [
  {"text": "The first part.", "mediaUrl": null}, {"text": "", "mediaUrl": null},
  {"text": "The second part.", "mediaUrl": null}], "meta": {"durationMs": 5}}}
END
"#;

/// Keeps sessions as `claude -p` does: one word begins one, another goes on with it.
const CLAUDE: &str = r#"#!/bin/sh
folder="$(dirname "$0")"
printf '%s\n' "$*" >> "$folder/claude.args"
session="$folder/session-$5"
case "$4" in
--resume) [ -e "$session" ] || { echo "No conversation found with session ID: $5" >&2; exit 1; } ;;
--session-id) [ ! -e "$session" ] || { echo "Error: Session ID $5 is already in use." >&2; exit 1; } ;;
esac
cat >> "$session"; echo >> "$session"
grep -q 'go broke' "$session" && {
  echo '{"type": "result", "subtype": "success", "is_error": true, "result": "Credit balance is too low"}'
  exit 1
}
printf '{"type": "result", "subtype": "success", "is_error": false, "session_id": "%s", "result": "I know %s lines."}\n' \
  "$5" "$(wc -l < "$session" | tr -d ' ')"
"#;

/// Programs that are found before all others.
struct Programs(tempfile::TempDir);

impl Programs {
    fn new(programs: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, script) in programs {
            let file = folder.path().join(name);
            std::fs::write(&file, script).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self(folder)
    }

    fn path(&self) -> String {
        let usual = std::env::var("PATH").unwrap();
        format!("{}:{usual}", self.0.path().display())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

async fn world(programs: &Programs, settings: &str) -> World {
    let mut world = World::without_bridge().await;
    world.configure(settings);
    world.set("PATH", &programs.path());
    world.start_bridge();
    world
}

fn lines(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn openclaw_gets_the_message_as_it_is_and_its_payloads_are_the_answer() {
    let programs = Programs::new(&[("openclaw", OPENCLAW)]);
    let settings = "[executor.agents.ricky]\npreset = \"openclaw\"\n\
                    [executor.agents.main]\npreset = \"demo\"\n";
    let world = world(&programs, settings).await;
    let (zack, dm) = (world.person("zack"), world.channel("dm-ricky"));
    zack.say(&dm, NASTY).await;
    zack.sees(&dm, "the answer", |seen| {
        seen.iter()
            .any(|m| m.name == "Ricky" && m.text.contains("The first part.\n\nThe second part."))
    })
    .await;
    let thread: uuid::Uuid = sqlx::query_scalar(
        "SELECT id FROM project_chat_threads WHERE title = 'DM:agent:ricky:main'",
    )
    .fetch_one(world.pool())
    .await
    .unwrap();
    let expected = format!(
        "agent\n--agent\nricky\n--session-id\nclawdos:front-office:{thread}\n--message\n{NASTY}\n\
         --json\n--timeout\n120"
    );
    assert_eq!(lines(&programs.file("openclaw.args")).join("\n"), expected);

    let main = world.channel("dm-main");
    zack.say(&main, "and you?").await;
    zack.sees(&main, "the demo agent's answer", |seen| {
        seen.iter()
            .any(|m| m.name == "Trunks" && m.text.contains("and you?"))
    })
    .await;
}

#[tokio::test]
async fn claude_reads_the_message_from_its_input_and_keeps_a_session_per_thread() {
    let programs = Programs::new(&[("claude", CLAUDE)]);
    let settings = "[executor.agents.ricky]\npreset = \"claude\"\n\
                    [executor.agents.main]\npreset = \"claude\"\n";
    let world = world(&programs, settings).await;
    let zack = world.person("zack");
    let (ricky, main) = (world.channel("dm-ricky"), world.channel("dm-main"));
    for (channel, name, text, known) in [
        (&ricky, "Ricky", NASTY, "I know 2 lines."),
        (&ricky, "Ricky", "go on", "I know 3 lines."),
        (&main, "Trunks", "another thread", "I know 1 lines."),
    ] {
        zack.say(channel, text).await;
        zack.sees(channel, known, |seen| {
            seen.iter()
                .any(|m| m.name == name && m.text.contains(known))
        })
        .await;
    }
    let runs = lines(&programs.file("claude.args"));
    let hows: Vec<&str> = runs
        .iter()
        .filter_map(|run| run.strip_prefix("-p --output-format json "))
        .filter_map(|rest| rest.split(' ').next())
        .collect();
    // Who is new is not known, and begins; who is known goes on.
    let expected = [
        "--resume",
        "--session-id",
        "--resume",
        "--resume",
        "--session-id",
    ];
    assert_eq!(hows, expected, "{runs:#?}");
    let session = runs[0].split(' ').nth(4).unwrap();
    // What it is told besides comes with each of them.
    let told = |run: &&String| run.ends_with("--append-system-prompt=# Context Pack");
    assert_eq!(runs.iter().filter(told).count(), 5, "{runs:#?}");
    assert!(runs.contains(&"Agent: agent:ricky:main".to_owned()));
    let said = lines(&programs.file(&format!("session-{session}")));
    assert_eq!(said.join("\n"), format!("{NASTY}\ngo on"));

    zack.say(&ricky, "go broke").await;
    world
        .database_says(
            "SELECT result ->> 'error' FROM chat_delivery_queue WHERE status = 'failed'",
            "Agent ricky failed with exit code 1: Credit balance is too low".to_owned(),
        )
        .await;
}
