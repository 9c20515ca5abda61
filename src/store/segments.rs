//! Which files a journal consists of. The one that is written is `journal.bin`; full ones before it are
//! `journal-N.bin`, N being the first sequence number in them, and `journal-N.bin.gz` once they are packed.
//! Knows names and headers, not what is in records.

use super::Medium;
use flate2::read::GzDecoder;
use std::io::{self, Read};
use swarm_core::journal::{FileHeader, HEADER_BYTES, RecordError};

/// Name of the file that is written.
pub(super) const ACTIVE: &str = "journal.bin";

const PREFIX: &str = "journal-";
const FULL: &str = ".bin";
const PACKED: &str = ".bin.gz";

/// One file of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) name: String,
    /// By its name; unknown of the one that is written.
    pub(super) first_seq: Option<u64>,
}

impl Segment {
    /// Whether it is compressed.
    pub(super) fn is_packed(&self) -> bool {
        self.name.ends_with(PACKED)
    }

    /// Opens it, packed or not: it may have been packed since it was listed.
    pub(super) fn open(&self, medium: &dyn Medium) -> io::Result<Box<dyn Read + Send>> {
        let missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
        match (self.first_seq, self.is_packed()) {
            (_, true) => Ok(unpacking(medium.open(&self.name, 0)?)),
            (None, false) => medium.open(&self.name, 0),
            (Some(first_seq), false) => match medium.open(&self.name, 0) {
                Err(error) if missing(&error) => Ok(unpacking(medium.open(&packed_name(first_seq), 0)?)),
                opened => opened,
            },
        }
    }

    /// Its header; none when it was not written completely.
    pub(super) fn header(&self, medium: &dyn Medium) -> io::Result<Result<Option<FileHeader>, RecordError>> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        self.open(medium)?.take(HEADER_BYTES as u64).read_to_end(&mut bytes)?;
        Ok(FileHeader::read(&bytes))
    }
}

fn unpacking(source: Box<dyn Read + Send>) -> Box<dyn Read + Send> {
    Box::new(GzDecoder::new(source))
}

/// The name of a full segment.
pub(super) fn full_name(first_seq: u64) -> String {
    format!("{PREFIX}{first_seq:012}{FULL}")
}

/// The name of a packed one.
pub(super) fn packed_name(first_seq: u64) -> String {
    format!("{PREFIX}{first_seq:012}{PACKED}")
}

/// The one that is written.
pub(super) fn active() -> Segment {
    Segment { name: ACTIVE.to_owned(), first_seq: None }
}

/// The files of a journal in their order. Of a segment that is there twice, as after a crash while it was
/// packed, the unpacked one counts.
pub(super) fn list(medium: &dyn Medium) -> io::Result<Vec<Segment>> {
    let mut segments = Vec::new();
    let mut is_active = false;
    for name in medium.names()? {
        is_active |= name == ACTIVE;
        let number = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(PACKED).or(rest.strip_suffix(FULL)));
        if let Some(Ok(first_seq)) = number.map(str::parse) {
            segments.push(Segment { name, first_seq: Some(first_seq) });
        }
    }
    // The shorter name of two is the unpacked one.
    segments.sort_by_key(|segment| (segment.first_seq, segment.name.len()));
    segments.dedup_by_key(|segment| segment.first_seq);
    if is_active {
        segments.push(active());
    }
    Ok(segments)
}

#[cfg(test)]
mod tests {
    use super::super::MemoryMedium;
    use super::*;

    #[test]
    fn segments_are_in_order_and_the_one_that_is_written_is_last() {
        let medium = MemoryMedium::new();
        let names = [
            "journal-000000000900.bin",
            "journal.bin",
            "journal-000000000001.bin.gz",
            "journal-000000000050.bin.gz",
            "journal-000000000050.bin",
            "journal-x.bin",
            "journal.begun-9",
            "journal.head",
            "manifest.json",
        ];
        names.iter().for_each(|name| medium.put(name, Vec::new()));
        let found: Vec<String> = list(&medium).unwrap().into_iter().map(|segment| segment.name).collect();
        assert_eq!(found, [names[2], names[4], names[0], names[1]]);
        assert_eq!(full_name(1_234_567_890_123), "journal-1234567890123.bin");
    }
}
