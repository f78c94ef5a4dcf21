//! Skills: which can be used, and what has to be done for the others.

use std::fmt::Write as _;

use super::button::CHOICE_LIMIT;
use super::pages::{page, pages};
use super::quote::{self, length, shortened, visible};
use super::team::turning;
use super::team_press::TeamPress;
use super::text::CONTENT_LIMIT;
use super::{Button, Choice, Draft, Row, Select, Style};
use crate::model::skill::{BUILT_IN, Missing, Skill, SkillStatus};

/// Room for the lines of one page.
const PAGE: usize = 1_600;

/// Characters of a name, of what a skill does, of an address, of one missing thing and of a typed word.
const NAME: usize = 40;
const ABOUT: usize = 60;
const DESCRIPTION: usize = 300;
const ADDRESS: usize = 200;
const THING: usize = 100;
const WORD: usize = 80;

/// Room for the last lines of a skill.
const REST: usize = 160;

/// Where nothing can be checked.
pub const NO_EXECUTOR: &str = "Requires executor connection";

fn badge(status: SkillStatus) -> &'static str {
    match status {
        SkillStatus::Ready => "✅ Ready",
        SkillStatus::NeedsSetup => "🛠️ Needs setup",
        SkillStatus::Blocked => "⛔ Blocked",
        SkillStatus::Disabled => "⏸️ Disabled",
    }
}

fn face(skill: &Skill) -> String {
    let emoji = skill
        .emoji
        .as_deref()
        .map(|it| quote::name(&shortened(it, 16)));
    let emoji = emoji.unwrap_or_else(|| "🧩".to_owned());
    format!("{emoji} **{}**", quote::name(&shortened(&skill.name, NAME)))
}

fn line(skill: &Skill) -> String {
    let about = skill.description.trim();
    if about.is_empty() {
        return face(skill);
    }
    format!("{} {}", face(skill), quote::line(about, ABOUT).markup)
}

/// All skills in their groups, one page of them.
pub fn list(skills: &[Skill], wanted: u16) -> Draft {
    if skills.is_empty() {
        return Draft::text(
            "There are no skills. The executor reports them: each is a folder with a `skill.toml` in its skills \
             folder.",
        );
    }
    let mut skills: Vec<&Skill> = skills.iter().collect();
    skills.sort_by_key(|skill| skill.status);
    let lines: Vec<String> = skills.iter().map(|skill| line(skill)).collect();
    let pages = pages(&lines, PAGE);
    let (at, shown) = page(&pages, wanted);
    let mut content = "**Skills**".to_owned();
    // Writing to a String cannot fail.
    if pages.len() > 1 {
        let _ = write!(content, ", page {} of {}", at + 1, pages.len());
    }
    let mut group = None;
    for index in shown.clone() {
        let status = skills[index].status;
        if group.replace(status) != Some(status) {
            let count = skills.iter().filter(|it| it.status == status).count();
            let _ = write!(content, "\n{} ({count})", badge(status));
        }
        let _ = write!(content, "\n- {}", lines[index]);
    }
    let choices = skills[shown].iter().map(|skill| choice(skill)).collect();
    let select = Select {
        custom_id: TeamPress::Skill.to_string(),
        placeholder: "Look at a skill".to_owned(),
        choices,
    };
    let turning = turning(at, pages.len(), |page| TeamPress::Skills { page });
    Draft {
        components: [Some(Row::Select(select)), turning]
            .into_iter()
            .flatten()
            .collect(),
        ..Draft::text(content)
    }
}

fn choice(skill: &Skill) -> Choice {
    Choice {
        label: offer(skill),
        value: skill.row.to_string(),
        chosen: false,
    }
}

/// How a skill is offered to choose, within 100 characters (source: Discord).
pub fn offer(skill: &Skill) -> String {
    let name = visible(&skill.name);
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let label = format!("{} · {}", shortened(&name, WORD), badge(skill.status));
    shortened(&label, CHOICE_LIMIT).into_owned()
}

/// One skill, with the steps to make it ready. `live` says whether an executor is there to check it; `note` is
/// what has just happened.
pub fn skill(skill: &Skill, live: bool, note: Option<&str>) -> Draft {
    let mut content = format!("{} {}", face(skill), badge(skill.status));
    // Writing to a String cannot fail.
    if !skill.version.trim().is_empty() {
        let _ = write!(
            content,
            ", version {}",
            quote::line(&skill.version, NAME).markup
        );
    }
    if !skill.description.trim().is_empty() {
        let _ = write!(
            content,
            "\n{}",
            quote::quoted(&skill.description, DESCRIPTION).markup
        );
    }
    if let Some(homepage) = &skill.homepage {
        let _ = write!(
            content,
            "\nHomepage: {}",
            quote::line(homepage, ADDRESS).markup
        );
    }
    content.push('\n');
    content.push_str(says(skill));
    for (at, step) in steps(skill).iter().enumerate() {
        let step = format!("\n{}. {step}", at + 1);
        if length(&content) + length(&step) > CONTENT_LIMIT - REST {
            content.push_str("\n…and more, once this is done.");
            break;
        }
        content.push_str(&step);
    }
    if !live {
        let _ = write!(content, "\n-# Check again: {NO_EXECUTOR}");
    }
    if let Some(note) = note {
        let _ = write!(content, "\n-# {note}");
    }
    let check = Button::new(
        "Check again",
        Style::Secondary,
        &TeamPress::CheckSkill { row: skill.row },
    );
    let back = Button::new(
        "All skills",
        Style::Secondary,
        &TeamPress::Skills { page: 0 },
    );
    Draft {
        components: vec![Row::Buttons(vec![check.enabled(live), back])],
        ..Draft::text(content)
    }
}

fn says(skill: &Skill) -> &'static str {
    match skill.status {
        SkillStatus::Ready => "Everything that it needs is there.",
        SkillStatus::Blocked => {
            "The executor's list of allowed skills does not have it. Whoever runs the executor can add it there."
        }
        SkillStatus::Disabled => "Somebody has switched it off in its settings.",
        SkillStatus::NeedsSetup if skill.missing.is_empty() => {
            "The executor says that it cannot be used, and not what is missing."
        }
        SkillStatus::NeedsSetup => {
            "On the executor's machine, do this, then press **Check again**:"
        }
    }
}

/// What has to be done, in its order.
fn steps(skill: &Skill) -> Vec<String> {
    let ours = skill.source.as_deref() == Some(BUILT_IN);
    if skill.status != SkillStatus::NeedsSetup {
        return Vec::new();
    }
    let Missing {
        bins,
        any_bins,
        env,
        config,
        os,
    } = &skill.missing;
    let mut steps = Vec::new();
    if !os.is_empty() {
        steps.push(format!(
            "Use another machine: it works only on {}.",
            names(os)
        ));
    }
    steps.extend(bins.iter().map(|bin| install(bin)));
    if !any_bins.is_empty() {
        steps.push(one_of(any_bins));
    }
    steps.extend(env.iter().map(|name| export(name)));
    steps.extend(config.iter().map(|what| configure(what, ours)));
    steps
}

fn names(all: &[String]) -> String {
    let all = all.iter().map(|it| quote::line(it, THING).markup);
    all.collect::<Vec<_>>().join(", ")
}

/// A word that means itself in every shell: nothing else gets into a command that people copy.
fn is_plain(word: &str, also: &[char]) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || c == '_' || also.contains(&c);
    (1..=THING).contains(&word.len()) && word.chars().all(known) && !word.starts_with(['-', '.'])
}

fn block(lines: &str) -> String {
    format!("\n```sh\n{lines}\n```")
}

fn install(bin: &str) -> String {
    let shown = quote::line(bin, THING).markup;
    let mut step = format!("Install {shown}, so that it is on the executor's `PATH`.");
    if is_plain(bin, &['-', '.', '+']) {
        step.push_str(&block(&format!(
            "brew install {bin}              # macOS\nsudo apt-get install {bin}      # Debian, Ubuntu\ncommand -v {bin}                # says where it is"
        )));
    }
    step
}

fn one_of(bins: &[String]) -> String {
    let mut step = format!("Install one of {}.", names(bins));
    let plain: Vec<&str> = bins
        .iter()
        .map(String::as_str)
        .filter(|bin| is_plain(bin, &['-', '.', '+']))
        .take(5)
        .collect();
    if !plain.is_empty() {
        step.push_str(&block(&format!("command -v {}", plain.join(" "))));
    }
    step
}

fn export(name: &str) -> String {
    let shown = quote::line(name, THING).markup;
    let mut step = format!(
        "Set {shown} in the environment that the executor is started with, and start it again."
    );
    if is_plain(name, &[]) && !name.starts_with(|c: char| c.is_ascii_digit()) {
        step.push_str(&block(&format!("export {name}='…'")));
    }
    step
}

/// Ours names a file; others a setting (source: `ClawdOS`).
fn configure(what: &str, ours: bool) -> String {
    let shown = quote::line(what, THING * 2).markup;
    if ours {
        let mut step = format!("Write the file {shown}.");
        if what.starts_with('/') && is_plain(&what[1..], &['/', '-', '.']) {
            step.push_str(&block(&format!("\"${{EDITOR:-vi}}\" {what}")));
        }
        return step;
    }
    let mut step = format!("Set {shown} in the executor's configuration.");
    if is_plain(what, &['.', '-']) {
        step.push_str(&block(&format!("openclaw config set {what} '…'")));
    }
    step
}

/// A check has been made.
pub fn checked(at: i64) -> String {
    format!("Checked <t:{at}:R>.")
}

/// A check could not be made.
pub fn not_checked(why: &str) -> String {
    let why = quote::line(why, ADDRESS).markup;
    format!("It could not be checked: {why}")
}

/// The word is no skill.
pub fn unknown(word: &str) -> String {
    let word = quote::line(word, WORD).markup;
    format!("There is no skill {word}. `/skills` without a name lists them.")
}

/// The row is gone.
pub fn gone() -> String {
    "This skill does not exist any more.".to_owned()
}
