//! What the bot may do, and how what is missing is told.

use clawdos_bridge::cards::limits::lines;
use clawdos_bridge::model::ChannelId;
use clawdos_bridge::model::rights::{Exception, Limits, Permission, Rights, Standing};
use insta::assert_snapshot;

const VIEW: u64 = 1 << 10;
const SEND: u64 = 1 << 11;
const EMBED: u64 = 1 << 14;
const WEBHOOKS: u64 = 1 << 29;
const ALL: u64 = (1 << 53) - 1 - (1 << 3);

fn exception(id: u64, member: bool, allow: u64, deny: u64) -> Exception {
    Exception {
        id,
        member,
        allow,
        deny,
    }
}

fn standing(granted: u64) -> Standing {
    Standing {
        server: 1,
        user: 9,
        roles: vec![2, 3],
        granted,
    }
}

#[test]
fn exceptions_add_up_in_discords_order() {
    let own = standing(VIEW | SEND);
    assert_eq!(own.within(&[]), VIEW | SEND);
    // A role wins over everybody, the member over all roles; those of others mean nothing.
    let everybody = exception(1, false, 0, SEND);
    assert_eq!(own.within(&[everybody]), VIEW);
    let role = exception(2, false, SEND, 0);
    assert_eq!(own.within(&[role, everybody]), VIEW | SEND);
    let other = exception(3, false, EMBED, SEND);
    assert_eq!(own.within(&[everybody, other, role]), VIEW | SEND | EMBED);
    let member = exception(9, true, 0, SEND);
    assert_eq!(own.within(&[member, role]), VIEW);
    let strangers = [exception(4, false, 0, SEND), exception(8, true, 0, SEND)];
    assert_eq!(own.within(&strangers), VIEW | SEND);
    // Who does not see a channel may nothing there; an administrator everything everywhere.
    assert_eq!(own.within(&[exception(1, false, EMBED, VIEW)]), 0);
    let administrator = standing(1 << 3).within(&[exception(9, true, 0, VIEW | SEND)]);
    assert!(Permission::ALL.iter().all(|it| it.is_in(administrator)));
}

#[test]
fn what_is_missing_is_told_once_and_where() {
    let channel = |id| ChannelId::new(id).expect("an id");
    let mut rights = Rights::new(ALL & !WEBHOOKS & !EMBED);
    rights.put(channel(10), ALL & !WEBHOOKS & !EMBED);
    rights.put(channel(11), ALL & !WEBHOOKS & !EMBED & !SEND);
    rights.put(channel(12), 0);
    rights.put(channel(13), ALL & !WEBHOOKS);
    let limits = Limits {
        unmade: vec!["dm-gohan".to_owned()],
        ..rights.limits(|_, _| true)
    };
    assert_snapshot!(lines(&limits).join("\n"), @r"
    ⚠️ The bot lacks **Manage Webhooks** in this server: agents speak as the bot, with their names before their words.
    ⚠️ The bot may not write in <#12>: **View Channels** is missing there. What happens meanwhile is posted once it may.
    ⚠️ The bot may not write in <#11>: **Send Messages** is missing there. What happens meanwhile is posted once it may.
    ⚠️ The bot lacks **Embed Links** in <#10>, <#11>: cards are plain text.
    ⚠️ Not made yet: dm-gohan.
    ");
    assert!(Rights::default().limits(|_, _| true).is_empty());
}
