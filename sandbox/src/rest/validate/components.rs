//! Message components: rows, buttons, select menus, the V2 layout parts, and modals.

use std::collections::HashSet;

use serde_json::Value;

use super::{id, list, text};
use crate::limits;
use crate::rest::error::FormErrors;

/// Checks the `components` of a message and returns them; `v2` is the flag `IS_COMPONENTS_V2`.
pub(crate) fn check(form: &mut FormErrors, value: &Value, v2: bool) -> Option<Vec<Value>> {
    let most = if v2 {
        limits::COMPONENTS_V2
    } else {
        limits::ROWS
    };
    let items = list(form, "components", value, most)?;
    let mut walk = Walk {
        form,
        custom_ids: HashSet::new(),
        count: 0,
        v2,
    };
    for (index, item) in items.iter().enumerate() {
        walk.top(&format!("components.{index}"), item);
    }
    if v2 && walk.count > limits::COMPONENTS_V2 {
        let message = "Must be 40 or fewer components in total.";
        form.add(
            "components",
            "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED",
            message,
        );
    }
    Some(items.to_vec())
}

/// Checks a modal: `title` of 1 to 45, `custom_id` of 1 to 100, one to five rows or labels with
/// exactly one input each.
pub(crate) fn check_modal(form: &mut FormErrors, modal: &Value) {
    match text(form, "data.title", &modal["title"]) {
        Some(title) => form.between("data.title", title, 1, 45),
        None => form.required("data.title"),
    }
    match text(form, "data.custom_id", &modal["custom_id"]) {
        Some(id) => form.between("data.custom_id", id, 1, 100),
        None => form.required("data.custom_id"),
    }
    let items = modal["components"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    if items.is_empty() || items.len() > 5 {
        let message = "Must be between 1 and 5 in length.";
        form.add("data.components", "BASE_TYPE_BAD_LENGTH", message);
    }
    let mut walk = Walk {
        form,
        custom_ids: HashSet::new(),
        count: 0,
        v2: false,
    };
    for (index, item) in items.iter().enumerate() {
        walk.modal_part(&format!("data.components.{index}"), item);
    }
}

struct Walk<'a> {
    form: &'a mut FormErrors,
    custom_ids: HashSet<String>,
    count: usize,
    v2: bool,
}

impl Walk<'_> {
    fn top(&mut self, path: &str, item: &Value) {
        self.count += 1;
        match (item["type"].as_u64(), self.v2) {
            (Some(1), _) => self.row(path, item),
            (Some(9 | 10 | 12..=14 | 17), true) => self.layout(path, item),
            (_, true) => {
                self.kind_error(&format!("{path}.type"), "(1, 9, 10, 12, 13, 14, 17)");
            }
            (_, false) => self.kind_error(&format!("{path}.type"), "(1,)"),
        }
    }

    fn layout(&mut self, path: &str, item: &Value) {
        let children = item["components"].as_array().cloned().unwrap_or_default();
        match item["type"].as_u64() {
            Some(10) => match text(self.form, &format!("{path}.content"), &item["content"]) {
                Some(content) => self
                    .form
                    .between(&format!("{path}.content"), content, 1, 4000),
                None => self.form.required(&format!("{path}.content")),
            },
            Some(9) => {
                self.count += children.len() + 1;
                self.length(&format!("{path}.components"), children.len(), 1, 3);
                match item["accessory"]["type"].as_u64() {
                    Some(2) => self.button(&format!("{path}.accessory"), &item["accessory"]),
                    Some(11) => {}
                    _ => self.kind_error(&format!("{path}.accessory.type"), "(2, 11)"),
                }
            }
            Some(12) => {
                let items = item["items"].as_array().map_or(0, Vec::len);
                self.length(&format!("{path}.items"), items, 1, 10);
            }
            Some(17) => {
                for (index, child) in children.iter().enumerate() {
                    self.top(&format!("{path}.components.{index}"), child);
                }
            }
            _ => {}
        }
    }

    fn row(&mut self, path: &str, row: &Value) {
        let children = row["components"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        self.count += children.len();
        let path = format!("{path}.components");
        self.length(&path, children.len(), 1, limits::BUTTONS);
        let selects = children.iter().filter(|child| is_select(child)).count();
        if selects > 0 && children.len() > 1 {
            let message = "A row holds buttons or exactly one select menu.";
            self.form
                .add(&path, "COMPONENT_LAYOUT_WIDTH_EXCEEDED", message);
        }
        for (index, child) in children.iter().enumerate() {
            let place = format!("{path}.{index}");
            match child["type"].as_u64() {
                Some(2) => self.button(&place, child),
                Some(3 | 5..=8) => self.select(&place, child),
                _ => self.kind_error(&format!("{place}.type"), "(2, 3, 5, 6, 7, 8)"),
            }
        }
    }

    fn button(&mut self, path: &str, button: &Value) {
        if let Some(label) = text(self.form, &format!("{path}.label"), &button["label"]) {
            self.form.at_most(&format!("{path}.label"), label, 80);
        }
        let has_emoji = button["emoji"].is_object();
        match button["style"].as_u64() {
            Some(1..=4) => {
                self.custom_id(path, button);
                if button["label"].as_str().is_none_or(str::is_empty) && !has_emoji {
                    let message = "A button needs a label or an emoji.";
                    self.form.add(
                        &format!("{path}.label"),
                        "BUTTON_COMPONENT_INVALID",
                        message,
                    );
                }
            }
            Some(5) => match text(self.form, &format!("{path}.url"), &button["url"]) {
                Some(url) => {
                    self.form.at_most(&format!("{path}.url"), url, 512);
                    super::address(self.form, &format!("{path}.url"), url, false);
                }
                None => self.form.required(&format!("{path}.url")),
            },
            Some(6) if !button["sku_id"].is_null() => {}
            Some(6) => self.form.required(&format!("{path}.sku_id")),
            _ => self.kind_error(&format!("{path}.style"), "(1, 2, 3, 4, 5, 6)"),
        }
    }

    fn select(&mut self, path: &str, select: &Value) {
        self.custom_id(path, select);
        if let Some(found) = text(
            self.form,
            &format!("{path}.placeholder"),
            &select["placeholder"],
        ) {
            self.form
                .at_most(&format!("{path}.placeholder"), found, 150);
        }
        for (key, least, most) in [("min_values", 0, 25), ("max_values", 1, 25)] {
            if let Some(found) = select[key].as_u64()
                && !(least..=most).contains(&found)
            {
                let message = format!("int value should be between {least} and {most}.");
                self.form
                    .add(&format!("{path}.{key}"), "NUMBER_TYPE_RANGE", &message);
            }
        }
        if select["type"].as_u64() == Some(3) {
            self.options(&format!("{path}.options"), &select["options"]);
        } else {
            self.default_values(&format!("{path}.default_values"), select);
        }
    }

    /// Who or what is chosen already in a list of Discord's own.
    fn default_values(&mut self, path: &str, select: &Value) {
        let Some(values) = select["default_values"].as_array() else {
            return;
        };
        let bound = |key: &str| {
            let bound = select[key].as_u64().unwrap_or(1);
            usize::try_from(bound).unwrap_or(usize::MAX)
        };
        if !values.is_empty() {
            self.length(path, values.len(), bound("min_values"), bound("max_values"));
        }
        let kinds: &[&str] = match select["type"].as_u64() {
            Some(5) => &["user"],
            Some(6) => &["role"],
            Some(7) => &["user", "role"],
            _ => &["channel"],
        };
        for (index, value) in values.iter().enumerate() {
            if id(&value["id"]).is_none() {
                self.form.required(&format!("{path}.{index}.id"));
            }
            if !value["type"].as_str().is_some_and(|it| kinds.contains(&it)) {
                self.kind_error(&format!("{path}.{index}.type"), &format!("{kinds:?}"));
            }
        }
    }

    fn options(&mut self, path: &str, value: &Value) {
        let options = value.as_array().map(Vec::as_slice).unwrap_or_default();
        self.length(path, options.len(), 1, limits::OPTIONS);
        let mut values = HashSet::new();
        for (index, option) in options.iter().enumerate() {
            for (key, required) in [("label", true), ("value", true), ("description", false)] {
                let place = format!("{path}.{index}.{key}");
                match text(self.form, &place, &option[key]) {
                    Some(found) => self.form.between(&place, found, 1, 100),
                    None if required => self.form.required(&place),
                    None => {}
                }
            }
            if !values.insert(option["value"].as_str().unwrap_or_default()) {
                let place = format!("{path}.{index}.value");
                let message = "The specified option value is already used";
                self.form
                    .add(&place, "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", message);
            }
        }
    }

    fn modal_part(&mut self, path: &str, part: &Value) {
        let input = match part["type"].as_u64() {
            Some(1) => {
                let children = part["components"]
                    .as_array()
                    .map(Vec::as_slice)
                    .unwrap_or_default();
                self.length(&format!("{path}.components"), children.len(), 1, 1);
                children
                    .first()
                    .map(|child| (format!("{path}.components.0"), child))
            }
            Some(18) => {
                match text(self.form, &format!("{path}.label"), &part["label"]) {
                    Some(label) => self.form.between(&format!("{path}.label"), label, 1, 45),
                    None => self.form.required(&format!("{path}.label")),
                }
                Some((format!("{path}.component"), &part["component"]))
            }
            Some(10) => None,
            _ => {
                self.kind_error(&format!("{path}.type"), "(1, 10, 18)");
                None
            }
        };
        let Some((place, input)) = input else { return };
        match input["type"].as_u64() {
            Some(4) => self.text_input(&place, input, part["type"].as_u64() == Some(1)),
            Some(3 | 5..=8) => self.select(&place, input),
            Some(19 | 21..=23) => self.custom_id(&place, input),
            _ => self.kind_error(
                &format!("{place}.type"),
                "(3, 4, 5, 6, 7, 8, 19, 21, 22, 23)",
            ),
        }
    }

    fn text_input(&mut self, path: &str, input: &Value, label_required: bool) {
        self.custom_id(path, input);
        match text(self.form, &format!("{path}.label"), &input["label"]) {
            Some(label) => self.form.between(&format!("{path}.label"), label, 1, 45),
            None if label_required => self.form.required(&format!("{path}.label")),
            None => {}
        }
        for (key, most) in [("placeholder", 100), ("value", 4000)] {
            if let Some(found) = text(self.form, &format!("{path}.{key}"), &input[key]) {
                self.form.at_most(&format!("{path}.{key}"), found, most);
            }
        }
        for (key, least) in [("min_length", 0), ("max_length", 1)] {
            if let Some(found) = input[key].as_u64()
                && !(least..=4000).contains(&found)
            {
                let message = format!("int value should be between {least} and 4000.");
                self.form
                    .add(&format!("{path}.{key}"), "NUMBER_TYPE_RANGE", &message);
            }
        }
    }

    fn custom_id(&mut self, path: &str, item: &Value) {
        let path = format!("{path}.custom_id");
        match text(self.form, &path, &item["custom_id"]) {
            Some(id) => {
                self.form.between(&path, id, 1, 100);
                if !self.custom_ids.insert(id.to_owned()) {
                    let message = "Component custom id cannot be duplicated";
                    self.form
                        .add(&path, "COMPONENT_CUSTOM_ID_DUPLICATED", message);
                }
            }
            None => self.form.required(&path),
        }
    }

    fn length(&mut self, path: &str, length: usize, least: usize, most: usize) {
        if length < least || length > most {
            let message = format!("Must be between {least} and {most} in length.");
            self.form.add(path, "BASE_TYPE_BAD_LENGTH", &message);
        }
    }

    fn kind_error(&mut self, path: &str, choices: &str) {
        let message = format!("Value must be one of {choices}.");
        self.form.add(path, "BASE_TYPE_CHOICES", &message);
    }
}

fn is_select(item: &Value) -> bool {
    matches!(item["type"].as_u64(), Some(3 | 5..=8))
}
