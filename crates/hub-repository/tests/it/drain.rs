//! The drain between the journal and a database that comes and goes.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hub_repository::journal::{Drain, DrainSettings, Journal, JournalSettings};
use hub_repository::{Repository, RequestFilter, Sealer, SqliteRepository, SqliteSettings};
use hub_types::RequestRecord;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::conformance::Place;
use crate::sqlite::InFile;
use crate::stock::{Facts, open_of, record};

const PROMPT: Duration = Duration::from_secs(5);

struct Running {
    journal: Arc<Journal>,
    cancel: CancellationToken,
    tasks: TaskTracker,
}

impl Running {
    fn start(dir: &Path, repository: Arc<dyn Repository>, settings: JournalSettings) -> Self {
        let (journal, _) = Journal::open(dir, settings).unwrap();
        let (journal, cancel, tasks) = (Arc::new(journal), CancellationToken::new(), TaskTracker::new());
        let pace = DrainSettings {
            max_pause: Duration::from_millis(200),
            last_effort: Duration::from_secs(2),
            ..DrainSettings::default()
        };
        tasks.spawn(Drain::with_settings(journal.clone(), repository, pace).run(cancel.clone()));
        Self { journal, cancel, tasks }
    }

    async fn until_empty(&self) {
        let begun = Instant::now();
        while self.journal.status().depth_entries > 0 {
            assert!(begun.elapsed() < PROMPT, "{:?}", self.journal.status());
            sleep(Duration::from_millis(5)).await;
        }
    }

    async fn end(self) {
        self.cancel.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

fn segments(dir: &Path) -> usize {
    let is_segment = |path: &Path| path.extension().is_some_and(|extension| extension == "seg");
    fs::read_dir(dir).unwrap().filter(|item| is_segment(&item.as_ref().unwrap().path())).count()
}

async fn stored(repository: &dyn Repository) -> Vec<RequestRecord> {
    let all = RequestFilter { limit: 10_000, ..RequestFilter::default() };
    repository.list_requests(&all).await.unwrap().into_iter().map(|row| row.record).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_settled_is_in_the_database_soon_and_the_journal_ends_empty() {
    let (file, dir) = (InFile::new(), TempDir::new().unwrap());
    let repository = file.open([1; 32]).await;
    let running = Running::start(dir.path(), repository.clone(), JournalSettings::default());
    let first = record(Facts::default());
    running.journal.opened(&open_of(&first));
    running.journal.settled(&first);
    let begun = Instant::now();
    running.until_empty().await;
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    let mut all: Vec<_> = (1..1500).map(|seconds| record(Facts { seconds, ..Facts::default() })).collect();
    // They need not end in the order of their ids.
    for record in all.iter().rev() {
        running.journal.settled(record);
    }
    all.push(first);
    let journal = running.journal.clone();
    running.end().await;
    assert_eq!(journal.status().depth_entries, 0, "the rest is drained at the end");
    assert_eq!((journal.status().drained_total, segments(dir.path())), (1500, 0));
    let mut kept = stored(repository.as_ref()).await;
    all.sort_by_key(|record| record.id);
    kept.sort_by_key(|record| record.id);
    assert!(kept == all, "each is stored as it ended");
    for record in all.iter().step_by(100) {
        let found = repository.find_request(record.id).await.unwrap().unwrap();
        assert_eq!(found.record, *record, "and where it belongs");
    }
    assert_eq!(file.number("SELECT COUNT(*) FROM ledger").await, 1500);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_still_open_at_the_end_is_interrupted_after_the_next_start() {
    let (file, dir) = (InFile::new(), TempDir::new().unwrap());
    let repository = file.open([1; 32]).await;
    let running = Running::start(dir.path(), repository.clone(), JournalSettings::default());
    let open = record(Facts::default());
    running.journal.opened(&open_of(&open));
    running.end().await;
    let running = Running::start(dir.path(), repository.clone(), JournalSettings::default());
    running.until_empty().await;
    running.end().await;
    assert_eq!(stored(repository.as_ref()).await, [open_of(&open).interrupted()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_while_the_database_is_away() {
    let dir = TempDir::new().unwrap();
    let data = TempDir::new().unwrap();
    let path = data.path().join("hub.db");
    let settings = SqliteSettings {
        deadline: Duration::from_millis(100),
        ..SqliteSettings::new(&path, Sealer::new([1; 32]))
    };
    let repository: Arc<dyn Repository> = Arc::new(SqliteRepository::open(settings).await.unwrap());
    let running = Running::start(dir.path(), repository.clone(), JournalSettings::default());
    // Somebody else holds the file for writing: the hub's writes end at their deadline.
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    for seconds in 0..50 {
        running.journal.settled(&record(Facts { seconds, ..Facts::default() }));
    }
    sleep(Duration::from_millis(400)).await;
    assert_eq!(running.journal.status().depth_entries, 50);
    other.execute_batch("COMMIT").unwrap();
    drop(other);
    let begun = Instant::now();
    while running.journal.status().depth_entries > 0 {
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", running.journal.status());
        sleep(Duration::from_millis(20)).await;
    }
    running.end().await;
    assert_eq!(stored(repository.as_ref()).await.len(), 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_the_database_never_takes_holds_up_no_other() {
    let (file, dir) = (InFile::new(), TempDir::new().unwrap());
    let repository = file.open([1; 32]).await;
    // A rule of the database that one record breaks, whatever is tried.
    file.execute(
        "CREATE TRIGGER no_teapots BEFORE INSERT ON requests WHEN NEW.status = 418
        BEGIN SELECT RAISE(ABORT, 'refused'); END",
    );
    let (journal, _) = Journal::open(dir.path(), JournalSettings::default()).unwrap();
    for seconds in 0..20 {
        let status = if seconds == 7 { 418 } else { 200 };
        journal.settled(&record(Facts { seconds, status, ..Facts::default() }));
    }
    drop(journal);
    let running = Running::start(dir.path(), repository.clone(), JournalSettings::default());
    running.until_empty().await;
    assert_eq!(running.journal.status().set_aside, 1);
    running.end().await;
    assert_eq!(stored(repository.as_ref()).await.len(), 19);
    let aside = fs::read_to_string(dir.path().join("refused.jsonl")).unwrap();
    let kept: RequestRecord = serde_json::from_str(aside.trim()).unwrap();
    assert_eq!(kept.status, 418);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_for_the_journal_ends_although_more_comes_in() {
    let (file, dir) = (InFile::new(), TempDir::new().unwrap());
    let repository = file.open([1; 32]).await;
    let running = Running::start(dir.path(), repository.clone(), JournalSettings::default());
    assert!(running.journal.wait_until_drained(Duration::ZERO).await, "nothing is there");
    let (journal, stop) = (running.journal.clone(), CancellationToken::new());
    let tasks = TaskTracker::new();
    let more = tasks.spawn({
        let stop = stop.clone();
        async move {
            while !stop.is_cancelled() {
                journal.settled(&record(Facts::default()));
                sleep(Duration::from_millis(1)).await;
            }
        }
    });
    for round in 0..5 {
        let last = record(Facts::default());
        running.journal.settled(&last);
        assert!(running.journal.wait_until_drained(PROMPT).await, "round {round}");
        assert!(repository.find_request(last.id).await.unwrap().is_some(), "round {round}");
    }
    stop.cancel();
    more.await.unwrap();
    running.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_for_a_journal_that_nobody_drains_says_so() {
    let dir = TempDir::new().unwrap();
    let (journal, _) = Journal::open(dir.path(), JournalSettings::default()).unwrap();
    journal.opened(&open_of(&record(Facts::default())));
    assert!(journal.wait_until_drained(Duration::ZERO).await, "a request that is open is not waited for");
    journal.settled(&record(Facts::default()));
    assert!(!journal.wait_until_drained(Duration::from_millis(30)).await);
}
