//! One record as bytes, and the header of a file of them. Integers are little endian.
//!
//! ```text
//! header  magic 8 B | format version u32 | crc32 of the 12 bytes before u32
//! record  check u32 | payload length u32 | previous record's check u32 | sequence u64 | flags u8 | payload
//! ```
//!
//! `check` is the crc32 of everything after itself. Since that includes the check of the record before,
//! a record that was taken out or altered breaks the chain, even if its own check was made right again.
//! The previous check is stored and not only mixed in, so that a record can be recognised on its own:
//! that is how damage in the middle is told from a tail that was never written to its end.
//!
//! The payload is the fact in postcard's wire format. This file knows nothing of how bytes are read back.

use super::wire;
use crate::model::Fact;
use serde::{Deserialize, Serialize};

/// First bytes of a journal.
pub const MAGIC: [u8; 8] = *b"swarmjnl";
/// Version of the format written here; a reader refuses newer ones.
pub const FORMAT_VERSION: u32 = 1;
/// Length of the header of a journal, in bytes.
pub const HEADER_BYTES: usize = 16;
/// Length of a record without its payload, in bytes.
pub const RECORD_HEADER_BYTES: usize = 21;
/// Longest payload of a record, in bytes. A longer fact is a fault in whatever made it.
pub const MAX_PAYLOAD_BYTES: usize = 1 << 20;

/// Flag of a record before which everything had reached the disk when it was written. Records of one
/// group are written together and may be lost in any order when the power fails; the first record of
/// the next group proves that none of them was.
pub(super) const AFTER_DURABLE: u8 = 1;

/// The last record of a (prefix of a) journal: what the next one continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Sequence number, counted from 1; 0 before the first record.
    pub seq: u64,
    /// Its check; that of the header before the first record.
    pub check: u32,
}

impl Link {
    /// Where the first record continues.
    pub fn start() -> Self {
        Self { seq: 0, check: crc32fast::hash(&header()[..12]) }
    }
}

/// A place between two records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The record before it.
    pub link: Link,
    /// Bytes from the start of the journal, header included.
    pub offset: u64,
}

impl Position {
    /// The place of the first record.
    pub fn start() -> Self {
        Self { link: Link::start(), offset: HEADER_BYTES as u64 }
    }
}

/// A fact that does not fit into a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a fact of {bytes} bytes is longer than the {MAX_PAYLOAD_BYTES} bytes that a journal record may have")]
pub struct FactTooLarge {
    /// Its length in postcard's format.
    pub bytes: usize,
}

/// The header of a journal.
pub fn header() -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    let check = crc32fast::hash(&header[..12]);
    header[12..].copy_from_slice(&check.to_le_bytes());
    header
}

/// Adds the record of a fact to `out` and returns what the next record continues.
///
/// `after_durable` says that everything before this record has reached the disk already; false for
/// records that are written together with the one before.
///
/// # Errors
/// When the fact does not fit; `out` is as it was.
pub fn encode(link: Link, after_durable: bool, fact: &Fact, out: &mut Vec<u8>) -> Result<Link, FactTooLarge> {
    let start = out.len();
    out.extend_from_slice(&[0; RECORD_HEADER_BYTES]);
    write_fact(fact, out);
    let bytes = out.len() - start - RECORD_HEADER_BYTES;
    let length = match u32::try_from(bytes) {
        Ok(length) if bytes <= MAX_PAYLOAD_BYTES => length,
        _ => {
            out.truncate(start);
            return Err(FactTooLarge { bytes });
        }
    };
    let seq = link.seq + 1;
    let record = &mut out[start..];
    record[4..8].copy_from_slice(&length.to_le_bytes());
    record[8..12].copy_from_slice(&link.check.to_le_bytes());
    record[12..20].copy_from_slice(&seq.to_le_bytes());
    record[20] = if after_durable { AFTER_DURABLE } else { 0 };
    let check = crc32fast::hash(&record[4..]);
    record[..4].copy_from_slice(&check.to_le_bytes());
    Ok(Link { seq, check })
}

/// Adds a fact in postcard's format to `out`.
pub(super) fn write_fact(fact: &Fact, out: &mut Vec<u8>) {
    wire::write(fact, out).expect("invariant: every list in a fact knows its length");
}

/// The fields of a record before its payload, unchecked.
#[derive(Clone, Copy)]
pub(super) struct RawHeader {
    pub(super) check: u32,
    pub(super) length: usize,
    pub(super) previous: u32,
    pub(super) seq: u64,
    pub(super) flags: u8,
}

impl RawHeader {
    /// Reads the fields; `None` when there are too few bytes.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (check, rest) = bytes.split_first_chunk::<4>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (previous, rest) = rest.split_first_chunk::<4>()?;
        let (seq, rest) = rest.split_first_chunk::<8>()?;
        Some(Self {
            check: u32::from_le_bytes(*check),
            length: u32::from_le_bytes(*length) as usize,
            previous: u32::from_le_bytes(*previous),
            seq: u64::from_le_bytes(*seq),
            flags: *rest.first()?,
        })
    }
    /// Whether the values could be those of a record at all.
    pub(super) const fn is_plausible(self) -> bool {
        self.length > 0 && self.length <= MAX_PAYLOAD_BYTES && self.flags <= AFTER_DURABLE
    }
    /// Length of the whole record.
    pub(super) const fn record_bytes(self) -> usize {
        RECORD_HEADER_BYTES + self.length
    }
}
