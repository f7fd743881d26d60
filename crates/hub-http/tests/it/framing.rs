//! Requests one behind the other, and framings that two servers could read in two ways.

use hub_http::{BodyLimits, ServerSettings};

use crate::client::{Client, once};
use crate::fixture::{Paths, serve};

#[tokio::test]
async fn an_answer_does_not_wait_for_the_rest_of_the_next_request() {
    let paths = Paths::new(BodyLimits::default());
    let server = serve(ServerSettings::default(), &paths).await;
    let mut client = Client::connect(server.address()).await;
    client.send("POST /echo HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\nfirstPOST /echo HT").await;
    client.read_until("\r\n\r\nfirst").await;
    client.send("TP/1.1\r\nhost: h\r\ncontent-length: 6\r\n\r\nsecond").await;
    client.read_until("\r\n\r\nsecond").await;
    assert_eq!(paths.calls(), 2);
}

#[tokio::test]
async fn what_follows_a_request_with_a_transfer_coding_is_not_a_request() {
    let paths = Paths::new(BodyLimits::default());
    let server = serve(ServerSettings::default(), &paths).await;
    let hidden = "POST /echo HTTP/1.1\r\nhost: h\r\ncontent-length: 6\r\n\r\nhidden";
    let body = format!("5\r\nfirst\r\n0\r\n\r\n{hidden}");
    for framing in [
        format!("transfer-encoding: chunked\r\ncontent-length: {}", body.len()),
        format!("content-length: {}\r\ntransfer-encoding: chunked", body.len()),
        "transfer-encoding: chunked".to_owned(),
    ] {
        let before = paths.calls();
        let answer =
            once(server.address(), format!("POST /echo HTTP/1.1\r\nhost: h\r\n{framing}\r\n\r\n{body}"))
                .await;
        assert!(answer.contains("connection: close\r\n") && answer.ends_with("\r\n\r\nfirst"), "{answer}");
        assert_eq!(paths.calls() - before, 1, "{framing}");
    }
}

#[tokio::test]
async fn lengths_that_contradict_each_other_are_refused() {
    let paths = Paths::new(BodyLimits::default());
    let server = serve(ServerSettings::default(), &paths).await;
    for lengths in ["content-length: 5\r\ncontent-length: 6", "content-length: 5, 6", "content-length: -1"] {
        let answer =
            once(server.address(), format!("POST /echo HTTP/1.1\r\nhost: h\r\n{lengths}\r\n\r\nfirst!"))
                .await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{lengths}: {answer}");
    }
    assert_eq!(paths.calls(), 0);
}
