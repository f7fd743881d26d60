//! The command line through a running hub.

use std::sync::Arc;

use hub_api::{ApiState, router};
use hub_management::{Management, Settings};
use hub_repository::{Sealer, SqliteRepository, SqliteSettings};
use hub_types::{Secret, SystemClock};
use jiff::SignedDuration;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::fixture::Admin;

pub(crate) const TOKEN: &str = "admin-token-of-the-tests";

/// A hub's REST interface on a port of its own; it ends with the returned set.
async fn serve(admin: &Admin) -> (String, JoinSet<()>) {
    serve_with(admin, |management| management).await
}

/// With more parts than the database.
pub(crate) async fn serve_with(
    admin: &Admin,
    complete: impl FnOnce(Management) -> Management,
) -> (String, JoinSet<()>) {
    let settings = SqliteSettings::new(admin.path("server.db"), Sealer::new([3; 32]));
    let repository = Arc::new(SqliteRepository::open(settings).await.unwrap());
    let settings = Settings {
        admin_token: Some(Secret::new(TOKEN)),
        auth_session_ttl: SignedDuration::from_hours(1),
        allow_private_upstreams: true,
    };
    let management = Arc::new(complete(Management::new(repository, Arc::new(SystemClock), settings)));
    let router = router(ApiState { management, secure_cookies: true });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
    (address, tasks)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_works_through_a_server_as_it_does_on_the_stores() {
    let remote = Admin::new().with("ADMIN_TOKEN", TOKEN);
    let (address, _tasks) = serve(&remote).await;
    let local = Admin::new();
    let both = |args: &[&str]| {
        let through = remote.run(&[&["--server", &address], args].concat());
        let straight = local.run(args);
        assert_eq!(
            (through.code, &through.stdout),
            (straight.code, &straight.stdout),
            "{args:?}: {through:?}"
        );
        through
    };
    both(&["users", "add", "ada", "limit_daily_usd=3"]).ok();
    both(&["users", "set", "ada", "tags=a,b"]).ok();
    both(&["users", "list"]).ok();
    both(&[
        "providers",
        "add",
        "main",
        "--url",
        "http://127.0.0.1:1",
        "--type",
        "codex",
        "credential=sk-123456789012",
    ])
    .ok();
    both(&["providers", "set", "main", "weight=3"]).ok();
    both(&["providers", "list"]).ok();
    both(&["usage", "--by", "user"]).ok();
    let wrong = both(&["users", "set", "ada", "rpm_limit=many", "colour=red"]);
    let fields = wrong.refused(2);
    assert!(fields.contains("rpm_limit: ") && fields.contains("colour: unknown field"), "{fields}");
    both(&["users", "add", "ada"]).refused(1);
    both(&["keys", "rm", "9", "--yes"]).refused(1);

    let server = |args: &[&str]| remote.run(&[&["--server", &address], args].concat());
    let key = server(&["--json", "keys", "add", "ada", "laptop"]).json();
    assert!(key["key"].as_str().unwrap().starts_with("cch_"));
    let rotated = server(&["keys", "rotate", "ada/laptop"]).ok();
    assert_ne!(rotated.trim_end(), key["key"].as_str().unwrap());
    server(&["keys", "set", "1", "name=desktop"]).ok();
    assert_eq!(server(&["--json", "keys", "list"]).json()["items"][0]["name"], "desktop");
    server(&["keys", "rm", "ada/desktop", "-y"]).ok();
    server(&["providers", "rm", "main", "-y"]).ok();
    assert_eq!(server(&["--json", "users", "rm", "ada", "-y"]).json(), json!({"deleted": "User ada (1)"}));
    let doctor = server(&["--json", "doctor"]).json();
    assert_eq!((&doctor["ok"], &doctor["checks"][0]["name"]), (&json!(true), &json!("database")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_token_is_refused_and_not_repeated() {
    let admin = Admin::new().with("ADMIN_TOKEN", "some-other-admin-token");
    let (address, _tasks) = serve(&admin).await;
    let stderr = admin.run(&["--server", &address, "users", "list"]).refused(1);
    assert!(stderr.contains("nobody has this credential") && !stderr.contains("some-other"), "{stderr}");
}
