//! The journal against torn, damaged and full disks.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use hub_types::{
    Attempt, AttemptId, AttemptReason, Convertible, Dialect, Endpoint, GroupSet, KeyId, Money, Multiplier,
    Outcome, ProviderId, ProviderType, RequestId, RoutingRecord, Timings, Usage, UsageSource, UserId,
};
use proptest::prelude::*;
use tempfile::TempDir;

use super::medium::Medium;
use super::*;

const ALL: BatchLimits = BatchLimits { records: 500, bytes: 4 << 20 };

fn record() -> RequestRecord {
    RequestRecord::new(
        RequestId::fresh(),
        Timestamp::UNIX_EPOCH,
        Dialect::Claude,
        Endpoint::Generate,
        Outcome::Completed,
    )
}

/// What a billed record takes in the journal.
fn entry_bytes() -> u64 {
    let dir = TempDir::new().unwrap();
    let (journal, _) = Journal::open(dir.path(), small()).unwrap();
    journal.settled(&billed_record());
    journal.status().bytes
}

fn billed_record() -> RequestRecord {
    let attempt = Attempt {
        id: AttemptId::fresh(),
        provider_id: ProviderId(1),
        provider_name: "main".to_owned(),
        provider_type: ProviderType::Claude,
        reason: AttemptReason::InitialSelection,
        priority: 0,
        weight: 1,
        probability_ppm: 1_000_000,
        host: "upstream.example".to_owned(),
        sent_model: None,
        upstream_model: None,
        status: Some(200),
        class: None,
        error_rule_id: None,
        error: Some("details ".repeat(100)),
        timings: Timings::default(),
        usage: Some(Usage { input: 3, output: 5, ..Usage::default() }),
        usage_source: Some(UsageSource::Reported),
        cost: Some(Money::from_nanos(42)),
        cost_breakdown: None,
        price_version: Some(1),
        provider_multiplier: Multiplier::ONE,
        is_trial: false,
        group_multiplier: Multiplier::ONE,
    };
    RequestRecord {
        user_id: Some(UserId(1)),
        key_id: Some(KeyId(1)),
        model: Some("model".to_owned()),
        attempts: vec![attempt],
        routing: Some(Box::new(RoutingRecord {
            catalogue: 1,
            left_out: Vec::new(),
            seed: 1,
            local_time: jiff::civil::Time::midnight(),
            groups: GroupSet::default(),
            convertible: Convertible::Yes,
            steps: Vec::new(),
        })),
        loss: vec!["top_k".to_owned()],
        ..record()
    }
}

fn open_of(record: &RequestRecord) -> OpenRequest {
    OpenRequest {
        id: record.id,
        created_at: record.created_at,
        user_id: record.user_id,
        key_id: record.key_id,
        dialect: record.dialect,
        endpoint: record.endpoint,
        stream: record.stream,
        model: record.model.clone(),
        session_id: None,
    }
}

fn small() -> JournalSettings {
    JournalSettings { segment_bytes: 4096, ..JournalSettings::default() }
}

fn drain_all(journal: &Journal) -> Vec<RequestRecord> {
    let mut all = Vec::new();
    while let Some(batch) = journal.read_batch(ALL).unwrap() {
        journal.shelf.commit(&batch).unwrap();
        all.extend(batch.records);
    }
    all
}

fn files(dir: &Path, extension: &str) -> usize {
    fs::read_dir(dir)
        .unwrap()
        .filter(|item| item.as_ref().unwrap().path().extension().is_some_and(|found| found == extension))
        .count()
}

#[test]
fn what_is_settled_is_drained_in_order_and_once() {
    let dir = TempDir::new().unwrap();
    let (journal, replay) = Journal::open(dir.path(), small()).unwrap();
    assert_eq!(replay, Replay::default());
    let records: Vec<_> = (0..100).map(|_| record()).collect();
    for record in &records {
        assert_eq!(journal.opened(&open_of(record)), Appended::Written);
        assert_eq!(journal.settled(record), Appended::Written);
    }
    let status = journal.status();
    assert_eq!((status.depth_entries, status.open_requests), (100, 0));
    assert_eq!(drain_all(&journal), records);
    assert_eq!(drain_all(&journal), []);
    let status = journal.status();
    assert_eq!((status.depth_entries, status.drained_total, status.oldest), (0, 100, None));
    assert_eq!(files(dir.path(), "seg"), 1, "drained segments are deleted");
    journal.empty().unwrap();
    assert_eq!(files(dir.path(), "seg"), 0);
    assert_eq!(journal.settled(&records[0]), Appended::Written, "an emptied journal goes on");
}

#[test]
fn a_directory_belongs_to_one_journal() {
    let dir = TempDir::new().unwrap();
    let first = Journal::open(dir.path(), small()).unwrap();
    assert!(matches!(Journal::open(dir.path(), small()), Err(JournalError::InUse(_))));
    drop(first);
    assert!(Journal::open(dir.path(), small()).is_ok());
}

#[test]
fn a_request_open_at_the_end_is_interrupted_after_the_next_start() {
    let dir = TempDir::new().unwrap();
    let (ended, open) = (record(), record());
    {
        let (journal, _) = Journal::open(dir.path(), small()).unwrap();
        journal.opened(&open_of(&open));
        journal.opened(&open_of(&ended));
        journal.settled(&ended);
    }
    let (journal, replay) = Journal::open(dir.path(), small()).unwrap();
    assert_eq!((replay.settled, replay.interrupted), (1, 1));
    assert_eq!(drain_all(&journal), [ended, open_of(&open).interrupted()]);
    drop(journal);
    let (_, replay) = Journal::open(dir.path(), small()).unwrap();
    assert_eq!((replay.settled, replay.interrupted), (0, 0), "what is drained is not replayed");
}

#[test]
fn a_replay_before_anything_is_drained_finds_the_same_again() {
    let dir = TempDir::new().unwrap();
    let open = record();
    drop(Journal::open(dir.path(), small()).map(|(journal, _)| journal.opened(&open_of(&open))));
    for _ in 0..3 {
        drop(Journal::open(dir.path(), small()).unwrap());
    }
    let (journal, replay) = Journal::open(dir.path(), small()).unwrap();
    assert_eq!((replay.settled, replay.interrupted), (1, 0));
    assert_eq!(drain_all(&journal), [open_of(&open).interrupted()]);
}

#[test]
fn an_open_request_outlives_the_segments_it_passes() {
    let dir = TempDir::new().unwrap();
    let long = record();
    {
        let (journal, _) = Journal::open(dir.path(), small()).unwrap();
        journal.opened(&open_of(&long));
        for _ in 0..100 {
            let short = record();
            journal.opened(&open_of(&short));
            journal.settled(&short);
        }
        assert_eq!(drain_all(&journal).len(), 100);
        assert!(!dir.path().join("00000000000000000001.seg").exists(), "the first segment is gone");
        journal.commit.rotate();
        assert_eq!(drain_all(&journal).len(), 0);
    }
    let (journal, replay) = Journal::open(dir.path(), small()).unwrap();
    assert_eq!(replay.interrupted, 1);
    assert_eq!(drain_all(&journal), [open_of(&long).interrupted()]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_torn_tail_costs_only_the_entry_it_tears(share in 0.0..1.0f64) {
        let dir = TempDir::new().unwrap();
        let records: Vec<_> = (0..5).map(|_| record()).collect();
        let mut ends = Vec::new();
        {
            let (journal, _) = Journal::open(dir.path(), JournalSettings::default()).unwrap();
            for record in &records {
                journal.settled(record);
                ends.push(journal.status().bytes);
            }
        }
        let path = dir.path().join("00000000000000000001.seg");
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a short length")]
        let cut = (ends[4] as f64 * share) as u64;
        File::options().write(true).open(path).unwrap().set_len(cut).unwrap();
        let whole = ends.iter().filter(|end| **end <= cut).count();
        let (journal, replay) = Journal::open(dir.path(), small()).unwrap();
        prop_assert_eq!(replay.settled, whole as u64);
        prop_assert_eq!(replay.torn, u64::from(cut > 0 && !ends.contains(&cut)));
        journal.settled(&records[4]);
        let mut expected = records[..whole].to_vec();
        expected.push(records[4].clone());
        prop_assert_eq!(drain_all(&journal), expected);
    }

    #[test]
    fn a_damaged_byte_costs_at_most_one_entry(share in 0.0..0.79f64, by in 1u8..) {
        let dir = TempDir::new().unwrap();
        let records: Vec<_> = (0..5).map(|_| record()).collect();
        {
            let (journal, _) = Journal::open(dir.path(), JournalSettings::default()).unwrap();
            for record in &records {
                journal.settled(record);
            }
        }
        let path = dir.path().join("00000000000000000001.seg");
        let mut bytes = fs::read(&path).unwrap();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a short length")]
        let at = (bytes.len() as f64 * share) as usize;
        bytes[at] = bytes[at].wrapping_add(by);
        fs::write(&path, bytes).unwrap();
        let (journal, replay) = Journal::open(dir.path(), small()).unwrap();
        prop_assert_eq!((replay.corrupt, replay.settled), (1, 4));
        let left: HashSet<_> = drain_all(&journal).into_iter().map(|record| record.id).collect();
        prop_assert_eq!(left.len(), 4);
        prop_assert_eq!(journal.status().corrupt, 1);
        prop_assert!(!path.exists());
        prop_assert_eq!(files(dir.path(), "corrupt"), 1, "the damaged segment is kept aside");
    }
}

#[test]
fn a_tail_of_zeros_is_a_torn_one() {
    let dir = TempDir::new().unwrap();
    drop(Journal::open(dir.path(), small()).map(|(journal, _)| journal.settled(&record())));
    let path = dir.path().join("00000000000000000001.seg");
    let length = fs::metadata(&path).unwrap().len();
    File::options().write(true).open(&path).unwrap().set_len(length + 4096).unwrap();
    let (journal, replay) = Journal::open(dir.path(), small()).unwrap();
    assert_eq!((replay.torn, replay.corrupt, replay.settled), (1, 0, 1));
    assert_eq!(drain_all(&journal).len(), 1);
}

#[test]
fn many_threads_lose_nothing() {
    let dir = TempDir::new().unwrap();
    let settings = JournalSettings { segment_bytes: 64 << 10, ..JournalSettings::default() };
    let (journal, _) = Journal::open(dir.path(), settings).unwrap();
    let (journal, drained) = (&journal, &parking_lot::Mutex::new(Vec::new()));
    let done = &AtomicBool::new(false);
    thread::scope(|scope| {
        let writers: Vec<_> = (0..64)
            .map(|_| {
                scope.spawn(move || {
                    for _ in 0..50 {
                        let record = record();
                        assert_eq!(journal.opened(&open_of(&record)), Appended::Written);
                        assert_eq!(journal.settled(&record), Appended::Written);
                    }
                })
            })
            .collect();
        scope.spawn(move || {
            while !done.load(Ordering::Acquire) {
                drained.lock().extend(drain_all(journal));
                journal.upkeep().unwrap();
            }
        });
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, Ordering::Release);
    });
    drained.lock().extend(drain_all(journal));
    let drained: HashSet<_> = drained.lock().iter().map(|record| record.id).collect();
    assert_eq!(drained.len(), 64 * 50);
    assert_eq!((journal.status().depth_entries, journal.status().open_requests), (0, 0));
}

/// A disk that is full while the switch is on: like a real one, it takes a part before it fails.
struct FullDisk(File, Arc<AtomicBool>);

impl Medium for FullDisk {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if self.1.load(Ordering::Acquire) {
            self.0.write_at(&bytes[..bytes.len() / 2], offset)?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0.write_at(bytes, offset)
    }
    fn cut(&self, length: u64) -> io::Result<()> {
        self.0.cut(length)
    }
    fn sync(&self) -> io::Result<()> {
        self.0.sync()
    }
}

fn open_on_full_disk(dir: &Path, settings: JournalSettings) -> (Journal, Arc<AtomicBool>) {
    let full = Arc::new(AtomicBool::new(false));
    let switch = full.clone();
    let create = move |path: &Path| -> io::Result<Arc<dyn Medium>> {
        Ok(Arc::new(FullDisk(File::create_new(path)?, switch.clone())))
    };
    (Journal::open_on(dir, settings, Box::new(create)).unwrap().0, full)
}

#[test]
fn a_full_disk_keeps_entries_in_memory_until_there_is_room() {
    let dir = TempDir::new().unwrap();
    let (journal, full) = open_on_full_disk(dir.path(), small());
    let records: Vec<_> = (0..30).map(|_| record()).collect();
    journal.settled(&records[0]);
    full.store(true, Ordering::Release);
    for record in &records[1..29] {
        assert_eq!(journal.settled(record), Appended::Kept);
    }
    journal.upkeep().unwrap();
    let status = journal.status();
    assert!(status.degraded);
    assert_eq!(status.depth_entries, 29);
    let on_disk = fs::metadata(dir.path().join("00000000000000000001.seg")).unwrap().len();
    assert_eq!(on_disk, status.bytes, "no half entry stays behind");
    full.store(false, Ordering::Release);
    journal.upkeep().unwrap();
    assert!(!journal.status().degraded);
    assert_eq!(journal.settled(&records[29]), Appended::Written);
    assert_eq!(drain_all(&journal), records);
}

#[test]
fn what_is_kept_can_go_to_the_database_straight_from_memory() {
    let dir = TempDir::new().unwrap();
    let (journal, full) = open_on_full_disk(dir.path(), small());
    let records: Vec<_> = (0..4).map(|_| record()).collect();
    assert!(journal.commit.lend_kept().is_none(), "nothing is lent while the disk takes everything");
    full.store(true, Ordering::Release);
    for record in &records[..3] {
        journal.opened(&open_of(record));
        journal.settled(record);
    }
    let lent = journal.commit.lend_kept().unwrap();
    assert!(journal.commit.lend_kept().is_none(), "it is lent once at a time");
    let (taken, length) = drain::parse_kept(&lent, 2);
    assert_eq!(taken, records[..2]);
    full.store(false, Ordering::Release);
    journal.upkeep().unwrap();
    assert!(journal.status().degraded, "what is lent is not written behind the borrower's back");
    assert_eq!(journal.settled(&records[3]), Appended::Kept);
    journal.commit.take_back(length, 2);
    journal.upkeep().unwrap();
    assert!(!journal.status().degraded);
    assert_eq!(drain_all(&journal), records[2..]);
}

#[test]
fn memory_is_bounded_while_the_disk_is_full() {
    let dir = TempDir::new().unwrap();
    let settings = JournalSettings { kept_bytes: 4000, ..small() };
    let (journal, full) = open_on_full_disk(dir.path(), settings);
    full.store(true, Ordering::Release);
    let outcomes: Vec<_> = (0..30).map(|_| journal.settled(&record())).collect();
    assert_eq!(outcomes[0], Appended::Kept);
    assert_eq!(outcomes[29], Appended::Dropped);
    let status = journal.status();
    assert_eq!(status.depth_entries + status.dropped, 30);
    assert!(!status.is_healthy());
}

#[test]
fn beyond_the_limit_details_go_first_and_ledger_lines_stay() {
    let dir = TempDir::new().unwrap();
    let settings = JournalSettings { max_bytes: 30_000, ..small() };
    let (journal, _) = Journal::open(dir.path(), settings).unwrap();
    let records: Vec<_> = (0..25).map(|_| billed_record()).collect();
    for record in &records {
        journal.settled(record);
    }
    assert!(journal.status().bytes > 30_000);
    journal.upkeep().unwrap();
    let status = journal.status();
    assert!(status.bytes <= 30_000 && status.dropped_details > 0 && status.dropped_lines == 0, "{status:?}");
    let lines = |records: &[RequestRecord]| -> Vec<_> {
        records.iter().flat_map(|record| record.ledger_lines().collect::<Vec<_>>()).collect()
    };
    let drained = drain_all(&journal);
    assert_eq!(lines(&drained), lines(&records), "no ledger line is lost");
    assert_eq!(journal.status().depth_entries, 0);
}

#[test]
fn far_beyond_the_limit_the_oldest_lines_go_and_are_counted() {
    let dir = TempDir::new().unwrap();
    let settings = JournalSettings { max_bytes: 9_000, ..small() };
    let (journal, _) = Journal::open(dir.path(), settings).unwrap();
    for _ in 0..60 {
        journal.settled(&billed_record());
    }
    journal.upkeep().unwrap();
    let status = journal.status();
    assert!(status.bytes <= 9_000 && status.dropped_lines > 0, "{status:?}");
    assert_eq!(drain_all(&journal).len() as u64, 60 - status.dropped_lines);
}

#[test]
fn a_batch_read_before_its_segment_was_rewritten_is_read_again() {
    let dir = TempDir::new().unwrap();
    let size = entry_bytes();
    // Four entries a segment; making the first one lean is enough.
    let settings =
        JournalSettings { max_bytes: 12 * size - size / 8, segment_bytes: 4 * size + size / 2, ..small() };
    let (journal, _) = Journal::open(dir.path(), settings).unwrap();
    let records: Vec<_> = (0..12).map(|_| billed_record()).collect();
    for record in &records {
        journal.settled(record);
    }
    let one = BatchLimits { records: 1, bytes: 4 << 20 };
    let first = journal.read_batch(one).unwrap().unwrap();
    journal.shelf.commit(&first).unwrap();
    let second = journal.read_batch(one).unwrap().unwrap();
    journal.upkeep().unwrap();
    let status = journal.status();
    assert_eq!(
        (status.dropped_details, status.dropped_lines),
        (3, 0),
        "the rest of the first segment is lean"
    );
    journal.shelf.commit(&second).unwrap();
    let left = drain_all(&journal);
    assert!(left[..3].iter().all(|record| record.routing.is_none()), "what choices went by is a detail");
    assert!(left[..3].iter().all(|record| record.loss.is_empty()), "what was lost is a detail");
    assert!(left[3..].iter().all(|record| record.routing.is_some() && !record.loss.is_empty()));
    let left: Vec<_> = left.into_iter().map(|record| record.id).collect();
    assert_eq!(left, records[1..].iter().map(|record| record.id).collect::<Vec<_>>());
}
