//! What is written down: usage, cost, outcome, in the record and in the ledger.

use hub_management::{ListQuery, RequestQuery, UsageQuery};
use hub_types::{Dialect, ErrorClass, Money, Outcome, UsageSource};
use serde_json::json;

use crate::harness::client::Request;
use crate::harness::speech;
use crate::harness::upstream::Upstream;
use crate::harness::world::{Hub, ME, Setup, World, lab, object};

const FIGURES: &str =
    "input=100; output=50; reasoning=20; cache_read=1000; cache_write_5m=200; cache_write_1h=300";

/// Nano-dollars for the figures above at the list prices, before any factor.
const fn list_price(dialect: Dialect) -> i64 {
    match dialect {
        // 3, 15, 0.3, 3.75 and 6 USD for a million.
        Dialect::Claude => 100 * 3_000 + 50 * 15_000 + 1000 * 300 + 200 * 3_750 + 300 * 6_000,
        // 1.25, 10 and 0.125 USD for a million, all of them.
        _ => 100 * 1_250 + 50 * 10_000 + 1000 * 125,
    }
}

async fn sums(hub: &Hub) -> (u64, u64, Money) {
    let summary = hub.management().usage_summary(&ME, &UsageQuery::default()).await.unwrap();
    let value = serde_json::to_value(&summary).unwrap();
    let row = &value["items"][0];
    (
        row["input_tokens"].as_u64().unwrap_or_else(|| panic!("{value}")),
        row["output_tokens"].as_u64().unwrap(),
        row["cost_usd"].as_str().unwrap().parse().unwrap(),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn usage_and_cost_are_recorded_in_every_dialect_and_form() {
    let (setup, lab) = (Setup::new().await, lab().await);
    setup.group(json!({"name": "team-a", "cost_multiplier": "2"})).await;
    for dialect in Dialect::ALL {
        let more = json!({"cost_multiplier": "1.5", "group_tag": "team-a"});
        setup.provider_for(dialect, dialect.as_str(), &lab.url(), more).await;
    }
    let ada = setup.user(json!({"name": "ada", "provider_group": "team-a"})).await;
    let key = setup.key(ada, json!({"name": "laptop"})).await;
    let hub = setup.start().await;
    let mut total = 0;
    for dialect in Dialect::ALL {
        for stream in [false, true] {
            let at = format!("{dialect} {stream}");
            let reply = Request::post(speech::path(dialect, stream), speech::body(dialect, stream))
                .key(&key.text)
                .lab(FIGURES)
                .send(hub.address)
                .await;
            let record = hub.record(reply.id()).await;
            assert_eq!(record.outcome, Outcome::Completed, "{at}");
            let request = &record.request;
            assert_eq!((request.status, request.stream, request.dialect), (200, stream, dialect), "{at}");
            assert_eq!((request.user_id, request.key_id), (Some(ada), Some(key.id)), "{at}");
            assert_eq!(request.model.as_deref(), Some(speech::model(dialect)), "{at}");
            assert_eq!((request.input_tokens, request.output_tokens), (100, 50), "{at}");
            assert_eq!(request.cache_read_tokens, 1000, "{at}");
            let writes = if dialect == Dialect::Claude { (200, 300) } else { (0, 0) };
            assert_eq!((request.cache_write_5m_tokens, request.cache_write_1h_tokens), writes, "{at}");
            let [attempt] = record.attempts.as_slice() else { panic!("{at}: {:?}", record.attempts) };
            let reasoning = if dialect == Dialect::Claude { 0 } else { 20 };
            assert_eq!(attempt.reasoning_tokens, Some(reasoning), "{at}");
            assert_eq!(attempt.usage_source, Some(UsageSource::Reported), "{at}");
            assert_eq!(attempt.upstream_model.as_deref(), Some(speech::model(dialect)), "{at}");
            let cost = list_price(dialect) * 3;
            assert_eq!(request.cost_usd.map(Money::nanos), Some(cost), "{at}");
            let lines = record.cost_breakdown.unwrap();
            let sum = [
                lines.input,
                lines.output,
                lines.cache_read,
                lines.cache_write_5m,
                lines.cache_write_1h,
                lines.other,
            ];
            assert_eq!(sum.into_iter().sum::<Money>().nanos(), cost, "{at}: the lines add up");
            assert!(request.ttft_ms.is_some() && attempt.first_byte_ms.is_some(), "{at}");
            total += cost;
        }
    }
    let (input, output, cost) = sums(&hub).await;
    assert_eq!((input, output, cost.nanos()), (1000, 500, total), "the ledger says the same");
    let told = lab.witness().totals();
    assert_eq!((told.usage.input, told.usage.output), (input, output), "and so does the lab");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counting_is_free_and_an_unknown_model_has_no_price() {
    let world = World::start().await;
    let body = speech::body(Dialect::Claude, false);
    let count =
        Request::post("/v1/messages/count_tokens", body).key(&world.key.text).send(world.address()).await;
    assert_eq!(count.json()["input_tokens"], 120);
    let record = world.hub.record(count.id()).await;
    assert_eq!((record.request.input_tokens, record.request.cost_usd), (0, None));
    assert_eq!(record.attempts[0].input_tokens, None, "nothing is billed");

    for stream in [false, true] {
        let body = speech::body_with(Dialect::Claude, "model-of-tomorrow", stream, "Hello");
        let reply = Request::post("/v1/messages", body).key(&world.key.text).send(world.address()).await;
        let record = world.hub.record(reply.id()).await;
        assert_eq!((record.request.input_tokens, record.request.output_tokens), (120, 34));
        assert_eq!((record.request.cost_usd, record.cost_breakdown), (None, None));
    }
    let (input, output, _) = sums(&world.hub).await;
    assert_eq!((input, output), (240, 68), "tokens without a price are in the ledger all the same");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_figures_are_estimated_and_zero_stays_zero() {
    let world = World::start().await;
    for dialect in Dialect::ALL {
        for stream in [false, true] {
            let at = format!("{dialect} {stream}");
            let ask = |script: &str| {
                Request::post(speech::path(dialect, stream), speech::body(dialect, stream))
                    .key(&world.key.text)
                    .lab(script)
            };
            let reply = ask("no_usage; body_bytes=4000").send(world.address()).await;
            let record = world.hub.record(reply.id()).await;
            let attempt = &record.attempts[0];
            assert_eq!(attempt.usage_source, Some(UsageSource::Estimated), "{at}");
            let output = attempt.output_tokens.unwrap();
            // The Claude requests here allow 64 tokens: an answer has no more.
            let is_plausible =
                if dialect == Dialect::Claude { output == 64 } else { (400..2000).contains(&output) };
            assert!(is_plausible, "{at}: {output} tokens in 4000 bytes");
            assert!(attempt.input_tokens.unwrap() > 0, "{at}");

            let reply = ask("input=0; output=0; chunks=0; body_bytes=0").send(world.address()).await;
            let record = world.hub.record(reply.id()).await;
            let attempt = &record.attempts[0];
            assert_eq!((attempt.input_tokens, attempt.output_tokens), (Some(0), Some(0)), "{at}");
            assert_eq!(attempt.usage_source, Some(UsageSource::Reported), "{at}");
        }
    }
}

/// An answer of 1000 tokens in and 100 out, with what it says of its tier.
fn served(tier: Option<&str>) -> String {
    let mut answer = json!({"id": "c", "object": "chat.completion", "model": "gpt-4.1",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 100}});
    if let Some(tier) = tier {
        answer["service_tier"] = tier.into();
    }
    answer.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tier_is_billed_as_the_vendor_served_it_or_else_as_it_was_asked_for() {
    // 2 and 8 USD for a million, by priority 3.50 and 14.
    let (standard, priority) = (1000 * 2_000 + 100 * 8_000, 1000 * 3_500 + 100 * 14_000);
    for (asked, answered, cost) in [
        (None, None, standard),
        (None, Some("default"), standard),
        (Some("auto"), Some("priority"), priority),
        (Some("priority"), Some("priority"), priority),
        (Some("priority"), Some("default"), standard),
        (Some("priority"), None, priority),
    ] {
        let vendor = Upstream::answering("application/json", served(answered).as_bytes()).await;
        let setup = Setup::new().await;
        setup.provider_for(Dialect::OpenAi, "vendor", &vendor.url(), json!({})).await;
        let key = setup.member().await;
        let hub = setup.start().await;
        let mut body = json!({"model": "gpt-4.1", "messages": [{"role": "user", "content": "Hello"}]});
        if let Some(tier) = asked {
            body["service_tier"] = tier.into();
        }
        let path = speech::path(Dialect::OpenAi, false);
        let reply = Request::post(path, body.to_string()).key(&key.text).send(hub.address).await;
        let record = hub.record(reply.id()).await;
        assert_eq!(record.request.cost_usd.map(Money::nanos), Some(cost), "{asked:?} {answered:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nobody_reports_usage_a_picture_is_billed_as_one_and_not_as_its_bytes() {
    let world = World::start().await;
    let key = json!({"name": "budget", "limit_total_usd": "100"});
    let ada = world.hub.management().list_users(&ME, &ListQuery::default()).await.unwrap().items[0].id;
    let budget = world.hub.management().create_key(&ME, ada, &object(key)).await.unwrap().key;
    world.hub.app.catch_up().await;
    let address = format!("data:image/png;base64,iVBORw0KGgo{}", "Ab3/x9Qk+Zr7".repeat(20_000));
    let content = json!([{"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": address}}]);
    for stream in [false, true] {
        for key in [&world.key.text, &budget] {
            let body = json!({"model": "gpt-5", "max_tokens": 50, "stream": stream,
                "messages": [{"role": "user", "content": content}]});
            let request = Request::post(speech::path(Dialect::OpenAi, stream), body.to_string()).key(key);
            let reply = request.lab("no_usage; body_bytes=4000").send(world.address()).await;
            assert_eq!(reply.status, 200, "{}", reply.text());
            let attempt = &world.hub.record(reply.id()).await.attempts[0];
            assert_eq!(attempt.usage_source, Some(UsageSource::Estimated));
            let input = attempt.input_tokens.unwrap();
            assert!((1_600..1_700).contains(&input), "{input} tokens for a picture and three words");
            assert_eq!(attempt.output_tokens, Some(50), "no longer than it was allowed to be");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_is_recorded_with_what_the_provider_reported_in_the_end() {
    let world = World::start().await;
    for (dialect, mark) in [
        (Dialect::Claude, "content_block_delta"),
        (Dialect::OpenAi, "\"content\":\"A"),
        (Dialect::Responses, "output_text.delta"),
        (Dialect::Gemini, "\"text\""),
        (Dialect::GeminiCli, "\"text\""),
    ] {
        let id = format!("left {dialect}");
        let reply = Request::post(speech::path(dialect, true), speech::body(dialect, true))
            .key(&world.key.text)
            .lab("input=77; output=33; chunks=60; chunk_ms=10")
            .lab_id(&id)
            .send_and_leave_after(world.address(), mark.as_bytes())
            .await;
        let record = world.hub.record(reply.id()).await;
        assert_eq!(record.outcome, Outcome::ClientAborted, "{id}");
        assert_eq!(record.request.error_code.as_deref(), Some("client_aborted"), "{id}");
        assert_eq!((record.request.input_tokens, record.request.output_tokens), (77, 33), "{id}");
        assert_eq!(record.attempts[0].usage_source, Some(UsageSource::Reported), "{id}");
        assert_eq!(record.attempts[0].class, Some(ErrorClass::ClientAbort), "{id}");
        assert!(world.witnessed(&id).await.is_complete(), "{id}: the hub read on");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_before_the_answer_is_recorded() {
    let world = World::start().await;
    let request = Request::post("/v1/messages", speech::body(Dialect::Claude, false))
        .key(&world.key.text)
        .lab("latency_ms=60000");
    let leaving = request.send(world.address());
    let arrived = async {
        assert!(
            world
                .lab
                .witness()
                .wait_until(std::time::Duration::from_secs(10), |totals| totals.received == 1)
                .await
        );
    };
    tokio::select! {
        _ = leaving => panic!("the answer is a minute away"),
        () = arrived => {}
    }
    let query = RequestQuery::parse(Vec::new()).unwrap();
    for _ in 0..1000 {
        let list = world.hub.management().list_requests(&ME, &query).await.unwrap();
        if let Some(record) = list.items.first() {
            assert_eq!((record.status, record.error_code.as_deref()), (499, Some("client_aborted")));
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("no record of the client that left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_breaks_off_keeps_the_input_and_counts_what_came() {
    let world = World::start().await;
    let reply = Request::post("/v1/messages", speech::body(Dialect::Claude, true))
        .key(&world.key.text)
        .lab("input=500; output=900; truncate_after=3; cut=reset; chunk_bytes=100")
        .send(world.address())
        .await;
    let record = world.hub.record(reply.id()).await;
    assert_eq!(record.outcome, Outcome::UpstreamTruncated);
    assert_eq!(record.request.input_tokens, 500, "the start of the stream says so");
    assert!((20..200).contains(&record.request.output_tokens), "{}", record.request.output_tokens);
    assert_eq!(record.attempts[0].usage_source, Some(UsageSource::Estimated));
    assert!(record.request.cost_usd.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answers_id_is_its_records_and_nothing_is_lost_at_the_end() {
    let world = World::start().await;
    let mut ids = Vec::new();
    for index in 0..40 {
        let dialect = Dialect::ALL[index % 5];
        let reply =
            Request::post(speech::path(dialect, index % 2 == 0), speech::body(dialect, index % 2 == 0))
                .key(&world.key.text)
                .send(world.address())
                .await;
        assert_eq!(reply.headers.get_all("x-request-id").iter().count(), 1, "the vendor's id does not show");
        ids.push(reply.id().to_owned());
    }
    let World { hub, lab, .. } = world;
    let (drained, directory) = hub.shut_down().await;
    assert_eq!((drained.cut_connections, drained.left_in_journal), (0, 0));
    let sealer = hub_repository::Sealer::new([0x11; 32]);
    let settings = hub_repository::SqliteSettings::new(directory.path().join("hub.db"), sealer);
    let repository = hub_repository::SqliteRepository::open(settings).await.unwrap();
    for id in &ids {
        let found = hub_repository::Repository::find_request(&repository, id.parse().unwrap()).await.unwrap();
        assert!(found.is_some(), "{id}");
    }
    assert_eq!(lab.witness().totals().completed, 40);
    repository.close().await;
}
