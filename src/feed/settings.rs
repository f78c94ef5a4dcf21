//! Where the feed connects, read out of the database URL the way sqlx and libpq read it.

use std::path::{Path, PathBuf};

use pgwire_replication::{ReplicationConfig, SslMode, TlsConfig};
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use super::{PUBLICATION, problem::FeedProblem};

/// Postgres' own port (libpq's default).
const DEFAULT_PORT: u16 = 5432;

/// Where Linux distributions, Alpine and macOS keep the certificates the machine trusts.
const SYSTEM_ROOTS: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Which database and which publication of it.
#[derive(Debug, Clone)]
pub struct ReplicationSettings {
    /// `postgres://user:password@host:port/database`, with `sslmode`, `sslrootcert`, `sslcert`,
    /// `sslkey` and `host` (a socket folder) as libpq knows them.
    pub url: SecretString,
    /// The publication to read.
    pub publication: String,
}

impl ReplicationSettings {
    /// Mission Control's publication ([`PUBLICATION`]) in this database.
    pub fn new(url: SecretString) -> Self {
        Self {
            url,
            publication: PUBLICATION.to_owned(),
        }
    }

    /// The connection that `url` describes, for a slot of this name.
    pub(super) fn connection(&self, slot: &str) -> Result<ReplicationConfig, FeedProblem> {
        let url = Url::parse(self.url.expose_secret())
            .map_err(|problem| FeedProblem::BadUrl(problem.to_string()))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(FeedProblem::BadUrl(
                "it has to start with postgres://".to_owned(),
            ));
        }
        let parameter = |names: &[&str]| {
            let found = url
                .query_pairs()
                .find(|(name, _)| names.contains(&name.as_ref()));
            found
                .map(|(_, value)| value.into_owned())
                .filter(|value| !value.is_empty())
        };
        let host = parameter(&["host", "hostaddr"])
            .or_else(|| url.host().map(|host| readable(&host)))
            .unwrap_or_else(|| "localhost".to_owned());
        // As in sqlx: a URL that works for the store has to work for the feed.
        let user = parameter(&["user"])
            .or_else(|| Some(decoded(url.username())).filter(|user| !user.is_empty()))
            .or_else(|| std::env::var("PGUSER").ok())
            .ok_or_else(|| FeedProblem::BadUrl("it names no user".to_owned()))?;
        let password = parameter(&["password"])
            .or_else(|| url.password().map(decoded))
            .or_else(|| std::env::var("PGPASSWORD").ok())
            .unwrap_or_default();
        let path = decoded(url.path().trim_start_matches('/'));
        let database = parameter(&["dbname"])
            .or_else(|| Some(path).filter(|database| !database.is_empty()))
            .unwrap_or_else(|| user.clone());
        let port = parameter(&["port"])
            .and_then(|port| port.parse().ok())
            .or_else(|| url.port());
        let mode = ssl_mode(parameter(&["sslmode", "ssl-mode"]).as_deref(), &host)?;
        let named_roots = parameter(&["sslrootcert", "ssl-root-cert", "ssl-ca"]).map(PathBuf::from);
        let tls = TlsConfig {
            mode,
            ca_pem_path: named_roots
                .or_else(|| system_roots().filter(|_| mode.verifies_certificate())),
            client_cert_pem_path: parameter(&["sslcert", "ssl-cert"]).map(PathBuf::from),
            client_key_pem_path: parameter(&["sslkey", "ssl-key"]).map(PathBuf::from),
            sni_hostname: None,
        };
        // The server folds unquoted names to lower case.
        let publication = format!("\"{}\"", self.publication.replace('"', "\"\""));
        Ok(
            ReplicationConfig::new(host, user, password, database, slot, publication)
                .with_port(port.unwrap_or(DEFAULT_PORT))
                .with_tls(tls),
        )
    }
}

/// A host without the brackets an IPv6 address has in a URL, and decoded: it may be the folder of a
/// socket.
fn readable(host: &Host<&str>) -> String {
    match host {
        Host::Domain(name) => decoded(name),
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    }
}

/// `sslmode` in libpq's words. Without it: TLS where the server offers it, none on this machine.
///
/// The replication connection checks the host's name for `verify-ca` too: stricter than libpq.
fn ssl_mode(name: Option<&str>, host: &str) -> Result<SslMode, FeedProblem> {
    let local = host.starts_with('/') || matches!(host, "localhost" | "127.0.0.1" | "::1");
    match name {
        None if local => Ok(SslMode::Disable),
        Some("disable") => Ok(SslMode::Disable),
        None | Some("allow" | "prefer") => Ok(if host.starts_with('/') {
            SslMode::Disable
        } else {
            SslMode::Prefer
        }),
        Some("require") => Ok(SslMode::Require),
        Some("verify-ca") => Ok(SslMode::VerifyCa),
        Some("verify-full") => Ok(SslMode::VerifyFull),
        Some(other) => Err(FeedProblem::BadUrl(format!(
            "sslmode={other} is unknown: use disable, prefer, require, verify-ca or verify-full"
        ))),
    }
}

/// The certificates this machine trusts: a company's proxy signs with its own. Where none of the
/// places exists, the connection falls back to Mozilla's list.
fn system_roots() -> Option<PathBuf> {
    let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    let known = SYSTEM_ROOTS.iter().map(PathBuf::from);
    named
        .into_iter()
        .chain(known)
        .find(|path| Path::is_file(path))
}

/// Undoes percent-encoding. What is not a valid escape stays as it is.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let escaped = tail
            .first_chunk::<2>()
            .filter(|_| first == b'%')
            .and_then(|digits| hex_byte(*digits));
        bytes.push(escaped.unwrap_or(first));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex_byte(digits: [u8; 2]) -> Option<u8> {
    let value = |digit: u8| {
        char::from(digit)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    Some(value(digits[0])? << 4 | value(digits[1])?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(url: &str) -> Result<ReplicationConfig, FeedProblem> {
        ReplicationSettings::new(url.to_owned().into()).connection("slot")
    }

    #[test]
    fn a_url_is_read_as_libpq_reads_it() {
        let c = connection("postgres://me%40home:p%2Fw%25+x@db.example.com:6000/my%20db").unwrap();
        assert_eq!((c.host.as_str(), c.port), ("db.example.com", 6000));
        assert_eq!(
            (c.user.as_str(), c.password.as_str()),
            ("me@home", "p/w%+x")
        );
        assert_eq!(
            (c.database.as_str(), c.tls.mode),
            ("my db", SslMode::Prefer)
        );

        let c = connection("postgresql://u:p@[::1]?sslmode=require").unwrap();
        assert_eq!(
            (c.host.as_str(), c.port, c.tls.mode),
            ("::1", 5432, SslMode::Require)
        );
        assert_eq!(c.database, "u");

        let c = connection("postgres://u@localhost/d?host=/run/postgresql&port=5433").unwrap();
        assert_eq!(
            (c.host.as_str(), c.port, c.tls.mode),
            ("/run/postgresql", 5433, SslMode::Disable)
        );

        let c = connection("postgres://u@%2Frun%2Fpg/d").unwrap();
        assert_eq!(c.host, "/run/pg");
    }

    #[test]
    fn tls_is_left_out_on_this_machine_only() {
        let mode = |url| connection(url).unwrap().tls.mode;
        assert_eq!(mode("postgres://u:p@127.0.0.1:5432/d"), SslMode::Disable);
        assert_eq!(mode("postgres://u:p@10.0.0.7:5432/d"), SslMode::Prefer);
        assert_eq!(
            mode("postgres://u:p@db/d?sslmode=verify-full"),
            SslMode::VerifyFull
        );
        let c = connection("postgres://u:p@db/d?sslmode=verify-ca&sslrootcert=/ca.pem").unwrap();
        assert_eq!(c.tls.ca_pem_path.as_deref(), Some(Path::new("/ca.pem")));
    }

    #[test]
    fn a_url_that_cannot_work_is_refused_without_repeating_it() {
        for url in [
            "",
            "mysql://u:hunter2@h/d",
            "postgres://u:hunter2@h:99999/d",
            "postgres://u:hunter2@h/d?sslmode=yes",
        ] {
            let problem = connection(url).unwrap_err().to_string();
            assert!(problem.contains("DATABASE_URL"), "{problem}");
            assert!(!problem.contains("hunter2"), "{problem}");
        }
    }

    #[test]
    fn a_publication_keeps_its_capitals() {
        let mut settings = ReplicationSettings::new("postgres://u@h/d".to_owned().into());
        settings.publication = "My \"Feed\"".to_owned();
        let names = settings
            .connection("slot")
            .unwrap()
            .publication
            .names()
            .to_vec();
        assert_eq!(names, ["\"My \"\"Feed\"\"\""]);
    }
}
