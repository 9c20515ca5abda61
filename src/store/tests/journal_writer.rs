//! The writer's thread: groups, waiting, a full queue, and failure told to everyone.

use super::super::testkit::{Gate, empty_journal, started, step_end};
use super::super::{Commit, JournalWriter, MemoryMedium, OfferError, WriterOptions};
use std::sync::mpsc;
use std::time::Duration;
use swarm_core::journal::{Position, records};
use swarm_core::model::Fact;

/// Bounds that only the tested one can reach.
fn patient() -> WriterOptions {
    WriterOptions { group_time: Duration::from_secs(3_600), ..WriterOptions::default() }
}

fn writer(medium: &MemoryMedium, options: WriterOptions) -> (JournalWriter, mpsc::Receiver<Commit>) {
    let (commits, seen) = mpsc::channel();
    let on_commit = move |commit| commits.send(commit).unwrap_or(());
    (JournalWriter::start(medium.clone(), Position::start(), options, on_commit).unwrap(), seen)
}

fn batch(from: u32, count: u32) -> Vec<Fact> {
    (from..from + count).map(started).collect()
}

#[test]
fn every_batch_is_numbered_written_and_told_in_order() {
    let medium = empty_journal();
    let (writer, commits) = writer(&medium, patient());
    assert_eq!(writer.append(batch(1, 3)), Ok(3));
    assert_eq!(writer.append(batch(4, 0)), Ok(3), "nothing takes no number");
    assert_eq!(writer.offer(batch(4, 2)).unwrap(), 5);
    assert_eq!(writer.close(), Ok(5));

    let facts: Vec<Fact> = records(&medium.bytes("journal.bin")).map(|record| record.unwrap().fact).collect();
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
    let medium = empty_journal();
    let (writer, commits) = writer(&medium, patient());
    let gate = Gate::close(&medium);
    writer.append(batch(1, 1)).unwrap();
    medium.wait_for_held_sync();
    for n in 2..=50 {
        writer.append(batch(n, 1)).unwrap();
    }
    assert_eq!(writer.durable().seq(), 0, "nothing is acknowledged before its flush");
    drop(gate);
    assert_eq!(writer.flush(), Ok(50));
    let sizes: Vec<usize> = commits.try_iter().map(|commit| commit.batches.len()).collect();
    assert_eq!((sizes, medium.syncs()), (vec![1, 49], 3));
}

#[test]
fn a_group_is_bounded_however_much_waits() {
    let medium = empty_journal();
    let (writer, commits) = writer(&medium, WriterOptions { group_records: 10, ..patient() });
    let gate = Gate::close(&medium);
    writer.append(batch(1, 1)).unwrap();
    medium.wait_for_held_sync();
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
    let medium = empty_journal();
    let (writer, _commits) = writer(&medium, WriterOptions { queue_batches: 1, ..patient() });
    let gate = Gate::close(&medium);
    writer.append(batch(1, 1)).unwrap();
    medium.wait_for_held_sync();
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
    let medium = empty_journal();
    let (writer, _commits) = writer(&medium, patient());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let durable = writer.durable();
    let seq = writer.append(batch(1, 2)).unwrap();
    assert_eq!(runtime.block_on(durable.reached(seq)), Ok(()));
    medium.set(|faults| faults.syncs_until_failure = Some(0));
    let seq = writer.append(batch(3, 1)).unwrap();
    let failure = runtime.block_on(durable.reached(seq)).unwrap_err();
    assert!(failure.reason().contains("cannot flush it"), "{failure}");
    assert_eq!(runtime.block_on(durable.reached(2)), Ok(()), "what was acknowledged stays so");
    assert_eq!(writer.append(batch(4, 1)), Err(failure.clone()));
    assert!(matches!(writer.offer(batch(4, 1)), Err(OfferError::Failed(_))));
    assert_eq!(writer.flush(), Err(failure.clone()));
    assert_eq!(writer.close(), Err(failure));
    assert_eq!(records(&medium.bytes("journal.bin")).count(), 2);
}

#[test]
fn waiting_for_what_was_never_appended_ends_with_the_writer() {
    let medium = empty_journal();
    let (writer, _commits) = writer(&medium, patient());
    let durable = writer.durable();
    writer.close().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert!(runtime.block_on(durable.reached(1)).unwrap_err().reason().contains("has ended"));
}

#[test]
fn dropping_the_writer_loses_nothing() {
    let medium = empty_journal();
    let (writer, _commits) = writer(&medium, patient());
    writer.append(batch(1, 7)).unwrap();
    drop(writer);
    assert_eq!(records(&medium.bytes("journal.bin")).count(), 7);
    assert!(medium.syncs() > 1, "its own beside that of the empty file");
}

#[test]
fn a_panic_on_the_thread_is_a_failure_for_everyone() {
    let medium = empty_journal();
    let on_commit = |_| panic!("a bug in whoever listens");
    let writer = JournalWriter::start(medium.clone(), Position::start(), WriterOptions::default(), on_commit).unwrap();
    let seq = writer.append(batch(1, 1)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(writer.durable().reached(seq)).unwrap();
    writer.flush().unwrap_err();
    assert!(writer.append(batch(2, 1)).is_err());
    assert!(runtime.block_on(writer.durable().reached(2)).is_err());
}

#[test]
fn without_a_thread_a_batch_is_durable_when_it_is_appended() {
    let medium = empty_journal();
    let (commits, seen) = mpsc::channel();
    let on_commit = move |commit: Commit| commits.send(commit.end.link.seq).unwrap_or(());
    let writer = JournalWriter::inline(medium.clone(), Position::start(), patient(), on_commit).unwrap();
    assert_eq!(writer.append(batch(1, 3)), Ok(3));
    assert_eq!(writer.durable().seq(), 3);
    assert_eq!(writer.offer(batch(4, 2)).unwrap(), 5);
    assert_eq!((writer.flush(), writer.durable().seq()), (Ok(5), 5));
    assert_eq!(records(&medium.after_power_loss(|_| 0).bytes("journal.bin")).count(), 5);

    medium.set(|faults| faults.syncs_until_failure = Some(0));
    let failure = writer.append(batch(6, 1)).unwrap_err();
    medium.set(|faults| faults.syncs_until_failure = None);
    assert_eq!(writer.append(batch(6, 1)), Err(failure.clone()), "it is not tried again");
    assert!(matches!(writer.offer(batch(6, 1)), Err(OfferError::Failed(_))));
    assert_eq!(writer.close(), Err(failure));
    assert_eq!(seen.try_iter().collect::<Vec<_>>(), [3, 5]);
}

#[test]
fn a_full_file_is_followed_by_another_at_the_end_of_a_step() {
    let medium = empty_journal();
    let (commits, seen) = mpsc::channel();
    let on_commit = move |commit: Commit| commits.send(commit.next_file.map(|place| place.link.seq)).unwrap_or(());
    let options = WriterOptions { file_records: 3, ..patient() };
    let writer = JournalWriter::inline(medium.clone(), Position::start(), options, on_commit).unwrap();
    for fact in [started(1), step_end(1), started(2), started(3), step_end(2), started(4)] {
        writer.append(vec![fact]).unwrap();
    }
    writer.close().unwrap();
    assert_eq!(seen.try_iter().flatten().collect::<Vec<_>>(), [5], "in the middle of a step it is not");
    assert_eq!(records(&medium.bytes("journal-000000000001.bin")).count(), 5);
    assert_eq!(records(&medium.bytes("journal.bin")).count(), 1);
}
