//! Whether the commands that Discord knows are those that it should know. Pure.

use serde_json::{Map, Value};

/// What of a command, an option or a choice has to be the same; Discord adds more to what it gives back.
const COMPARED: [&str; 13] = [
    "name",
    "type",
    "description",
    "options",
    "required",
    "choices",
    "value",
    "autocomplete",
    "channel_types",
    "min_value",
    "max_value",
    "min_length",
    "max_length",
];

/// How the registered commands differ from the wanted ones; by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// Wanted, and not there.
    pub missing: Vec<String>,
    /// There, and not as wanted.
    pub changed: Vec<String>,
    /// There, and not wanted.
    pub unknown: Vec<String>,
}

impl Difference {
    /// Of two arrays, as Discord takes and gives them.
    pub fn between(wanted: &Value, registered: &Value) -> Self {
        let (wanted, registered) = (commands(wanted), commands(registered));
        let mut difference = Self::default();
        for (name, command) in &wanted {
            match registered.iter().find(|(other, _)| other == name) {
                None => difference.missing.push(name.1.clone()),
                Some((_, other)) if other != command => difference.changed.push(name.1.clone()),
                Some(_) => {}
            }
        }
        let unknown = registered
            .iter()
            .filter(|(name, _)| !wanted.iter().any(|(other, _)| other == name));
        difference.unknown = unknown.map(|(name, _)| name.1.clone()).collect();
        difference
    }

    /// Nothing differs.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// In words.
    pub fn words(&self) -> String {
        let part = |names: &[String], what: &str| {
            (!names.is_empty()).then(|| format!("{what}: {}", names.join(", ")))
        };
        let parts = [
            part(&self.missing, "missing"),
            part(&self.changed, "not as they should be"),
            part(&self.unknown, "not ours"),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        parts.join("; ")
    }
}

/// A command is known by its type and its name.
type Name = (u64, String);

fn commands(list: &Value) -> Vec<(Name, Value)> {
    let commands = list.as_array().into_iter().flatten();
    commands
        .map(|command| {
            let kind = command["type"].as_u64().unwrap_or(1);
            let name = command["name"].as_str().unwrap_or_default();
            let mut counted = compared(command);
            if let Some(fields) = counted.as_object_mut() {
                // Told above, and left out where it is the usual one.
                fields.remove("type");
            }
            ((kind, name.to_owned()), counted)
        })
        .collect()
}

/// What counts of it, without what only repeats a default: Discord leaves that out.
fn compared(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(compared).collect(),
        Value::Object(fields) => {
            let counts = |(key, value): &(&String, &Value)| {
                COMPARED.contains(&key.as_str()) && !is_default(key, value)
            };
            let counted = fields.iter().filter(counts);
            let counted = counted.map(|(key, value)| (key.clone(), compared(value)));
            Value::Object(counted.collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

fn is_default(key: &str, value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        Value::String(text) => key == "description" && text.is_empty(),
        _ => false,
    }
}
