//! A process that is killed at any byte and started again: what is kept, what is cut, what is refused.

use super::super::testkit::{candle, decision, filled, started, step_end};
use super::super::{Cut, StoreError};
use super::{Place, append, facts};
use swarm_core::journal::{RecordError, records};
use swarm_core::model::{Action, Fact, Time};

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

        let whole = ends.iter().filter(|&&end| end <= cut).count();
        let kept = kept_of(whole);
        let opened = place.open();
        assert_eq!(facts(&opened.dir), run()[..kept], "cut at byte {cut}");
        assert_eq!(opened.records, kept as u64, "cut at byte {cut}");
        let torn = cut - whole.checked_sub(1).map_or(16.min(cut), |last| ends[last]);
        let torn = if cut < 16 { 0 } else { torn };
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
    bytes[ends[3] + 25] ^= 0x10;
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
