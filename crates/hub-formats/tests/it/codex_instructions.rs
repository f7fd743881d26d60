//! Providers of Responses that insist on instructions of their own.

use hub_formats::convert::{Instructions, Source, Target, convert_request};
use hub_types::Dialect;
use serde_json::{Value, json};

/// `instructions` and the roles of the input's messages.
fn sent(system: Option<&str>, own: Option<bool>, codex_backend: bool) -> (Value, Vec<String>) {
    let mut messages = vec![json!({"role": "user", "content": "hi"})];
    if let Some(system) = system {
        messages.insert(0, json!({"role": "system", "content": system}));
    }
    let body = json!({"model": "m", "messages": messages}).to_string();
    let source =
        Source { dialect: Dialect::OpenAi, body: body.as_bytes(), path_model: None, path_stream: false };
    let mut target = Target::new(Dialect::Responses, "gpt-5");
    target.options.codex_backend = codex_backend;
    target.options.instructions =
        own.map(|is_forced| Instructions { text: "the account's".to_owned(), is_forced });
    let sent: Value = serde_json::from_slice(&convert_request(source, &target).unwrap().body).unwrap();
    let input = sent["input"].as_array().unwrap();
    let roles = input.iter().map(|item| item["role"].as_str().unwrap().to_owned()).collect();
    (sent["instructions"].clone(), roles)
}

#[test]
fn a_provider_adds_its_instructions_where_the_client_has_none_or_always() {
    let (own, clients) = (json!("the account's"), json!("the client's"));
    assert_eq!(sent(None, None, false), (Value::Null, vec!["user".to_owned()]));
    assert_eq!(sent(Some("the client's"), None, false), (clients.clone(), vec!["user".to_owned()]));
    assert_eq!(sent(None, Some(false), false), (own.clone(), vec!["user".to_owned()]));
    assert_eq!(sent(Some("the client's"), Some(false), false), (clients, vec!["user".to_owned()]));
    let both = vec!["developer".to_owned(), "user".to_owned()];
    assert_eq!(sent(Some("the client's"), Some(true), false), (own.clone(), both.clone()));
    // Subscriptions take no other instructions than their own.
    assert_eq!(sent(Some("the client's"), Some(false), true), (own, both.clone()));
    assert_eq!(sent(Some("the client's"), None, true), (Value::Null, both));
}
