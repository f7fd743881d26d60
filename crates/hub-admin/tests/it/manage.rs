//! Users, keys and providers on the command line.

use std::fs;

use serde_json::json;

use crate::fixture::Admin;

/// A hub with some of everything.
fn furnished(admin: &Admin) {
    admin.run(&["users", "add", "ada", "limit_daily_usd=12.5", "provider_group=team-a", "rpm_limit=60"]).ok();
    admin.run(&["users", "add", "李雷", "role=admin", "is_enabled=no"]).ok();
    admin.run(&["keys", "add", "ada", "laptop", "permissions=claude"]).ok();
    let url = "https://api.anthropic.com";
    let args =
        ["providers", "add", "main", "--url", url, "--type", "claude", "group_tag=team-a", "credential=-"];
    admin.run_with_input(&args, "sk-very-secret-4711\n").ok();
}

#[test]
fn tables_are_shown_in_english() {
    let admin = Admin::new();
    furnished(&admin);
    insta::assert_snapshot!("users_en", admin.run(&["users", "list"]).ok());
    insta::assert_snapshot!("providers_en", admin.run(&["providers", "list"]).ok());
    insta::with_settings!({filters => vec![("…[0-9A-Za-z]{4}", "…last")]}, {
        insta::assert_snapshot!("keys_en", admin.run(&["keys", "list"]).ok());
    });
}

#[test]
fn tables_are_shown_in_chinese() {
    let admin = Admin::new().with("LANG", "zh_CN.UTF-8");
    furnished(&admin);
    insta::assert_snapshot!("users_zh", admin.run(&["users", "list"]).ok());
    insta::assert_snapshot!("providers_zh", admin.run(&["providers", "list"]).ok());
}

#[test]
fn json_has_the_field_names_of_the_rest_interface() {
    let admin = Admin::new();
    furnished(&admin);
    let users = admin.run(&["--json", "users", "list"]).json();
    assert_eq!((&users["items"][0]["name"], &users["next_cursor"]), (&json!("ada"), &json!(null)));
    assert_eq!(users["items"][0]["limit_daily_usd"], "12.5");
    let keys = admin.run(&["keys", "list", "--user", "ada", "--json"]).json();
    assert_eq!(
        (&keys["items"][0]["permissions"], &keys["items"][0]["user_id"]),
        (&json!("claude"), &json!(1))
    );
    let provider = &admin.run(&["--json", "providers", "list"]).json()["items"][0];
    assert_eq!((&provider["credential"], &provider["generation"]), (&json!("…4711"), &json!(0)));
}

#[test]
fn a_new_key_stands_alone_on_standard_output() {
    let admin = Admin::new();
    furnished(&admin);
    let made = admin.run(&["keys", "add", "ada", "desktop"]);
    assert!(made.stderr.contains("not shown again"), "{made:?}");
    let key = made.ok();
    assert!(key.starts_with("cch_") && key.trim_end().len() == 44, "{key}");
    let rotated = admin.run(&["--json", "keys", "rotate", "ada/desktop"]).json();
    assert_ne!(rotated["key"].as_str().unwrap(), key.trim_end());
    assert!(!admin.run(&["--json", "keys", "list"]).ok().contains("cch_"));
}

#[test]
fn columns_are_set_and_cleared() {
    let admin = Admin::new();
    furnished(&admin);
    let user =
        admin.run(&["--json", "users", "set", "ada", "rpm_limit=", "tags=a,b", "is_enabled=off"]).json();
    assert_eq!(
        (&user["rpm_limit"], &user["tags"], &user["is_enabled"]),
        (&json!(null), &json!(["a", "b"]), &json!(false))
    );
    let key = admin.run(&["--json", "keys", "set", "1", "token_limit=1000"]).json();
    assert_eq!(key["token_limit"], 1000);
    fs::write(admin.path("rules.json"), r#"[{"match":"prefix","pattern":"claude-"}]"#).unwrap();
    let provider =
        admin.run(&["--json", "providers", "set", "main", "allowed_models=@rules.json", "weight=5"]).json();
    assert_eq!((&provider["weight"], &provider["allowed_models"][0]["match"]), (&json!(5), &json!("prefix")));
}

#[test]
fn wrong_usage_ends_with_2_and_names_the_field() {
    let admin = Admin::new();
    furnished(&admin);
    for (args, said) in [
        (&["users", "add", "bob", "colour=red"][..], "colour: unknown field"),
        (&["users", "set", "ada", "rpm_limit=many"], "rpm_limit: "),
        (&["users", "set", "ada"], "FIELD=VALUE"),
        (&["users", "set", "ada", "rpm_limit"], "FIELD=VALUE"),
        (&["users", "frobnicate"], "unrecognized subcommand"),
        (
            &["providers", "add", "x", "--url", "ftp://x", "--type", "claude"],
            "url: a provider URL begins with",
        ),
        (&["--server", "http://127.0.0.1:1", "users", "list"], "ADMIN_TOKEN"),
        (&["--server", "http://127.0.0.1:1", "migrate"], "--server"),
    ] {
        let stderr = admin.run(args).refused(2);
        assert!(stderr.contains(said), "{args:?}: {stderr}");
    }
}

#[test]
fn what_fails_ends_with_1() {
    let admin = Admin::new();
    furnished(&admin);
    for args in
        [&["users", "set", "nobody", "rpm_limit=1"][..], &["users", "add", "ada"], &["keys", "rotate", "9"]]
    {
        admin.run(args).refused(1);
    }
    let gone = Admin::new().with("ADMIN_TOKEN", "long-enough-for-the-tests");
    let stderr = gone.run(&["--server", "http://127.0.0.1:1", "users", "list"]).refused(1);
    assert!(stderr.contains("127.0.0.1:1"), "{stderr}");
}

#[test]
fn deleting_without_a_terminal_needs_yes() {
    let admin = Admin::new();
    furnished(&admin);
    for args in [["users", "rm", "ada"], ["keys", "rm", "ada/laptop"], ["providers", "rm", "main"]] {
        assert!(admin.run(&args).refused(2).contains("--yes"));
    }
    admin.run(&["providers", "rm", "main", "--yes"]).ok();
    assert_eq!(admin.run(&["--json", "providers", "list"]).json()["items"], json!([]));
    let gone = admin.run(&["--json", "users", "rm", "1", "-y"]).json();
    assert_eq!(gone, json!({"deleted": "User ada (1)"}));
    assert_eq!(admin.run(&["--json", "keys", "list"]).json()["items"], json!([]));
}

#[test]
fn the_configuration_is_checked_before_anything_is_touched() {
    let admin = Admin::new().with("DB_POOL_MAX", "many").with("AUTO_MIGRATE", "perhaps");
    let stderr = admin.run(&["users", "list"]).refused(2);
    assert!(stderr.contains("DB_POOL_MAX") && stderr.contains("AUTO_MIGRATE"), "{stderr}");
    assert!(!admin.path("data/hub.db").exists());
    fs::write(admin.path(".env"), "ADMIN_TOKEN=\"unclosed-secret\n").unwrap();
    let stderr = admin.run(&["users", "list"]).refused(2);
    assert!(!stderr.contains("unclosed-secret"), "{stderr}");
}

#[test]
fn the_process_environment_wins_over_the_file() {
    let admin = Admin::new().with("DATA_DIR", "elsewhere");
    admin.run(&["users", "add", "ada"]).ok();
    assert!(admin.path("elsewhere/hub.db").exists() && !admin.path("data/hub.db").exists());
}

#[test]
fn help_and_completions_are_worth_reading() {
    let admin = Admin::new();
    insta::assert_snapshot!("help", admin.run(&["--help"]).ok());
    insta::assert_snapshot!("help_users_add", admin.run(&["users", "add", "--help"]).ok());
    assert!(admin.run(&["completions", "bash"]).ok().contains("complete -F"));
    assert!(!admin.path("data/hub.db").exists());
}
