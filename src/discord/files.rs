//! Looks into text files that people send along: small ones with messages, so that agents get them word for word,
//! and those that become documents.

use std::time::Duration;

use anyhow::{Context as _, bail};
use futures_util::future::join_all;
use reqwest::{Client, StatusCode};
use url::{Host, Origin, Url};

use crate::model::file::{File, INLINE_FILE, inline};

/// How long all files of a message may take together.
const PATIENCE: Duration = Duration::from_secs(3);

/// Where Discord keeps files (source: Discord's reference, "CDN").
const HOSTS: [&str; 2] = ["cdn.discordapp.com", "media.discordapp.net"];

/// Fetches files from Discord, and from nowhere else.
#[derive(Debug, Clone)]
pub struct Files {
    http: Client,
    /// A Discord that is not discord.com keeps its files itself.
    own: Option<Origin>,
}

impl Files {
    /// For the Discord with this REST address.
    pub fn new(api_base: &Url) -> anyhow::Result<Self> {
        let own = (api_base.host_str() != Some("discord.com")).then(|| api_base.origin());
        let mut client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE);
        let loopback = match api_base.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        };
        if loopback {
            client = client.no_proxy();
        }
        let http = client
            .build()
            .context("the client for files cannot start")?;
        Ok(Self { http, own })
    }

    /// What is in the files that are small texts, each in its file's place. Whatever goes wrong, the file's address is
    /// passed on all the same.
    pub(super) async fn read(self, files: Vec<File>) -> Vec<Option<String>> {
        let mut contents = vec![None; files.len()];
        let wanted = inline(&files);
        let reading = wanted.iter().map(|at| self.text(&files[*at], INLINE_FILE));
        for (at, content) in wanted.iter().zip(join_all(reading).await) {
            match content {
                Ok(content) => contents[*at] = Some(content),
                // The address is signed: it stays out of the log.
                Err(error) => tracing::info!(
                    file = %files[*at].name, %error,
                    "a file is passed on as its address alone: {error}"
                ),
            }
        }
        contents
    }

    /// The text of a file that has so many bytes at most; else why there is none, in words.
    pub async fn text(&self, file: &File, most: u64) -> anyhow::Result<String> {
        let url = Url::parse(&file.url).context("its address cannot be read")?;
        if !self.is_discords(&url) {
            bail!("it is not where Discord keeps files");
        }
        let read = tokio::time::timeout(PATIENCE, self.bytes(url, most)).await;
        let bytes = read.context("it took too long")??;
        let text = String::from_utf8(bytes).context("it is not text in UTF-8")?;
        if text.contains('\0') {
            bail!("it is not text");
        }
        Ok(text.trim_start_matches('\u{feff}').to_owned())
    }

    fn is_discords(&self, url: &Url) -> bool {
        let cdn = url.scheme() == "https"
            && url.port().is_none()
            && url.host_str().is_some_and(|host| HOSTS.contains(&host));
        cdn || self.own.as_ref() == Some(&url.origin())
    }

    async fn bytes(&self, url: Url, most: u64) -> anyhow::Result<Vec<u8>> {
        let answer = self.http.get(url).send().await;
        // The error would name the address.
        let mut answer = answer.map_err(reqwest::Error::without_url)?;
        if answer.status() != StatusCode::OK {
            bail!("Discord answers {}", answer.status());
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() as u64 > most {
                bail!("it is longer than Discord said");
            }
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use axum::Router;
    use axum::response::Redirect;
    use axum::routing::get;
    use tokio::net::TcpListener;
    use url::Url;

    use super::{Files, PATIENCE};
    use crate::model::file::File;

    #[test]
    fn files_come_from_discord_and_from_nowhere_else() {
        let url = |text: &str| Url::parse(text).expect("an address");
        let real = Files::new(&url("https://discord.com/api/v10")).expect("a client");
        let local = Files::new(&url("http://127.0.0.1:7000/api/v10")).expect("a client");
        let cdn = url("https://cdn.discordapp.com/attachments/1/2/a.txt?ex=1");
        assert!(real.is_discords(&cdn) && local.is_discords(&cdn));
        assert!(real.is_discords(&url("https://media.discordapp.net/a")));
        assert!(local.is_discords(&url("http://127.0.0.1:7000/attachments/1/2/a.txt")));
        for text in [
            "http://cdn.discordapp.com/a",
            "https://cdn.discordapp.com:8443/a",
            "https://cdn.discordapp.com.example/a",
            "https://cdn.discordapp.com@example.org/a",
            "https://discord.com/a",
            "http://127.0.0.1:7001/a",
            "http://169.254.169.254/latest/meta-data",
            "file:///etc/passwd",
        ] {
            assert!(!real.is_discords(&url(text)), "{text}");
            assert!(!local.is_discords(&url(text)), "{text}");
        }
    }

    /// Whatever a server does, the message goes on in time.
    #[tokio::test]
    async fn what_cannot_be_read_is_left_out_in_time() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new()
            .route("/good", get(|| async { "\u{feff}words" }))
            .route("/longer", get(|| async { "x".repeat(40_000) }))
            .route("/elsewhere", get(|| async { Redirect::temporary("/good") }))
            .route("/binary", get(|| async { vec![0xff_u8, 0xfe, 0x00] }))
            .route(
                "/never",
                get(|| async {
                    tokio::time::sleep(Duration::from_mins(1)).await;
                    "late"
                }),
            );
        let serving = tokio::spawn(async move { axum::serve(listener, router).await });
        let base = Url::parse(&format!("http://{address}/api/v10")).expect("an address");
        let files = Files::new(&base).expect("a client");
        let file = |url: String| File {
            name: "a.txt".to_owned(),
            size: 5,
            url,
            kind: None,
        };
        let paths = ["never", "good", "longer", "elsewhere", "binary", "missing"];
        let list = paths.map(|path| file(format!("http://{address}/{path}")));
        let began = Instant::now();
        let contents = files.read(list.to_vec()).await;
        assert!(began.elapsed() < PATIENCE * 2, "{:?}", began.elapsed());
        let mut wanted = vec![None; paths.len()];
        wanted[1] = Some("words".to_owned());
        assert_eq!(contents, wanted);
        serving.abort();
    }
}
