//! What is not forwarded: health, metrics, telemetry, upgrades, unknown paths; and the hub's end.

use std::time::Duration;

use hub_types::Dialect;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::client::Request;
use crate::harness::speech;
use crate::harness::world::{ADMIN_TOKEN, World};

const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_greetings_and_telemetry_are_answered_without_a_key() {
    let world = World::start().await;
    let live = Request::get("/health/live").send(world.address()).await;
    assert_eq!((live.status, live.text().as_str()), (200, r#"{"status":"ok"}"#));
    let ready = Request::get("/health/ready").send(world.address()).await;
    assert_eq!((ready.status, ready.json()["status"].as_str()), (200, Some("ready")));
    assert_eq!(ready.json()["journal"], "ok");
    for path in ["/", "/api/hello", "/health/live", "/health/ready"] {
        let reply = Request::new("HEAD", path).send(world.address()).await;
        assert_eq!((reply.status, reply.body.len()), (200, 0), "{path}");
    }
    for path in [
        "/api/event_logging/batch",
        "/api/event_logging/v2/batch",
        "/api/claude_code/metrics",
        "/api/claude_code/organizations/metrics_enabled",
        "/v1/traces",
    ] {
        let reply = Request::post(path, r#"{"events":[]}"#).send(world.address()).await;
        assert_eq!((reply.status, reply.text().as_str()), (200, "{}"), "{path}");
    }
    assert_eq!(world.lab.witness().totals().received, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_are_for_this_machine_and_for_the_admin() {
    let world = World::start().await;
    let body = speech::body(Dialect::Claude, true);
    let reply = Request::post("/v1/messages", body).key(&world.key.text).send(world.address()).await;
    world.hub.record(reply.id()).await;
    let page = Request::get("/metrics").send(world.address()).await;
    assert_eq!(page.status, 200);
    for line in [
        r#"hub_requests_total{dialect="claude",endpoint="generate",outcome="completed",status="2xx"} 1"#,
        "hub_requests_in_flight 0",
        r#"hub_tokens_total{kind="input"} 120"#,
        "hub_journal_degraded 0",
        "hub_request_seconds_count 1",
    ] {
        assert!(page.text().lines().any(|found| found.starts_with(line)), "no {line} in\n{}", page.text());
    }
    assert!(page.text().ends_with("# EOF\n"));
    let outside = || Request::get("/metrics").header("x-forwarded-for", "203.0.113.5");
    assert_eq!(outside().send(world.address()).await.status, 403);
    assert_eq!(outside().key("not-the-admin-token").send(world.address()).await.status, 403);
    assert_eq!(outside().key(&world.key.text).send(world.address()).await.status, 403);
    assert_eq!(outside().key(ADMIN_TOKEN).send(world.address()).await.status, 200);

    let world = World::with(&[("METRICS", "false")]).await;
    assert_eq!(Request::get("/metrics").send(world.address()).await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_websocket_is_refused_so_that_clients_fall_back() {
    let world = World::start().await;
    for path in ["/v1/responses", "/v1/responses/", "/v1/v1/responses"] {
        let reply = Request::get(path)
            .key(&world.key.text)
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .send(world.address())
            .await;
        assert_eq!(reply.status, 426, "{path}: {}", reply.text());
        assert!(reply.json()["error"]["message"].is_string());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paths_are_recognised_however_they_are_joined() {
    let world = World::start().await;
    for (dialect, paths) in [
        (
            Dialect::Claude,
            ["/v1/v1/messages", "/api/v1/messages", "//v1//messages/?beta=true", "/v1/messages/"],
        ),
        (
            Dialect::OpenAi,
            [
                "/v1/v1/chat/completions",
                "/v1/chat/completions/",
                "//v1/chat//completions",
                "/v1/chat/completions?x=1",
            ],
        ),
        (Dialect::Responses, ["/v1/v1/responses", "/v1/responses/", "//v1/responses", "/v1/responses?x=1"]),
    ] {
        for path in paths {
            let id = format!("{dialect} {path}");
            let request = Request::post(path, speech::body(dialect, false)).key(&world.key.text).lab_id(&id);
            let reply = request.send(world.address()).await;
            assert_eq!(reply.status, 200, "{path}: {}", reply.text());
            let seen = world.witnessed(&id).await;
            let canonical = speech::path(dialect, false);
            assert_eq!(seen.path.split('?').next(), Some(canonical.as_str()), "{path}");
            assert_eq!(
                seen.path.split_once('?').map(|(_, query)| query),
                path.split_once('?').map(|(_, query)| query)
            );
        }
    }
    for path in
        ["/v1/models/gemini-2.5-pro:generateContent", "/v1beta//models/gemini-2.5-pro:generateContent/"]
    {
        let request = Request::post(path, speech::body(Dialect::Gemini, false)).key(&world.key.text);
        let reply = request.send(world.address()).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_finish_while_the_hub_drains_and_late_ones_are_told() {
    let request = |key: &str| Request::post("/v1/messages", speech::body(Dialect::Claude, true)).key(key);
    let World { hub, lab, key } = World::start().await;
    let (quick, address) = (request(&key.text).lab("chunks=20; chunk_ms=20"), hub.address);
    let (reply, (drained, _directory)) = tokio::join!(quick.send(address), async {
        assert!(lab.witness().wait_until(PATIENCE, |totals| totals.received == 1).await);
        hub.shut_down().await
    });
    assert_eq!(drained.cut_connections, 0);
    assert!(reply.text().contains("message_stop"), "{}", reply.text());

    let World { hub, lab, key } = World::with(&[("SHUTDOWN_DRAIN_MS", "300")]).await;
    let (endless, address) = (request(&key.text).lab("chunks=1000; chunk_ms=1000"), hub.address);
    let (reply, _) = tokio::join!(endless.send(address), async {
        assert!(lab.witness().wait_until(PATIENCE, |totals| totals.answered == 1).await);
        hub.shut_down().await
    });
    let text = reply.text();
    let last = text.trim_end().rsplit("\n\n").next().unwrap();
    assert!(last.starts_with("event: error\n") && last.contains("restarting"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_session_pools_interface_is_under_admin_and_edits_there_are_in_force_at_once() {
    let world = World::start().await;
    let refused = Request::get("/admin/api-keys").key(&world.key.text).send(world.address()).await;
    assert_eq!((refused.status, &refused.json()["success"]), (401, &serde_json::json!(false)));
    let list = async || Request::get("/admin/api-keys").key(ADMIN_TOKEN).send(world.address()).await.json();
    assert!(list().await.as_array().unwrap().iter().all(|key| key["collectSession"] == false));
    let body = r#"{"name":"ci","collectSession":true}"#;
    let made = Request::post("/admin/api-keys", body).key(ADMIN_TOKEN).send(world.address()).await;
    assert_eq!(made.status, 201, "{}", made.text());
    assert!(list().await.as_array().unwrap().iter().any(|key| key["collectSession"] == true));
    let key = made.json()["data"]["apiKey"].as_str().unwrap().to_owned();
    let body = speech::body(Dialect::Claude, false);
    let reply = Request::post("/v1/messages", body).key(&key).send(world.address()).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
}

/// Sends a request whose body needs several packets and then, on the same connection, one without a body. What the
/// hub says to both, up to the end of the second's head.
async fn refused_then_asked(world: &World, refused: &str, size: usize) -> String {
    let length = format!("host: h\r\ncontent-type: application/json\r\ncontent-length: {size}\r\n\r\n");
    let body = vec![b' '; size];
    let (mut from, mut into) = TcpStream::connect(world.address()).await.unwrap().into_split();
    let writing = async {
        into.write_all(format!("{refused}{length}").as_bytes()).await.unwrap();
        // The hub may hang up on a body that is much too large.
        let _ = into.write_all(&body).await;
        let _ = into.write_all(b"GET /health/live HTTP/1.1\r\nhost: h\r\n\r\n").await;
        into
    };
    let reading = async {
        let mut raw = Vec::new();
        while !raw.ends_with(br#"{"status":"ok"}"#) {
            match from.read_buf(&mut raw).await {
                Ok(1..) => {}
                _ => break,
            }
        }
        raw
    };
    let (raw, _into) = timeout(PATIENCE, async { tokio::join!(reading, writing) }).await.unwrap();
    String::from_utf8_lossy(&raw).to_lowercase()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_by_the_management_interface_leaves_its_connection_fit_for_the_next_request() {
    let world = World::start().await;
    let admin = format!("authorization: Bearer {ADMIN_TOKEN}\r\n");
    for (refused, status) in [
        ("POST /api/v1/users HTTP/1.1\r\n".to_owned(), 401),
        ("POST /admin/api-keys HTTP/1.1\r\n".to_owned(), 401),
        (format!("POST /api/v1/nowhere HTTP/1.1\r\n{admin}"), 404),
        (format!("PUT /api/v1/users HTTP/1.1\r\n{admin}"), 405),
        (format!("POST /api/v1/users HTTP/1.1\r\n{admin}"), 400),
        (format!("DELETE /api/v1/users/999 HTTP/1.1\r\n{admin}"), 404),
    ] {
        let answers = refused_then_asked(&world, &refused, 900_000).await;
        assert!(answers.starts_with(&format!("http/1.1 {status}")), "{refused}: {answers}");
        assert!(!answers.contains("connection: close"), "{refused}: {answers}");
        assert!(answers.contains("http/1.1 200"), "{refused}: {answers}");
    }
    let refused = format!("POST /api/v1/users HTTP/1.1\r\n{admin}");
    let answers = refused_then_asked(&world, &refused, 8_000_000).await;
    assert!(answers.starts_with("http/1.1 413"), "{answers}");
    assert!(
        answers.contains("connection: close"),
        "what is too large is not read, and that is said: {answers}"
    );
}
