//! Somebody's HTTP interface.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, Uri};
use tokio::task::JoinHandle;

use crate::harness::wait::eventually;

/// A server that writes down what is asked of it.
pub struct Site {
    /// `host:port`.
    pub host: String,
    book: Arc<Book>,
    server: JoinHandle<()>,
}

#[derive(Default)]
struct Book {
    calls: Mutex<Vec<String>>,
    silent: AtomicBool,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Site {
    /// Opens one.
    pub async fn open() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let book = Arc::new(Book::default());
        let pages = Router::new().fallback(answer).with_state(Arc::clone(&book));
        let server = tokio::spawn(async move {
            axum::serve(listener, pages).await.expect("the site serves");
        });
        Self { host, book, server }
    }

    /// The `bridge.toml` that lets proposals reach it.
    pub fn settings(&self) -> String {
        format!("[executor.api_call]\nallowed_hosts = [\"{}\"]\n", self.host)
    }

    /// From now on it hears and does not answer, or answers again.
    pub fn be_silent(&self, silent: bool) {
        self.book.silent.store(silent, Ordering::SeqCst);
    }

    /// What was asked of it: method, path and body.
    pub fn calls(&self) -> Vec<String> {
        let calls = self.book.calls.lock();
        calls.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until so much was asked of it.
    pub async fn called(&self, times: usize) -> Vec<String> {
        eventually("the calls", || async {
            let calls = self.calls();
            if calls.len() == times {
                Ok(calls)
            } else {
                Err(calls)
            }
        })
        .await
    }
}

async fn answer(
    State(book): State<Arc<Book>>,
    method: Method,
    uri: Uri,
    body: Bytes,
) -> &'static str {
    let body = String::from_utf8_lossy(&body);
    let line = format!("{method} {uri} {body}").trim_end().to_owned();
    let calls = book.calls.lock();
    calls.unwrap_or_else(PoisonError::into_inner).push(line);
    if book.silent.load(Ordering::SeqCst) {
        std::future::pending::<()>().await;
    }
    "noted"
}
