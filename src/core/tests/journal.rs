//! The journal's format from outside: what is written is read, whatever is broken is seen, and the first
//! version stays readable.

mod sample_facts;

use proptest::prelude::*;
use sample_facts::{any_fact, one_of_each};
use sha2::Digest;
use swarm_core::journal::{
    CHAIN_BYTES, Decoder, FORMAT_VERSION, FactTooLarge, FileHeader, HEADER_BYTES, Link, MAX_PAYLOAD_BYTES, Position,
    Progress, RecordError, encode, first_header, header, records,
};
use swarm_core::model::{AgentChange, AgentId, Fact, Time};

/// A journal of these facts in groups of `group`, and where each record ends.
fn journal(facts: &[Fact], group: usize) -> (Vec<u8>, Vec<Position>) {
    let (mut bytes, mut link, mut ends) = (first_header().to_vec(), Link::start(), vec![Position::start()]);
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

/// Facts of every kind there was when the file was written, as that version wrote them. New kinds come at
/// the end, so what was written is the beginning of what would be written now.
fn golden(version: u32) -> Vec<u8> {
    let path = format!("{}/tests/golden/journal-v{version}.bin", env!("CARGO_MANIFEST_DIR"));
    if version == FORMAT_VERSION && std::env::var_os("SWARM_WRITE_GOLDEN").is_some() {
        std::fs::write(&path, journal(&one_of_each(), 4).0).expect("writable");
    }
    std::fs::read(path).expect("the kept file is there")
}

#[test]
fn every_version_of_the_format_stays_readable() {
    for version in 1..=FORMAT_VERSION {
        let (facts, error) = read(&golden(version));
        assert_eq!(error, None, "format {version}");
        assert!(facts.len() > 15, "format {version}");
        assert_eq!(
            facts,
            one_of_each()[..facts.len()],
            "facts of old journals read differently: a variant or field changed its shape"
        );
    }
}

#[test]
fn the_present_version_is_written_as_it_always_was() {
    let (golden, now) = (golden(FORMAT_VERSION), journal(&one_of_each(), 4).0);
    assert!(now.starts_with(&golden), "raise FORMAT_VERSION and keep reading version {FORMAT_VERSION}");
}

#[test]
fn the_first_version_is_held_to_its_chain_too() {
    let whole = golden(1);
    let count = read(&whole).0.len();
    for place in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x20;
        let (facts, error) = read(&bytes);
        assert!(error.is_some() && facts.len() < count, "byte {place}");
    }
}

#[test]
fn an_empty_journal_is_a_header() {
    assert_eq!(read(&first_header()), (vec![], None));
}

#[test]
fn a_header_that_was_not_written_completely_is_a_torn_tail() {
    for length in 0..HEADER_BYTES {
        let torn = RecordError::Torn { offset: 0, bytes: length as u64 };
        assert_eq!(read(&first_header()[..length]), (vec![], Some(torn)), "{length} bytes");
    }
}

#[test]
fn other_files_and_damaged_headers_are_refused_by_name() {
    assert_eq!(read(b"open_time,open,high,low,close").1, Some(RecordError::NotAJournal));
    assert_eq!(read(b"x").1, Some(RecordError::NotAJournal));
    for place in 8..HEADER_BYTES {
        let mut bytes = first_header();
        bytes[place] ^= 4;
        assert_eq!(read(&bytes).1, Some(RecordError::HeaderDamaged), "byte {place}");
    }
}

#[test]
fn a_newer_format_is_refused_with_its_number() {
    let mut bytes = first_header();
    bytes[8..12].copy_from_slice(&(FORMAT_VERSION + 1).to_le_bytes());
    let check = crc32fast::hash(&bytes[..12]);
    bytes[12..16].copy_from_slice(&check.to_le_bytes());
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
fn a_chain_vouches_for_everything_before_it() {
    let altered = |place: usize| {
        let mut facts = facts(6);
        facts[place] = Fact::Agent { at: Time(1), agent: AgentId(1), change: AgentChange::Failed };
        journal(&facts, 2).1[6].link
    };
    let mut links = vec![journal(&facts(6), 2).1[6].link];
    links.extend((0..6).map(altered));
    assert!(links.iter().all(|link| link.seq == 6));
    links.sort_by_key(|link| link.chain);
    links.dedup();
    assert_eq!(links.len(), 7, "a change anywhere changes the last chain");
    assert_eq!(links[0].hex().len(), 2 * CHAIN_BYTES);
}

#[test]
fn a_check_made_right_again_does_not_hide_an_altered_record() {
    let (mut bytes, ends) = journal(&facts(5), 1);
    let (from, to) = (ends[2].offset as usize, ends[3].offset as usize);
    bytes[to - 1] ^= 1;
    let check = crc32fast::hash(&bytes[from + 4..to]);
    bytes[from..from + 4].copy_from_slice(&check.to_le_bytes());
    let (kept, error) = read(&bytes);
    assert_eq!(kept, facts(2));
    assert_eq!(error, Some(RecordError::ChainBroken { offset: from as u64, after: 2, found: 3 }));
}

#[test]
fn a_journal_goes_on_in_another_file() {
    let (bytes, ends) = journal(&facts(6), 2);
    let mut second = header(ends[4]).to_vec();
    let (mut link, begins) = (ends[4].link, ends[4].offset);
    for fact in &facts(6)[4..] {
        link = encode(link, true, fact, &mut second).unwrap();
    }
    assert_ne!(link, ends[6].link, "where a flush was is chained, too");
    let read_header = FileHeader::read(&second).unwrap().unwrap();
    assert_eq!((read_header.begins, read_header.first.link), (begins, ends[4].link));

    let goes_on = |after: Position| {
        let mut decoder = Decoder::continuing(after);
        decoder.push(&second);
        decoder.finish();
        decoder.advance()
    };
    let Ok(Progress::Record(record)) = goes_on(ends[4]) else { panic!("a record") };
    assert_eq!((record.seq(), record.offset), (5, begins + HEADER_BYTES as u64));
    assert_eq!(goes_on(ends[3]), Err(RecordError::Missing { after: 3, found: 4 }));
    let (other, _) = journal(&facts(4), 1);
    assert_ne!(other, bytes[..ends[4].offset as usize]);
    assert_eq!(
        goes_on(journal(&facts(4), 1).1[4]),
        Err(RecordError::Missing { after: 4, found: 4 }),
        "another history"
    );
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
    // The kind is the first byte of the payload; the record's chain is made right again.
    record[33] = 120;
    let digest = sha2::Sha256::digest([&ends[1].link.chain[..], &record[24..]].concat());
    record[8..24].copy_from_slice(&digest[..CHAIN_BYTES]);
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
    let mut bytes = first_header().to_vec();
    let error = encode(Link::start(), true, &fact, &mut bytes).unwrap_err();
    assert!(matches!(error, FactTooLarge { bytes } if bytes > MAX_PAYLOAD_BYTES));
    assert_eq!(bytes, first_header());
}

#[test]
fn reading_can_go_on_from_any_record_and_notices_another_history() {
    let (bytes, ends) = journal(&facts(6), 2);
    let header = FileHeader::read(&bytes).unwrap().unwrap();
    let mut decoder = Decoder::resume(&header, ends[4]);
    decoder.push(&bytes[ends[4].offset as usize..]);
    decoder.finish();
    let Ok(Progress::Record(record)) = decoder.advance() else { panic!("a record") };
    assert_eq!((record.seq(), &record.fact), (5, &facts(6)[4]));

    let other = Position { link: Link { chain: ends[3].link.chain, ..ends[4].link }, ..ends[4] };
    let mut decoder = Decoder::resume(&header, other);
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
