//! A hub that is killed fifty times in the middle of its work and started again on the same data: every answer
//! that a client got is on record once, with its exact usage and cost.

use std::path::PathBuf;
use std::time::Duration;

use hub_lab::{Lab, LabConfig};
use hub_testkit::Postgres;
use serde_json::json;

use crate::harness::{Admin, Books, Callers, Chance, Pace, Site};

const KILLS: u32 = 50;
const PACE: Pace = Pace { callers: 16, pause: Duration::from_millis(10), chunk_ms: 3 };

async fn survives_fifty_kills(test: &str, site: &Site) {
    let mut chance = Chance::fresh(test);
    let lab = Lab::start(LabConfig { keep: usize::MAX, hash: false, ..LabConfig::default() }).await.unwrap();
    let seeded = site.furnish(&lab.url()).await;
    let mut hub = site.start().await;
    let limits = json!({
        "limit_total_usd": "1000000", "limit_5h_usd": "1000000",
        "limit_daily_usd": "1000000", "daily_reset_mode": "rolling",
    });
    Admin(hub.address).patch(&format!("/users/{}", seeded.user_id), limits).await;
    let callers = Callers::start(&seeded.key, PACE);
    let mut kills = 0;
    while kills < KILLS {
        callers.point_at(hub.address);
        tokio::time::sleep(chance.millis(20..600)).await;
        hub.kill().await;
        callers.hold();
        kills += 1;
        // Now and then the next one dies while it starts, with the journal of the last one half replayed.
        while kills < KILLS && chance.once_in(4) {
            let launched = site.launch(&[]);
            tokio::time::sleep(chance.millis(0..250)).await;
            launched.kill().await;
            kills += 1;
        }
        hub = site.start().await;
    }
    callers.point_at(hub.address);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let sent = callers.finish().await;

    let admin = Admin(hub.address);
    admin.wait_for_records().await;
    let found = Books { sent: &sent, lab: &lab }.check(admin).await;
    println!("{test}: {found:?}");
    assert!(found.interrupted > 0, "it was killed at work");
    assert!(found.answered_whole > 500, "it did work");
    let taken = admin.get(&format!("/users/{}/limits", seeded.user_id)).await;
    for window in taken["windows"].as_array().unwrap() {
        assert_eq!(window["used"], found.cost.to_string(), "no limit starts over by a crash: {window}");
        assert_eq!(window["reserved"], "0", "{window}");
    }
    assert_eq!(taken["windows"].as_array().unwrap().len(), 3);
    hub.stop().await;
    assert_eq!(site.journal_segments(), Vec::<PathBuf>::new(), "the journal is done with");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_booked_twice_when_killed_with_sqlite() {
    survives_fifty_kills("kill, SQLite", &Site::embedded()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_booked_twice_when_killed_with_postgresql() {
    let database = Postgres::shared().await.unwrap().fresh_database().await.unwrap();
    survives_fifty_kills("kill, PostgreSQL", &Site::on(&database.dsn)).await;
    // The roll-ups that the reports come from, against the lines themselves.
    let compare = "DO $$ BEGIN
        IF (SELECT (COUNT(*), SUM(input_tokens), SUM(output_tokens), SUM(cost_nanos)) FROM ledger)
            IS DISTINCT FROM
            (SELECT (SUM(requests)::bigint, SUM(input_tokens), SUM(output_tokens), SUM(cost_nanos)) FROM usage_hourly)
        THEN RAISE EXCEPTION 'the roll-ups are not the sum of the ledger'; END IF;
        IF (SELECT COUNT(*) FROM ledger) = 0 THEN RAISE EXCEPTION 'the ledger is empty'; END IF;
    END $$";
    database.execute(compare).await.unwrap();
}
