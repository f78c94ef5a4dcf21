//! Texts and names, whatever somebody wrote.

use clawdos_bridge::cards::text::{CONTENT_LIMIT, foreign, parts};
use clawdos_bridge::cards::{Persona, Personas, chat, private};
use clawdos_bridge::model::MessageId;
use clawdos_bridge::model::agent::Agent;
use clawdos_bridge::model::message::{Author, ChatMessage, Quoted};
use clawdos_bridge::model::thread::Place;
use clawdos_bridge::model::view::Surface;
use proptest::prelude::*;

/// Text with everything in it that means something to Discord.
fn wild() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-z ]{1,40}",
        2 => Just("```rust\n".to_owned()),
        2 => Just("```".to_owned()),
        1 => Just("`".to_owned()),
        1 => Just("\n\n".to_owned()),
        1 => Just("[click](https://evil.example)".to_owned()),
        1 => Just("@everyone <@1> <t:0:R>".to_owned()),
        1 => Just("\u{202e}gnp.exe\u{200b}".to_owned()),
        1 => "\\PC{0,200}",
        1 => "[a-z]{500,3000}",
    ];
    proptest::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

fn message(author: Author, text: &str) -> ChatMessage {
    ChatMessage {
        id: MessageId(uuid::Uuid::nil()),
        thread: None,
        place: Place::Room,
        author,
        author_name: None,
        target: None,
        text: text.to_owned(),
        quotes: None,
        is_deleted: false,
        is_proposal: false,
        created_at: chrono::DateTime::UNIX_EPOCH,
    }
}

fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(id: u64) -> T {
    id.to_string().parse().unwrap()
}

fn letters(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphabetic).collect()
}

proptest! {
    #[test]
    fn a_part_is_never_empty_nor_over_the_limit_and_closes_its_code(text in wild()) {
        for part in parts(&text) {
            prop_assert!(!part.trim().is_empty());
            prop_assert!(part.chars().count() <= CONTENT_LIMIT, "{}", part.chars().count());
            prop_assert!(part.matches("```").count() % 2 == 0, "{part}");
        }
    }

    #[test]
    fn no_word_is_lost_in_splitting(text in "([a-z]{1,30}[ \n]{1,3}){0,600}") {
        prop_assert_eq!(letters(&parts(&text).concat()), letters(&text));
    }

    #[test]
    fn no_masked_link_survives_outside_of_code(label in "[a-z ]{1,20}", path in "[a-z]{1,20}") {
        let shown = foreign(&format!("see [{label}](https://evil.example/{path}) now"));
        prop_assert!(!shown.contains("]("), "{shown}");
        prop_assert!(shown.contains(&format!("{label} (https://evil.example/{path})")), "{shown}");
    }

    #[test]
    fn every_drawn_message_can_be_sent(
        text in wild(), name in "\\PC{0,120}", said in proptest::option::of(wild()), linked: bool
    ) {
        let agent = Agent {
            key: "agent:ricky:main".parse().unwrap(),
            name,
            role: None,
            emoji: None,
        };
        let personas = Personas::new(std::slice::from_ref(&agent));
        let at = (Surface::Room, id(u64::MAX >> 1), id(u64::MAX >> 1));
        let message = ChatMessage {
            quotes: said.map(|text| Quoted {
                id: MessageId(uuid::Uuid::nil()),
                author: Author::Agent(agent.key.clone()),
                author_name: None,
                text,
                at: linked.then_some(at).into_iter().collect(),
            }),
            ..message(Author::Agent(agent.key), &text)
        };
        let drafts = chat::chat_message(&message, &Surface::Room, id(1), &personas);
        prop_assert!(!drafts.is_empty());
        let first = &drafts[0].content;
        prop_assert_eq!(first.starts_with(chat::QUOTING), message.quotes.is_some());
        if message.quotes.is_some() {
            let line = first.lines().next().unwrap();
            prop_assert_eq!(line.contains("](<https://discord.com/"), linked, "{}", line);
            // Names may hold a colon, but no quotation: what was said is the one at the end.
            let is_empty = line.ends_with(": *(empty)*") && !has_code(line);
            let is_quoted = line.rsplit_once(": `").is_some_and(|(who, said)| {
                said.strip_suffix('`').is_some_and(|said| !said.contains('`')) && !has_code(who)
            });
            prop_assert!(is_empty || is_quoted, "{}", line);
        }
        for draft in drafts {
            let name = draft.persona.expect("agents have a persona").name;
            prop_assert!((1..=80).contains(&name.chars().count()), "{name:?}");
            prop_assert!(!name.to_lowercase().contains("discord"), "{name:?}");
            prop_assert!(draft.content.chars().count() <= CONTENT_LIMIT);
            prop_assert!(!draft.content.trim().is_empty());
        }
    }
}

/// Whether a backtick stands in it that is not escaped, so that code could begin there.
fn has_code(text: &str) -> bool {
    let mut escaped = false;
    text.chars().any(|c| {
        let opens = c == '`' && !escaped;
        escaped = c == '\\' && !escaped;
        opens
    })
}

#[test]
fn a_code_block_that_is_torn_is_closed_and_opened_again_in_its_language() {
    let text = format!("```rust\n{}```", "let answer = 42;\n".repeat(300));
    let parts = parts(&text);
    assert!(parts.len() > 2);
    assert!(
        parts
            .iter()
            .all(|part| part.starts_with("```rust\n") && part.ends_with("```"))
    );
    let lines = parts
        .iter()
        .flat_map(|part| part.lines())
        .filter(|line| *line == "let answer = 42;");
    assert_eq!(lines.count(), 300);
}

#[test]
fn code_is_shown_as_it_was_written() {
    let code = "`[a](b)` and ```\n[c](https://d.example)\n```";
    assert_eq!(foreign(code), code);
}

#[test]
fn names_that_discord_refuses_are_made_acceptable() {
    for (name, shown) in [
        ("Discord Helper", "disc0rd Helper"),
        ("clyde", "c1yde"),
        ("everyone", "everyone (agent)"),
        ("  Ricky \u{200b} ", "Ricky"),
        ("\u{202e}", "fallback"),
    ] {
        assert_eq!(Persona::new(name, "fallback").name, shown);
    }
}

#[test]
fn only_an_agent_has_a_bare_name() {
    let personas = Personas::default();
    for author in [
        Author::Operator,
        Author::parse("discord:42"),
        Author::parse("Ricky"),
        Author::parse("system:health"),
    ] {
        let name = personas.author(&message(author.clone(), "x")).name;
        assert!(name.ends_with(')'), "{author:?} speaks as {name}");
    }
}

proptest! {
    #[test]
    fn in_private_nothing_is_lost_and_only_others_are_named(text in wild(), own in any::<bool>()) {
        let key: clawdos_bridge::model::AgentKey = "agent:ricky:main".parse().unwrap();
        let author = if own { Author::Agent(key.clone()) } else { Author::Operator };
        let row = ChatMessage {
            place: Place::Dm(key),
            author_name: Some("zack [x](y)".to_owned()),
            ..message(author, &text)
        };
        let surface: Surface = "bot-ricky-7".parse().unwrap();
        let drafts = private::private_message(&row, &surface, id(1), &Personas::default());
        let mut said = String::new();
        for draft in &drafts {
            prop_assert!(draft.content.chars().count() <= CONTENT_LIMIT);
            prop_assert!(draft.persona.is_none());
            prop_assert_eq!(draft.silent, !own);
            said.push_str(&draft.content);
        }
        let head = "-# zack \\[x\\](y) (operator)";
        prop_assert_eq!(drafts[0].content.lines().next() == Some(head), !own);
        prop_assert_eq!(drafts[0].content.starts_with("-#"), !own);
        let public: String = chat::chat_message(&row, &surface, id(1), &Personas::default())
            .iter()
            .map(|draft| draft.content.as_str())
            .collect();
        let head = if own { "" } else { head };
        prop_assert_eq!(letters(&said), letters(head) + &letters(&public));
    }
}
