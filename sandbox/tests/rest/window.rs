//! The page, its files, and the files of messages in a browser.

use std::io::Read as _;

use anyhow::{Context as _, Result};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, Response, StatusCode};
use serde_json::json;

use crate::world::{World, read};

async fn get(world: &World, path: &str, headers: &[(&str, &str)]) -> Result<Response> {
    let page = world.sandbox.info().page.clone();
    let mut request = world.http.get(format!("{page}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Ok(request.send().await?)
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    let found = response.headers().get(name);
    found.and_then(|value| value.to_str().ok()).unwrap_or("")
}

#[tokio::test]
async fn browsers_get_the_page_at_the_root_and_at_discords_links() -> Result<()> {
    let world = World::start().await?;
    let index = get(&world, "", &[]).await?;
    assert_eq!(header(&index, "content-type"), "text/html; charset=utf-8");
    let policy = header(&index, "content-security-policy").to_owned();
    for part in [
        "default-src 'none'",
        "script-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    let gateway = world.sandbox.info().gateway.clone();
    assert!(
        policy.contains(&format!("connect-src 'self' {gateway};")),
        "{policy}"
    );
    assert_eq!(header(&index, "x-content-type-options"), "nosniff");
    assert_eq!(header(&index, "referrer-policy"), "no-referrer");
    assert_eq!(header(&index, "cache-control"), "no-cache");
    let text = index.text().await?;
    assert!(text.contains("/assets/app.js"), "{text}");
    let guild = world.guild();
    for link in [
        format!("channels/{guild}/{}", world.general),
        format!("channels/{guild}/{}/5", world.general),
        "channels/@me/5".to_owned(),
        "channels/@me".to_owned(),
    ] {
        let page = get(&world, &link, &[]).await?;
        assert_eq!(page.status(), StatusCode::OK, "{link}");
        assert_eq!(page.text().await?, text, "{link}");
    }
    for (file, kind) in [
        ("app.js", "text/javascript; charset=utf-8"),
        ("app.css", "text/css; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
    ] {
        let found = get(&world, &format!("assets/{file}"), &[]).await?;
        assert_eq!(found.status(), StatusCode::OK, "{file}");
        assert_eq!(header(&found, "content-type"), kind);
    }
    let none = get(&world, "assets/other.js", &[]).await?;
    assert_eq!(none.status(), StatusCode::NOT_FOUND);
    Ok(())
}

#[tokio::test]
async fn the_page_is_packed_for_those_who_take_that_and_sent_once() -> Result<()> {
    let world = World::start().await?;
    let plain = get(&world, "", &[]).await?;
    let tag = header(&plain, "etag").to_owned();
    assert_eq!(header(&plain, "content-encoding"), "");
    assert!(tag.starts_with('"') && tag.len() > 10, "{tag}");
    let plain = plain.bytes().await?;
    let packed = get(&world, "", &[("accept-encoding", "br, gzip;q=0.5")]).await?;
    assert_eq!(header(&packed, "content-encoding"), "gzip");
    assert_eq!(header(&packed, "vary"), "accept-encoding");
    let packed_tag = header(&packed, "etag").to_owned();
    assert_ne!(packed_tag, tag, "other bytes, another strong tag");
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(packed.bytes().await?.as_ref()).read_to_end(&mut text)?;
    assert_eq!(text, plain);
    for refusing in ["gzip;q=0", "br", "identity;q=1, gzip; q=0.000"] {
        let answer = get(&world, "", &[("accept-encoding", refusing)]).await?;
        assert_eq!(header(&answer, "content-encoding"), "", "{refusing}");
    }
    for (known, encoding, status) in [
        (tag.as_str(), "identity", 304),
        (packed_tag.as_str(), "gzip", 304),
        (&format!("\"x\", W/{tag}"), "identity", 304),
        ("*", "identity", 304),
        (packed_tag.as_str(), "identity", 200),
        ("\"x\"", "identity", 200),
    ] {
        let asked = [("if-none-match", known), ("accept-encoding", encoding)];
        let answer = get(&world, "", &asked).await?;
        assert_eq!(answer.status().as_u16(), status, "{known} {encoding}");
        let empty = answer.bytes().await?.is_empty();
        assert_eq!(empty, status == 304);
    }
    Ok(())
}

#[tokio::test]
async fn a_name_of_this_server_cannot_loosen_what_the_page_may_do() -> Result<()> {
    let world = World::start().await?;
    let host = "x; script-src *";
    let answer = get(&world, "", &[("host", host)]).await?;
    let policy = header(&answer, "content-security-policy");
    assert!(!policy.contains('*'), "{policy}");
    assert!(policy.contains("connect-src 'self';"), "{policy}");
    Ok(())
}

#[tokio::test]
async fn files_of_messages_never_run_as_pages() -> Result<()> {
    let world = World::start().await?;
    let path = format!("/channels/{}/messages", world.general);
    let token = world.person("mallory").token.clone();
    let script = "<script>alert(1)</script>";
    let mut form = Form::new().text("payload_json", json!({"content": ""}).to_string());
    let files = [
        ("a.html", "text/html"),
        ("a.svg", "image/svg+xml"),
        ("a.png", "text/html"),
        ("a.txt", "text/html"),
    ];
    for (at, (name, kind)) in files.iter().enumerate() {
        let part = Part::text(script).file_name(*name).mime_str(kind)?;
        form = form.part(format!("files[{at}]"), part);
    }
    let request = world.request(Method::POST, &path, Some(&token));
    let message = read(request.multipart(form)).await?.is(200);
    let expected = [
        ("application/octet-stream", "attachment"),
        ("application/octet-stream", "attachment"),
        ("image/png", "inline"),
        ("text/plain; charset=utf-8", "attachment"),
    ];
    for (at, (kind, shown)) in expected.into_iter().enumerate() {
        let url = message["attachments"][at]["url"].as_str();
        let file = world.http.get(url.context("a url")?).send().await?;
        assert_eq!(header(&file, "content-type"), kind, "{at}");
        let shows = header(&file, "content-disposition");
        assert!(shows.starts_with(shown), "{at}: {shows}");
        assert_eq!(header(&file, "x-content-type-options"), "nosniff");
        let policy = header(&file, "content-security-policy");
        assert!(policy.starts_with("sandbox;"), "{policy}");
        assert_eq!(file.text().await?, script);
    }
    Ok(())
}

#[tokio::test]
async fn a_picture_tells_how_large_it_is() -> Result<()> {
    let world = World::start().await?;
    let path = format!("/channels/{}/messages", world.general);
    let token = world.person("zack").token.clone();
    let gif = b"GIF89a\x03\0\x02\0\x80\0\0";
    let form = Form::new()
        .text("payload_json", json!({"content": "look"}).to_string())
        .part("files[0]", Part::bytes(gif.to_vec()).file_name("a.gif"))
        .part("files[1]", Part::text("GIF").file_name("b.gif"));
    let request = world.request(Method::POST, &path, Some(&token));
    let message = read(request.multipart(form)).await?.is(200);
    let size = |at: usize| {
        let file = &message["attachments"][at];
        (file["width"].as_u64(), file["height"].as_u64())
    };
    assert_eq!((size(0), size(1)), ((Some(3), Some(2)), (None, None)));
    Ok(())
}

#[tokio::test]
async fn an_open_page_finds_the_sandbox_again_after_a_restart() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let options = || clawdos_sandbox::Options {
        data_dir: folder.path().to_path_buf(),
        listen: "127.0.0.1:0".parse().expect("an address"),
        bot_token: None,
        switches: Vec::new(),
    };
    let first = clawdos_sandbox::Sandbox::start(options()).await?;
    let page = first.info().page.clone();
    first.stop().await;
    let second = clawdos_sandbox::Sandbox::start(options()).await?;
    assert_eq!(second.info().page, page);
    second.stop().await;
    // Somebody else has the port now: any other will do.
    let taken = page.trim_start_matches("http://").trim_end_matches('/');
    let _other = tokio::net::TcpListener::bind(taken).await?;
    let third = clawdos_sandbox::Sandbox::start(options()).await?;
    assert_ne!(third.info().page, page);
    third.stop().await;
    Ok(())
}
