//! Files as agents are told of them.

use clawdos_bridge::model::file::{File, INLINE_FILE, inline};

fn file(name: &str, kind: Option<&str>, size: u64) -> File {
    File {
        name: name.to_owned(),
        size,
        url: format!("https://cdn.discordapp.com/attachments/1/2/{name}?ex=65d903de&is=1&hm=2"),
        kind: kind.map(str::to_owned),
    }
}

#[test]
fn text_is_told_by_type_or_by_ending() {
    for (name, kind) in [
        ("notes", Some("text/plain; charset=utf-8")),
        ("data", Some("application/json")),
        ("main.rs", None),
        ("Config.YAML", Some("application/octet-stream")),
    ] {
        assert!(file(name, kind, 10).is_small_text(), "{name}");
    }
    for (name, kind, size) in [
        ("cat.png", Some("image/png"), 10),
        ("noending", None, 10),
        ("long.txt", Some("text/plain"), INLINE_FILE + 1),
    ] {
        assert!(!file(name, kind, size).is_small_text(), "{name}");
    }
}

#[test]
fn an_address_tells_when_it_ends() {
    let at = file("a.txt", None, 1).expires_at();
    assert_eq!(at.map(|at| at.timestamp()), Some(0x65d9_03de));
    for url in [
        "no address",
        "https://x/?ex=",
        "https://x/?ex=zz",
        "https://x/",
    ] {
        let url = url.to_owned();
        assert_eq!(
            File {
                url,
                ..file("a", None, 1)
            }
            .expires_at(),
            None
        );
    }
}

#[test]
fn a_message_has_room_for_some_of_them() {
    let text = |size| file("a.txt", None, size);
    let picture = file("b.png", None, 5);
    let files = [
        text(16_384),
        text(16_384),
        picture,
        text(16_300),
        text(700),
        text(84),
    ];
    assert_eq!(inline(&files), [0, 1, 3, 5]);
}
