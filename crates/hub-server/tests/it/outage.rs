//! The database is away for half a minute under load: nobody notices, and afterwards the books are complete.

use std::time::Duration;

use hub_lab::{Lab, LabConfig};
use hub_testkit::Postgres;

use crate::harness::{Admin, Books, Callers, Pace, Site, eventually};

const PACE: Pace = Pace { callers: 4, pause: Duration::from_millis(40), chunk_ms: 3 };
const AWAY: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_away_for_thirty_seconds_costs_no_request_and_no_record() {
    let postgres = Postgres::start().await.unwrap();
    let database = postgres.fresh_database().await.unwrap();
    let site = Site::on(&database.dsn);
    let lab = Lab::start(LabConfig { keep: usize::MAX, hash: false, ..LabConfig::default() }).await.unwrap();
    let seeded = site.furnish(&lab.url()).await;
    let hub = site.start().await;
    let callers = Callers::start(&seeded.key, PACE);
    callers.point_at(hub.address);
    assert!(lab.witness().wait_until(Duration::from_secs(10), |totals| totals.completed >= 20).await);

    postgres.stop().await.unwrap();
    let before = lab.witness().totals().completed;
    // The length of the outage is what is tested.
    tokio::time::sleep(AWAY).await;
    let during = lab.witness().totals().completed - before;
    assert!(hub.is_ready().await, "records are safe, so the hub takes work");
    postgres.start_again().await.unwrap();

    let after = lab.witness().totals().completed;
    assert!(lab.witness().wait_until(Duration::from_secs(10), |totals| totals.completed >= after + 20).await);
    let sent = callers.finish().await;
    assert!(during > 300, "the load went on: {during}");
    for sent in &sent {
        assert!(sent.is_whole(), "failed: {sent:?}");
    }
    let admin = Admin(hub.address);
    let is_up = async || (admin.get("/system/status").await["database"]["state"] == "up").then_some(());
    eventually("the hub has its database again", Duration::from_secs(20), is_up).await;
    admin.wait_for_records().await;
    let found = Books { sent: &sent, lab: &lab }.check(admin).await;
    println!("outage: {during} of {found:?}");
    assert_eq!((found.settled, found.interrupted), (sent.len(), 0));

    hub.stop().await;
    let hub = site.start().await;
    assert_eq!(Books { sent: &sent, lab: &lab }.check(Admin(hub.address)).await.cost, found.cost);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_killed_while_its_database_is_away_has_its_records_when_both_are_back() {
    let postgres = Postgres::start().await.unwrap();
    let database = postgres.fresh_database().await.unwrap();
    let site = Site::on(&database.dsn);
    let lab = Lab::start(LabConfig { keep: usize::MAX, hash: false, ..LabConfig::default() }).await.unwrap();
    let seeded = site.furnish(&lab.url()).await;
    let hub = site.start().await;
    let callers = Callers::start(&seeded.key, PACE);
    callers.point_at(hub.address);
    let more = async |count: u64| {
        let enough = lab.witness().totals().completed + count;
        assert!(lab.witness().wait_until(Duration::from_secs(20), |totals| totals.completed >= enough).await);
    };
    more(50).await;
    postgres.stop().await.unwrap();
    more(100).await;
    hub.kill().await;
    callers.hold();

    // Started together, as after a power cut: the hub waits for its database.
    let (hub, started) = tokio::join!(site.start(), async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        postgres.start_again().await
    });
    started.unwrap();
    callers.point_at(hub.address);
    more(20).await;
    let sent = callers.finish().await;
    let admin = Admin(hub.address);
    admin.wait_for_records().await;
    let found = Books { sent: &sent, lab: &lab }.check(admin).await;
    println!("killed without a database: {found:?}");
    assert!(found.interrupted <= 4, "at most one a caller: {found:?}");
    hub.stop().await;
}
