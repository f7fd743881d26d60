//! The doctor finds what is wrong and says what to do.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::fixture::{Admin, Run};

fn states(run: &Run) -> Vec<(String, String)> {
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let text = |check: &Value, field: &str| check[field].as_str().unwrap().to_owned();
    let checks = report["checks"].as_array().unwrap();
    checks.iter().map(|check| (text(check, "name"), text(check, "state"))).collect()
}

fn add_provider(admin: &Admin, name: &str, port: u16) {
    let url = format!("http://127.0.0.1:{port}");
    admin
        .run(&["providers", "add", name, "--url", &url, "--type", "claude", "credential=sk-123456789012"])
        .ok();
}

#[test]
fn a_healthy_hub_passes() {
    let admin = Admin::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    add_provider(&admin, "main", listener.local_addr().unwrap().port());
    let run = admin.run(&["--json", "doctor"]);
    assert_eq!(run.code, 0, "{run:?}");
    let found = states(&run);
    let expected = ["configuration", "data directory", "database", "clock", "provider main"];
    assert_eq!(found, expected.map(|name| (name.to_owned(), "ok".to_owned())));
}

#[test]
fn an_empty_place_is_no_failure_but_says_what_comes_next() {
    let run = Admin::new().run(&["doctor"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stdout.contains("[warn] database") && run.stdout.contains("hub-admin migrate"), "{run:?}");
}

#[test]
fn an_unreachable_provider_and_redis_fail() {
    let admin = Admin::new().with("REDIS_URL", "redis://:sesame@127.0.0.1:1");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    add_provider(&admin, "gone", port);
    let run = admin.run(&["--json", "doctor"]);
    assert_eq!(run.code, 1, "{run:?}");
    let found = states(&run);
    for name in ["redis", "provider gone"] {
        assert!(found.contains(&(name.to_owned(), "fail".to_owned())), "{name}: {run:?}");
    }
    assert!(!run.stdout.contains("sesame"));
}

#[test]
fn open_secrets_and_a_foreign_master_key_fail() {
    let admin = Admin::new();
    add_provider(&admin, "main", 1);
    let key = admin.path("data/master.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let run = admin.run(&["doctor"]);
    assert!(run.code == 1 && run.stdout.contains("chmod 600"), "{run:?}");
    let foreign = admin.with("MASTER_KEY", &"ab".repeat(32));
    let run = foreign.run(&["doctor"]);
    assert!(run.code == 1 && run.stdout.contains("[fail] database"), "{run:?}");
    foreign.run(&["providers", "list"]).refused(2);
}

#[test]
fn mistakes_in_the_configuration_are_told_in_the_persons_language() {
    let admin = Admin::new().with("DB_POOL_MAX", "many").with("LC_ALL", "zh_CN.UTF-8").with("LANG", "en_US");
    let run = admin.run(&["doctor"]);
    assert!(run.code == 1 && run.stdout.contains("[失败] configuration"), "{run:?}");
    let report = Admin::new().with("HUB_DSN", "x").run(&["--json", "doctor"]).json();
    assert_eq!((&report["ok"], &report["checks"][0]["state"]), (&json!(true), &json!("warn")));
}
