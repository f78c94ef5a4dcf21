//! The tokens of agents' own bots.

use clawdos_bridge::config::Place;
use secrecy::ExposeSecret as _;

use super::{Start, TOKEN};

const RICKYS: &str = "MTA5NzY1NDMyMTB.GhIjKl.rickys-0wn-token";

#[test]
fn each_agent_may_have_a_bot_of_its_own() {
    let file = format!("[agents.ricky]\ndiscord_token = \"{RICKYS}\"\n");
    let config = Start::with_file(&file).env("DISCORD_TOKEN", TOKEN).config();
    let own = &config.own_bots["ricky"];
    assert_eq!(own.discord_token.expose_secret(), RICKYS);
    assert!(!format!("{config:?}").contains(RICKYS));
}

#[test]
fn one_token_is_one_bot() {
    let file = format!(
        "[agents.main]\ndiscord_token = \"{TOKEN}\"\n\
         [agents.one]\ndiscord_token = \"{RICKYS}\"\n\
         [agents.two]\ndiscord_token = \"{RICKYS}\"\n\
         [agents.three]\ndiscord_token = \"hunter2\"\n"
    );
    let problems = Start::with_file(&file)
        .env("DISCORD_TOKEN", TOKEN)
        .problems();
    let expected = [
        ("main", "the token of the bridge's own bot"),
        ("three", "not a bot token"),
        ("two", "the same token as agents.one.discord_token"),
    ];
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, (short, what)) in problems.iter().zip(expected) {
        let key = format!("agents.{short}.discord_token");
        assert_eq!(problem.place, Place::NamedKey(key));
        assert!(problem.what.contains(what), "{problem}");
        let shown = problem.to_string();
        for secret in [TOKEN, RICKYS, "hunter2"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

#[test]
fn a_name_that_is_none_and_a_key_that_is_none_are_told() {
    let problem = Start::with_file("[agents.\"no name\"]\ndiscord_token = \"x\"\n").only_problem();
    assert!(problem.what.contains("short name of an agent"), "{problem}");
    let problem = Start::with_file("[agents.ricky]\ntoken = \"x\"\n").only_problem();
    assert!(problem.what.contains("no such key"), "{problem}");
    let problem = Start::with_file("[agents.ricky]\ndiscord_token = \"a b\"\n").only_problem();
    assert!(problem.what.contains("spaces"), "{problem}");
}
