//! Snapshots and packed files: what a start reads, and that losing them costs time only.

use super::super::testkit::{candle, decision, manifest, started, step_end};
use super::super::{Faults, Folding, MakeFolding, MemoryMedium, Opened, Packed, StateDir, StoreError, WriterOptions};
use super::super::{JournalReader, Medium, SnapshotKey, compact, snapshots};
use super::{Place, facts};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use swarm_core::model::{Action, Fact};

const FORMAT: u32 = 7;

/// A state that is all its facts, which shows whether any was left out or taken twice.
#[derive(Clone, Default)]
struct All {
    facts: Vec<Fact>,
    folded: Arc<AtomicUsize>,
}

impl Folding for All {
    fn apply(&mut self, fact: &Fact) {
        self.folded.fetch_add(1, Ordering::Relaxed);
        self.facts.push(fact.clone());
    }
    fn save(&self) -> Vec<u8> {
        postcard::to_allocvec(&self.facts).expect("facts are plain data")
    }
}

/// Counts how many facts are folded by those that it makes.
#[derive(Clone, Default)]
struct Make(Arc<AtomicUsize>);

impl MakeFolding for Make {
    type Folding = All;
    fn make(&self, saved: Option<&[u8]>) -> Option<All> {
        let facts = match saved {
            Some(bytes) => postcard::from_bytes(bytes).ok()?,
            None => Vec::new(),
        };
        Some(All { facts, folded: Arc::clone(&self.0) })
    }
}

/// Four facts a step.
fn run(steps: std::ops::Range<i64>) -> Vec<Fact> {
    steps.flat_map(|n| [candle(n), decision(0, n, Action::Hold), decision(1, n, Action::Long), step_end(n)]).collect()
}

fn open(place: &Place) -> Opened {
    StateDir::open_from(&place.state(), &manifest(), Some(FORMAT)).unwrap()
}

/// Appends facts in files of 20 records, with snapshots being taken.
fn append(opened: &Opened, make: &Make, unpacked: usize, facts: &[Fact]) {
    let snapshots = opened.dir.snapshots(FORMAT, make.clone(), unpacked).unwrap();
    let tell = snapshots.feed();
    let options = WriterOptions { file_records: 20, ..WriterOptions::default() };
    let on_commit = move |commit: super::super::Commit| commit.next_file.into_iter().for_each(&tell);
    let writer = opened.dir.writer(options, on_commit).unwrap();
    for step in facts.chunks(4) {
        writer.append(step.to_vec()).unwrap();
        writer.flush().unwrap();
    }
    writer.close().unwrap();
    snapshots.close();
}

/// Snapshot and what follows it are all of the facts; gives how many the snapshot covers.
fn check(opened: &Opened, expected: &[Fact]) -> usize {
    assert_eq!(facts(&opened.dir), expected, "the whole journal");
    let (mut found, tail) = match &opened.snapshot {
        Some(snapshot) => {
            let state = Make::default().make(Some(&snapshot.state)).unwrap();
            (state.facts, opened.dir.facts_after(snapshot.position).unwrap())
        }
        None => (Vec::new(), opened.dir.facts().unwrap()),
    };
    let covered = found.len();
    found.extend(tail.map(|record| record.unwrap().fact));
    assert_eq!(found, expected, "snapshot and tail");
    covered
}

/// Two runs of 23 steps together, with a snapshot after record 60 from the first and one after 80 from the
/// second; of files that become full faster than snapshots are taken only the last one has one.
fn ran_from(place: &Place, first: i64) -> Vec<Fact> {
    append(&open(place), &Make::default(), 100, &run(first..first + 17));
    append(&open(place), &Make::default(), 100, &run(first + 17..first + 23));
    run(first..first + 23)
}

fn ran(place: &Place) -> Vec<Fact> {
    ran_from(place, 0)
}

#[test]
fn a_start_reads_the_newest_snapshot_and_what_follows_it() {
    let place = Place::new();
    let first = ran(&place);
    let names = place.names();
    assert_eq!(names.iter().filter(|name| name.starts_with("snapshot-")).count(), 2, "{names:?}");
    let opened = open(&place);
    assert_eq!(check(&opened, &first), 80);
    assert_eq!(opened.records, 92);
    let more = [run(23..31), vec![started(1)]].concat();
    append(&opened, &Make::default(), 100, &more);
    drop(opened);
    assert_eq!(check(&open(&place), &[first, more].concat()), 120);
}

#[test]
fn a_snapshot_goes_on_from_the_one_before() {
    let place = Place::new();
    let make = Make::default();
    append(&open(&place), &make, 100, &run(0..23));
    let folded = make.0.load(Ordering::Relaxed);
    assert!(folded <= 80, "every record once at most: {folded}");
}

#[test]
fn damaged_and_deleted_snapshots_cost_time_and_nothing_else() {
    let place = Place::new();
    let expected = ran(&place);
    let damage = |name: &str| {
        let mut bytes = std::fs::read(place.file(name)).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(place.file(name), bytes).unwrap();
    };
    damage("snapshot-000000000080.bin");
    assert_eq!(check(&open(&place), &expected), 60, "the one before");
    damage("snapshot-000000000060.bin");
    assert_eq!(check(&open(&place), &expected), 0, "the whole journal");
    // The next run takes a new one at once.
    append(&open(&place), &Make::default(), 100, &[]);
    assert_eq!(check(&open(&place), &expected), 80);
    for name in place.names().iter().filter(|name| name.starts_with("snapshot-")) {
        std::fs::remove_file(place.file(name)).unwrap();
    }
    assert_eq!(check(&open(&place), &expected), 0);
}

#[test]
fn a_snapshot_of_another_configuration_version_or_journal_is_passed_over() {
    let place = Place::new();
    let expected = ran(&place);
    let covered = |format, hash: &str| {
        let mut asked = manifest();
        asked.config_hash = hash.into();
        let opened = StateDir::open_from(&place.state(), &asked, Some(format)).unwrap();
        check(&opened, &expected)
    };
    assert_eq!(covered(FORMAT, "c0ffee"), 80);
    assert_eq!(covered(FORMAT + 1, "c0ffee"), 0);
    assert_eq!(covered(FORMAT, "beef"), 0);
    let other = Place::new();
    ran_from(&other, 100);
    for name in ["snapshot-000000000080.bin", "snapshot-000000000060.bin"] {
        std::fs::copy(other.file(name), place.file(name)).unwrap();
    }
    assert_eq!(covered(FORMAT, "c0ffee"), 0, "another journal's chain");
}

#[test]
fn old_files_are_packed_and_everything_reads_them() {
    let place = Place::new();
    append(&open(&place), &Make::default(), 1, &run(0..23));
    let packed: Vec<String> = place.names().into_iter().filter(|name| name.ends_with(".gz")).collect();
    assert_eq!(packed.len(), 3, "all full files but one: {packed:?}");
    let opened = open(&place);
    assert_eq!(check(&opened, &run(0..23)), 80);
    append(&opened, &Make::default(), 1, &run(23..40));
    drop(opened);
    assert_eq!(check(&open(&place), &run(0..40)), 160);
    assert!(super::super::verify(place.view().facts().unwrap()).unwrap().holds());
}

#[test]
fn compacting_packs_what_a_snapshot_covers_and_loses_nothing() {
    let place = Place::new();
    let options = WriterOptions { file_records: 20, ..WriterOptions::default() };
    let opened = open(&place);
    let writer = opened.dir.writer(options, |_| {}).unwrap();
    for step in run(0..23).chunks(4) {
        writer.append(step.to_vec()).unwrap();
        writer.flush().unwrap();
    }
    writer.close().unwrap();
    let in_use = StateDir::compact(&place.state(), FORMAT, &Make::default(), 0);
    assert!(matches!(in_use, Err(StoreError::InUse { .. })), "{in_use:?}");
    drop(opened);
    let packed = StateDir::compact(&place.state(), FORMAT, &Make::default(), 1).unwrap();
    assert_eq!(packed.files, 3);
    assert!(packed.bytes_after < packed.bytes_before, "{packed:?}");
    assert_eq!(StateDir::compact(&place.state(), FORMAT, &Make::default(), 0).unwrap().files, 1);
    assert_eq!(StateDir::compact(&place.state(), FORMAT, &Make::default(), 0).unwrap(), Packed::default());
    assert_eq!(check(&open(&place), &run(0..23)), 80);
    let names = place.names();
    let snapshots = names.iter().filter(|name| name.starts_with("snapshot-"));
    snapshots.for_each(|name| std::fs::remove_file(place.file(name)).unwrap());
    assert_eq!(check(&open(&place), &run(0..23)), 0, "also without a snapshot");
}

/// A journal of three full files in memory, with a snapshot of them.
fn in_memory() -> (MemoryMedium, SnapshotKey) {
    let medium = super::super::testkit::empty_journal();
    let options = WriterOptions { file_records: 8, ..WriterOptions::default() };
    let start = swarm_core::journal::Position::start();
    let writer = super::super::JournalWriter::inline(medium.clone(), start, options, |_| {}).unwrap();
    for step in run(0..7).chunks(4) {
        writer.append(step.to_vec()).unwrap();
    }
    let key = SnapshotKey { state_format: FORMAT, config_hash: "c0ffee".into() };
    let end = snapshots::last_boundary(&medium).unwrap().unwrap();
    snapshots::take(&mut medium.clone(), Path::new("memory"), &key, &Make::default(), end).unwrap();
    (medium, key)
}

#[test]
fn a_full_disk_while_packing_or_taking_a_snapshot_leaves_everything_as_it_was() {
    let (medium, key) = in_memory();
    let read = |medium: &MemoryMedium| -> Vec<Fact> {
        let reader = JournalReader::over(medium.clone(), Path::new("memory"), None).unwrap();
        reader.map(|record| record.unwrap().fact).collect()
    };
    let names = medium.names().unwrap();
    medium.set(|faults| *faults = Faults { room_bytes: Some(0), ..Faults::default() });
    assert!(compact::pack(&mut medium.clone(), Path::new("memory"), &key, 0).is_err());
    let end = snapshots::last_boundary(&medium).unwrap().unwrap();
    let other = SnapshotKey { config_hash: "beef".into(), ..key.clone() };
    assert!(snapshots::take(&mut medium.clone(), Path::new("memory"), &other, &Make::default(), end).is_err());
    assert_eq!((medium.names().unwrap(), read(&medium)), (names, run(0..7)));
    medium.set(|faults| *faults = Faults::default());
    assert_eq!(compact::pack(&mut medium.clone(), Path::new("memory"), &key, 0).unwrap().files, 3);
    assert_eq!(read(&medium), run(0..7));
}

#[test]
fn a_file_that_does_not_hold_is_not_packed() {
    let (medium, key) = in_memory();
    let name = "journal-000000000009.bin";
    let mut bytes = medium.bytes(name);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    medium.put(name, bytes.clone());
    let error = compact::pack(&mut medium.clone(), Path::new("memory"), &key, 0).unwrap_err();
    assert!(matches!(error, StoreError::Journal { .. }), "{error}");
    assert_eq!(medium.bytes(name), bytes);
    // A crash after packing and before removing leaves both: the unpacked one counts, and is packed again.
    let (mut medium, key) = in_memory();
    let first = medium.bytes("journal-000000000001.bin");
    compact::pack(&mut medium, Path::new("memory"), &key, 0).unwrap();
    medium.put("journal-000000000001.bin", first);
    assert_eq!(compact::pack(&mut medium, Path::new("memory"), &key, 0).unwrap().files, 1);
    assert_eq!(medium.bytes("journal-000000000001.bin"), Vec::<u8>::new());
}
