//! The state of the system in words: the card, the posts about the mode, the gap alarm.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use clawdos_bridge::cards::mode::{duration, mode_change};
use clawdos_bridge::cards::status::{TITLE, status_card};
use clawdos_bridge::cards::{Draft, Mark, gap};
use clawdos_bridge::model::ChannelId;
use clawdos_bridge::model::bots::{BotState, Bots};
use clawdos_bridge::model::change::Table;
use clawdos_bridge::model::labs::{Feature, Labs};
use clawdos_bridge::model::mode::{Mode, ModeChange, State};
use clawdos_bridge::model::realtime::{FeedState, Gap, GapCause};
use clawdos_bridge::model::rights::{Limits, Permission};
use clawdos_bridge::model::status::{AgentSeen, Facts, Level, Vitals};
use insta::assert_snapshot;
use proptest::prelude::*;

const POLL: Duration = Duration::from_secs(30);

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).expect("a time")
}

fn vitals(mode: Option<Mode>, reason: &str) -> Vitals {
    Vitals {
        mode: State {
            mode,
            since: at(1_000),
            reason: reason.to_owned(),
            doubt: None,
            last_ok: Some(at(900)),
        },
        feed: FeedState::Up,
        spool: Level::default(),
        bots: Bots::new(),
        limits: Limits::default(),
    }
}

fn agent(name: &str, seen: Option<i64>) -> AgentSeen {
    AgentSeen {
        key: "agent:main:main".parse().expect("a key"),
        name: name.to_owned(),
        emoji: None,
        state: seen.map(|_| "working".to_owned()),
        seen: seen.map(at),
    }
}

fn gap(cause: GapCause, found: i64) -> Gap {
    Gap {
        table: Table::Tasks,
        cause,
        found,
        reported_at: at(2_000),
        ended_at: None,
    }
}

fn counted(
    mode: Mode,
    down_since: Option<i64>,
    [queued, delivered, failed]: [i64; 3],
) -> ModeChange {
    ModeChange {
        down_since: down_since.map(at),
        queued,
        delivered,
        failed,
        ..ModeChange::new(
            mode,
            "The Control API did not answer: refused.".to_owned(),
            at(1_840),
        )
    }
}

#[test]
fn the_card_of_a_quiet_day() {
    let facts = Facts {
        agents: vec![agent("Trunks", Some(800)), agent("Ricky", None)],
        labs: Labs::default().with(Feature::TeamRoom, true),
        ..Facts::default()
    };
    let card = status_card(
        &vitals(Some(Mode::Live), "The Control API answers"),
        Some(&facts),
        POLL,
    );
    assert_snapshot!(card.content, @r#"
    **Mission Control**
    🟢 **Live** since <t:1000:R>: The Control API answers
    Last successful check: within the last minute
    Queue: nothing waits
    Approvals: none open
    Realtime: no gaps
    🤖 Trunks, working, seen <t:800:R>
    🤖 Ricky, not seen yet
    -# clawdos-bridge 0.1.0
    "#);
    assert_eq!(card.mark(), Mark::FirstLine(TITLE));
}

#[test]
fn the_card_of_a_bad_day() {
    let facts = Facts {
        queued: 3,
        oldest_queued: Some(at(1_100)),
        promised: 0,
        oldest_promised: None,
        in_work: 1,
        open_approvals: 2,
        oldest_approval: Some(at(500)),
        agents: vec![],
        gaps: vec![gap(GapCause::Unpublished, 2), gap(GapCause::Missed, 1)],
        labs: Labs::default(),
    };
    let mut vitals = vitals(
        Some(Mode::Backup),
        "The Control API did not answer: refused",
    );
    vitals.feed = FeedState::Down("the server ended the stream".to_owned());
    assert_snapshot!(status_card(&vitals, Some(&facts), POLL).content, @r#"
    **Mission Control**
    🟡 **Backup** since <t:1000:R>: The Control API did not answer: refused
    Last successful check: <t:900:R>
    Queue: 3 messages waiting, the oldest since <t:1100:R>, 1 with an agent
    Approvals: 2 open, the oldest since <t:500:R>
    ⚠️ Realtime: changes are found by comparing alone: the server ended the stream; gaps: `tasks` (not published, 2 found late), `tasks` (1 found late)
    Labs: no feature is switched on yet, see `/labs`
    -# clawdos-bridge 0.1.0
    "#);
}

#[test]
fn the_card_without_a_database() {
    let mut vitals = vitals(Some(Mode::Offline), "The database does not answer");
    vitals.spool.held = 4;
    assert_snapshot!(status_card(&vitals, None, POLL).content, @r#"
    **Mission Control**
    🔴 **Offline** since <t:1000:R>: The database does not answer
    Last successful check: <t:900:R>
    The database cannot be asked what waits.
    💾 4 messages held on disk until the database is back.
    Realtime: connected
    -# clawdos-bridge 0.1.0
    "#);
}

#[test]
fn while_all_is_well_the_card_does_not_change_with_every_look() {
    let mut vitals = vitals(Some(Mode::Live), "The Control API answers");
    let before = status_card(&vitals, None, POLL);
    vitals.mode.last_ok = Some(at(5_000));
    assert_eq!(status_card(&vitals, None, POLL), before);
    let slow = status_card(&vitals, None, Duration::from_mins(10));
    assert!(
        slow.content.contains("within the last 10 minutes"),
        "{}",
        slow.content
    );
}

#[test]
fn changes_of_the_mode_tell_the_story() {
    let story = [
        counted(Mode::Live, None, [0; 3]),
        counted(Mode::Backup, None, [3, 0, 0]),
        counted(Mode::Backup, None, [1, 0, 0]),
        counted(Mode::Offline, None, [0; 3]),
        counted(Mode::Live, Some(1_000), [0, 3, 0]),
        counted(Mode::Live, Some(1_000), [1, 3, 2]),
    ];
    let story: Vec<_> = story.iter().map(|it| mode_change(it).content).collect();
    assert_snapshot!(story.join("\n\n"), @r#"
    🟢 **Live** since <t:1840:t>: The Control API did not answer: refused. Messages go straight to the agents.

    🟡 **Backup** since <t:1840:t>: The Control API did not answer: refused. 3 messages queued. Messages will be delivered when the agents come back.

    🟡 **Backup** since <t:1840:t>: The Control API did not answer: refused. 1 message queued. Messages will be delivered when the agents come back.

    🔴 **Offline** since <t:1840:t>: The Control API did not answer: refused. What people write is held until the database is back.

    🟢 **Live** again after 14 minutes: 3 delivered, 0 waiting.

    🟢 **Live** again after 14 minutes: 3 delivered, 2 failed, 1 waiting.
    "#);
}

#[test]
fn a_post_is_known_by_what_stands_before_its_numbers() {
    let mark = |draft: &Draft| match draft.mark() {
        Mark::Beginning(text) => text.to_owned(),
        other => panic!("{other:?}"),
    };
    for change in [Mode::Live, Mode::Backup] {
        let few = mode_change(&counted(change, Some(1_000), [0, 0, 0]));
        let many = mode_change(&counted(change, Some(1_000), [9, 9, 9]));
        assert_eq!(mark(&few), mark(&many));
        assert_ne!(few, many);
    }
    let (few, many) = (gap(GapCause::Missed, 1), gap(GapCause::Unpublished, 70));
    assert_eq!(mark(&gap::gap_alarm(&few)), mark(&gap::gap_alarm(&many)));
}

#[test]
fn the_alarm_says_what_to_do() {
    let alarms = [
        gap(GapCause::Unpublished, 0),
        gap(GapCause::Unpublished, 1),
        gap(GapCause::Missed, 7),
    ];
    let alarms: Vec<_> = alarms.iter().map(|it| gap::gap_alarm(it).content).collect();
    assert_snapshot!(alarms.join("\n\n"), @r#"
    ⚠️ **Realtime gap** in `tasks` (<t:2000:t>): its changes are not announced, no row was missed yet. Nothing is lost, but it comes late. To mend it, run in the database:
    ```sql
    ALTER PUBLICATION supabase_realtime ADD TABLE public.tasks;
    -- if there is no such publication, first: CREATE PUBLICATION supabase_realtime;
    ```

    ⚠️ **Realtime gap** in `tasks` (<t:2000:t>): its changes are not announced, 1 row was found only by comparing. Nothing is lost, but it comes late. To mend it, run in the database:
    ```sql
    ALTER PUBLICATION supabase_realtime ADD TABLE public.tasks;
    -- if there is no such publication, first: CREATE PUBLICATION supabase_realtime;
    ```

    ⚠️ **Realtime gap** in `tasks` (<t:2000:t>): it is published, and yet 7 rows were found only by comparing. Nothing is lost, but it comes late. `clawdos-bridge doctor` tells where announcements stop: a row filter of the publication, kinds of changes that it leaves out, row level security, or a limit of Supabase Realtime.
    "#);
}

#[test]
fn times_are_told_in_the_units_that_count() {
    let words = [
        0, 1, 45, 60, 61, 840, 3_600, 3_660, 7_500, 86_400, 180_000, -5,
    ]
    .map(|seconds| duration(TimeDelta::seconds(seconds)));
    assert_snapshot!(words.join(", "), @"less than a second, 1 second, 45 seconds, 1 minute, 1 minute, 14 minutes, 1 hour, 1 hour 1 minute, 2 hours 5 minutes, 1 day, 2 days 2 hours, less than a second");
}

proptest! {
    #[test]
    fn no_card_breaks_a_limit_whatever_the_names(
        names in prop::collection::vec(any::<String>(), 0..200),
        reason in any::<String>(),
        state in any::<String>(),
    ) {
        let agents = names.iter().map(|name| AgentSeen {
            emoji: Some(name.clone()),
            state: Some(state.clone()),
            ..agent(name, Some(1))
        });
        let facts = Facts {
            agents: agents.collect(),
            gaps: Table::ALL.iter().map(|table| Gap { table: *table, ..gap(GapCause::Unpublished, i64::MAX) }).collect(),
            ..Facts::default()
        };
        let mut vitals = vitals(Some(Mode::Backup), &reason.repeat(20));
        vitals.feed = FeedState::Partly(reason.repeat(20));
        vitals.spool = Level { held: usize::MAX, trouble: Some(reason.repeat(20)) };
        let channels: Vec<ChannelId> = (1..500).filter_map(|id| ChannelId::new(u64::MAX - id)).collect();
        vitals.limits = Limits {
            everywhere: Permission::ALL.to_vec(),
            in_channels: Permission::ALL.map(|it| (it, channels.clone())).to_vec(),
            unmade: names.clone(),
        };
        let card = status_card(&vitals, Some(&facts), POLL);
        prop_assert!(card.content.chars().map(char::len_utf16).sum::<usize>() <= 2000);
        prop_assert_eq!(card.content.lines().next(), Some(TITLE));
        let change = ModeChange::new(Mode::Backup, reason.repeat(50), at(1));
        let post = mode_change(&change);
        prop_assert!(post.content.chars().count() <= 2000);
        prop_assert!(matches!(post.mark(), Mark::Beginning(text) if post.content.starts_with(text)));
    }
}

#[test]
fn agents_bots_that_are_not_up_are_named_with_the_reason() {
    let reason = || "Discord does not accept the token of agents.main.discord_token".to_owned();
    let mut now = vitals(Some(Mode::Live), "All is well");
    now.bots = Bots::from([
        (
            "gohan".to_owned(),
            BotState::Deaf("the connection broke".to_owned()),
        ),
        ("main".to_owned(), BotState::Down(reason())),
        ("ricky".to_owned(), BotState::Up),
        ("vegeta".to_owned(), BotState::Starting),
    ]);
    let facts = Facts {
        agents: vec![agent("Trunks", None)],
        ..Facts::default()
    };
    let card = status_card(&now, Some(&facts), POLL).content;
    let lines: Vec<_> = card
        .lines()
        .filter(|line| line.contains("own bot"))
        .collect();
    assert_eq!(
        lines,
        [
            "⚠️ gohan's own bot does not hear: the connection broke",
            "⚠️ Trunks's own bot is down: Discord does not accept the token of \
             agents.main.discord\\_token",
        ]
    );
    for short in ["a", "b", "c", "d"] {
        now.bots.insert(short.to_owned(), BotState::Down(reason()));
    }
    let card = status_card(&now, None, POLL).content;
    assert!(
        card.contains("⚠️ and 3 more of the agents' own bots"),
        "{card}"
    );
}
