//! A storm: two hubs on one PostgreSQL and one Redis, before providers that fail in every way, while stores come
//! and go, clients leave and an admin edits. When it is over, the books have to be right and nothing may be left.
//!
//! As a test it is short. `scripts/chaos` runs the same for minutes.

mod edits;
mod plan;
mod providers;
mod report;
mod scene;
mod speech;
mod stores;
mod storm;
mod talker;
mod verdict;

use plan::Plan;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_faults_leaves_the_books_right_and_nothing_behind() {
    let report = storm::run(&Plan::read()).await;
    report.print();
    assert!(report.has_passed(), "the storm left something behind: see the table");
}
