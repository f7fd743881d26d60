//! Users over REST.

use jiff::Timestamp;
use serde_json::json;

use crate::fixture::Api;

#[tokio::test]
async fn a_user_is_made_with_defaults_shown_and_listed() {
    let api = Api::start().await;
    let user =
        api.post("/users", json!({"name": "ada", "limit_daily_usd": 12.5, "tags": ["team"]})).await.created();
    assert_eq!(user["limit_daily_usd"], "12.5");
    assert_eq!(user["role"], "user");
    insta::assert_json_snapshot!("user", user);
    let id = &user["id"];
    assert_eq!(api.get(&format!("/users/{id}")).await.ok(), user);
    assert_eq!(api.get("/users").await.ok(), json!({"items": [user], "next_cursor": null}));
}

#[tokio::test]
async fn a_patch_replaces_clears_and_leaves_alone() {
    let api = Api::start().await;
    api.post("/users", json!({"name": "ada", "description": "x", "rpm_limit": 5})).await.created();
    let user = api.patch("/users/1", json!({"rpm_limit": null, "is_enabled": false})).await.ok();
    assert_eq!((&user["rpm_limit"], &user["is_enabled"]), (&json!(null), &json!(false)));
    assert_eq!((&user["name"], &user["description"]), (&json!("ada"), &json!("x")));
    assert_eq!(api.get("/users/1").await.ok(), user);
    let moment = |field: &str| user[field].as_str().unwrap().parse::<Timestamp>().unwrap();
    assert!(moment("updated_at") > moment("created_at"));
}

#[tokio::test]
async fn wrong_fields_are_named() {
    let api = Api::start().await;
    let wrong = json!({"nmae": "x", "limit_daily_usd": -1, "rpm_limit": "many", "id": 7});
    assert_eq!(api.post("/users", wrong).await.problem(422, "invalid"), ["name", "nmae", "rpm_limit", "id"]);
    let wrong = json!({"name": " ", "limit_daily_usd": "-1"});
    assert_eq!(api.post("/users", wrong).await.problem(422, "invalid"), ["name", "limit_daily_usd"]);
    api.post("/users", json!({"name": "ada"})).await.created();
    assert_eq!(api.patch("/users/1", json!({"colour": "red"})).await.problem(422, "invalid"), ["colour"]);
}

#[tokio::test]
async fn names_are_unique_among_the_living() {
    let api = Api::start().await;
    api.post("/users", json!({"name": "ada"})).await.created();
    assert_eq!(api.post("/users", json!({"name": "ada"})).await.problem(409, "duplicate"), ["name"]);
    api.post("/users", json!({"name": "bob"})).await.created();
    assert_eq!(api.patch("/users/2", json!({"name": "ada"})).await.problem(409, "duplicate"), ["name"]);
    api.delete("/users/1").await.with(204);
    api.get("/users/1").await.problem(404, "not_found");
    api.delete("/users/1").await.problem(404, "not_found");
    api.post("/users", json!({"name": "ada"})).await.created();
}

#[tokio::test]
async fn lists_come_in_pages() {
    let api = Api::start().await;
    for n in 1..=5 {
        api.post("/users", json!({"name": format!("user {n}")})).await.created();
    }
    let mut names = Vec::new();
    let mut path = "/users?limit=2".to_owned();
    let mut pages = 0;
    loop {
        let page = api.get(&path).await.ok();
        pages += 1;
        names.extend(page["items"].as_array().unwrap().iter().map(|user| user["name"].clone()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/users?limit=2&cursor={cursor}");
    }
    assert_eq!((pages, names.len()), (3, 5));
    assert_eq!(api.get("/users?limit=201&x=1").await.problem(422, "invalid"), ["limit", "x"]);
    assert_eq!(api.get("/users?cursor=abc").await.problem(422, "invalid"), ["cursor"]);
}

#[tokio::test]
async fn two_editors_at_once_both_get_through() {
    let api = Api::start().await;
    api.post("/users", json!({"name": "ada"})).await.created();
    let (one, other) = tokio::join!(
        api.patch("/users/1", json!({"description": "one"})),
        api.patch("/users/1", json!({"tags": ["other"]})),
    );
    one.ok();
    other.ok();
    let user = api.get("/users/1").await.ok();
    assert_eq!((&user["description"], &user["tags"]), (&json!("one"), &json!(["other"])));
}
