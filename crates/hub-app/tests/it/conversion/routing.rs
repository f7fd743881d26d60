//! Who is asked when providers of several dialects could serve a request.

use hub_lab::{Behaviour, Lab, Scenario};
use hub_management::view::ExplanationVerdict;
use hub_types::{AttemptReason, Dialect, Outcome, ProviderId};
use serde_json::{Value, json};

use super::told::read;
use crate::harness::client::{Reply, Request};
use crate::harness::sha256;
use crate::harness::speech;
use crate::harness::upstream::Upstream;
use crate::harness::world::{Hub, Key, ME, Setup, lab, object, witnessed};

/// A Claude client's hub: a native provider of poor priority, and foreign ones.
struct Town {
    hub: Hub,
    key: Key,
    native: Lab,
    chat: Lab,
    gemini: Lab,
    native_id: ProviderId,
}

fn converting(priority: i64, model: Dialect) -> Value {
    json!({
        "conversion": "auto",
        "priority": priority,
        "failure_threshold": 0,
        "model_redirects": [{"match": "regex", "source": ".", "target": speech::model(model)}],
    })
}

impl Town {
    async fn start() -> Self {
        let setup = Setup::new().await;
        let (native, chat, gemini) = (lab().await, lab().await, lab().await);
        let native_fields = converting(9, Dialect::Claude);
        let native_id = setup.provider_for(Dialect::Claude, "native", &native.url(), native_fields).await;
        let fields = converting(0, Dialect::OpenAi);
        setup.provider_for(Dialect::OpenAi, "chat", &chat.url(), fields).await;
        let fields = converting(1, Dialect::Gemini);
        setup.provider_for(Dialect::Gemini, "gemini", &gemini.url(), fields).await;
        let key = setup.member().await;
        Self { hub: setup.start().await, key, native, chat, gemini, native_id }
    }

    async fn ask(&self, session: &str, stream: bool) -> Reply {
        self.say(session, stream, speech::body(Dialect::Claude, stream)).await
    }

    async fn say(&self, session: &str, stream: bool, body: String) -> Reply {
        for name in ["native", "chat", "gemini"] {
            self.hub.forgive(name).await;
        }
        Request::post(speech::path(Dialect::Claude, stream), body)
            .key(&self.key.text)
            .header("x-session-id", session)
            .lab_id(session)
            .send(self.hub.address)
            .await
    }

    async fn edit_native(&self, patch: Value) {
        self.hub.management().update_provider(&ME, self.native_id, &object(patch)).await.unwrap();
        self.hub.app.catch_up().await;
    }

    /// Who was asked, in order, and that this can be computed again.
    async fn asked(&self, reply: &Reply) -> Vec<String> {
        let record = self.hub.record(reply.id()).await;
        let explained =
            self.hub.management().explain_request(&ME, reply.id().parse().unwrap()).await.unwrap();
        assert_eq!(explained.verdict, ExplanationVerdict::Same, "{explained:#?}");
        record.attempts.iter().map(|attempt| attempt.provider_name.clone().unwrap()).collect()
    }
}

fn failing(lab: &Lab, status: u16) {
    lab.set_scenario(Scenario::always(Behaviour { status: Some(status), ..Behaviour::default() }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_native_provider_of_whatever_priority_comes_first_and_its_bytes_pass_as_they_are() {
    let town = Town::start().await;
    for stream in [false, true] {
        let id = format!("native {stream}");
        let reply = town.ask(&id, stream).await;
        assert_eq!(town.asked(&reply).await, ["native"]);
        let seen = witnessed(&town.native, &id).await;
        assert_eq!(seen.response_sha256, Some(sha256(&reply.body)), "{}", reply.text());
        assert_eq!(reply.header("x-hub-lossy"), None);
    }
    assert_eq!(town.chat.witness().totals().received + town.gemini.witness().totals().received, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_native_one_fails_foreign_ones_take_over_in_their_order() {
    let town = Town::start().await;
    failing(&town.native, 503);
    for stream in [false, true] {
        let reply = town.ask(&format!("over {stream}"), stream).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(town.asked(&reply).await, ["native", "chat"]);
        assert_eq!(read(Dialect::Claude, stream, &reply.body).stop, "stop");
    }
    failing(&town.chat, 500);
    let reply = town.ask("further", true).await;
    assert_eq!(town.asked(&reply).await, ["native", "chat", "gemini"]);
    let record = town.hub.record(reply.id()).await;
    assert_eq!(record.outcome, Outcome::Completed);
    let reasons: Vec<_> = record.attempts.iter().map(|attempt| attempt.reason).collect();
    assert_eq!(reasons, [AttemptReason::InitialSelection, AttemptReason::Failover, AttemptReason::Failover]);
    assert_eq!(read(Dialect::Claude, true, &reply.body).stop, "stop", "{}", reply.text());
    // The last one's words, if all fail.
    failing(&town.gemini, 500);
    let reply = town.ask("nobody", true).await;
    assert_eq!(reply.status, 500, "{}", reply.text());
    assert_eq!(reply.json()["type"], "error");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn providers_that_never_convert_are_left_out() {
    let town = Town::start().await;
    failing(&town.native, 503);
    let providers = town.hub.management().list_providers(&ME, &hub_management::ListQuery::default()).await;
    for provider in providers.unwrap().items {
        let patch = object(json!({"conversion": "never"}));
        town.hub.management().update_provider(&ME, provider.id, &patch).await.unwrap();
    }
    town.hub.app.catch_up().await;
    let reply = town.ask("never", false).await;
    assert_eq!((reply.status, town.asked(&reply).await), (503, vec!["native".to_owned()]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_stays_with_a_foreign_provider_until_the_native_one_may_call_it_back() {
    let town = Town::start().await;
    failing(&town.native, 503);
    let reply = town.ask("loyal", false).await;
    assert_eq!(town.asked(&reply).await, ["native", "chat"]);
    town.native.set_scenario(Scenario::default());
    // `when_idle` is the default, and the session is busy.
    let reply = town.ask("loyal", false).await;
    assert_eq!(town.asked(&reply).await, ["chat"]);
    let record = town.hub.record(reply.id()).await;
    assert_eq!(record.attempts[0].reason, AttemptReason::SessionReuse);
    town.edit_native(json!({"fail_back": "at_once"})).await;
    let reply = town.ask("loyal", false).await;
    assert_eq!(town.asked(&reply).await, ["native"]);
}

/// What the session's provider has no words for, another one may.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_foreign_provider_cannot_be_told_goes_to_the_native_one() {
    let town = Town::start().await;
    failing(&town.native, 503);
    assert_eq!(town.asked(&town.ask("odd", false).await).await, ["native", "chat"]);
    town.native.set_scenario(Scenario::default());
    let body = json!({
        "model": "claude-sonnet-4-5", "max_tokens": 64,
        "messages": [{"role": "user", "content": [
            {"type": "document", "source": {"type": "file", "file_id": "file_1"}}]}],
    });
    let before = town.chat.witness().totals().received;
    let reply = town.say("odd", false, body.to_string()).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(town.asked(&reply).await, ["native"]);
    assert_eq!(town.chat.witness().totals().received, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_cannot_be_said_is_had_from_somebody_else() {
    let setup = Setup::new().await;
    let second = lab().await;
    let babble = Upstream::answering(
        "text/event-stream",
        b"data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\n\ndata: [DONE]\n\n",
    )
    .await;
    setup.provider_for(Dialect::OpenAi, "babble", &babble.url(), converting(0, Dialect::OpenAi)).await;
    setup.provider_for(Dialect::Gemini, "plain", &second.url(), converting(1, Dialect::Gemini)).await;
    let key = setup.member().await;
    let hub = setup.start().await;
    for stream in [false, true] {
        let body = speech::body(Dialect::Claude, stream);
        let asked = Request::post(speech::path(Dialect::Claude, stream), body).key(&key.text);
        let reply = asked.header("x-session-id", format!("{stream}")).send(hub.address).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let record = hub.record(reply.id()).await;
        let names: Vec<_> = record.attempts.iter().map(|one| one.provider_name.as_deref().unwrap()).collect();
        assert_eq!(names, ["babble", "plain"]);
        assert_eq!(read(Dialect::Claude, stream, &reply.body).stop, "stop");
    }
    assert_eq!(babble.bodies().len(), 2);
}

/// The endpoint of ChatGPT subscriptions streams only, and wants its account's instructions.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_wants_a_body_is_served_by_a_provider_that_only_streams() {
    let setup = Setup::new().await;
    let stream = concat!(
        "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_9\",\"model\":\"m\"}}\n\n",
        "event: response.output_item.added\ndata: {\"type\":\"response.output_item.added\",\"output_index\":0,\"item\":{\"id\":\"msg_9\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[]}}\n\n",
        "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":0,\"item_id\":\"msg_9\",\"delta\":\"Hello \"}\n\n",
        "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":0,\"item_id\":\"msg_9\",\"delta\":\"there\"}\n\n",
        "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"resp_9\",\"model\":\"m\",\"status\":\"completed\",\"output\":[{\"id\":\"msg_9\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"Hello there\"}]}],\"usage\":{\"input_tokens\":9,\"output_tokens\":3,\"total_tokens\":12}}}\n\n",
    );
    let upstream = Upstream::answering("text/event-stream", stream.as_bytes()).await;
    let url = format!("{}/backend-api/codex", upstream.url());
    let mut fields = object(converting(0, Dialect::Responses));
    fields.append(&mut object(
        json!({"codex_instructions": "auto", "codex_instructions_text": "You are the account's."}),
    ));
    setup.provider_for(Dialect::Responses, "subscription", &url, Value::Object(fields)).await;
    let key = setup.member().await;
    let hub = setup.start().await;
    for client in [Dialect::Claude, Dialect::OpenAi, Dialect::Gemini, Dialect::GeminiCli] {
        let asked = Request::post(speech::path(client, false), speech::body(client, false)).key(&key.text);
        let reply = asked.send(hub.address).await;
        assert_eq!(reply.status, 200, "{client}: {}", reply.text());
        assert_eq!(reply.header("content-type"), Some("application/json"), "{client}");
        let told = read(client, false, &reply.body);
        assert_eq!((told.text.as_str(), told.usage), ("Hello there", [9, 3, 0]), "{client}");
    }
    let sent: Value = serde_json::from_slice(&upstream.bodies()[0]).unwrap();
    assert_eq!((&sent["stream"], &sent["store"]), (&json!(true), &json!(false)));
    assert_eq!(sent["instructions"], "You are the account's.");
    assert_eq!(sent.get("max_output_tokens"), None);
}
