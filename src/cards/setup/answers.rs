//! What `/setup` asks and says, beside its card.

use super::permissions::{self, Permission};
use super::press::{LONGEST_ID, SetupPress};
use super::{again, list};
use crate::cards::form::{Field, Form};
use crate::cards::{Button, Draft, Row, Style, quote};
use crate::model::operators::{Changes, Kind};
use crate::model::{GuildId, ProjectId};

/// Characters of a word that is no project, and of a server's name.
const WORD: usize = 80;

/// Room for what is said of features that were switched.
const SWITCHED: usize = 1_400;

/// Longest name of a project that is made here.
pub const NAME_LIMIT: u16 = 100;

/// Names the text in the form that asks for a project's name.
pub const NAME_FIELD: &str = "name";

/// For who starts the bridge: nobody was named or chosen.
pub fn nobody_decides() -> &'static str {
    "Nobody may approve anything: use /setup in Discord to choose operators, or set discord.operators \
     (OPERATOR_IDS)"
}

/// Who neither owns the bot nor decides.
pub fn not_allowed() -> String {
    "`/setup` is for operators, and for whoever owns the bot in Discord's Developer Portal or is in \
     its team. You are neither, so nothing is shown, and nothing has changed."
        .to_owned()
}

/// Somebody may, but not about this project.
pub fn not_of_project(project: &ProjectId) -> String {
    format!(
        "You are no operator of `{project}`. Its operators and the bot's owners can set it up; nothing \
         has changed."
    )
}

/// Somebody may, but not make a project.
pub fn may_not_create(project: &ProjectId) -> String {
    format!(
        "There is no project `{project}`. The bot's owners and operators of the configuration can make \
         one, and you are none of them."
    )
}

/// A direct message has no server.
pub fn no_server() -> String {
    "`/setup` is about a server: use it in one of its channels.".to_owned()
}

/// What a button says is nothing that we would have written.
pub fn unknown_button() -> String {
    "This button or list is not known any more. Use `/setup` again.".to_owned()
}

/// Nothing is known without the database.
pub fn database_away() -> String {
    "The database cannot be reached in time, so nothing was looked at, and nothing has changed unless a \
     list shows it. Use `/setup` again in a moment."
        .to_owned()
}

/// The word is no project, and cannot become one.
pub fn no_project(word: &str) -> String {
    let word = quote::line(word, WORD).markup;
    format!(
        "There is no project {word}, and none can be made of that id: lower-case letters, digits and \
         dashes, {LONGEST_ID} at most."
    )
}

/// Its id does not fit into what buttons say.
pub fn id_too_long() -> String {
    format!(
        "The id of this project has more than {LONGEST_ID} characters, which is more than `/setup` can \
         handle. The configuration can show it (`PROJECT_ID`)."
    )
}

/// Several projects have this name.
pub fn many_projects(word: &str) -> String {
    let word = quote::line(word, WORD).markup;
    format!("Several projects are called {word}: name the one you mean by its id.")
}

/// Nothing is shown in this server, and these could be, by id and name.
pub fn choose(projects: &[(ProjectId, String)], is_home: bool) -> Draft {
    let begin = if is_home {
        "This server shows several projects. Which one is it about?"
    } else {
        "**Setup**: this server shows no project yet. Which one should it show?"
    };
    let fits = |(project, _): &&(ProjectId, String)| project.as_str().len() <= LONGEST_ID;
    let projects: Vec<_> = projects.iter().filter(fits).collect();
    if projects.is_empty() {
        return Draft::text(format!(
            "{begin}\nThere is none that you may show here. `/setup project:<id>` makes one, if you may."
        ));
    }
    let more = "`/setup project:<name or id>` finds every other one, and makes a new one.";
    Draft {
        components: vec![list(&projects, "Choose a project")],
        ..Draft::text(format!("{begin}\n{more}"))
    }
}

/// Whether a project is to be shown in this server. `written` is the server that it was given, `from` the one that
/// shows it now, by id and name.
pub fn show(
    (project, name): (&ProjectId, &str),
    (written, from): (Option<GuildId>, Option<(GuildId, Option<&str>)>),
    permissions: Option<&[Permission]>,
    note: Option<&str>,
) -> Draft {
    let who = format!("**{}** (`{project}`)", quote::name(name));
    let question = match from {
        None => format!(
            "Show {who} in this server? A category with its channels is made, and whoever sees those \
             channels sees what agents and people say there."
        ),
        Some((guild, server)) => {
            let server = server.map_or_else(|| format!("`{guild}`"), quote::name);
            format!(
                "{who} is shown in another server, {server}. Move it here? A category with its channels \
                 is made here. Its channels there stay, and nothing new appears in them."
            )
        }
    };
    let label = if from.is_some() {
        "Move it here"
    } else {
        "Show it here"
    };
    let press = SetupPress::Show(project.clone(), written);
    let button = Button::new(label, Style::Success, &press);
    asked(
        &[
            note.map(str::to_owned),
            Some(question),
            lacking(permissions),
        ],
        button,
    )
}

/// Whether a project is to be made.
pub fn create(project: &ProjectId, permissions: Option<&[Permission]>) -> Draft {
    let question = format!(
        "There is no project `{project}`. Make it, and show it in this server? It begins without agents, \
         in a category of its own."
    );
    let press = SetupPress::Create(project.clone());
    let button = Button::new("Create and show it…", Style::Success, &press);
    asked(&[Some(question), lacking(permissions)], button)
}

fn asked(lines: &[Option<String>], button: Button) -> Draft {
    let lines: Vec<&str> = lines.iter().flatten().map(String::as_str).collect();
    Draft {
        components: vec![Row::Buttons(vec![button])],
        ..Draft::text(lines.join("\n\n"))
    }
}

/// What the bot may not do here; nothing where all is well or unknown.
fn lacking(permissions: Option<&[Permission]>) -> Option<String> {
    let missing = permissions::named(permissions?, false);
    (!missing.is_empty()).then(|| {
        format!(
            "⚠️ The bot lacks permissions in this server: {}. Give them to its role first (Server \
             Settings, Roles).",
            missing.join(", ")
        )
    })
}

/// The form for the name of a new project.
pub fn name_form(project: &ProjectId) -> Form {
    Form {
        title: "A new project",
        custom_id: SetupPress::Named(project.clone()).to_string(),
        fields: vec![Field {
            name: NAME_FIELD,
            label: "What is it called?",
            value: project.to_string(),
            longest: NAME_LIMIT,
            long: false,
            required: true,
        }],
    }
}

/// The configuration says where a project lives.
pub fn stays(name: &str) -> String {
    format!(
        "The configuration of the bridge says in which server **{}** is shown (`discord.guild_id`, \
         DISCORD_GUILD_ID), so it cannot be moved here. Take that out, and start the bridge again.",
        quote::name(name)
    )
}

/// A project is about to be shown.
pub fn moving_in(name: &str) -> Draft {
    let name = quote::name(name);
    Draft::text(format!("**{name}** moves in: its channels are being made…"))
}

/// It is not there yet.
pub fn takes_longer(project: &ProjectId, name: &str, permissions: Option<&[Permission]>) -> Draft {
    let name = quote::name(name);
    let mut lines = vec![format!(
        "It is written down that **{name}** (`{project}`) lives in this server, and its channels are \
         not there yet: that takes longer than usual."
    )];
    lines.extend(lacking(permissions));
    if lines.len() == 1 {
        lines.push(
            "Discord lets channels be made only so fast. If it stays so, look at the log of the bridge."
                .to_owned(),
        );
    }
    Draft {
        components: vec![again(project)],
        ..Draft::text(lines.join("\n\n"))
    }
}

/// The project is shown here now.
pub fn moved_in() -> &'static str {
    "✅ It is shown here now."
}

/// Somebody else has moved it in the meantime.
pub fn moved_meanwhile() -> &'static str {
    "⚠️ Somebody has changed where it is shown in the meantime, so nothing was moved. This is how it is now:"
}

/// The list is another one than the one that was chosen from.
pub fn list_changed() -> &'static str {
    "⚠️ Somebody else has changed this list in the meantime, so your choice does not count. This is how it \
     is now; choose again."
}

/// Nobody would be left.
pub fn somebody_stays() -> &'static str {
    "⚠️ Nothing has changed: the configuration names no operator, so the last one who was chosen cannot be \
     taken out. Choose somebody else first."
}

/// A program was chosen.
pub fn no_bots(name: &str) -> String {
    let name = quote::name(name);
    format!("⚠️ Nothing has changed: {name} is a bot, and only people decide.")
}

/// Everybody was chosen.
pub fn not_everyone() -> &'static str {
    "⚠️ Nothing has changed: @everyone would let every member of the server decide. Choose a role of people \
     you trust."
}

/// Discord has not said who was chosen.
pub fn unknown_choice() -> &'static str {
    "⚠️ Nothing has changed: Discord did not say who was chosen. Choose again."
}

/// How a choice of operators has ended.
pub fn chosen(kind: Kind, changes: &Changes) -> String {
    let mention = |id: &u64| match kind {
        Kind::User => format!("<@{id}>"),
        Kind::Role => format!("<@&{id}>"),
    };
    let all = |ids: &[u64]| ids.iter().map(mention).collect::<Vec<_>>().join(" ");
    let mut parts = Vec::new();
    if !changes.added.is_empty() {
        parts.push(format!("{} may decide from now on.", all(&changes.added)));
    }
    if !changes.removed.is_empty() {
        parts.push(format!(
            "{} may not decide any more.",
            all(&changes.removed)
        ));
    }
    format!("✅ {}", parts.join(" "))
}

/// What switching features has done, each in a sentence or two.
pub fn switched(told: &[String]) -> String {
    quote::shortened(&told.join("\n"), SWITCHED).into_owned()
}

/// It was so already.
pub fn same() -> &'static str {
    "Nothing has changed: it was so already."
}

/// Somebody has taken themselves out, and sees no card any more.
pub fn not_any_more(kind: Kind, changes: &Changes) -> String {
    format!(
        "{}\nYou are no operator any more, so the card is gone.",
        chosen(kind, changes)
    )
}

/// The activity that tells everybody of a choice. `names` are those of whom Discord has told a name.
pub fn activity(by: &str, kind: Kind, changes: &Changes, names: &[(u64, String)]) -> String {
    let what = match kind {
        Kind::User => "account",
        Kind::Role => "role",
    };
    let one = |id: &u64| match names.iter().find(|(known, _)| known == id) {
        Some((_, name)) => {
            let name: String = name.chars().take(WORD).collect();
            format!("{name} ({what} {id})")
        }
        None => format!("{what} {id}"),
    };
    let all = |ids: &[u64]| ids.iter().map(one).collect::<Vec<_>>().join(", ");
    let mut parts = Vec::new();
    if !changes.added.is_empty() {
        parts.push(format!("new: {}", all(&changes.added)));
    }
    if !changes.removed.is_empty() {
        parts.push(format!("taken out: {}", all(&changes.removed)));
    }
    let by: String = by.chars().take(WORD).collect();
    format!(
        "{by} changed the operators with /setup; {}",
        parts.join("; ")
    )
}
