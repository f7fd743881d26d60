//! A hub that is killed in the middle of its work, again and again: every request that it settled is in the
//! database once, every one that it had open is there as interrupted, and the sums agree.

use std::collections::HashSet;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use hub_repository::journal::{Appended, Drain, Journal, JournalSettings};
use hub_repository::{Repository, RequestFilter, Sealer, SqliteRepository, SqliteSettings};
use hub_types::{Outcome, RequestId};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::stock::{Facts, open_of, record};

/// Set for the child process: where to work.
const PLACE: &str = "HUB_KILL_TEST_PLACE";

fn settings() -> JournalSettings {
    // Small segments, so that rotation and deletion happen all the time.
    JournalSettings { segment_bytes: 32 << 10, ..JournalSettings::default() }
}

async fn open_database(place: &Path) -> Arc<dyn Repository> {
    let settings = SqliteSettings::new(place.join("hub.db"), Sealer::new([1; 32]));
    Arc::new(SqliteRepository::open(settings).await.unwrap())
}

/// The victim: does nothing when run as an ordinary test.
#[test]
fn child_that_works_until_it_is_killed() {
    let Some(place) = env::var_os(PLACE).map(PathBuf::from) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let tasks = TaskTracker::new();
    let _entered = runtime.enter();
    let repository = runtime.block_on(open_database(&place));
    let journal = Arc::new(Journal::open(&place.join("journal"), settings()).unwrap().0);
    tasks.spawn(Drain::new(journal.clone(), repository).run(CancellationToken::new()));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let record = record(Facts::default());
                    assert_eq!(journal.opened(&open_of(&record)), Appended::Written);
                    say('o', record.id);
                    assert_eq!(journal.settled(&record), Appended::Written);
                    say('s', record.id);
                }
            });
        }
    });
}

/// Said only after the journal has it, so that whoever hears of it may rely on it.
fn say(what: char, id: RequestId) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "#{what}{id}").unwrap();
    out.flush().unwrap();
}

fn start(place: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["kill::child_that_works_until_it_is_killed", "--exact", "--nocapture", "--test-threads=1"])
        .env(PLACE, place)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_was_settled_survives_being_killed() {
    let place = TempDir::new().unwrap();
    let (mut opened, mut settled) = (HashSet::new(), HashSet::new());
    for round in 0..4u64 {
        let mut child = start(place.path());
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (said, heard) = sync_channel(1024);
        let listener = thread::spawn(move || {
            // Until the pipe ends with the child.
            for line in lines.map_while(Result::ok) {
                if said.send(line).is_err() {
                    return;
                }
            }
        });
        let enough = 300 + round * 400;
        let mut count = 0;
        while let Ok(line) = heard.recv_timeout(Duration::from_secs(30)) {
            // The test harness writes into the same pipe.
            if let Some(at) = line.find('#')
                && let (Some(what), Some(Ok(id))) =
                    (line.get(at + 1..at + 2), line.get(at + 2..at + 38).map(str::parse::<RequestId>))
            {
                count += 1;
                if what == "s" {
                    settled.insert(id)
                } else {
                    opened.insert(id)
                };
                if count == enough {
                    child.kill().unwrap();
                }
            }
        }
        child.wait().unwrap();
        listener.join().unwrap();
        assert!(count >= enough, "the child worked: {count}");
    }

    let repository = open_database(place.path()).await;
    let (journal, replay) = Journal::open(&place.path().join("journal"), settings()).unwrap();
    assert_eq!(replay.corrupt, 0);
    let (tasks, cancel) = (TaskTracker::new(), CancellationToken::new());
    cancel.cancel();
    let journal = Arc::new(journal);
    tasks.spawn(Drain::new(journal.clone(), repository.clone()).run(cancel));
    tasks.close();
    tasks.wait().await;
    assert_eq!(journal.status().depth_entries, 0);

    let all = RequestFilter { limit: 1_000_000, ..RequestFilter::default() };
    let stored = repository.list_requests(&all).await.unwrap();
    let ids: HashSet<_> = stored.iter().map(|row| row.record.id).collect();
    assert_eq!(ids.len(), stored.len(), "none is there twice");
    let interrupted: HashSet<_> = stored
        .iter()
        .filter(|row| row.record.outcome == Outcome::Interrupted)
        .map(|row| row.record.id)
        .collect();
    assert!(
        settled.iter().all(|id| ids.contains(id) && !interrupted.contains(id)),
        "settled requests are there"
    );
    assert!(opened.iter().all(|id| ids.contains(id)), "open requests left a trace");
    // Four threads, four lives: each thread had one request open at most when it died.
    assert!(interrupted.len() <= 16, "{}", interrupted.len());
    let connection = rusqlite::Connection::open(place.path().join("hub.db")).unwrap();
    let number = |sql: &str| -> i64 { connection.query_row(sql, [], |row| row.get(0)).unwrap() };
    let completed = i64::try_from(stored.len() - interrupted.len()).unwrap();
    assert_eq!(number("SELECT COUNT(*) FROM ledger"), completed);
    assert_eq!(number("SELECT SUM(requests) FROM usage_hourly"), completed);
    assert_eq!(
        number("SELECT SUM(cost_nanos) FROM usage_hourly"),
        number("SELECT SUM(cost_nanos) FROM ledger")
    );
}
