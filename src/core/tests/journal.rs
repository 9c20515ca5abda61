//! The journal's format from outside: what is written is read, whatever is broken is seen, and the first
//! version stays readable.

mod sample_facts;

use proptest::prelude::*;
use sample_facts::{any_fact, one_of_each};
use swarm_core::journal::{
    Decoder, FORMAT_VERSION, FactTooLarge, HEADER_BYTES, Link, MAX_PAYLOAD_BYTES, Position, Progress, RecordError,
    encode, header, records,
};
use swarm_core::model::{AgentChange, AgentId, Fact, Time};

/// A journal of these facts in groups of `group`, and where each record ends.
fn journal(facts: &[Fact], group: usize) -> (Vec<u8>, Vec<Position>) {
    let (mut bytes, mut link, mut ends) = (header().to_vec(), Link::start(), vec![Position::start()]);
    for (place, fact) in facts.iter().enumerate() {
        link = encode(link, place % group == 0, fact, &mut bytes).expect("the fact fits into a record");
        ends.push(Position { link, offset: bytes.len() as u64 });
    }
    (bytes, ends)
}

/// The facts that can be read, and how reading ended.
fn read(bytes: &[u8]) -> (Vec<Fact>, Option<RecordError>) {
    let mut facts = Vec::new();
    for record in records(bytes) {
        match record {
            Ok(record) => facts.push(record.fact),
            Err(error) => return (facts, Some(error)),
        }
    }
    (facts, None)
}

fn facts(count: u32) -> Vec<Fact> {
    (0..count)
        .map(|n| Fact::Agent { at: Time(i64::from(n)), agent: AgentId(n), change: AgentChange::Started })
        .collect()
}

#[test]
fn the_first_version_of_the_format_stays_readable() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/journal-v1.bin");
    let (bytes, _) = journal(&one_of_each(), 4);
    if std::env::var_os("SWARM_WRITE_GOLDEN").is_some() {
        std::fs::write(path, &bytes).unwrap();
    }
    let golden = std::fs::read(path).unwrap();
    let (facts, error) = read(&golden);
    assert_eq!(error, None);
    assert_eq!(facts, one_of_each(), "facts of old journals read differently: a variant or field changed its shape");
    assert_eq!(
        golden, bytes,
        "the same facts are written differently: raise FORMAT_VERSION and keep reading version 1"
    );
}

#[test]
fn an_empty_journal_is_a_header() {
    assert_eq!(read(&header()), (vec![], None));
}

#[test]
fn a_header_that_was_not_written_completely_is_a_torn_tail() {
    for length in 0..HEADER_BYTES {
        let torn = RecordError::Torn { offset: 0, bytes: length as u64 };
        assert_eq!(read(&header()[..length]), (vec![], Some(torn)), "{length} bytes");
    }
}

#[test]
fn other_files_and_damaged_headers_are_refused_by_name() {
    assert_eq!(read(b"open_time,open,high,low,close").1, Some(RecordError::NotAJournal));
    assert_eq!(read(b"x").1, Some(RecordError::NotAJournal));
    for place in 8..HEADER_BYTES {
        let mut bytes = header();
        bytes[place] ^= 4;
        assert_eq!(read(&bytes).1, Some(RecordError::HeaderDamaged), "byte {place}");
    }
}

#[test]
fn a_newer_format_is_refused_with_its_number() {
    let mut bytes = header();
    bytes[8..12].copy_from_slice(&(FORMAT_VERSION + 1).to_le_bytes());
    let check = crc32fast::hash(&bytes[..12]);
    bytes[12..].copy_from_slice(&check.to_le_bytes());
    assert_eq!(read(&bytes).1, Some(RecordError::NewerFormat { found: FORMAT_VERSION + 1 }));
}

#[test]
fn a_record_that_was_taken_out_breaks_the_chain() {
    let (bytes, ends) = journal(&facts(5), 1);
    let (third, fourth) = (ends[2].offset as usize, ends[3].offset as usize);
    let cut = [&bytes[..third], &bytes[fourth..]].concat();
    let (kept, error) = read(&cut);
    assert_eq!(kept, facts(2));
    assert_eq!(error, Some(RecordError::ChainBroken { offset: third as u64, after: 2, found: 4 }));
}

#[test]
fn a_record_that_was_replaced_by_a_valid_one_breaks_the_chain_after_it() {
    let (mut bytes, ends) = journal(&facts(5), 1);
    let forged = Fact::Agent { at: Time(1), agent: AgentId(1), change: AgentChange::Failed };
    let mut record = Vec::new();
    encode(ends[1].link, true, &forged, &mut record).unwrap();
    bytes[ends[1].offset as usize..ends[2].offset as usize].copy_from_slice(&record);
    assert_eq!(read(&bytes).1, Some(RecordError::ChainBroken { offset: ends[2].offset, after: 2, found: 3 }));
}

#[test]
fn a_group_that_reached_the_disk_in_part_and_out_of_order_is_a_torn_tail() {
    let (mut bytes, ends) = journal(&facts(9), 6);
    // The second group is records 7 to 9; its first record is lost, the others are there.
    bytes[ends[6].offset as usize..ends[7].offset as usize].fill(0);
    let (kept, error) = read(&bytes);
    assert_eq!(kept, facts(6));
    let torn = RecordError::Torn { offset: ends[6].offset, bytes: bytes.len() as u64 - ends[6].offset };
    assert_eq!(error, Some(torn));
}

#[test]
fn a_lost_page_in_what_was_durable_is_damage() {
    let (mut bytes, ends) = journal(&facts(9), 3);
    bytes[ends[1].offset as usize..ends[4].offset as usize].fill(0);
    // Record 5 is whole but tells nothing; record 7 was written after everything before it was durable.
    assert_eq!(
        read(&bytes).1,
        Some(RecordError::Damaged { offset: ends[1].offset, seq: 2, good_offset: ends[6].offset })
    );
}

#[test]
fn a_fact_of_an_unknown_kind_is_not_taken_for_damage() {
    let (mut bytes, ends) = journal(&facts(2), 1);
    let mut record = bytes[ends[1].offset as usize..].to_vec();
    record[21] = 120;
    let check = crc32fast::hash(&record[4..]);
    record[..4].copy_from_slice(&check.to_le_bytes());
    bytes.truncate(ends[1].offset as usize);
    bytes.extend(record);
    assert_eq!(read(&bytes), (facts(1), Some(RecordError::Unreadable { offset: ends[1].offset, seq: 2 })));
}

#[test]
fn a_fact_that_is_too_long_is_refused_and_leaves_no_trace() {
    let message = "x".repeat(MAX_PAYLOAD_BYTES);
    let fact = Fact::Agent { at: Time(1), agent: AgentId(0), change: AgentChange::Panicked { message } };
    let mut bytes = header().to_vec();
    let error = encode(Link::start(), true, &fact, &mut bytes).unwrap_err();
    assert!(matches!(error, FactTooLarge { bytes } if bytes > MAX_PAYLOAD_BYTES));
    assert_eq!(bytes, header());
}

#[test]
fn reading_can_go_on_from_any_record_and_notices_another_history() {
    let (bytes, ends) = journal(&facts(6), 2);
    let mut decoder = Decoder::resume(ends[4]);
    decoder.push(&bytes[ends[4].offset as usize..]);
    decoder.finish();
    let Ok(Progress::Record(record)) = decoder.advance() else { panic!("a record") };
    assert_eq!((record.seq(), &record.fact), (5, &facts(6)[4]));

    let other = Position { link: Link { check: ends[4].link.check ^ 1, ..ends[4].link }, ..ends[4] };
    let mut decoder = Decoder::resume(other);
    decoder.push(&bytes[ends[4].offset as usize..]);
    decoder.finish();
    assert!(matches!(decoder.advance(), Err(RecordError::ChainBroken { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read(facts in prop::collection::vec(any_fact(), 0..20), group in 1usize..5, chunk in 1usize..200) {
        let (bytes, ends) = journal(&facts, group);
        let mut decoder = Decoder::new();
        let (mut found, mut chunks) = (Vec::new(), bytes.chunks(chunk));
        loop {
            match decoder.advance().unwrap() {
                Progress::Record(record) => found.push(record),
                Progress::NeedsBytes => match chunks.next() {
                    Some(chunk) => decoder.push(chunk),
                    None => decoder.finish(),
                },
                Progress::Finished => break,
            }
        }
        prop_assert_eq!(found.iter().map(|record| record.fact.clone()).collect::<Vec<_>>(), facts);
        prop_assert_eq!(found.iter().map(|record| record.end).collect::<Vec<_>>(), ends[1..].to_vec());
    }

    #[test]
    fn a_flipped_bit_is_seen_wherever_it_is(
        facts in prop::collection::vec(any_fact(), 4..12), place in any::<prop::sample::Index>(), bit in 0..8u32,
    ) {
        let (mut bytes, ends) = journal(&facts, 1);
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        let (kept, error) = read(&bytes);
        let hit = ends.iter().rposition(|end| end.offset <= place as u64);
        prop_assert_eq!(&kept, &facts[..hit.unwrap_or(0)]);
        match (hit, error) {
            (None, Some(error)) => prop_assert!(matches!(error, RecordError::NotAJournal | RecordError::HeaderDamaged)),
            (Some(hit), Some(RecordError::Torn { offset, .. })) => {
                prop_assert_eq!((hit, offset), (facts.len() - 1, ends[hit].offset), "only the last may seem torn");
            }
            (Some(hit), Some(RecordError::Damaged { offset, good_offset, .. })) => {
                prop_assert_eq!((offset, good_offset), (ends[hit].offset, ends[hit + 1].offset));
            }
            (_, other) => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn a_cut_leaves_the_whole_records_before_it(
        facts in prop::collection::vec(any_fact(), 1..12), group in 1usize..5, cut in any::<prop::sample::Index>(),
    ) {
        let (bytes, ends) = journal(&facts, group);
        let cut = HEADER_BYTES + cut.index(bytes.len() - HEADER_BYTES);
        let (kept, error) = read(&bytes[..cut]);
        let whole = ends.iter().rposition(|end| end.offset <= cut as u64).unwrap();
        prop_assert_eq!(&kept, &facts[..whole]);
        let rest = cut as u64 - ends[whole].offset;
        prop_assert_eq!(error, (rest > 0).then_some(RecordError::Torn { offset: ends[whole].offset, bytes: rest }));
    }
}
