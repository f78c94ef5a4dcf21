//! What the Control API is asked about jobs.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use url::Url;

use super::client::{ControlClient, DeliverOutcome, in_words, outcome};

/// A person waits for the answer; an existing executor may take 60 s to run a job (source: `ClawdOS`), and does so
/// whether or not somebody waits.
const TIMEOUT: Duration = Duration::from_secs(3);

impl ControlClient {
    /// Asks for something about a job: `run`, `toggle` or `edit`. Sent once.
    pub async fn ask_about_job(&self, job: &str, action: &str, body: &Value) -> DeliverOutcome {
        let Some(path) = path(job, action) else {
            return DeliverOutcome::Refused("the job's id cannot be part of an address".to_owned());
        };
        let request = match self.request(Method::POST, &path, TIMEOUT) {
            Ok(request) => request.json(body),
            Err(error) => return DeliverOutcome::NotSent(error.to_string()),
        };
        match request.send().await {
            Ok(response) => outcome(response).await,
            Err(error) if error.is_connect() || error.is_builder() => {
                DeliverOutcome::NotSent(in_words(error))
            }
            Err(error) => DeliverOutcome::Unknown(in_words(error)),
        }
    }
}

/// Existing executors hand the id to a shell: only what means nothing there is sent.
fn path(job: &str, action: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    if job.is_empty() || job.len() > 200 || job.chars().all(|c| c == '.') || !job.chars().all(plain)
    {
        return None;
    }
    let mut url = Url::parse("http://x/").ok()?;
    url.path_segments_mut()
        .ok()?
        .extend(["api", "cron", job, action]);
    Some(url.path().trim_start_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn an_id_that_means_something_to_a_shell_or_an_address_is_not_sent() {
        assert_eq!(
            path("heartbeat-main", "run").as_deref(),
            Some("api/cron/heartbeat-main/run")
        );
        for job in ["", "..", "a/b", "$(id)", "a b", "`id`", "x\"y", "é"] {
            assert_eq!(path(job, "run"), None, "{job}");
        }
    }
}
