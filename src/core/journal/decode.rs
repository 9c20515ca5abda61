//! Reading a journal back: bytes are pushed in, records come out.
//!
//! A state machine without input or output of its own, so a file of any length is read with one small
//! buffer. When a record does not hold, the decoder looks on for a record that was written after the
//! broken place had reached the disk. If there is one, something was damaged later, and no one may
//! guess what it said. If there is none, the writer was cut off while writing a group that nobody had
//! been told was durable: a torn tail, which may be cut off. It does not know where bytes come from.

use super::record::{AFTER_DURABLE, FORMAT_VERSION, HEADER_BYTES, MAGIC, Position, RECORD_HEADER_BYTES, RawHeader};
use super::{Link, header};
use crate::model::Fact;

/// A record as read.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Where it begins, in bytes from the start of the journal.
    pub offset: u64,
    /// Where it ends, with its sequence number and check.
    pub end: Position,
    /// What it says.
    pub fact: Fact,
}

impl Record {
    /// Its sequence number.
    pub const fn seq(&self) -> u64 {
        self.end.link.seq
    }
}

/// Why a journal cannot be read on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The bytes are something else.
    #[error("this is not a journal of swarm")]
    NotAJournal,
    /// The header does not hold.
    #[error("the header is damaged")]
    HeaderDamaged,
    /// Written by a later version.
    #[error("journal format {found} is newer than {FORMAT_VERSION}, the newest that this version of swarm reads")]
    NewerFormat {
        /// The version in the header.
        found: u32,
    },
    /// The end was never written completely; everything before is good.
    #[error("the last {bytes} bytes, from byte {offset} on, were not written completely")]
    Torn {
        /// Where the good part ends.
        offset: u64,
        /// Bytes after that.
        bytes: u64,
    },
    /// A record does not hold although later ones do.
    #[error("the record at byte {offset} (sequence {seq}) is damaged; good records go on at byte {good_offset}")]
    Damaged {
        /// Where the damage begins.
        offset: u64,
        /// The record expected there.
        seq: u64,
        /// Where a good record that was written later begins.
        good_offset: u64,
    },
    /// A good record that does not continue the one before.
    #[error(
        "the record at byte {offset} has sequence {found} and does not continue sequence {after}: records were taken \
         out or altered"
    )]
    ChainBroken {
        /// Where it begins.
        offset: u64,
        /// The record before it.
        after: u64,
        /// Its own sequence number.
        found: u64,
    },
    /// A good record whose fact this version does not know.
    #[error("the record at byte {offset} (sequence {seq}) holds a fact that this version of swarm does not know")]
    Unreadable {
        /// Where it begins.
        offset: u64,
        /// Its sequence number.
        seq: u64,
    },
}

/// What [`Decoder::advance`] came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// The next record.
    Record(Record),
    /// [`Decoder::push`] more bytes, or say that there are no more.
    NeedsBytes,
    /// The journal ended after a complete record.
    Finished,
}

#[derive(Debug)]
enum Phase {
    Header,
    Records,
    /// Looking for a good record after one that does not hold; counts the bytes passed.
    Searching(u64),
    Ended,
}

/// Turns pushed bytes into records.
#[derive(Debug)]
pub struct Decoder {
    buffer: Vec<u8>,
    /// Bytes of the buffer that are done with.
    consumed: usize,
    position: Position,
    no_more_bytes: bool,
    phase: Phase,
}

/// Consumed bytes are moved out of the buffer once there are so many.
const COMPACT_BYTES: usize = 1 << 16;

impl Decoder {
    /// At the beginning of a journal: the next byte pushed is the first of the header.
    pub fn new() -> Self {
        Self {
            buffer: Vec::new(),
            consumed: 0,
            position: Position { link: Link::start(), offset: 0 },
            no_more_bytes: false,
            phase: Phase::Header,
        }
    }

    /// In the middle: the next byte pushed is the one at the offset of `position`.
    pub fn resume(position: Position) -> Self {
        Self { position, phase: Phase::Records, ..Self::new() }
    }

    /// After the last good record.
    pub const fn position(&self) -> Position {
        self.position
    }

    /// Takes the next bytes of the journal.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.consumed >= COMPACT_BYTES || self.consumed == self.buffer.len() {
            self.buffer.drain(..self.consumed);
            self.consumed = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Says that everything has been pushed.
    pub fn finish(&mut self) {
        self.no_more_bytes = true;
    }

    /// The next record, or what is missing for it. After an error it says `Finished`.
    ///
    /// # Errors
    /// [`RecordError::Torn`] at an end that was not written completely, the others as they say.
    pub fn advance(&mut self) -> Result<Progress, RecordError> {
        let result = match self.phase {
            Phase::Header => self.read_header(),
            Phase::Records => self.read_record(),
            Phase::Searching(passed) => self.search(passed),
            Phase::Ended => Ok(Progress::Finished),
        };
        if matches!(result, Err(_) | Ok(Progress::Finished)) {
            self.phase = Phase::Ended;
        }
        result
    }

    fn unread(&self) -> &[u8] {
        &self.buffer[self.consumed..]
    }

    fn read_header(&mut self) -> Result<Progress, RecordError> {
        let bytes = self.unread();
        let Some(found) = bytes.first_chunk::<HEADER_BYTES>() else {
            return match (self.no_more_bytes, header().starts_with(bytes)) {
                (false, _) => Ok(Progress::NeedsBytes),
                (true, true) => Err(RecordError::Torn { offset: 0, bytes: bytes.len() as u64 }),
                (true, false) => Err(RecordError::NotAJournal),
            };
        };
        if found[..8] != MAGIC {
            return Err(RecordError::NotAJournal);
        }
        let number = |at: usize| u32::from_le_bytes([found[at], found[at + 1], found[at + 2], found[at + 3]]);
        if crc32fast::hash(&found[..12]) != number(12) {
            return Err(RecordError::HeaderDamaged);
        }
        match number(8) {
            FORMAT_VERSION => {
                self.consumed += HEADER_BYTES;
                self.position = Position::start();
                self.phase = Phase::Records;
                self.read_record()
            }
            found if found > FORMAT_VERSION => Err(RecordError::NewerFormat { found }),
            _ => Err(RecordError::NotAJournal),
        }
    }

    fn read_record(&mut self) -> Result<Progress, RecordError> {
        let bytes = self.unread();
        if bytes.is_empty() && self.no_more_bytes {
            return Ok(Progress::Finished);
        }
        let raw = RawHeader::read(bytes);
        let complete = raw.is_some_and(|raw| !raw.is_plausible() || raw.record_bytes() <= bytes.len());
        if !complete && !self.no_more_bytes {
            return Ok(Progress::NeedsBytes);
        }
        match raw.filter(|raw| holds(*raw, bytes)) {
            Some(raw) => self.take(raw).map(Progress::Record),
            None => {
                self.consumed += 1;
                self.search(1)
            }
        }
    }

    /// Takes a record that holds, if it continues the one before and can be understood.
    fn take(&mut self, raw: RawHeader) -> Result<Record, RecordError> {
        let (offset, before) = (self.position.offset, self.position.link);
        if raw.previous != before.check || raw.seq != before.seq + 1 {
            return Err(RecordError::ChainBroken { offset, after: before.seq, found: raw.seq });
        }
        let payload = &self.unread()[RECORD_HEADER_BYTES..raw.record_bytes()];
        let fact = match postcard::take_from_bytes::<Fact>(payload) {
            Ok((fact, [])) => fact,
            _ => return Err(RecordError::Unreadable { offset, seq: raw.seq }),
        };
        self.consumed += raw.record_bytes();
        self.position =
            Position { link: Link { seq: raw.seq, check: raw.check }, offset: offset + raw.record_bytes() as u64 };
        Ok(Record { offset, end: self.position, fact })
    }

    /// Looks for a good record, written after a flush, anywhere behind the one that does not hold.
    /// `passed` bytes from the beginning of that one on are done with.
    fn search(&mut self, mut passed: u64) -> Result<Progress, RecordError> {
        let (offset, seq) = (self.position.offset, self.position.link.seq);
        loop {
            let rest = self.unread();
            let raw = RawHeader::read(rest);
            let candidate = raw.filter(|raw| raw.is_plausible() && raw.flags == AFTER_DURABLE && raw.seq > seq);
            let complete = raw.is_some() && candidate.is_none_or(|raw| raw.record_bytes() <= rest.len());
            if !complete && !self.no_more_bytes {
                self.phase = Phase::Searching(passed);
                return Ok(Progress::NeedsBytes);
            }
            if candidate.is_some_and(|raw| holds(raw, rest)) {
                return Err(RecordError::Damaged { offset, seq: seq + 1, good_offset: offset + passed });
            }
            if rest.is_empty() {
                return Err(RecordError::Torn { offset, bytes: passed });
            }
            self.consumed += 1;
            passed += 1;
        }
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether the bytes begin with a whole record whose check is right.
fn holds(raw: RawHeader, bytes: &[u8]) -> bool {
    raw.is_plausible() && bytes.get(4..raw.record_bytes()).is_some_and(|checked| crc32fast::hash(checked) == raw.check)
}

/// The records of a journal that is in memory; an error is the last item.
#[derive(Debug)]
pub struct Records {
    decoder: Decoder,
}

/// Reads a journal that is in memory.
pub fn records(journal: &[u8]) -> Records {
    let mut decoder = Decoder::new();
    decoder.push(journal);
    decoder.finish();
    Records { decoder }
}

impl Iterator for Records {
    type Item = Result<Record, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.decoder.advance() {
            Ok(Progress::Record(record)) => Some(Ok(record)),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        }
    }
}
