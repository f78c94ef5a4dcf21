//! The page for browsers: four files that lie in the binary. What it shows it asks of Discord's own
//! endpoints and of the gateway, like any other client.

use std::io::Write as _;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Body;
use axum::extract::State as AxumState;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    HOST, IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::get;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::app::App;
use crate::state::image_hash;

static INDEX: Asset = Asset::new(
    "text/html; charset=utf-8",
    include_str!("../web/dist/index.html"),
);
static SCRIPT: Asset = Asset::new(
    "text/javascript; charset=utf-8",
    include_str!("../web/dist/app.js"),
);
static STYLE: Asset = Asset::new(
    "text/css; charset=utf-8",
    include_str!("../web/dist/app.css"),
);
static ICON: Asset = Asset::new("image/svg+xml", include_str!("../web/dist/icon.svg"));

/// A file of the page.
struct Asset {
    kind: &'static str,
    text: &'static str,
    /// The hash of its text, once it was asked for.
    hash: OnceLock<String>,
    /// Its text as gzip, once that was asked for.
    packed: OnceLock<Vec<u8>>,
}

impl Asset {
    const fn new(kind: &'static str, text: &'static str) -> Self {
        Self {
            kind,
            text,
            hash: OnceLock::new(),
            packed: OnceLock::new(),
        }
    }

    /// Empty if it cannot be packed, which memory does not refuse.
    fn packed(&self) -> &[u8] {
        self.packed.get_or_init(|| {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
            let written = gzip.write_all(self.text.as_bytes());
            written.and_then(|()| gzip.finish()).unwrap_or_default()
        })
    }
}

/// The page's addresses, apart from `/`, which it shares with the gateway: links to channels are
/// Discord's (`/channels/{guild}/{channel}/{message}`), and the page itself finds out what they name.
pub(crate) fn router() -> Router<Arc<App>> {
    let file = |asset: &'static Asset| {
        get(
            move |AxumState(app): AxumState<Arc<App>>, headers: HeaderMap| async move {
                serve(asset, &app, &headers)
            },
        )
    };
    Router::new()
        .route("/channels/{*place}", file(&INDEX))
        .route("/assets/app.js", file(&SCRIPT))
        .route("/assets/app.css", file(&STYLE))
        .route("/assets/icon.svg", file(&ICON))
}

/// `GET /` of a browser.
pub(crate) fn index(app: &App, headers: &HeaderMap) -> Response {
    serve(&INDEX, app, headers)
}

fn serve(asset: &'static Asset, app: &App, asked: &HeaderMap) -> Response {
    let packed = takes_gzip(asked) && !asset.packed().is_empty();
    let hash = asset.hash.get_or_init(|| image_hash(asset.text));
    let tag = format!("\"{hash}{}\"", if packed { "-gz" } else { "" });
    let known = has(asked, &tag);
    let body = if known {
        Body::empty()
    } else if packed {
        Body::from(asset.packed())
    } else {
        Body::from(asset.text)
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    let mut put = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    put(ETAG, &tag);
    put(VARY, "accept-encoding");
    put(CACHE_CONTROL, "no-cache");
    put(X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(REFERRER_POLICY, "no-referrer");
    put(CONTENT_SECURITY_POLICY, &policy(app, asked));
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    put(CONTENT_TYPE, asset.kind);
    if packed {
        put(CONTENT_ENCODING, "gzip");
    }
    response
}

/// What the page may load and where it may speak. `'self'` means the gateway too, except to older
/// browsers. Files of messages have the address under which the sandbox knows itself, which need not be
/// the one that the browser used.
fn policy(app: &App, asked: &HeaderMap) -> String {
    let host = asked
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .filter(|host| {
            // Nothing of a header may become a part of the policy's grammar.
            host.bytes()
                .all(|sign| sign.is_ascii_alphanumeric() || b".-:[]".contains(&sign))
        });
    let socket = host.map_or_else(String::new, |host| format!(" ws://{host}"));
    let files = app.read(|state| state.origin.clone());
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https: {files}; \
         connect-src 'self'{socket}; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    )
}

/// Whether the client takes gzip: named, and not with a weight of nothing.
fn takes_gzip(asked: &HeaderMap) -> bool {
    listed(asked, &ACCEPT_ENCODING).any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let gzip = parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let refused = parts.any(|part| {
            let weight = part.strip_prefix("q=").or_else(|| part.strip_prefix("Q="));
            weight.is_some_and(|weight| weight.parse() == Ok(0.0_f32))
        });
        gzip && !refused
    })
}

/// Whether the client has this version already.
fn has(asked: &HeaderMap, tag: &str) -> bool {
    listed(asked, &IF_NONE_MATCH)
        .any(|item| item == "*" || item.strip_prefix("W/").unwrap_or(item) == tag)
}

fn listed<'a>(asked: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = asked.get_all(name).into_iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}
