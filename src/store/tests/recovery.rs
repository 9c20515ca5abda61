//! A process that is killed at any byte and started again: what is kept, what is cut, what is refused.

use super::super::testkit::{candle, decision, empty_journal, filled, started, step_end};
use super::super::{
    Cut, JournalEnding, JournalReader, JournalWriter, Medium, MemoryMedium, StoreError, WriterOptions, verify,
};
use super::{Place, append, facts};
use std::path::Path;
use swarm_core::journal::{HEADER_BYTES, Position, RecordError, records};
use swarm_core::model::{Action, Fact, Mode, Time};

/// Two steps with an operator's act between them, and a third that is not ended.
fn run() -> Vec<Fact> {
    vec![
        candle(0),
        decision(0, 0, Action::Long),
        step_end(0),
        started(1),
        candle(1),
        filled(0, 0, 1),
        step_end(1),
        started(0),
        candle(2),
        decision(1, 2, Action::Exit),
    ]
}

/// How many of the first `whole` facts of [`run`] are kept: read off the list above.
fn kept_of(whole: usize) -> usize {
    [0, 0, 0, 3, 4, 4, 4, 7, 8, 8, 8][whole]
}

/// A state whose journal holds [`run`], and where its records end.
fn ran(place: &Place) -> (Vec<u8>, Vec<usize>) {
    append(&place.open().dir, &run());
    let bytes = std::fs::read(place.journal()).unwrap();
    let ends = records(&bytes).map(|record| usize::try_from(record.unwrap().end.offset).unwrap()).collect();
    (bytes, ends)
}

#[test]
fn a_journal_cut_at_any_byte_is_continued_after_its_last_whole_step() {
    let place = Place::new();
    let (bytes, ends) = ran(&place);
    for cut in 0..=bytes.len() {
        for name in place.names().iter().filter(|name| name.starts_with("journal.")) {
            std::fs::remove_file(place.file(name)).unwrap();
        }
        std::fs::write(place.journal(), &bytes[..cut]).unwrap();
        std::fs::write(place.file("journal.head"), "lost with the rest").unwrap();

        let whole = ends.iter().filter(|&&end| end <= cut).count();
        let kept = kept_of(whole);
        let opened = place.open();
        assert_eq!(facts(&opened.dir), run()[..kept], "cut at byte {cut}");
        assert_eq!(opened.records, kept as u64, "cut at byte {cut}");
        let torn = cut - whole.checked_sub(1).map_or(HEADER_BYTES.min(cut), |last| ends[last]);
        let torn = if cut < HEADER_BYTES { 0 } else { torn };
        assert_eq!(opened.torn.as_ref().map_or(0, |torn| torn.bytes), torn as u64, "cut at byte {cut}");
        assert_eq!(opened.begun.as_ref().map_or(0, |begun| begun.records), (whole - kept) as u64, "cut at byte {cut}");

        append(&opened.dir, &run()[kept..]);
        let continued = std::fs::read(place.journal()).unwrap();
        let again: Vec<Fact> = records(&continued).map(|record| record.unwrap().fact).collect();
        assert_eq!(again, run(), "cut at byte {cut}");
    }
}

#[test]
fn what_is_cut_off_is_kept_beside_the_journal() {
    let place = Place::new();
    let (bytes, ends) = ran(&place);
    std::fs::write(place.journal(), &bytes[..ends[9] - 1]).unwrap();
    std::fs::remove_file(place.file("journal.head")).unwrap();
    let opened = place.open();
    let state = place.state().canonicalize().unwrap();
    let begun =
        Cut { records: 1, bytes: (ends[8] - ends[7]) as u64, after_seq: 8, copy: state.join("journal.begun-9") };
    let torn =
        Cut { records: 0, bytes: (ends[9] - ends[8] - 1) as u64, after_seq: 9, copy: state.join("journal.torn-10") };
    assert_eq!((opened.begun.as_ref(), opened.torn.as_ref()), (Some(&begun), Some(&torn)));
    assert_eq!(std::fs::read(begun.copy).unwrap(), bytes[ends[7]..ends[8]]);
    assert_eq!(std::fs::read(torn.copy).unwrap(), bytes[ends[8]..ends[9] - 1]);

    append(&opened.dir, &[candle(2)]);
    drop(opened);
    let again = place.open();
    assert_eq!(again.begun.unwrap().copy, state.join("journal.begun-9.1"), "no copy replaces another");
}

#[test]
fn a_run_that_used_up_its_data_is_finished_and_others_are_not() {
    let end = |complete| Fact::End { at: Time(1), complete };
    for (facts, finished) in [
        (vec![], false),
        (vec![candle(0), step_end(0), end(true)], true),
        (vec![candle(0), step_end(0), end(false)], false),
        (vec![end(true), candle(0), step_end(0)], false),
        (vec![end(true), candle(0)], true),
    ] {
        let place = Place::new();
        append(&place.open().dir, &facts);
        assert_eq!(place.open().finished(), finished, "{facts:?}");
    }
}

#[test]
fn damage_in_the_middle_is_refused_with_its_place_and_nothing_is_touched() {
    let place = Place::new();
    let (mut bytes, ends) = ran(&place);
    bytes[ends[3] + 36] ^= 0x10;
    std::fs::write(place.journal(), &bytes).unwrap();
    let before = place.names();
    let error = place.try_open().unwrap_err();
    let expected = RecordError::Damaged { offset: ends[3] as u64, seq: 5, good_offset: ends[4] as u64 };
    assert!(matches!(&error, StoreError::Journal { source, .. } if *source == expected), "{error}");
    let text = error.to_string();
    assert!(text.contains(&format!("the record at byte {} (sequence 5) is damaged", ends[3])), "{text}");
    assert!(text.contains("Put the file back from a copy"), "{text}");
    assert_eq!((std::fs::read(place.journal()).unwrap(), place.names()), (bytes, before));
}

#[test]
fn a_record_taken_out_is_refused() {
    let place = Place::new();
    let (bytes, ends) = ran(&place);
    std::fs::write(place.journal(), [&bytes[..ends[2]], &bytes[ends[3]..]].concat()).unwrap();
    let text = place.try_open().unwrap_err().to_string();
    assert!(text.contains("does not continue sequence 3: records were taken out or altered"), "{text}");
}

#[test]
fn records_taken_off_the_end_are_missed() {
    let place = Place::new();
    let (bytes, ends) = ran(&place);
    for left in [1, 4, 9] {
        std::fs::write(place.journal(), &bytes[..ends[left - 1]]).unwrap();
        let before = place.names();
        let error = place.try_open().unwrap_err();
        assert!(matches!(&error, StoreError::EndLost { last, durable: 10, .. } if *last == left as u64), "{error}");
        let text = error.to_string();
        assert!(text.contains(&format!("{} record(s) were taken off its end", 10 - left)), "{text}");
        assert!(text.contains("remove that file"), "{text}");
        assert_eq!((std::fs::read(place.journal()).unwrap().len(), place.names()), (ends[left - 1], before));
        let found = verify(place.view().facts().unwrap()).unwrap();
        assert!(!found.holds() && matches!(found.ending, JournalEnding::Shortened { durable: 10, .. }), "{found:?}");
    }
    // Whoever knows better says so by removing the file.
    std::fs::remove_file(place.file("journal.head")).unwrap();
    assert_eq!(place.open().records, 8);
}

#[test]
fn a_journal_that_was_rewritten_as_a_whole_is_not_the_one_that_was_noted() {
    let (place, other) = (Place::new(), Place::new());
    ran(&place);
    let noted = verify(place.view().facts().unwrap()).unwrap();
    assert!(noted.holds());
    let mut forged = run();
    forged[3] = started(7);
    append(&other.open().dir, &forged);
    std::fs::copy(other.journal(), place.journal()).unwrap();
    let error = place.try_open().unwrap_err();
    assert!(matches!(&error, StoreError::OtherHead { seq: 10, .. }), "{error}");
    let found = verify(place.view().facts().unwrap()).unwrap();
    assert!(!found.holds(), "{found:?}");
    assert_ne!(found.chain, noted.chain, "also without a head");
}

/// Every bit of a small journal of several files, one after the other.
#[test]
fn no_flipped_bit_goes_unseen() {
    let medium = in_files(2);
    let names = ["journal-000000000001.bin", "journal-000000000004.bin", "journal.bin"];
    let read = |medium: &MemoryMedium| -> Result<Vec<Fact>, StoreError> {
        let mut reader = JournalReader::over(medium.clone(), Path::new("memory"), None)?;
        let scan = super::super::recover::scan(&mut reader, Mode::Paper)?;
        assert_eq!(scan.torn, None);
        let reader = JournalReader::over(medium.clone(), Path::new("memory"), None)?;
        reader.map(|record| record.map(|record| record.fact)).collect()
    };
    assert_eq!(read(&medium).unwrap(), run());
    for name in names {
        let bytes = medium.bytes(name);
        for bit in 0..8 * bytes.len() {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            medium.put(name, damaged);
            assert!(read(&medium).is_err(), "{name}, bit {bit}");
        }
        medium.put(name, bytes);
    }
}

/// The journal of [`run`], in files of at least so many records, in memory.
fn in_files(records: u64) -> MemoryMedium {
    let medium = empty_journal();
    let options = WriterOptions { file_records: records, ..WriterOptions::default() };
    let writer = JournalWriter::inline(medium.clone(), Position::start(), options, |_| {}).unwrap();
    for fact in run() {
        writer.append(vec![fact]).unwrap();
    }
    writer.close().unwrap();
    medium
}

#[test]
fn a_file_that_is_missing_or_ends_early_is_refused() {
    let medium = in_files(2);
    let read = |medium: &MemoryMedium| {
        let reader = JournalReader::over(medium.clone(), Path::new("memory"), None)?;
        reader.collect::<Result<Vec<_>, StoreError>>()
    };
    let source = |result: Result<Vec<_>, StoreError>| match result.unwrap_err() {
        StoreError::Journal { source, .. } => source,
        other => panic!("{other}"),
    };
    let mut without = medium.after_kill();
    without.remove("journal-000000000004.bin").unwrap();
    assert_eq!(source(read(&without)), RecordError::Missing { after: 3, found: 7 });
    let mut without = medium.after_kill();
    without.remove("journal-000000000001.bin").unwrap();
    assert_eq!(source(read(&without)), RecordError::Missing { after: 0, found: 3 });
    let shorter = medium.after_kill();
    let mut bytes = medium.bytes("journal-000000000001.bin");
    bytes.pop();
    shorter.put("journal-000000000001.bin", bytes);
    assert!(matches!(source(read(&shorter)), RecordError::EndsEarly { seq: 3, .. }));
}

#[test]
fn a_crash_between_two_files_is_continued() {
    let whole = in_files(2);
    for cut in 0..=HEADER_BYTES {
        let mut medium = whole.after_kill();
        // The third file has three records; without it the journal ends where the second does.
        medium.remove("journal.head").unwrap();
        medium.put("journal.bin", whole.bytes("journal.bin")[..cut].to_vec());
        if cut == 0 {
            medium.remove("journal.bin").unwrap();
        }
        let position = recovered(&mut medium);
        assert_eq!(position.link.seq, 7, "{cut}");
        let writer = JournalWriter::inline(medium.clone(), position, WriterOptions::default(), |_| {}).unwrap();
        writer.append(run()[7..].to_vec()).unwrap();
        let read = JournalReader::over(medium, Path::new("memory"), None).unwrap();
        assert_eq!(read.map(|record| record.unwrap().fact).collect::<Vec<_>>(), run(), "{cut}");
    }
}

/// Brings a journal in memory to where it can be continued.
fn recovered(medium: &mut MemoryMedium) -> Position {
    let mut reader = JournalReader::over(medium.clone(), Path::new("memory"), None).unwrap();
    let scan = super::super::recover::scan(&mut reader, Mode::Paper).unwrap();
    super::super::recover::continue_journal(medium, &scan).unwrap().position
}

/// A step's facts, the disk losing any part of what was not flushed, in every step.
#[test]
fn after_a_loss_of_power_there_is_everything_that_was_acknowledged() {
    for syncs in 0..run().len() {
        for lost in [0, 1, 30, usize::MAX] {
            let medium = empty_journal();
            medium.set(|faults| (faults.syncs_until_failure, faults.no_truncate) = (Some(syncs), true));
            let writer =
                JournalWriter::inline(medium.clone(), Position::start(), WriterOptions::default(), |_| {}).unwrap();
            let acknowledged = run().into_iter().take_while(|fact| writer.append(vec![fact.clone()]).is_ok()).count();
            assert_eq!(acknowledged, syncs);
            let mut found = medium.after_power_loss(|bytes| bytes.saturating_sub(lost));
            let kept = recovered(&mut found).link.seq as usize;
            assert!(kept >= kept_of(syncs) && kept <= kept_of(syncs + 1), "{kept} after {syncs} flushes");
        }
    }
}

/// A journal of the first version, as it was written then, is read and written on.
#[test]
fn a_journal_of_the_first_version_is_continued() {
    let place = Place::new();
    drop(place.open());
    let old = include_bytes!("../../core/tests/golden/journal-v1.bin");
    let facts_of_old: Vec<Fact> = records(old).map(|record| record.unwrap().fact).collect();
    std::fs::write(place.journal(), old).unwrap();
    let opened = place.open();
    let kept = usize::try_from(opened.records).unwrap();
    assert!(kept > 10);
    append(&opened.dir, &[candle(0), step_end(0)]);
    drop(opened);
    let again = place.open();
    assert_eq!(facts(&again.dir), [&facts_of_old[..kept], &[candle(0), step_end(0)]].concat());
    assert!(place.names().contains(&"journal-000000000001.bin".to_owned()));
    assert!(verify(place.view().facts().unwrap()).unwrap().holds());
}
