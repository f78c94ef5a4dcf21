//! Agents as processes: fed without a shell, limited, and ended with all they have started.

use std::time::{Duration, Instant};

use clawdos_bridge::control::DeliverOutcome;
use clawdos_bridge::executor::AgentCommand;
use serde_json::Value;

use crate::stage::{Stage, eventually, is_alive, key};

/// What an agent would see if a shell read it.
const NASTY: &str = "a $(touch /tmp/x) `id` \"quoted\" 'so' $HOME \\ {key}\nsecond line; exit 1 🚀";

async fn ask(stage: &Stage, command: AgentCommand, text: &str) -> (DeliverOutcome, Vec<String>) {
    let executor = stage.executor(command).await;
    let question = stage.message("main", text).await;
    let outcome = executor
        .client(None)
        .deliver(question, &key("main"), text)
        .await;
    executor.stop().await;
    (outcome, stage.replies(question).await)
}

#[tokio::test]
async fn a_message_reaches_its_agent_unaltered_as_an_argument() {
    let stage = Stage::new().await;
    let (outcome, replies) = ask(&stage, stage.script(r#"printf '%s' "$2""#), NASTY).await;
    assert_eq!(
        (outcome, replies),
        (DeliverOutcome::Done, vec![NASTY.to_owned()])
    );
}

#[tokio::test]
async fn without_a_placeholder_the_question_is_json_on_standard_input() {
    let stage = Stage::new().await;
    let echo = AgentCommand::new([
        "/bin/sh",
        "-c",
        "sed 's/^/got /'; echo \" $0 $1\"",
        "{short}",
        "{session}",
    ]);
    let (outcome, replies) = ask(&stage, echo, NASTY).await;
    assert_eq!(outcome, DeliverOutcome::Done);
    let (json, rest) = replies[0]
        .strip_prefix("got ")
        .unwrap()
        .rsplit_once("} ")
        .unwrap();
    let question: Value = serde_json::from_str(&format!("{json}}}")).unwrap();
    assert_eq!(question["message"], NASTY);
    assert_eq!(question["agent"], "agent:main:main");
    assert_eq!(question["project_id"], "front-office");
    let thread = question["thread_id"].as_str().unwrap();
    assert_eq!(rest, format!("main clawdos:front-office:{thread}"));
}

#[tokio::test]
async fn an_agent_sees_only_the_environment_that_is_named() {
    let stage = Stage::new().await;
    // What a shell sets by itself.
    let own = ["PWD", "OLDPWD", "SHLVL", "_"];
    let usual = ["PATH", "HOME", "LANG"];
    let is_plain = |name: &str| name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    let (named, value) = std::env::vars()
        .find(|(name, value)| {
            let name = name.as_str();
            is_plain(name)
                && !value.contains('\n')
                && !own.contains(&name)
                && !usual.contains(&name)
        })
        .expect("cargo sets variables for its tests");
    let mut command = stage.script("env");
    command.env.push(named.clone());

    let (_, replies) = ask(&stage, command, "?").await;

    let lines: Vec<&str> = replies[0].lines().collect();
    assert!(
        lines.contains(&format!("{named}={value}").as_str()),
        "{lines:?}"
    );
    let mut seen = lines.iter().filter_map(|line| line.split('=').next());
    assert!(
        seen.all(|name| own.contains(&name) || usual.contains(&name) || name == named),
        "{lines:?}"
    );
}

#[tokio::test]
async fn a_hung_agent_is_killed_with_its_children_at_its_time_limit() {
    let stage = Stage::new().await;
    let hung = r#"sleep 1000 & echo $! >> "$1/pids"; echo $$ >> "$1/pids"; wait"#;
    let mut command = stage.script(hung);
    command.timeout = Duration::from_secs(1);
    let (outcome, replies) = ask(&stage, command, "?").await;
    let DeliverOutcome::Failed(reason) = outcome else {
        panic!("{outcome:?}");
    };
    assert!(reason.contains("did not finish within 1 s"), "{reason}");
    assert!(replies.is_empty());
    all_are_gone(&stage, 2).await;
}

#[tokio::test]
async fn an_agent_that_prints_without_end_is_stopped_at_its_limit() {
    let stage = Stage::new().await;
    let mut command = stage.script(r#"echo $$ >> "$1/pids"; yes; exit 0"#);
    command.output_limit = 100_000;
    let (outcome, replies) = ask(&stage, command, "?").await;
    let DeliverOutcome::Failed(reason) = outcome else {
        panic!("{outcome:?}");
    };
    assert!(reason.contains("more than 100000 bytes"), "{reason}");
    assert!(replies.is_empty());
    all_are_gone(&stage, 1).await;
}

#[tokio::test]
async fn a_gigabyte_on_either_output_is_neither_kept_nor_waited_for() {
    let stage = Stage::new().await;
    let flood = r#"echo $$ >> "$1/pids"; exec head -c 1G /dev/zero"#;
    let (outcome, replies) = ask(&stage, stage.script(flood), "?").await;
    let DeliverOutcome::Failed(reason) = outcome else {
        panic!("{outcome:?}");
    };
    assert!(reason.contains("more than 1048576 bytes"), "{reason}");
    assert!(replies.is_empty());
    all_are_gone(&stage, 1).await;
    // What it complains of is read to its end, and all but the end is forgotten.
    let chatty = "yes complaint | head -c 100M >&2; echo the last line >&2; exit 3";
    let (outcome, _) = ask(&stage, stage.script(chatty), "?").await;
    assert!(
        matches!(&outcome, DeliverOutcome::Failed(reason) if reason.ends_with("code 3: the last line")),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn an_agent_that_forks_without_end_is_ended_with_all_its_generations() {
    let stage = Stage::new().await;
    let forks = r#"
        for i in 1 2 3 4 5 6 7 8 9 10; do
            sh -c 'sleep 1000 & echo $! >> "$0/pids"; echo $$ >> "$0/pids"; wait' "$1" &
        done
        until [ "$(wc -l < "$1/pids")" -eq 20 ]; do sleep 0.02; done
        wait"#;
    let mut command = stage.script(forks);
    command.timeout = Duration::from_secs(3);
    let (outcome, _) = ask(&stage, command, "?").await;
    assert!(
        matches!(&outcome, DeliverOutcome::Failed(reason) if reason.contains("did not finish")),
        "{outcome:?}"
    );
    all_are_gone(&stage, 20).await;
}

#[tokio::test]
async fn a_daemon_that_an_agent_starts_on_purpose_holds_up_no_answer() {
    let stage = Stage::new().await;
    let daemon = r#"
        setsid sh -c 'echo $$ > "$0/daemon"; exec sleep 1000' "$1" &
        until [ -s "$1/daemon" ]; do sleep 0.02; done
        echo started"#;
    let started = Instant::now();
    let (outcome, replies) = ask(&stage, stage.script(daemon), "?").await;
    assert_eq!(
        (outcome, replies),
        (DeliverOutcome::Done, vec!["started".to_owned()])
    );
    assert!(started.elapsed() < Duration::from_secs(100));
    // It has left the agent's group, with the agent's outputs in its hands: nobody else ends it.
    let pid = stage.lines("daemon").remove(0);
    assert!(is_alive(&pid));
    let pid = nix::unistd::Pid::from_raw(pid.trim().parse().unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
}

#[tokio::test]
async fn what_an_agent_leaves_running_neither_delays_its_answer_nor_survives_it() {
    let stage = Stage::new().await;
    let started = Instant::now();
    let forks = r#"sleep 1000 & echo $! >> "$1/pids"; echo done"#;
    let (outcome, replies) = ask(&stage, stage.script(forks), "?").await;
    assert_eq!(
        (outcome, replies),
        (DeliverOutcome::Done, vec!["done".to_owned()])
    );
    assert!(started.elapsed() < Duration::from_secs(100));
    all_are_gone(&stage, 1).await;
}

#[tokio::test]
async fn an_agent_that_answers_without_reading_its_question_has_answered() {
    let stage = Stage::new().await;
    let deaf = AgentCommand::new(["/bin/echo", "I do not listen"]);
    let long = "x".repeat(900_000);
    let (outcome, replies) = ask(&stage, deaf, &long).await;
    assert_eq!(
        (outcome, replies),
        (DeliverOutcome::Done, vec!["I do not listen".to_owned()])
    );
}

#[tokio::test]
async fn every_way_not_to_answer_is_a_failure_in_words() {
    let stage = Stage::new().await;
    let cases = [
        (stage.script("exit 0"), "?", "without saying anything"),
        (
            stage.script("echo '{\"reply\": \"\"}'"),
            "?",
            "without saying anything",
        ),
        (
            stage.script("echo half an answer; exit 7"),
            "?",
            "exit code 7 and gave no reason",
        ),
        (
            stage.script("echo one >&2; echo two >&2; echo >&2; exit 1"),
            "?",
            "exit code 1: two",
        ),
        (stage.script("kill -9 $$"), "?", "ended by signal 9"),
        (
            AgentCommand::new(["/no/such/program"]),
            "?",
            "cannot be started",
        ),
        (
            AgentCommand::new(Vec::<String>::new()),
            "?",
            "has no program",
        ),
    ];
    for (command, text, expected) in cases {
        let (outcome, replies) = ask(&stage, command, text).await;
        assert!(
            matches!(&outcome, DeliverOutcome::Failed(reason) if reason.contains(expected)),
            "{outcome:?}, not {expected}"
        );
        assert!(replies.is_empty());
    }
    // Linux limits one argument to 128 KiB.
    let (outcome, _) = ask(&stage, stage.script("echo hi"), &"x".repeat(200_000)).await;
    assert!(
        matches!(&outcome, DeliverOutcome::Failed(reason) if reason.contains("standard input")),
        "{outcome:?}"
    );
}

async fn all_are_gone(stage: &Stage, count: usize) {
    let pids = stage.lines("pids");
    assert_eq!(pids.len(), count);
    eventually("all processes are gone", async || {
        let left: Vec<_> = pids.iter().filter(|pid| is_alive(pid)).collect();
        left.is_empty().then_some(()).ok_or(format!("{left:?}"))
    })
    .await;
}
