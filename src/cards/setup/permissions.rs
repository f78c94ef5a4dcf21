//! What the bot may do in a server, one by one, and what does not work without it.

/// A permission by Discord's name, and whether the bot has it.
pub type Permission = (&'static str, bool);

/// What does not work without a permission, as the end of a sentence.
fn without(permission: &str) -> &'static str {
    match permission {
        "View Channels" => "the bot sees nothing, so nothing works",
        "Send Messages" => "no card, post or answer appears",
        "Manage Channels" => "no channel is made, and no topic is set",
        "Manage Webhooks" => "agents cannot speak under their own names",
        "Manage Messages" => "what people wrote stays when it is deleted elsewhere",
        "Embed Links" => "cards lose everything that is framed",
        "Attach Files" => "long texts are cut instead of attached",
        "Read Message History" => "what was written while the bridge was away is not read",
        "Add Reactions" => "messages get no marks that say what becomes of them",
        "Manage Threads" => "threads of tasks that are gone stay",
        "Create Public Threads" => "tasks get no threads where `#tasks` is no forum",
        "Send Messages in Threads" => "nothing is said in the threads of tasks",
        "Pin Messages" => "the mission is not pinned",
        _ => "some things do not work",
    }
}

/// What is missing, one by one, with what does not work without it.
pub(super) fn missing(permissions: &[Permission]) -> Vec<String> {
    let lines = named(permissions, false).into_iter();
    lines
        .map(|name| format!("❌ **{name}**: without it {}", without(name)))
        .collect()
}

/// What is granted; `None` where Discord does not say.
pub(super) fn granted(permissions: Option<&[Permission]>) -> String {
    let Some(permissions) = permissions else {
        return "Discord does not say at the moment. *Check again* asks once more.".to_owned();
    };
    let granted = named(permissions, true);
    if granted.is_empty() {
        return "Nothing of what it needs.".to_owned();
    }
    let granted: Vec<String> = granted.iter().map(|name| format!("✅ {name}")).collect();
    granted.join(" · ")
}

/// The names of those that are granted, or of those that are missing.
pub(super) fn named(permissions: &[Permission], granted: bool) -> Vec<&'static str> {
    let wanted = permissions.iter().filter(|(_, has)| *has == granted);
    wanted.map(|(name, _)| *name).collect()
}
