//! Reading a journal back: bytes are pushed in, records come out.
//!
//! A state machine without input or output of its own, so a file of any length is read with one small
//! buffer. When a record does not hold, the decoder looks on for a record that was written after the
//! broken place had reached the disk. If there is one, something was damaged later, and no one may
//! guess what it said. If there is none, the writer was cut off while writing a group that nobody had
//! been told was durable: a torn tail, which may be cut off. It does not know where bytes come from.

use super::Link;
use super::record::{AFTER_DURABLE, CHAIN_BYTES, FORMAT_VERSION, HEADER_BYTES, Layout, MAGIC, Position, RawHeader};
use crate::model::Fact;

/// Length of the header of a file in format 1.
const FIRST_HEADER_BYTES: usize = 16;

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
    /// A file that does not continue the one before it.
    #[error(
        "this part goes on after sequence {found}, the part before it ends with sequence {after}: records are missing \
             or were altered"
    )]
    Missing {
        /// The last record of the part before.
        after: u64,
        /// The record that this one says it continues.
        found: u64,
    },
    /// A file that ends in the middle of a record although the journal goes on in another one.
    #[error("it ends at byte {offset} in the middle of sequence {seq} although the journal goes on: its end was lost")]
    EndsEarly {
        /// Where the good part ends.
        offset: u64,
        /// The record expected there.
        seq: u64,
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

/// What the header of a file of a journal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileHeader {
    /// Version of the format.
    pub format: u32,
    /// Where the file begins, in bytes from the start of the journal.
    pub begins: u64,
    /// The place of its first record.
    pub first: Position,
    layout: Layout,
}

impl FileHeader {
    /// Reads a header; `None` when there are too few bytes.
    ///
    /// # Errors
    /// When it is none, damaged, or of a newer format.
    pub fn read(bytes: &[u8]) -> Result<Option<Self>, RecordError> {
        let known = bytes.len().min(MAGIC.len());
        if bytes[..known] != MAGIC[..known] {
            return Err(RecordError::NotAJournal);
        }
        let Some(start) = bytes.first_chunk::<FIRST_HEADER_BYTES>() else { return Ok(None) };
        if crc32fast::hash(&start[..12]) != number(start, 12) {
            return Err(RecordError::HeaderDamaged);
        }
        match number(start, 8) {
            1 => {
                let mut chain = [0; CHAIN_BYTES];
                chain[..4].copy_from_slice(&start[12..]);
                let first = Position { link: Link { seq: 0, chain }, offset: FIRST_HEADER_BYTES as u64 };
                Ok(Some(Self { format: 1, begins: 0, first, layout: Layout::One }))
            }
            FORMAT_VERSION => Self::read_present(bytes),
            found if found > FORMAT_VERSION => Err(RecordError::NewerFormat { found }),
            _ => Err(RecordError::NotAJournal),
        }
    }

    fn read_present(bytes: &[u8]) -> Result<Option<Self>, RecordError> {
        let Some(header) = bytes.first_chunk::<HEADER_BYTES>() else { return Ok(None) };
        if crc32fast::hash(&header[..48]) != number(header, 48) {
            return Err(RecordError::HeaderDamaged);
        }
        let long = |at| u64::from(number(header, at)) | (u64::from(number(header, at + 4)) << 32);
        let mut chain = [0; CHAIN_BYTES];
        chain.copy_from_slice(&header[32..48]);
        let (link, begins) = (Link { seq: long(16), chain }, long(24));
        let first = Position { link, offset: begins.saturating_add(HEADER_BYTES as u64) };
        Ok(Some(Self { format: FORMAT_VERSION, begins, first, layout: Layout::Two }))
    }

    /// Whether records can be added in the format that is written now.
    pub const fn is_written_now(&self) -> bool {
        matches!(self.layout, Layout::Two)
    }

    /// Bytes of the header itself.
    pub const fn bytes(&self) -> u64 {
        self.first.offset - self.begins
    }
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// Turns pushed bytes into records.
#[derive(Debug)]
pub struct Decoder {
    buffer: Vec<u8>,
    /// Bytes of the buffer that are done with.
    consumed: usize,
    position: Position,
    /// What the file has to continue, where that is known.
    continues: Option<Link>,
    layout: Layout,
    no_more_bytes: bool,
    phase: Phase,
}

/// Consumed bytes are moved out of the buffer once there are so many.
const COMPACT_BYTES: usize = 1 << 16;

impl Decoder {
    /// At the beginning of a file: the next byte pushed is the first of its header. The file may continue
    /// any journal at any place; its header says which.
    pub fn new() -> Self {
        Self {
            buffer: Vec::new(),
            consumed: 0,
            position: Position { link: Link::start(), offset: 0 },
            continues: None,
            layout: Layout::Two,
            no_more_bytes: false,
            phase: Phase::Header,
        }
    }

    /// At the beginning of a file that has to continue a journal at `position`.
    pub fn continuing(position: Position) -> Self {
        Self { position, continues: Some(position.link), ..Self::new() }
    }

    /// In the middle of a file with this header: the next byte pushed is the one at the offset of `position`.
    pub fn resume(header: &FileHeader, position: Position) -> Self {
        Self { position, layout: header.layout, phase: Phase::Records, ..Self::new() }
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
        let Some(found) = FileHeader::read(bytes)? else {
            return match self.no_more_bytes {
                false => Ok(Progress::NeedsBytes),
                true => Err(RecordError::Torn { offset: self.position.offset, bytes: bytes.len() as u64 }),
            };
        };
        if let Some(after) = self.continues.filter(|after| *after != found.first.link) {
            return Err(RecordError::Missing { after: after.seq, found: found.first.link.seq });
        }
        self.consumed += usize::try_from(found.bytes()).expect("invariant: a header is short");
        self.position = found.first;
        self.layout = found.layout;
        self.phase = Phase::Records;
        self.read_record()
    }

    fn read_record(&mut self) -> Result<Progress, RecordError> {
        let bytes = self.unread();
        if bytes.is_empty() && self.no_more_bytes {
            return Ok(Progress::Finished);
        }
        let raw = RawHeader::read(self.layout, bytes);
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
        let payload = &self.unread()[raw.layout.record_header_bytes()..raw.record_bytes()];
        let Some(link) = raw.link_after(&before, payload) else {
            return Err(RecordError::ChainBroken { offset, after: before.seq, found: raw.seq });
        };
        let fact = match postcard::take_from_bytes::<Fact>(payload) {
            Ok((fact, [])) => fact,
            _ => return Err(RecordError::Unreadable { offset, seq: raw.seq }),
        };
        self.consumed += raw.record_bytes();
        self.position = Position { link, offset: offset + raw.record_bytes() as u64 };
        Ok(Record { offset, end: self.position, fact })
    }

    /// Looks for a good record, written after a flush, anywhere behind the one that does not hold.
    /// `passed` bytes from the beginning of that one on are done with.
    fn search(&mut self, mut passed: u64) -> Result<Progress, RecordError> {
        let (offset, seq) = (self.position.offset, self.position.link.seq);
        loop {
            let rest = self.unread();
            let raw = RawHeader::read(self.layout, rest);
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
