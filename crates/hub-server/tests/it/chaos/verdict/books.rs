//! The books against what clients and vendors know: one record a request, one end, exact sums.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use hub_lab::Entry;
use hub_types::Money;
use serde_json::Value;

use super::{Invariant, money, text};
use crate::chaos::storm::Aftermath;
use crate::chaos::talker::{Sent, tokens_of};
use crate::harness::{Admin, eventually};

const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn check(aftermath: &Aftermath<'_>) -> Vec<Invariant> {
    let admin = Admin(aftermath.scene.hubs[0].address);
    let records = admin.requests().await;
    let mut all = Vec::new();
    let ids: HashSet<&str> = records.iter().map(|record| text(record, "id")).collect();
    let twice = records.len() - ids.len();
    all.push(Invariant::new(
        "no request has two records",
        twice == 0,
        format!("{twice} of {}", records.len()),
    ));

    let assigned = Assigned::new(&aftermath.sent, &records);
    all.push(Invariant::none("each answered request has its record", aftermath.sent.len(), &assigned.lost));
    all.push(Invariant::none("each record has its request", records.len(), &assigned.strange));
    let entries = entries(aftermath);
    let unknown: Vec<&u64> =
        entries.keys().filter(|serial| !assigned.by_serial.contains_key(serial)).collect();
    all.push(Invariant::none("what reached a vendor is on record", entries.len(), &unknown));
    all.push(the_same_end(&assigned));
    all.push(nothing_cut_in_silence(aftermath));
    all.push(exact_tokens(&assigned, &entries));
    let open: Vec<&str> = records
        .iter()
        .filter(|record| record["error_code"] == "interrupted" || record["error_code"] == "shutting_down")
        .map(|record| text(record, "id"))
        .collect();
    all.push(Invariant::none("every request came to an end", records.len(), &open));
    all.extend(sums(aftermath, admin, &records).await);
    all
}

/// Which record is whose.
struct Assigned<'a> {
    by_serial: HashMap<u64, (&'a Sent, &'a Value)>,
    /// Answered, but not on record.
    lost: Vec<&'a Sent>,
    /// On record, but nobody's.
    strange: Vec<&'a Value>,
}

impl<'a> Assigned<'a> {
    fn new(sent: &'a [Sent], records: &'a [Value]) -> Self {
        let mut by_id: HashMap<&str, &Value> =
            records.iter().map(|record| (text(record, "id"), record)).collect();
        let (mut by_serial, mut lost) = (HashMap::new(), Vec::new());
        for sent in sent {
            let Some(id) = sent.heard.as_ref().and_then(|heard| heard.id.as_deref()) else { continue };
            match by_id.remove(id) {
                Some(record) => drop(by_serial.insert(sent.serial, (sent, record))),
                None => lost.push(sent),
            }
        }
        // What is left was not answered: the last request of a session, whose client has left.
        let unanswered = sent.iter().filter(|sent| !by_serial.contains_key(&sent.serial));
        let mut left: HashMap<&str, &Sent> = HashMap::new();
        for sent in unanswered {
            if sent.has_left {
                left.insert(&sent.session, sent);
            } else if !lost.iter().any(|known| known.serial == sent.serial) {
                lost.push(sent);
            }
        }
        let mut strange = Vec::new();
        for record in by_id.into_values() {
            let session = text(record, "session_id");
            let session = session.split_once('.').map_or(session, |(_, named)| named);
            match left.remove(session) {
                Some(sent) => drop(by_serial.insert(sent.serial, (sent, record))),
                None => strange.push(record),
            }
        }
        Self { by_serial, lost, strange }
    }
}

/// What the vendors remember, by the number of the request.
fn entries(aftermath: &Aftermath<'_>) -> HashMap<u64, Vec<Entry>> {
    let mut found: HashMap<u64, Vec<Entry>> = HashMap::new();
    for lab in &aftermath.scene.labs {
        for entry in lab.witness().entries() {
            let serial = entry.lab_id.as_ref().and_then(|id| id.parse().ok()).unwrap_or(0);
            found.entry(serial).or_default().push(entry);
        }
    }
    found
}

/// The client and the record agree on how it ended.
fn the_same_end(assigned: &Assigned<'_>) -> Invariant {
    let disagree = |(sent, record): &&(&Sent, &Value)| {
        let Some(heard) = &sent.heard else { return false };
        let is_good = record["error_code"].is_null() && record["status"] == 200;
        // What failed after its head has the head's status and an error code.
        record["status"] != heard.status || sent.is_served() && !heard.has_error && !is_good
    };
    let wrong: Vec<_> = assigned.by_serial.values().filter(disagree).collect();
    Invariant::none("client and record agree on the end", assigned.by_serial.len(), &wrong)
}

/// An answer that is not whole says so, by an error in it or by a broken connection.
fn nothing_cut_in_silence(aftermath: &Aftermath<'_>) -> Invariant {
    let is_silent = |sent: &&Sent| {
        sent.heard.as_ref().is_some_and(|heard| heard.is_whole && !heard.has_end && !heard.has_error)
    };
    let wrong: Vec<_> = aftermath.sent.iter().filter(is_silent).collect();
    Invariant::none("no answer breaks off without a word", aftermath.sent.len(), &wrong)
}

/// Of whole answers the record has the very tokens that the vendor reported.
fn exact_tokens(assigned: &Assigned<'_>, entries: &HashMap<u64, Vec<Entry>>) -> Invariant {
    let served: Vec<_> = assigned.by_serial.iter().filter(|(_, (sent, _))| sent.is_served()).collect();
    let is_wrong = |(serial, (sent, record)): &&(&u64, &(&Sent, &Value))| {
        let Some(entries) = entries.get(serial) else { return true };
        // A vendor that was told to report nothing makes the hub estimate.
        let is_told = entries.iter().any(|entry| entry.is_complete() && entry.usage.is_some());
        let (input, output) = tokens_of(**serial);
        let has_error = sent.heard.as_ref().is_some_and(|heard| heard.has_error);
        is_told && !has_error && (record["input_tokens"] != input || record["output_tokens"] != output)
    };
    let wrong: Vec<_> = served.iter().filter(|one| is_wrong(one)).collect();
    Invariant::none("tokens of whole answers are exact", served.len(), &wrong)
}

/// Records, ledger, roll-ups, reports and limits say the same.
async fn sums(aftermath: &Aftermath<'_>, admin: Admin, records: &[Value]) -> Vec<Invariant> {
    let database = &aftermath.scene.database;
    let rolled_up = database.execute(ROLL_UPS).await;
    let booked = database.execute(LINES).await;
    let total = admin.get("/usage/summary").await;
    let total = &total["items"][0];
    let tokens = |field: &str| records.iter().filter_map(|record| record[field].as_u64()).sum::<u64>();
    let cost: Money = records.iter().filter_map(|record| money(record, "cost_usd")).sum();
    let of_records = (tokens("input_tokens"), tokens("output_tokens"), Some(cost));
    let reported = |field: &str| total[field].as_u64().unwrap_or_default();
    let of_report = (reported("input_tokens"), reported("output_tokens"), money(total, "cost_usd"));
    let path = format!("/users/{}/limits", aftermath.scene.user);
    let mut taken = Value::Null;
    // Counters that Redis lost are read from the ledger, perhaps without what another hub's journal held then:
    // that hub says so when it has written it.
    let agrees = async || {
        taken = admin.get(&path).await;
        let window = &taken["windows"][0];
        let used = money(window, "used")?;
        (used == cost && window["reserved"] == "0").then_some(())
    };
    let settled = tokio::time::timeout(PATIENCE, eventually("limits agree", PATIENCE * 2, agrees)).await;
    vec![
        Invariant::new("roll-ups are the sum of the ledger", rolled_up.is_ok(), format!("{rolled_up:?}")),
        Invariant::new("each ledger line has its record", booked.is_ok(), format!("{booked:?}")),
        Invariant::new(
            "reports are the sum of the records",
            of_records == of_report,
            format!("{of_report:?}, records {of_records:?}"),
        ),
        Invariant::new(
            "limits have what was spent and reserve nothing",
            settled.is_ok(),
            format!("{}, spent {cost}", taken["windows"][0]),
        ),
    ]
}

const ROLL_UPS: &str = "DO $$ BEGIN
    IF (SELECT (COUNT(*), SUM(input_tokens), SUM(output_tokens), SUM(cost_nanos)) FROM ledger)
        IS DISTINCT FROM
        (SELECT (SUM(requests)::bigint, SUM(input_tokens), SUM(output_tokens), SUM(cost_nanos)) FROM usage_hourly)
    THEN RAISE EXCEPTION 'the roll-ups are not the sum of the ledger'; END IF;
END $$";

const LINES: &str = "DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM ledger WHERE request_id NOT IN (SELECT id FROM requests))
    THEN RAISE EXCEPTION 'a ledger line is about no request'; END IF;
    IF (SELECT COUNT(*) FROM ledger) = 0 THEN RAISE EXCEPTION 'the ledger is empty'; END IF;
END $$";
