//! Embeds: limits per part and over all embeds of a message.

use serde_json::{Map, Value, json};

use super::{address, list, text};
use crate::limits;
use crate::rest::error::FormErrors;

/// Checks the `embeds` of a message and returns them as Discord stores them: texts trimmed, `type`
/// set, parts that only Discord may set left out.
pub(crate) fn check(form: &mut FormErrors, value: &Value) -> Option<Vec<Value>> {
    let items = list(form, "embeds", value, limits::EMBEDS)?;
    let mut total = 0;
    let stored = items
        .iter()
        .enumerate()
        .map(|(index, item)| one(form, &format!("embeds.{index}"), item, &mut total))
        .collect();
    if total > limits::EMBED_TOTAL {
        let message = "Embed size exceeds maximum size of 6000";
        form.add("embeds", "MAX_EMBED_SIZE_EXCEEDED", message);
    }
    Some(stored)
}

fn one(form: &mut FormErrors, path: &str, embed: &Value, total: &mut usize) -> Value {
    let mut kept = Map::new();
    kept.insert("type".into(), json!("rich"));
    if !embed.is_object() {
        form.add(
            path,
            "MODEL_TYPE_CONVERT",
            "Only dictionaries may be used in a ModelType",
        );
        return Value::Object(kept);
    }
    let mut copy = |form: &mut FormErrors, key: &str, most: usize| {
        if let Some(found) = text(form, &format!("{path}.{key}"), &embed[key]) {
            let found = found.trim();
            form.at_most(&format!("{path}.{key}"), found, most);
            *total += found.chars().count();
            kept.insert(key.into(), json!(found));
        }
    };
    copy(form, "title", limits::EMBED_TITLE);
    copy(form, "description", limits::EMBED_DESCRIPTION);
    if let Some(part) = named_part(form, path, embed, "author", total) {
        kept.insert("author".into(), part);
    }
    if let Some(part) = named_part(form, path, embed, "footer", total) {
        kept.insert("footer".into(), part);
    }
    if let Some(fields) = fields(form, path, &embed["fields"], total) {
        kept.insert("fields".into(), fields);
    }
    pictures(form, path, embed, &mut kept);
    small_parts(form, path, embed, &mut kept);
    if kept.len() == 1 {
        form.required(&format!("{path}.description"));
    }
    Value::Object(kept)
}

fn small_parts(form: &mut FormErrors, path: &str, embed: &Value, kept: &mut Map<String, Value>) {
    if let Some(url) = text(form, &format!("{path}.url"), &embed["url"]) {
        form.at_most(&format!("{path}.url"), url, limits::EMBED_URL);
        address(form, &format!("{path}.url"), url, false);
        kept.insert("url".into(), json!(url));
    }
    if let Some(time) = text(form, &format!("{path}.timestamp"), &embed["timestamp"]) {
        if chrono::DateTime::parse_from_rfc3339(time).is_err() {
            let message = format!("Could not parse {time}. Should be ISO8601.");
            form.add(
                &format!("{path}.timestamp"),
                "DATE_TIME_TYPE_PARSE",
                &message,
            );
        }
        kept.insert("timestamp".into(), json!(time));
    }
    if !embed["color"].is_null() {
        if embed["color"]
            .as_u64()
            .is_none_or(|color| color > 0x00FF_FFFF)
        {
            let message = "int value should be between 0 and 16777215.";
            form.add(&format!("{path}.color"), "NUMBER_TYPE_MAX", message);
        }
        kept.insert("color".into(), embed["color"].clone());
    }
}

/// `author` (with `name`) or `footer` (with `text`).
fn named_part(
    form: &mut FormErrors,
    path: &str,
    embed: &Value,
    part: &str,
    total: &mut usize,
) -> Option<Value> {
    let found = embed[part].as_object()?;
    let (key, most) = if part == "author" {
        ("name", limits::EMBED_AUTHOR)
    } else {
        ("text", limits::EMBED_FOOTER)
    };
    let mut kept = found.clone();
    match text(form, &format!("{path}.{part}.{key}"), &embed[part][key]) {
        Some(name) => {
            let name = name.trim();
            form.at_most(&format!("{path}.{part}.{key}"), name, most);
            *total += name.chars().count();
            kept.insert(key.into(), json!(name));
        }
        None => form.required(&format!("{path}.{part}.{key}")),
    }
    for (key, attachments) in [("url", false), ("icon_url", true)] {
        if let Some(url) = embed[part][key].as_str() {
            let place = format!("{path}.{part}.{key}");
            form.at_most(&place, url, limits::EMBED_URL);
            address(form, &place, url, attachments);
        }
    }
    Some(Value::Object(kept))
}

fn fields(form: &mut FormErrors, path: &str, value: &Value, total: &mut usize) -> Option<Value> {
    let items = list(form, &format!("{path}.fields"), value, limits::EMBED_FIELDS)?;
    let mut kept = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let mut field = json!({ "inline": item["inline"].as_bool().unwrap_or(false) });
        for (key, most) in [("name", limits::FIELD_NAME), ("value", limits::FIELD_VALUE)] {
            let place = format!("{path}.fields.{index}.{key}");
            match text(form, &place, &item[key])
                .map(str::trim)
                .filter(|found| !found.is_empty())
            {
                Some(found) => {
                    form.at_most(&place, found, most);
                    *total += found.chars().count();
                    field[key] = json!(found);
                }
                None => form.required(&place),
            }
        }
        kept.push(field);
    }
    Some(Value::Array(kept))
}

fn pictures(form: &mut FormErrors, path: &str, embed: &Value, kept: &mut Map<String, Value>) {
    for key in ["image", "thumbnail"] {
        if let Some(url) = embed[key]["url"].as_str() {
            let place = format!("{path}.{key}.url");
            form.at_most(&place, url, limits::EMBED_URL);
            address(form, &place, url, true);
            kept.insert(
                key.into(),
                json!({ "url": url, "proxy_url": url, "width": 0, "height": 0 }),
            );
        }
    }
}
