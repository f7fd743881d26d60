//! The table of failures, row by row and in every dialect: what the client sees, who is asked next, what is held
//! against the provider, where the session goes on, and what is written down.

use hub_lab::{Behaviour, Lab};
use hub_management::view::{ProviderHealthView, RequestDetailView};
use hub_types::{AttemptReason, Clock as _, Dialect, ErrorClass, Outcome, ProviderId, SystemClock};
use serde_json::json;

use crate::failover::plays;
use crate::harness::client::{Reply, Request};
use crate::harness::speech;
use crate::harness::world::{Hub, Key, ME, Setup, lab};

const DIALECTS: [Dialect; 4] = [Dialect::Claude, Dialect::OpenAi, Dialect::Responses, Dialect::Gemini];

/// A line of the table.
#[derive(Debug, Clone, Copy)]
struct Row {
    /// What the provider does.
    script: &'static str,
    class: ErrorClass,
    /// Does another provider get it?
    goes_on: bool,
    /// Does the breaker count it?
    counts: bool,
    /// How long the provider is left alone, in seconds.
    pause: u32,
    /// What the client sees if everybody does the same.
    alone: u16,
}

const fn row(script: &'static str, class: ErrorClass, counts: bool, pause: u32, alone: u16) -> Row {
    Row { script, class, goes_on: true, counts, pause, alone }
}

/// The client's own fault: nobody else is asked, and nothing is held against anybody.
const fn own_fault(script: &'static str, alone: u16) -> Row {
    Row { script, class: ErrorClass::RequestFault, goes_on: false, counts: false, pause: 0, alone }
}

/// Failures that a status, a broken connection or a whole answer tells. 529 is a word of Claude's dialect only.
const ROWS: [Row; 37] = [
    row("no_head", ErrorClass::Network, false, 0, 502),
    row("no_head; cut=reset", ErrorClass::Network, false, 0, 502),
    row("status=500", ErrorClass::ProviderError, true, 0, 500),
    row("status=502", ErrorClass::ProviderError, true, 0, 502),
    row("status=502; malformed=html", ErrorClass::ProviderError, true, 0, 502),
    row("status=503", ErrorClass::ProviderError, true, 0, 503),
    row("status=504", ErrorClass::ProviderError, true, 0, 504),
    row("status=520", ErrorClass::ProviderError, true, 0, 520),
    row("status=527", ErrorClass::ProviderError, true, 0, 527),
    row("status=529", ErrorClass::Overloaded, true, 10, 529),
    row("status=503; error_type=overloaded_error", ErrorClass::Overloaded, true, 10, 503),
    row("status=500; error_type=overloaded_error; retry_after=4", ErrorClass::Overloaded, true, 4, 500),
    row("status=429; retry_after=7", ErrorClass::Throttled, false, 7, 429),
    row("status=429; retry_after=3600", ErrorClass::Throttled, false, 300, 429),
    row("status=401", ErrorClass::Credential, true, 60, 502),
    row("status=402", ErrorClass::Credential, true, 60, 502),
    row("status=403", ErrorClass::Credential, true, 60, 502),
    row(
        "status=400; error_message=Your credit balance is too low to use this API",
        ErrorClass::Credential,
        true,
        60,
        502,
    ),
    row("status=404", ErrorClass::NotServed, false, 0, 404),
    row("status=408", ErrorClass::Timeout, true, 0, 408),
    own_fault("status=400", 400),
    own_fault("status=405", 405),
    own_fault("status=409", 409),
    own_fault("status=413", 413),
    own_fault("status=415", 415),
    own_fault("status=418", 418),
    own_fault("status=422", 422),
    own_fault("status=451", 451),
    row("error_in_200; error_type=api_error", ErrorClass::FakeSuccess, true, 0, 502),
    row("error_in_200; error_type=api_error; error_after=0", ErrorClass::FakeSuccess, true, 0, 502),
    row("malformed=empty", ErrorClass::FakeSuccess, true, 0, 502),
    row("malformed=html", ErrorClass::FakeSuccess, true, 0, 502),
    row("malformed=json", ErrorClass::FakeSuccess, true, 0, 502),
    row("truncate_after=0; cut=clean", ErrorClass::FakeSuccess, true, 0, 502),
    row("first_chunk_ms=20000", ErrorClass::Timeout, true, 0, 504),
    row("latency_ms=20000", ErrorClass::Timeout, true, 0, 504),
    row("status=300", ErrorClass::FakeSuccess, true, 0, 502),
];

/// What was answered in the course of a row.
struct Case {
    row: Row,
    what: String,
    /// While the first provider failed.
    reply: Reply,
    /// The session's next turn.
    after: Reply,
    /// While both failed.
    everywhere: Reply,
}

/// A hub with two providers of one dialect, of which the first is everybody's choice.
struct Table {
    hub: Hub,
    key: Key,
    dialect: Dialect,
    first: (ProviderId, Lab),
    second: (ProviderId, Lab),
}

impl Table {
    async fn of(dialect: Dialect) -> Self {
        let (setup, first, second) = (Setup::new().await, lab().await, lab().await);
        let fields = |weight| {
            json!({
                "weight": weight, "failure_threshold": 1000,
                "timeout_first_byte": 1000, "timeout_request": 1000, "timeout_idle": 1000,
            })
        };
        let one = setup.provider_for(dialect, "first", &first.url(), fields(1)).await;
        let two = setup.provider_for(dialect, "second", &second.url(), fields(0)).await;
        let key = setup.member().await;
        Self { hub: setup.start().await, key, dialect, first: (one, first), second: (two, second) }
    }

    async fn forgive(&self) {
        self.hub.forgive("first").await;
        self.hub.forgive("second").await;
    }

    fn request(&self, session: &str, stream: bool) -> Request {
        Request::post(speech::path(self.dialect, stream), speech::body(self.dialect, stream))
            .key(&self.key.text)
            .header("x-session-id", session)
    }

    async fn ask(&self, session: &str, stream: bool) -> Reply {
        self.request(session, stream).send(self.hub.address).await
    }

    /// A good turn of the session.
    async fn turn(&self, session: &str) -> Reply {
        let reply = self.ask(session, false).await;
        assert_eq!(reply.status, 200, "{session}: {}", reply.text());
        reply
    }

    /// Where a good turn went and why.
    async fn whereabouts(&self, turn: &Reply) -> (ProviderId, AttemptReason) {
        let record = self.hub.record(turn.id()).await;
        (record.request.provider_id.unwrap(), record.attempts[0].reason)
    }

    async fn health(&self) -> ProviderHealthView {
        self.hub.management().provider_health(&ME, self.first.0).await.unwrap()
    }

    /// One row, in a session that is bound to the provider that fails.
    async fn fails(&self, row: &Row, stream: bool) -> Case {
        let what = format!("{} {} stream={stream}", row.script, self.dialect);
        let fault = Behaviour::from_header(row.script).unwrap();
        self.forgive().await;
        self.turn(&what).await;
        plays(&self.first.1, fault.clone());
        let reply = self.ask(&what, stream).await;
        self.check_health(row, &what).await;
        plays(&self.first.1, Behaviour::default());
        self.forgive().await;
        let after = self.turn(&what).await;
        self.forgive().await;
        plays(&self.first.1, fault.clone());
        plays(&self.second.1, fault);
        let everywhere = self.ask(&format!("{what}, everywhere"), stream).await;
        plays(&self.first.1, Behaviour::default());
        plays(&self.second.1, Behaviour::default());
        Case { row: *row, what, reply, after, everywhere }
    }

    /// What has become of it, when it is on record.
    async fn check(&self, case: &Case) {
        let Case { row, what, reply, after, everywhere } = case;
        let record = self.hub.record(reply.id()).await;
        self.check_attempts(row, what, reply, &record);
        // A failure moves a session only by somebody else's success.
        let home = if row.goes_on { self.second.0 } else { self.first.0 };
        assert_eq!(self.whereabouts(after).await, (home, AttemptReason::SessionReuse), "{what}");
        self.check_last_word(row, what, everywhere).await;
    }

    fn check_attempts(&self, row: &Row, what: &str, reply: &Reply, record: &RequestDetailView) {
        let expected = if row.goes_on { 200 } else { row.alone };
        assert_eq!((reply.status, record.request.status), (expected, expected), "{what}: {}", reply.text());
        let outcome = if row.goes_on { Outcome::Completed } else { Outcome::Failed };
        assert_eq!(record.outcome, outcome, "{what}");
        let (failed, answered): (Vec<_>, Vec<_>) =
            record.attempts.iter().partition(|attempt| attempt.class.is_some());
        assert!(!failed.is_empty(), "{what}");
        for (at, attempt) in failed.iter().enumerate() {
            assert_eq!(attempt.provider_id, Some(self.first.0), "{what}");
            // Only a broken connection is worth another try with the same provider, and one is enough.
            let is_first = at == 0 && attempt.reason == AttemptReason::SessionReuse;
            let is_again =
                at == 1 && attempt.reason == AttemptReason::RetryFailed && row.class == ErrorClass::Network;
            assert!(is_first || is_again, "{what}: {:?}", record.attempts);
            assert_eq!(attempt.class, Some(row.class), "{what}");
            assert_eq!(attempt.cost_usd, None, "{what}: a failure costs nothing");
            let status = Behaviour::from_header(row.script).unwrap().status;
            let seen = match row.class {
                ErrorClass::Network => None,
                ErrorClass::Timeout if row.script.starts_with("latency") => None,
                _ => status.or(Some(200)),
            };
            assert_eq!(attempt.status, seen, "{what}");
        }
        let to: Vec<_> = answered.iter().map(|attempt| (attempt.provider_id, attempt.reason)).collect();
        let next = (Some(self.second.0), AttemptReason::Failover);
        assert_eq!(to, if row.goes_on { vec![next] } else { Vec::new() }, "{what}");
    }

    async fn check_health(&self, row: &Row, what: &str) {
        let view = self.health().await;
        assert_eq!((view.failures, view.breaker.as_str()), (row.counts.into(), "closed"), "{what}");
        let left = view.paused_until.map(|until| until.duration_since(SystemClock.now()).as_secs_f64());
        match (row.pause, left) {
            (0, None) => {}
            // Some time has gone by since, and none of the next shorter pause.
            (pause, Some(left)) => {
                let pause = f64::from(pause);
                assert!((pause - 3.0..=pause).contains(&left), "{what}: {left} s of {pause}");
            }
            (pause, None) => panic!("{what}: no pause of {pause} s"),
        }
    }

    /// Nobody is left: the client hears of the failure in its own dialect, and not whose it is.
    async fn check_last_word(&self, row: &Row, what: &str, reply: &Reply) {
        let is_foreign = row.alone == 529 && self.dialect != Dialect::Claude;
        let status = if is_foreign { 503 } else { row.alone };
        assert_eq!(reply.status, status, "{what}: {}", reply.text());
        let body = reply.json();
        let error = &body["error"];
        assert!(error["message"].as_str().is_some_and(|text| !text.is_empty()), "{what}: {body}");
        match self.dialect {
            Dialect::Claude => assert_eq!(body["type"], "error", "{what}: {body}"),
            Dialect::OpenAi | Dialect::Responses => assert!(error["type"].is_string(), "{what}: {body}"),
            Dialect::Gemini | Dialect::GeminiCli => assert!(error["status"].is_string(), "{what}: {body}"),
        }
        let raw = String::from_utf8_lossy(&reply.raw).into_owned();
        for secret in [self.first.1.addr().to_string(), self.second.1.addr().to_string(), "sk-vendor".into()]
        {
            assert!(!raw.contains(&secret), "{what}: {raw}");
        }
        let record = self.hub.record(reply.id()).await;
        assert_eq!(record.outcome, Outcome::Failed, "{what}");
        assert!(record.attempts.iter().all(|attempt| attempt.class == Some(row.class)), "{what}");
        let mut asked: Vec<_> = record.attempts.iter().filter_map(|attempt| attempt.provider_id).collect();
        asked.dedup();
        let all = [self.first.0, self.second.0];
        assert_eq!(asked, if row.goes_on { &all[..] } else { &all[..1] }, "{what}");
    }
}

async fn whole_table(dialect: Dialect) {
    let table = Table::of(dialect).await;
    let mut cases = Vec::new();
    for (number, row) in ROWS.iter().enumerate() {
        // What a status says it says of streams, too; what is hidden in an answer differs.
        let (one, both) = ([number % 2 == 0], [false, true]);
        let is_hidden = row.class == ErrorClass::FakeSuccess;
        for stream in if is_hidden { both.as_slice() } else { one.as_slice() } {
            cases.push(table.fails(row, *stream).await);
        }
    }
    // Records come a moment after the answers: all of them at the end, so that nobody waits for each.
    for case in &cases {
        table.check(case).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_failure_of_a_claude_provider_has_the_consequences_of_its_class() {
    whole_table(Dialect::Claude).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_failure_of_a_chat_provider_has_the_consequences_of_its_class() {
    whole_table(Dialect::OpenAi).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_failure_of_a_responses_provider_has_the_consequences_of_its_class() {
    whole_table(Dialect::Responses).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_failure_of_a_gemini_provider_has_the_consequences_of_its_class() {
    whole_table(Dialect::Gemini).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_is_no_failure_in_any_dialect() {
    for dialect in DIALECTS {
        let table = Table::of(dialect).await;
        table.turn("leaving").await;
        plays(&table.first.1, Behaviour { latency_ms: Some(900), ..Behaviour::default() });
        let witness = table.first.1.witness();
        for stream in [false, true] {
            let seen = witness.totals().received;
            let enough = async {
                witness.wait_until(crate::harness::world::PATIENCE, |totals| totals.received > seen).await;
            };
            table.request("leaving", stream).send_and_leave_when(table.hub.address, enough).await;
        }
        let left = crate::sessions::ring::until_recorded(&table.hub, "client_aborted", 2).await;
        for id in left {
            let record = table.hub.record(&id).await;
            assert_eq!((record.outcome, record.attempts.len()), (Outcome::ClientAborted, 1), "{dialect}");
            assert_eq!(record.attempts[0].class, Some(ErrorClass::ClientAbort), "{dialect}");
        }
        assert_eq!(table.health().await.failures, 0, "{dialect}");
        assert_eq!(table.second.1.witness().totals().received, 0, "{dialect}: nobody else was asked");
        plays(&table.first.1, Behaviour::default());
        let turn = table.turn("leaving").await;
        assert_eq!(table.whereabouts(&turn).await, (table.first.0, AttemptReason::SessionReuse), "{dialect}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_conversation_opens_nothing_however_often_it_is_sent() {
    for dialect in DIALECTS {
        let table = Table::of(dialect).await;
        let edit = crate::harness::world::object(json!({"failure_threshold": 1}));
        table.hub.management().update_provider(&ME, table.first.0, &edit).await.unwrap();
        table.hub.app.catch_up().await;
        plays(&table.first.1, Behaviour { status: Some(400), ..Behaviour::default() });
        for number in 0..100 {
            assert_eq!(table.ask("bad", number % 2 == 0).await.status, 400, "{dialect}");
        }
        let view = table.health().await;
        assert_eq!((view.breaker.as_str(), view.failures), ("closed", 0), "{dialect}");
        assert_eq!(view.paused_until, None, "{dialect}");
        assert_eq!(table.first.1.witness().totals().received, 100, "{dialect}: it was asked every time");
        assert_eq!(table.second.1.witness().totals().received, 0, "{dialect}: nobody else was");
    }
}
