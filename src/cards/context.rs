//! What an agent is told before a turn, for who looks at it.

use std::fmt::Write as _;

use super::quote::{self, length};
use super::{Draft, File, Persona};
use crate::model::AgentKey;
use crate::model::context::{LeftOut, Pack, Part, Section};

/// UTF-16 units of all lines about what is left out.
const LEFT_OUT_ROOM: usize = 700;

/// The pack as a file, with its sections and their sizes.
pub fn preview(pack: &Pack, agent: (&str, &AgentKey), task: Option<&str>) -> Draft {
    let (name, key) = agent;
    let persona = Persona::new(name, key.short());
    let name = quote::name(&persona.name);
    let about = task.map_or_else(String::new, |title| {
        format!(", about {}", quote::line(title, 80).markup)
    });
    let markdown = pack.markdown();
    let mut table = format!("{:<26}{:>8}{:>8}\n", "Section", "Size", "Cap");
    for section in &pack.0 {
        let cap = match section.part.cap() {
            Some(cap) => number(cap),
            None if section.part == Part::Changes => "20 rows".to_owned(),
            None => String::new(),
        };
        let size = number(section.size());
        // Writing to a String cannot fail.
        let row = format!("{:<26}{size:>8}{cap:>8}", section.part.heading());
        let _ = writeln!(table, "{}", row.trim_end());
    }
    let total = number(markdown.chars().count());
    let _ = write!(table, "{:<26}{total:>8}", "Total");
    let mut text = format!(
        "**What {name} is told before a turn{about}**, in characters:\n```\n{table}\n```\n{}",
        left_out(&pack.0)
    );
    if task.is_none() {
        text.push_str(
            "\n-# With a `task` there is more: the task itself, and what is known about it.",
        );
    }
    Draft {
        files: vec![File::new("context.md".to_owned(), markdown)],
        ..Draft::text(text)
    }
}

fn left_out(sections: &[Section]) -> String {
    let mut text = String::new();
    let all = sections
        .iter()
        .flat_map(|section| section.left_out.iter().map(move |it| (section.part, it)));
    for (part, it) in all {
        let what = match it {
            LeftOut::Cut(what) if what.is_empty() => "its end".to_owned(),
            LeftOut::Cut(what) => format!("the end of {}", quote::line(what, 60).markup),
            LeftOut::Whole(what) => format!("all of {}", quote::line(what, 60).markup),
            LeftOut::More(count) => format!("{count} more that are pinned"),
            LeftOut::Secret(what) => {
                format!("{}, since it holds secrets", quote::line(what, 60).markup)
            }
        };
        let line = format!("\n- {}: {what}", part.heading());
        if length(&text) + length(&line) > LEFT_OUT_ROOM {
            text.push_str("\n- and more");
            break;
        }
        text.push_str(&line);
    }
    if text.is_empty() {
        return "Nothing is left out.".to_owned();
    }
    format!("Left out:{text}")
}

/// With a comma between thousands.
fn number(count: usize) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
