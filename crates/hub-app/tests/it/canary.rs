//! Secrets with unmistakable texts go in; then everything that comes out, and everything that is kept, is
//! searched for them.

use std::path::Path;

use hub_lab::{Behaviour, Lab, Scenario};
use hub_types::Dialect;
use serde_json::{Value, json};

use crate::harness::child;
use crate::harness::client::{Reply, Request};
use crate::harness::find;
use crate::harness::speech;
use crate::harness::world::{Hub, Setup, lab};

const VENDOR: &str = "sk-canary-vendor-credential-Zq7";
const ADMIN: &str = "canary-admin-token-Xw4-long-enough";
const PROXY: &str = "canary-proxy-password-Lk9";
/// No secret: it shows that the search finds what is there.
const MARKER: &str = "marker-model-Qp3";
const FIRST: &str = "canary request ";
const KEY: &str = "canary key ";

#[test]
fn no_secret_gets_out_or_is_kept_in_clear() {
    let output = child::run("canary::the_canarys_own_process", &[]);
    let told = String::from_utf8(output.stdout).unwrap();
    let value = |name: &str| told.lines().find_map(|line| line.split_once(name)).unwrap().1.to_owned();
    let (key, first) = (value(KEY), value(FIRST));
    let log = output.stderr;
    for secret in [key.as_str(), VENDOR, ADMIN, PROXY] {
        assert!(find(&log, secret.as_bytes()).is_none(), "{secret} is in the log");
    }
    assert!(find(&log, MARKER.as_bytes()).is_some(), "the log is there to be searched");

    // The same log, read by a machine: a JSON object a line, and a request is found by its id.
    let lines: Vec<Value> = log
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert!(
        lines.iter().any(|line| line["level"] == "DEBUG" || line["level"] == "TRACE"),
        "all levels are on"
    );
    let of_first: Vec<&Value> = lines.iter().filter(|line| line["request"] == first).collect();
    let [line] = of_first.as_slice() else { panic!("{of_first:?}") };
    assert_eq!(
        (&line["level"], &line["status"], &line["outcome"]),
        (&json!("INFO"), &json!(200), &json!("completed"))
    );
}

/// What the ordinary client saw, and what the admin saw.
#[derive(Default)]
struct Seen {
    client: Vec<Reply>,
    admin: Vec<Reply>,
    kept: Vec<u8>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_canarys_own_process() {
    if !child::is_child() {
        return;
    }
    let (mut setup, lab) = (Setup::new().await, lab().await);
    setup.set("ADMIN_TOKEN", ADMIN);
    setup.set("LOG_LEVEL", "trace");
    setup.set("LOG_FORMAT", "json");
    hub_app::logging::start(&setup.config().observability).unwrap();
    for dialect in Dialect::ALL {
        setup.provider_for(dialect, dialect.as_str(), &lab.url(), json!({"credential": VENDOR})).await;
    }
    let proxy = format!("http://user:{PROXY}@127.0.0.1:9");
    let more = json!({"credential": VENDOR, "proxy_url": proxy, "is_enabled": false});
    setup.provider_for(Dialect::Claude, "behind a proxy", &lab.url(), more).await;
    let ada = setup.user(json!({"name": "ada", "role": "admin"})).await;
    let key = setup.key(ada, json!({"name": "laptop", "can_login_web_ui": true})).await.text;
    let hub = setup.start().await;
    let mut seen = Seen::default();
    use_it(&hub, &key, &lab, &mut seen).await;
    manage_it(&hub, &key, &mut seen).await;
    println!("{KEY}{key}");
    println!("{FIRST}{}", seen.client[0].id());

    let host = lab.addr().to_string();
    for reply in &seen.client {
        let raw = String::from_utf8_lossy(&reply.raw);
        for secret in [key.as_str(), VENDOR, ADMIN, PROXY, host.as_str()] {
            assert!(!raw.contains(secret), "{secret} reached the client: {raw}");
        }
    }
    assert!(seen.client.iter().any(|reply| reply.text().contains("[redacted]")), "a provider tried to tell");
    for reply in &seen.admin {
        let raw = String::from_utf8_lossy(&reply.raw);
        for secret in [key.as_str(), VENDOR, ADMIN, PROXY] {
            assert!(!raw.contains(secret), "{secret} reached the admin: {raw}");
        }
    }
    let last4 = &key[key.len() - 4..];
    assert!(seen.admin.iter().any(|reply| reply.text().contains(last4)), "the admin sees the last four");

    let entries = lab.witness().entries();
    assert!(entries.len() > 50);
    for entry in entries {
        assert!(!entry.path.contains(&key) && !entry.headers_contain(&key), "{entry:?}");
        assert!(!entry.headers_contain(ADMIN) && !entry.headers_contain(PROXY), "{entry:?}");
        let place = match entry.dialect {
            Dialect::Claude => "x-api-key",
            Dialect::Gemini => "x-goog-api-key",
            _ => "authorization",
        };
        assert!(entry.header(place).unwrap().ends_with(VENDOR), "{entry:?}");
        let elsewhere = entry.headers.iter().filter(|(name, _)| *name != place);
        assert!(elsewhere.into_iter().all(|(_, value)| find(value.as_bytes(), VENDOR.as_bytes()).is_none()));
    }

    // The database with its log while it is open, and what is left of everything after the end.
    read_all(hub.data_dir(), &mut seen.kept);
    let (_, directory) = hub.shut_down().await;
    read_all(directory.path(), &mut seen.kept);
    for secret in [key.as_str(), VENDOR, ADMIN, PROXY] {
        assert!(find(&seen.kept, secret.as_bytes()).is_none(), "{secret} is on disk");
    }
    assert!(find(&seen.kept, MARKER.as_bytes()).is_some() && find(&seen.kept, last4.as_bytes()).is_some());
}

/// Good requests and bad ones, with the key in every place.
async fn use_it(hub: &Hub, key: &str, lab: &Lab, seen: &mut Seen) {
    let upstream = lab.url();
    let spill = format!(
        r#"{{"status":STATUS,"error_message":"bad key {VENDOR} for {upstream}/v1/messages","headers":{{"x-debug":"{VENDOR}","location":"{upstream}/x"}}}}"#
    );
    let mut scripts: Vec<String> = [
        "",
        "chunks=3; split=1",
        "truncate_after=1; cut=reset",
        "truncate_after=1; cut=clean",
        "no_head",
        "malformed=json",
        "malformed=html",
        "no_usage",
    ]
    .map(str::to_owned)
    .into();
    scripts.extend(
        ["400", "401", "403", "404", "429", "500", "529"].map(|status| spill.replace("STATUS", status)),
    );
    for script in &scripts {
        lab.set_scenario(Scenario::always(Behaviour::from_header(script).unwrap()));
        for dialect in Dialect::ALL {
            for stream in [false, true] {
                let body = speech::body_with(dialect, MARKER, stream, "Hello");
                let path = speech::path_for(dialect, MARKER, stream);
                let join = if path.contains('?') { '&' } else { '?' };
                let request = match (dialect, stream) {
                    (Dialect::Claude, false) => Request::post(path, body).header("x-api-key", key),
                    (Dialect::Gemini, false) => Request::post(path, body).header("x-goog-api-key", key),
                    (_, true) => Request::post(format!("{path}{join}key={key}"), body),
                    _ => Request::post(path, body).key(key),
                };
                hub.forgive(dialect.as_str()).await;
                seen.client.push(request.send(hub.address).await);
                read_all(&hub.data_dir().join("journal"), &mut seen.kept);
            }
        }
    }
    assert!(find(&seen.kept, MARKER.as_bytes()).is_some(), "the journal was seen with something in it");
    lab.set_scenario(Scenario::default());
    let post = |path: &str| Request::post(path, speech::body(Dialect::Claude, false));
    for request in [
        post(&format!("/v1/nothing?key={key}")).key(key),
        post("/v1/messages").key(&format!("{key}x")),
        post("/v1/messages").key(key).header("x-api-key", ADMIN),
        post("/v1/messages").key(ADMIN),
        Request::post("/v1/messages", "{broken").key(key),
        post("/v1/messages").key(key).header("content-encoding", "gzip"),
        Request::get(format!("/v1/messages?key={key}")),
        Request::get("/v1/responses").key(key).header("upgrade", "websocket"),
    ] {
        let reply = request.send(hub.address).await;
        assert!(reply.status >= 400, "{}", reply.text());
        seen.client.push(reply);
    }
    let leaving = post("/v1/messages").key(key).lab("latency_ms=50; first_chunk_ms=200; chunks=4");
    seen.client.push(leaving.send_and_leave_after(hub.address, b"\r\n\r\n").await);
    seen.client.push(Request::get("/health/ready").send(hub.address).await);
}

/// The management API's readers, its log-in, and the metrics page.
async fn manage_it(hub: &Hub, key: &str, seen: &mut Seen) {
    let last = seen.client[0].id().to_owned();
    hub.record(&last).await;
    for path in [
        "/api/v1/users",
        "/api/v1/users/1",
        "/api/v1/keys",
        "/api/v1/keys/1",
        "/api/v1/providers",
        "/api/v1/providers/1",
        "/api/v1/providers/6",
        "/api/v1/provider-groups",
        "/api/v1/requests?limit=200",
        "/api/v1/usage/summary",
        "/api/v1/audit",
        "/api/v1/system/status",
        "/api/v1/auth/me",
        "/api/v1/nothing",
        &format!("/api/v1/requests/{last}"),
        "/metrics",
    ] {
        let reply = Request::get(path).key(ADMIN).send(hub.address).await;
        assert_eq!(reply.status == 200, path != "/api/v1/nothing", "{path}: {}", reply.text());
        seen.admin.push(reply);
    }
    let login = |token: &str| Request::post("/api/v1/auth/login", json!({"token": token}).to_string());
    for (request, status) in [
        (login(key), 200),
        (login(ADMIN), 200),
        (login(&format!("{ADMIN}x")), 401),
        (Request::get("/api/v1/users").key(key), 200),
        (Request::get("/api/v1/users").key(VENDOR), 401),
        (Request::post("/api/v1/providers", json!({"credential": VENDOR}).to_string()).key(ADMIN), 422),
        (
            Request::new("PATCH", "/api/v1/providers/1")
                .header("content-type", "application/json")
                .body(
                    json!({"credential": VENDOR, "proxy_url": format!("http://u:{PROXY}@127.0.0.1:9")})
                        .to_string(),
                )
                .key(ADMIN),
            200,
        ),
    ] {
        let reply = request.send(hub.address).await;
        assert_eq!(reply.status, status, "{}", reply.text());
        seen.admin.push(reply);
    }
}

/// Every byte of every file below a directory.
fn read_all(directory: &Path, into: &mut Vec<u8>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_all(&path, into);
        } else if let Ok(bytes) = std::fs::read(&path) {
            // A journal segment may have been drained and deleted since the directory was read.
            into.extend_from_slice(&bytes);
        }
    }
}
