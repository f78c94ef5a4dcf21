//! HTTP as plain bytes, for servers that have to misbehave in ways that no library offers.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A request that came whole.
#[derive(Debug, Clone)]
pub struct Request {
    /// Such as `POST /api/chat/deliver`.
    pub what: String,
    /// Header lines, in lower case.
    pub head: String,
    /// The body; null where it is no JSON.
    pub body: Value,
}

impl Request {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        let line = self
            .head
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.map(str::trim)
    }
}

/// Reads one request; none when the caller hangs up, or says nothing for `idle`.
pub async fn read(stream: &mut TcpStream, idle: Duration) -> Option<Request> {
    let mut bytes = Vec::new();
    let mut chunk = vec![0; 16 * 1024];
    loop {
        if let Some(request) = parse(&bytes) {
            return Some(request);
        }
        let size = tokio::time::timeout(idle, stream.read(&mut chunk)).await;
        match size {
            Ok(Ok(size @ 1..)) => bytes.extend_from_slice(&chunk[..size]),
            _ => return None,
        }
    }
}

fn parse(bytes: &[u8]) -> Option<Request> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let body = &bytes[end + 4..];
    let (first, _) = head.split_once(" HTTP/")?;
    let request = Request {
        what: first.to_owned(),
        head: head.to_lowercase(),
        body: serde_json::from_slice(body).unwrap_or_default(),
    };
    let length = request.header("content-length").unwrap_or("0");
    (body.len() >= length.parse().ok()?).then_some(request)
}

/// Answers, and keeps the connection. The caller may be gone.
pub async fn answer(stream: &mut TcpStream, status: &str, kind: &str, body: &str) {
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\
         connection: keep-alive\r\nkeep-alive: timeout=5\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.write_all(answer.as_bytes()).await;
}
