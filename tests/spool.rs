//! The spool by itself: any text survives, bounds hold, the file follows.

use std::path::Path;

use clawdos_bridge::model::file::File;
use clawdos_bridge::model::view::Surface;
use clawdos_bridge::model::{ChannelId, DiscordMessageId, UserId};
use clawdos_bridge::spool::{
    Bounds, Excess, Found, Held, Kept, Known, Offer, Place, Record, Spool,
};
use proptest::prelude::*;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const ROOMY: Bounds = Bounds {
    messages: 1_000,
    bytes: 1_000_000,
};

fn place(id: u64) -> Place {
    Place {
        channel: ChannelId::new(7).expect("an id"),
        message: DiscordMessageId::new(id).expect("an id"),
    }
}

fn held(id: u64, text: &str) -> Held {
    Held {
        project: "front-office".parse().expect("a project"),
        message: place(id).message,
        channel: place(id).channel,
        surface: Surface::Dm("ricky".to_owned()),
        agent: "agent:ricky:main".parse().ok(),
        user: UserId::new(9).expect("an id"),
        name: "zack".to_owned(),
        roles: Vec::new(),
        text: text.to_owned(),
        files: Vec::new(),
        named: Vec::new(),
        reply_to: None,
        edited_at: None,
    }
}

fn offer(id: u64, text: &str) -> Offer {
    Offer {
        held: held(id, text),
        excess: Excess::Refuse,
    }
}

struct Running {
    spool: Spool,
    found: Found,
    cancel: CancellationToken,
    writer: JoinHandle<anyhow::Result<()>>,
}

impl Running {
    fn open(path: &Path, bounds: Bounds) -> Self {
        let (spool, found, writer) = Spool::open(path.to_owned(), bounds);
        let cancel = CancellationToken::new();
        let writer = tokio::spawn(writer.run(cancel.clone()));
        Self {
            spool,
            found,
            cancel,
            writer,
        }
    }

    async fn close(self) {
        self.cancel.cancel();
        let ended = self.writer.await.expect("the writer does not panic");
        ended.expect("the writer ends well");
    }
}

fn ids(found: &Found) -> Vec<u64> {
    found.held.iter().map(|held| held.message.get()).collect()
}

proptest! {
    #[test]
    fn any_text_survives_and_is_one_line(text in any::<String>(), name in any::<String>(), file in any::<String>(), size in any::<u64>()) {
        let mut held = held(1, &text);
        held.name = name;
        held.files = vec![File { name: file.clone(), size, url: file, kind: None }];
        let record = Record::Held(Box::new(held));
        let line = record.line();
        prop_assert_eq!(line.matches('\n').count(), 1);
        prop_assert!(line.ends_with('\n'));
        prop_assert_eq!(Record::read(line.as_bytes()), Some(record));
    }

    #[test]
    fn no_bytes_are_too_strange_to_be_looked_at(bytes in any::<Vec<u8>>()) {
        let _ = Record::read(&bytes);
    }

    /// Whatever is cut off at the end, the whole lines before it are found, in order.
    #[test]
    fn a_file_that_is_cut_anywhere_gives_back_its_whole_lines(texts in prop::collection::vec(any::<String>(), 1..8), cut in any::<prop::sample::Index>()) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("spool.jsonl");
        let lines: Vec<String> = (1..).zip(&texts).map(|(id, text)| Record::Held(Box::new(held(id, text))).line()).collect();
        let bytes = lines.concat().into_bytes();
        let cut = cut.index(bytes.len() + 1);
        std::fs::write(&path, &bytes[..cut]).expect("a file");
        let (_, found, _) = Spool::open(path, ROOMY);
        let whole = bytes[..cut].split(|byte| *byte == b'\n').count() - 1;
        prop_assert_eq!(found.held.len(), whole);
        for (held, text) in found.held.iter().zip(&texts) {
            prop_assert_eq!(&held.text, text);
        }
    }
}

#[tokio::test]
async fn what_is_kept_is_found_by_the_next_run_until_it_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("spool.jsonl");
    let run = Running::open(&path, ROOMY);
    let kept = run
        .spool
        .hold(vec![offer(1, "a"), offer(2, "b"), offer(3, "c")])
        .await;
    assert_eq!(kept, [Kept::Yes; 3]);
    assert_eq!(run.spool.level().borrow().held, 3);
    run.close().await;

    let run = Running::open(&path, ROOMY);
    assert_eq!(ids(&run.found), [1, 2, 3]);
    run.spool.written(place(1));
    run.spool.written(place(2));
    run.spool.settled(place(2));
    assert_eq!(run.spool.level().borrow().held, 1);
    assert_eq!(run.spool.knows(place(1).message), Some(Known::Written));
    run.close().await;

    let run = Running::open(&path, ROOMY);
    assert_eq!(ids(&run.found), [3]);
    assert_eq!(run.found.marked, [place(1)]);
    run.spool.settled(place(1));
    run.spool.written(place(3));
    run.spool.settled(place(3));
    run.close().await;
    assert!(!path.exists(), "nothing is on its way");
}

#[tokio::test]
async fn bounds_are_kept_by_number_and_by_bytes_and_free_places_are_used() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("spool.jsonl");
    let line = Record::Held(Box::new(held(1, ""))).line().len();
    let bounds = Bounds {
        messages: 3,
        bytes: 2 * line + 150,
    };
    let run = Running::open(&path, bounds);
    let long = "x".repeat(200);
    let kept = run
        .spool
        .hold(vec![offer(1, ""), offer(2, &long), offer(3, "")])
        .await;
    assert_eq!(kept, [Kept::Yes, Kept::Refused, Kept::Yes]);
    let waits = Offer {
        held: held(4, &long),
        excess: Excess::Wait,
    };
    // What would fit does not overtake what has to wait.
    let kept = run.spool.hold(vec![waits, offer(6, "")]).await;
    assert_eq!(kept, [Kept::NotNow, Kept::Refused]);
    assert_eq!(run.spool.knows(place(4).message), None);
    run.spool.written(place(1));
    assert_eq!(run.spool.hold(vec![offer(5, "")]).await, [Kept::Yes]);
    assert_eq!(run.spool.hold(vec![offer(5, "")]).await, [Kept::Yes]);
    assert_eq!(run.spool.level().borrow().held, 2);
    // What may be a row already is kept beyond the bounds, and its author hears of it.
    let begun = Offer {
        held: held(7, &long),
        excess: Excess::Keep,
    };
    let kept = run.spool.hold(vec![begun, offer(8, "")]).await;
    assert_eq!(kept, [Kept::Yes, Kept::Refused]);
    run.close().await;
    let run = Running::open(&path, bounds);
    assert_eq!(ids(&run.found), [3, 5, 7]);
    assert_eq!(run.spool.knows(place(2).message), Some(Known::Refused));
    run.close().await;
}

#[tokio::test]
async fn refusals_outlive_the_messages_and_end_when_nobody_reads_back_so_far() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("spool.jsonl");
    let bounds = Bounds {
        messages: 1,
        ..ROOMY
    };
    let run = Running::open(&path, bounds);
    let kept = run
        .spool
        .hold(vec![offer(1, "a"), offer(2, "b"), offer(3, "c")])
        .await;
    assert_eq!(kept, [Kept::Yes, Kept::Refused, Kept::Refused]);
    run.spool.written(place(1));
    run.spool.settled(place(1));
    run.close().await;
    let text = std::fs::read_to_string(&path).expect("refusals are still there");
    assert_eq!(text.lines().count(), 2, "{text}");
    let run = Running::open(&path, bounds);
    assert_eq!(run.spool.knows(place(3).message), Some(Known::Refused));
    run.spool.forget_refused(place(1).channel, place(2).message);
    assert_eq!(run.spool.knows(place(2).message), None);
    assert_eq!(run.spool.hold(vec![offer(4, "d")]).await, [Kept::Yes]);
    run.spool.written(place(4));
    run.spool.settled(place(4));
    run.close().await;
    let text = std::fs::read_to_string(&path).expect("one refusal is still there");
    assert_eq!(text.lines().count(), 1, "{text}");
}

/// One message of another project, say, stays for months: the file does not grow for that.
#[tokio::test]
async fn a_message_that_stays_does_not_make_the_file_grow() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("spool.jsonl");
    let bounds = Bounds {
        messages: 10,
        bytes: 20_000,
    };
    let run = Running::open(&path, bounds);
    assert_eq!(run.spool.hold(vec![offer(1, "stays")]).await, [Kept::Yes]);
    let long = "x".repeat(10_000);
    for id in 2..500 {
        assert_eq!(run.spool.hold(vec![offer(id, &long)]).await, [Kept::Yes]);
        run.spool.written(place(id));
        run.spool.settled(place(id));
    }
    run.close().await;
    let size = std::fs::metadata(&path).expect("the file").len();
    assert!(size < 2_200_000, "{size} bytes");
    let run = Running::open(&path, bounds);
    assert_eq!(ids(&run.found), [1]);
    run.close().await;
}

#[tokio::test]
async fn what_is_changed_or_deleted_while_it_waits_is_so_after_a_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("spool.jsonl");
    let running = Running::open(&path, ROOMY);
    let offers = (1..=3).map(|id| offer(id, "as it was")).collect();
    assert_eq!(running.spool.hold(offers).await, [Kept::Yes; 3]);
    let changed = [held(1, "as it is")];
    assert!(running.spool.amend(&changed, &[place(2)]).await);
    assert_eq!(running.spool.knows(place(2).message), None);
    assert_eq!(running.spool.level().borrow().held, 2);
    running.close().await;

    let running = Running::open(&path, ROOMY);
    let texts: Vec<_> = running
        .found
        .held
        .iter()
        .map(|it| it.text.as_str())
        .collect();
    assert_eq!(texts, ["as it is", "as it was"]);
    assert_eq!(ids(&running.found), [1, 3]);
    // Bounds count what a message has become.
    let bytes = Record::Held(Box::new(held(1, "as it is"))).line().len();
    let longer = Record::Held(Box::new(held(3, "as it was"))).line().len();
    running.close().await;
    let tight = Bounds {
        messages: 9,
        bytes: 2 * bytes + longer,
    };
    let running = Running::open(&path, tight);
    let kept = running
        .spool
        .hold(vec![offer(4, "as it is"), offer(5, "as it is")])
        .await;
    assert_eq!(kept, [Kept::Yes, Kept::Refused]);
    running.close().await;
}

/// A file that a bridge of before has written.
#[test]
fn a_line_without_the_newer_fields_is_read() {
    let line = br#"{"held":{"project":"front-office","message":"1","channel":"7","surface":"team-room","user":"9","name":"zack","text":"hi","files":[{"name":"a.txt","size":1,"url":"u"}]}}"#;
    let Some(Record::Held(held)) = Record::read(line) else {
        panic!("an old line is read");
    };
    assert_eq!((held.text.as_str(), held.files.len()), ("hi", 1));
    assert_eq!(
        (held.named.len(), held.reply_to, held.edited_at),
        (0, None, None)
    );
}
