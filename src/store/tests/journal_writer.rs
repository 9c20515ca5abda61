//! The writer's thread: groups, waiting, a full queue, and failure told to everyone.

use super::super::testkit::{FaultyStorage, started};
use super::super::{Commit, JournalWriter, OfferError, WriterOptions};
use std::sync::mpsc;
use std::time::Duration;
use swarm_core::journal::{Position, records};
use swarm_core::model::Fact;

/// Bounds that only the tested one can reach.
fn patient() -> WriterOptions {
    WriterOptions { group_time: Duration::from_secs(3_600), ..WriterOptions::default() }
}

fn writer(storage: &FaultyStorage, options: WriterOptions) -> (JournalWriter, mpsc::Receiver<Commit>) {
    let (commits, seen) = mpsc::channel();
    let on_commit = move |commit| commits.send(commit).unwrap_or(());
    (JournalWriter::start(storage.clone(), Position::start(), options, on_commit).unwrap(), seen)
}

fn batch(from: u32, count: u32) -> Vec<Fact> {
    (from..from + count).map(started).collect()
}

#[test]
fn every_batch_is_numbered_written_and_told_in_order() {
    let storage = FaultyStorage::new();
    let (writer, commits) = writer(&storage, patient());
    assert_eq!(writer.append(batch(1, 3)), Ok(3));
    assert_eq!(writer.append(batch(4, 0)), Ok(3), "nothing takes no number");
    assert_eq!(writer.offer(batch(4, 2)).unwrap(), 5);
    assert_eq!(writer.close(), Ok(5));

    let facts: Vec<Fact> = records(&storage.bytes()).map(|record| record.unwrap().fact).collect();
    assert_eq!(facts, batch(1, 5));
    let (mut next, mut end) = (1, 0);
    for commit in commits {
        for batch in &commit.batches {
            assert_eq!(batch.first_seq, next);
            next += batch.facts.len() as u64;
        }
        end = commit.end.link.seq;
    }
    assert_eq!((next, end), (6, 5));
}

#[test]
fn what_waits_while_a_flush_runs_becomes_one_group() {
    let storage = FaultyStorage::new();
    let (writer, commits) = writer(&storage, patient());
    let gate = storage.hold_syncs();
    writer.append(batch(1, 1)).unwrap();
    storage.wait_for_held_sync();
    for n in 2..=50 {
        writer.append(batch(n, 1)).unwrap();
    }
    assert_eq!(writer.durable().seq(), 0, "nothing is acknowledged before its flush");
    drop(gate);
    assert_eq!(writer.flush(), Ok(50));
    let sizes: Vec<usize> = commits.try_iter().map(|commit| commit.batches.len()).collect();
    assert_eq!((sizes, storage.syncs()), (vec![1, 49], 2));
}

#[test]
fn a_group_is_bounded_however_much_waits() {
    let storage = FaultyStorage::new();
    let (writer, commits) = writer(&storage, WriterOptions { group_records: 10, ..patient() });
    let gate = storage.hold_syncs();
    writer.append(batch(1, 1)).unwrap();
    storage.wait_for_held_sync();
    for n in 2..=26 {
        writer.append(batch(n, 1)).unwrap();
    }
    drop(gate);
    writer.close().unwrap();
    let most = commits.iter().map(|commit| commit.batches.len()).max();
    assert_eq!(most, Some(10));
}

#[test]
fn a_full_queue_hands_the_facts_back_and_skips_no_number() {
    let storage = FaultyStorage::new();
    let (writer, _commits) = writer(&storage, WriterOptions { queue_batches: 1, ..patient() });
    let gate = storage.hold_syncs();
    writer.append(batch(1, 1)).unwrap();
    storage.wait_for_held_sync();
    writer.offer(batch(2, 1)).unwrap();
    let Err(OfferError::Full(facts)) = writer.offer(batch(3, 2)) else { panic!("the queue holds one batch") };
    assert_eq!(*facts, *batch(3, 2));
    drop(gate);
    writer.flush().unwrap();
    assert_eq!(writer.offer(facts).unwrap(), 4);
    assert_eq!(writer.close(), Ok(4));
}

#[test]
fn whoever_waits_is_told_when_its_record_is_durable_or_never_will_be() {
    let storage = FaultyStorage::new();
    let (writer, _commits) = writer(&storage, patient());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let durable = writer.durable();
    let seq = writer.append(batch(1, 2)).unwrap();
    assert_eq!(runtime.block_on(durable.reached(seq)), Ok(()));
    storage.set(|faults| faults.failing_syncs = 1);
    let seq = writer.append(batch(3, 1)).unwrap();
    let failure = runtime.block_on(durable.reached(seq)).unwrap_err();
    assert!(failure.reason().contains("cannot flush it"), "{failure}");
    assert_eq!(runtime.block_on(durable.reached(2)), Ok(()), "what was acknowledged stays so");
    assert_eq!(writer.append(batch(4, 1)), Err(failure.clone()));
    assert!(matches!(writer.offer(batch(4, 1)), Err(OfferError::Failed(_))));
    assert_eq!(writer.flush(), Err(failure.clone()));
    assert_eq!(writer.close(), Err(failure));
    assert_eq!(records(&storage.bytes()).count(), 2);
}

#[test]
fn waiting_for_what_was_never_appended_ends_with_the_writer() {
    let storage = FaultyStorage::new();
    let (writer, _commits) = writer(&storage, patient());
    let durable = writer.durable();
    writer.close().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert!(runtime.block_on(durable.reached(1)).unwrap_err().reason().contains("has ended"));
}

#[test]
fn dropping_the_writer_loses_nothing() {
    let storage = FaultyStorage::new();
    let (writer, _commits) = writer(&storage, patient());
    writer.append(batch(1, 7)).unwrap();
    drop(writer);
    assert_eq!(records(&storage.bytes()).count(), 7);
    assert!(storage.syncs() > 0);
}

#[test]
fn a_panic_on_the_thread_is_a_failure_for_everyone() {
    let storage = FaultyStorage::new();
    let on_commit = |_| panic!("a bug in whoever listens");
    let writer = JournalWriter::start(storage.clone(), Position::start(), WriterOptions::default(), on_commit).unwrap();
    let seq = writer.append(batch(1, 1)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(writer.durable().reached(seq)).unwrap();
    writer.flush().unwrap_err();
    assert!(writer.append(batch(2, 1)).is_err());
    assert!(runtime.block_on(writer.durable().reached(2)).is_err());
}
