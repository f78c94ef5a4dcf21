//! The reactions on a message: what people see of what became of it.

use reqwest::Method;
use serde_json::Value;

use super::person::Person;
use super::wait::eventually;

/// The reactions on a message, by their emoji.
pub async fn marks(person: &Person, channel: &str, message: &str) -> Vec<String> {
    let path = format!("/channels/{channel}/messages/{message}");
    let (_, message) = person.call(Method::GET, &path, None).await;
    let reactions = message["reactions"].as_array();
    reactions.map_or_else(Vec::new, |all| {
        let name = |mark: &Value| {
            mark["emoji"]["name"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        all.iter().map(name).collect()
    })
}

/// Waits until a message has these marks and no others.
pub async fn marked(person: &Person, channel: &str, message: &str, expected: &[&str]) {
    eventually("the marks on a message", || async {
        let marks = marks(person, channel, message).await;
        if marks == expected {
            Ok(())
        } else {
            Err(marks)
        }
    })
    .await;
}
