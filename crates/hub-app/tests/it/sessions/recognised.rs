//! Whose session a request is.

use hub_management::ListQuery;
use hub_types::Dialect;
use serde_json::json;

use super::ring::{Ring, named, turn};
use crate::harness::client::Request;
use crate::harness::speech;
use crate::harness::world::{ME, object};

const ID: &str = "0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000";

/// Requests of one session as its client's versions send them.
fn shapes() -> Vec<(Dialect, Request)> {
    let post = |dialect, extra: serde_json::Value| {
        let mut body: serde_json::Value = serde_json::from_str(&speech::body(dialect, false)).unwrap();
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        (dialect, Request::post(speech::path(dialect, false), body.to_string()))
    };
    let with = |(dialect, request): (Dialect, Request), name: &str| (dialect, request.header(name, ID));
    let json_id = json!({"device_id": "d", "account_uuid": "", "session_id": ID}).to_string();
    let old_id = format!("user_{}_account__session_{ID}", "a".repeat(64));
    vec![
        with(post(Dialect::Claude, json!({})), "x-claude-code-session-id"),
        with(post(Dialect::Claude, json!({})), "x-session-affinity"),
        post(Dialect::Claude, json!({"metadata": {"user_id": json_id}})),
        post(Dialect::Claude, json!({"metadata": {"user_id": old_id}})),
        with(post(Dialect::Responses, json!({"prompt_cache_key": ID})), "session-id"),
        with(post(Dialect::Responses, json!({})), "session_id"),
        with(post(Dialect::Responses, json!({})), "conversation_id"),
        post(Dialect::Responses, json!({"prompt_cache_key": ID})),
        post(Dialect::OpenAi, json!({"prompt_cache_key": ID})),
        post(Dialect::OpenAi, json!({"user": ID})),
        with(post(Dialect::Gemini, json!({})), "x-session-id"),
        post(Dialect::GeminiCli, json!({"session_id": ID})),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_shape_of_a_session_id_is_recognised_and_recorded() {
    for dialect in Dialect::ALL {
        let ring = Ring::of(dialect, 1).await;
        for (at, (_, request)) in shapes().into_iter().filter(|(of, _)| *of == dialect).enumerate() {
            let served = ring.served(request).await;
            assert_eq!(served.session(), format!("k{}.{ID}", ring.key.id), "{dialect} {at}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_keys_with_the_same_client_session_id_share_nothing() {
    let ring = Ring::of(Dialect::Claude, 1).await;
    let management = ring.hub.management();
    let owner = management.list_users(&ME, &ListQuery::default()).await.unwrap().items[0].id;
    let other = management.create_key(&ME, owner, &object(json!({"name": "other"}))).await.unwrap();
    ring.hub.app.catch_up().await;
    let first = ring.served(named("same")).await;
    let reply = named("same").key(&other.key).send(ring.hub.address).await;
    let second = ring.record(&reply).await;
    assert_eq!(first.session(), format!("k{}.same", ring.key.id));
    assert_eq!(second.session(), format!("k{}.same", other.view.id));
    assert!(!second.is_reuse(), "the other key's binding was followed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_without_any_id_is_recognised_turn_by_turn() {
    let ring = Ring::of(Dialect::Claude, 8).await;
    let (mut providers, mut sessions) = (Vec::new(), Vec::new());
    for at in 1..=5 {
        let served = ring.served(turn("Fix the build", at)).await;
        assert_eq!(served.is_reuse(), at > 1, "turn {at}");
        assert_eq!(served.0.session_sequence, Some(at as u64));
        providers.push(served.provider());
        sessions.push(served.session().to_owned());
    }
    providers.dedup();
    sessions.dedup();
    assert_eq!((providers.len(), sessions.len()), (1, 1));
    // Another one that begins alike goes its own way as soon as it differs, from the same warm provider.
    let same_start = ring.served(turn("Fix the build", 1)).await;
    assert_eq!(same_start.provider(), providers[0]);
    assert_ne!(same_start.session(), sessions[0]);
    let other = ring.served(turn("Write a poem", 1)).await;
    assert!(!other.is_reuse());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_response_is_found_again_by_its_id() {
    let ring = Ring::of(Dialect::Responses, 8).await;
    let path = speech::path(Dialect::Responses, false);
    let ask = |extra: serde_json::Value| {
        let mut body = json!({"model": "gpt-5-codex", "input": "Hello"});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        Request::post(path.clone(), body.to_string())
    };
    let reply = ring.send(ask(json!({"prompt_cache_key": "warm"}))).await;
    let first = ring.record(&reply).await;
    let id = reply.json()["id"].as_str().unwrap().to_owned();
    let again = ring.served(ask(json!({"previous_response_id": id, "input": "And now?"}))).await;
    assert_eq!((again.session(), again.provider()), (first.session(), first.provider()));
    assert!(again.is_reuse());
}

/// A first request with this system prompt and these messages of the user and the assistant by turns.
fn talk(system: &str, messages: &[&str]) -> Request {
    let role = |at: usize| if at.is_multiple_of(2) { "user" } else { "assistant" };
    let messages: Vec<_> =
        messages.iter().enumerate().map(|(at, text)| json!({"role": role(at), "content": text})).collect();
    let body = json!({
        "model": "claude-sonnet-4-5", "max_tokens": 64, "system": system, "messages": messages,
    });
    Request::post("/v1/messages", body.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_message_count_bounds_how_much_of_a_conversation_tells_it_apart() {
    for (count, apart) in [("1", false), ("2", true), ("3", true)] {
        let variables = [("SESSION_MESSAGE_COUNT", count)];
        let ring = Ring::with(&variables, json!({}), Dialect::Claude, &[json!({})]).await;
        ring.served(talk("", &["hello", "hi", "one"])).await;
        let one = ring.served(talk("", &["hello", "hi", "one", "yes", "go on"])).await;
        let other = ring.served(talk("", &["hello", "good day", "two"])).await;
        assert_eq!(one.session() != other.session(), apart, "{count}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_system_prompt_tells_conversations_apart_only_if_it_is_to() {
    for (included, apart) in [("false", false), ("true", true)] {
        let variables = [("SESSION_INCLUDE_SYSTEM_PROMPT", included)];
        let ring = Ring::with(&variables, json!({}), Dialect::Claude, &[json!({})]).await;
        let one = ring.served(talk("You are a poet.", &["hello"])).await;
        let other = ring.served(talk("You are a clerk.", &["hello"])).await;
        assert_eq!(one.session() != other.session(), apart, "{included}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_conversations_at_once_all_keep_their_providers() {
    let ring = Ring::of(Dialect::Claude, 5).await;
    let talks = (0..40).map(|number| {
        let ring = &ring;
        async move {
            // Every third begins like the others.
            let opening = if number % 3 == 0 { "Hello".to_owned() } else { format!("Task {number}") };
            let (mut providers, mut sessions) = (Vec::new(), Vec::new());
            for at in 1..=6 {
                let mut texts = vec![opening.clone()];
                texts.extend((1..at * 2 - 1).map(|message| format!("{number}: {message}")));
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                let served = ring.served(talk("", &texts)).await;
                providers.push(served.provider());
                sessions.push(served.session().to_owned());
            }
            (providers, sessions)
        }
    });
    let mut last = std::collections::HashSet::new();
    for (providers, sessions) in futures_util::future::join_all(talks).await {
        assert!(providers.iter().all(|provider| *provider == providers[0]), "{providers:?}");
        assert!(last.insert(sessions.last().unwrap().clone()), "two conversations ended as one session");
    }
}
