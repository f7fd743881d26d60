//! What is no request, or no request the server has room for, is told so.

use std::time::Duration;

use hub_http::{BodyLimits, ServerSettings};

use crate::client::{Client, once};
use crate::fixture::{Paths, eventually, serve};

#[tokio::test]
async fn unreadable_heads_are_explained() {
    let paths = Paths::new(BodyLimits::default());
    let server = serve(ServerSettings::default(), &paths).await;
    let roomy =
        serve(ServerSettings { max_header_bytes: 128 << 10, ..ServerSettings::default() }, &paths).await;
    let large = "a".repeat(70_000);
    let many = "x-a: 1\r\n".repeat(101);
    for (head, status, word) in [
        ("GET\r\n\r\n".to_owned(), "400 Bad Request", "not valid HTTP/1.1"),
        ("GET / HTTP/1.1\r\nbad header\r\n\r\n".to_owned(), "400 Bad Request", "not valid HTTP/1.1"),
        ("\x16\x03\x01\x02\0\x01\0\r\n\r\n".to_owned(), "400 Bad Request", "not valid HTTP/1.1"),
        (format!("GET /{large} HTTP/1.1\r\n\r\n"), "414 URI Too Long", "URL is too long"),
        (format!("GET / HTTP/1.1\r\nx-a: {large}\r\n\r\n"), "431 ", "headers are too large"),
        (format!("GET / HTTP/1.1\r\n{many}\r\n"), "431 ", "headers are too large"),
    ] {
        // A URL has a bound of its own, which shows where there is room for a larger head.
        let server = if status.starts_with("414") { &roomy } else { &server };
        let answer = once(server.address(), &head).await;
        let (top, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(top.starts_with(&format!("HTTP/1.1 {status}")), "{head:.40}: {top}");
        assert!(top.contains(&format!("content-length: {}\r\n", body.len())), "{top}");
        assert!(body.starts_with(r#"{"type":"error","error":{"#) && body.contains(word), "{body}");
    }
    assert_eq!(paths.calls(), 0);
    eventually("all connections closed", || server.connections() == 0).await;
}

#[tokio::test]
async fn garbage_behind_a_good_request_is_refused_after_its_answer() {
    let paths = Paths::new(BodyLimits::default());
    let server = serve(ServerSettings::default(), &paths).await;
    let request = "POST /echo HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\nok";
    let answer = once(server.address(), format!("{request}\0garbage\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("\r\n\r\nokHTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("not valid HTTP/1.1"), "{answer}");
    assert_eq!(paths.calls(), 1);
}

#[tokio::test]
async fn one_connection_too_many_is_turned_away_and_the_others_work() {
    let paths = Paths::new(BodyLimits::default());
    let settings = ServerSettings { max_connections: 2, ..ServerSettings::default() };
    let server = serve(settings, &paths).await;
    let mut first = Client::connect(server.address()).await;
    let mut second = Client::connect(server.address()).await;
    eventually("two connections", || server.connections() == 2).await;
    let turned_away =
        once(server.address(), "GET /any HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await;
    assert!(turned_away.starts_with("HTTP/1.1 503 "), "{turned_away}");
    assert!(turned_away.contains("retry-after: 2\r\n") && turned_away.contains("too many connections"));
    for client in [&mut first, &mut second] {
        client.send("GET /any HTTP/1.1\r\nhost: h\r\n\r\n").await;
        client.read_until("\r\n\r\nfine").await;
    }
    drop(first);
    eventually("a free place", || server.connections() == 1).await;
    let mut third = Client::connect(server.address()).await;
    third.send("GET /any HTTP/1.1\r\nhost: h\r\n\r\n").await;
    third.read_until("\r\n\r\nfine").await;
    drop((second, third));
    assert_eq!(server.drain(Duration::from_secs(5)).await.cut, 0);
}
