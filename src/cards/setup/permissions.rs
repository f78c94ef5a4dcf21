//! What the bot may do in a server, one by one, and what does not work without it.

use std::fmt::Write as _;

/// A permission by Discord's name, and whether the bot has it.
pub type Permission = (&'static str, bool);

/// What does not work without a permission, as the end of a sentence.
fn without(permission: &str) -> &'static str {
    match permission {
        "View Channels" => "the bot sees nothing, so nothing works",
        "Send Messages" => "no card, post or answer appears",
        "Manage Channels" => "no channel is made, and no topic is set",
        "Manage Webhooks" => "agents cannot speak under their own names",
        "Manage Messages" => "agents' messages stay when their rows are deleted",
        "Embed Links" => "cards lose everything that is framed",
        "Attach Files" => "long texts are cut instead of attached",
        "Read Message History" => "what was written while the bridge was away is not read",
        "Add Reactions" => "messages get no marks that say what becomes of them",
        "Manage Threads" => "threads of tasks are not renamed, tagged or closed",
        "Create Public Threads" => "tasks get no threads",
        "Send Messages in Threads" => "nothing is said in the threads of tasks",
        "Pin Messages" => "the mission is not pinned",
        _ => "some things do not work",
    }
}

/// Each of them; `None` where Discord does not say.
pub(super) fn list(permissions: Option<&[Permission]>) -> String {
    let Some(permissions) = permissions else {
        return "Discord does not say at the moment. *Check again* asks once more.".to_owned();
    };
    let granted: Vec<&str> = named(permissions, true);
    let mut text = String::new();
    for name in named(permissions, false) {
        let _ = writeln!(text, "❌ **{name}**: without it {}", without(name));
    }
    if !granted.is_empty() {
        let granted: Vec<String> = granted.iter().map(|name| format!("✅ {name}")).collect();
        text.push_str(&granted.join(" · "));
    }
    text
}

/// The names of those that are granted, or of those that are missing.
pub(super) fn named(permissions: &[Permission], granted: bool) -> Vec<&'static str> {
    let wanted = permissions.iter().filter(|(_, has)| *has == granted);
    wanted.map(|(name, _)| *name).collect()
}
