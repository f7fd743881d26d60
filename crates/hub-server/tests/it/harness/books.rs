//! Holds the hub's books against what clients saw and what the provider answered: nothing lost, nothing twice,
//! every sum exact. Prices are worked out here by hand, not by the hub's own code.

use std::collections::{BTreeMap, HashMap, HashSet};

use hub_lab::Lab;
use hub_types::{Money, Usage};
use jiff::Timestamp;
use serde_json::Value;

use super::Admin;
use super::callers::{Sent, usage_of};

/// What the clients and the provider know.
pub(crate) struct Books<'a> {
    pub(crate) sent: &'a [Sent],
    pub(crate) lab: &'a Lab,
}

/// What was found.
#[derive(Debug, Clone, Copy)]
#[expect(dead_code, reason = "printed")]
pub(crate) struct Found {
    pub(crate) sent: usize,
    pub(crate) answered_whole: usize,
    pub(crate) answered_by_provider: usize,
    pub(crate) settled: usize,
    pub(crate) interrupted: usize,
    pub(crate) cost: Money,
}

impl Books<'_> {
    /// Compares everything; panics at the first thing that is wrong.
    pub(crate) async fn check(&self, admin: Admin) -> Found {
        let records = admin.requests().await;
        let ids: HashSet<&str> = records.iter().map(|record| text(record, "id")).collect();
        assert_eq!(ids.len(), records.len(), "no record twice");
        let by_serial = self.assign(&records);
        let (mut settled, mut interrupted) = (BTreeMap::new(), 0);
        for (serial, record) in &by_serial {
            if record["error_code"] == "interrupted" {
                interrupted += 1;
                assert!(record["cost_usd"].is_null(), "nobody knows what that cost: {record}");
            } else {
                check_settled(*serial, record);
                let sum: &mut (u64, Usage) = settled.entry(text(record, "model").to_owned()).or_default();
                sum.0 += 1;
                sum.1 += usage_of(*serial);
            }
        }
        let answered_whole = self.check_clients(&by_serial);
        let answered_by_provider = self.check_provider(&by_serial);
        let cost = check_summaries(admin, &settled).await;
        Found {
            sent: self.sent.len(),
            answered_whole,
            answered_by_provider,
            settled: records.len() - interrupted,
            interrupted,
            cost,
        }
    }

    /// Finds for each record the one request that it is about: the caller's only one at that time.
    fn assign<'r>(&self, records: &'r [Value]) -> HashMap<u64, &'r Value> {
        let mut by_serial = HashMap::new();
        for record in records {
            let at: Timestamp = text(record, "created_at").parse().unwrap();
            let model = text(record, "model");
            let is_it = |sent: &&Sent| {
                let began = Timestamp::from_microsecond(sent.began.as_microsecond()).unwrap();
                sent.model == model && began <= at && at <= sent.ended
            };
            let mut matching = self.sent.iter().filter(is_it);
            let sent = matching.next().unwrap_or_else(|| panic!("nobody sent this: {record}"));
            assert!(matching.next().is_none(), "callers ask one thing at a time");
            assert_eq!(record["stream"], sent.is_stream, "{record}");
            let other = by_serial.insert(sent.serial, record);
            assert!(other.is_none(), "two records of one request: {record} and {other:?}");
        }
        by_serial
    }

    /// Every answer that arrived whole is on record under its id.
    fn check_clients(&self, by_serial: &HashMap<u64, &Value>) -> usize {
        let mut whole = 0;
        for sent in self.sent {
            if !sent.is_whole() {
                let status = sent.answer.as_ref().map_or(200, |answer| answer.status);
                assert_eq!(status, 200, "the hub refuses nobody: {sent:?}");
                continue;
            }
            whole += 1;
            let record = by_serial.get(&sent.serial).unwrap_or_else(|| panic!("lost: {sent:?}"));
            assert_eq!(record["error_code"], Value::Null, "answered in full: {record}");
            assert_eq!(Some(text(record, "id")), sent.request_id());
        }
        whole
    }

    /// Every answer of the provider is on record, settled or as interrupted.
    fn check_provider(&self, by_serial: &HashMap<u64, &Value>) -> usize {
        let entries = self.lab.witness().entries();
        assert_eq!(entries.len() as u64, self.lab.witness().totals().answered, "the lab remembers them all");
        let answered: HashSet<u64> =
            entries.iter().map(|entry| entry.lab_id.as_ref().unwrap().parse().unwrap()).collect();
        assert_eq!(answered.len(), entries.len(), "nothing is sent to the provider twice");
        for serial in &answered {
            assert!(by_serial.contains_key(serial), "answered by the provider, but not on record: {serial}");
        }
        answered.len()
    }
}

fn check_settled(serial: u64, record: &Value) {
    let usage = usage_of(serial);
    for (field, tokens) in [
        ("input_tokens", usage.input),
        ("output_tokens", usage.output),
        ("cache_read_tokens", usage.cache_read),
        ("cache_write_5m_tokens", usage.cache_write_5m),
        ("cache_write_1h_tokens", usage.cache_write_1h),
    ] {
        assert_eq!(record[field], tokens, "{field} of {record}");
    }
    assert_eq!((&record["status"], &record["error_code"]), (&200.into(), &Value::Null), "{record}");
    assert_eq!(money(record, "cost_usd"), cost_of(usage), "{record}");
}

/// The reports agree with the sums of the records, caller by caller and in total.
async fn check_summaries(admin: Admin, settled: &BTreeMap<String, (u64, Usage)>) -> Money {
    let by_model = admin.get("/usage/summary?group_by=model").await;
    let rows = by_model["items"].as_array().unwrap();
    let mut reported = BTreeMap::new();
    for row in rows {
        let usage = Usage {
            input: row["input_tokens"].as_u64().unwrap(),
            output: row["output_tokens"].as_u64().unwrap(),
            reasoning: row["reasoning_tokens"].as_u64().unwrap(),
            cache_read: row["cache_read_tokens"].as_u64().unwrap(),
            cache_write_5m: row["cache_write_5m_tokens"].as_u64().unwrap(),
            cache_write_1h: row["cache_write_1h_tokens"].as_u64().unwrap(),
        };
        assert_eq!(money(row, "cost_usd"), cost_of(usage), "to the nano-dollar: {row}");
        reported.insert(text(row, "group").to_owned(), (row["requests"].as_u64().unwrap(), usage));
    }
    assert_eq!(&reported, settled);
    let total = admin.get("/usage/summary").await;
    let total = &total["items"][0];
    let cost = settled.values().map(|(_, usage)| cost_of(*usage)).sum();
    assert_eq!(money(total, "cost_usd"), cost);
    assert_eq!(total["requests"], settled.values().map(|(count, _)| count).sum::<u64>());
    cost
}

/// Claude Sonnet 4.5 at 3, 15, 0.3, 3.75 and 6 dollars a million tokens, times the provider's 1.3: each a
/// whole number of nano-dollars a token, so that sums of costs are costs of sums.
fn cost_of(usage: Usage) -> Money {
    let nanos = usage.input * 3_900
        + usage.output * 19_500
        + usage.cache_read * 390
        + usage.cache_write_5m * 4_875
        + usage.cache_write_1h * 7_800;
    Money::from_nanos(i64::try_from(nanos).unwrap())
}

fn money(row: &Value, field: &str) -> Money {
    text(row, field).parse().unwrap()
}

fn text<'v>(row: &'v Value, field: &str) -> &'v str {
    row[field].as_str().unwrap_or_else(|| panic!("no {field}: {row}"))
}
