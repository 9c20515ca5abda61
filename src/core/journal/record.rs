//! One record as bytes, and the header of a file of them. Integers are little endian.
//!
//! ```text
//! header  magic 8 B | format version u32 | crc32 of these u32
//!         sequence before u64 | offset u64 | chain before 16 B | crc32 of all before u32
//! record  crc32 of the rest u32 | payload length u32 | chain 16 B | sequence u64 | flags u8 | payload
//! ```
//!
//! `chain` is the first half of SHA-256 over the chain of the record before, sequence, flags and payload: a
//! record that was altered, taken out or put in breaks the chain, whoever did it and however well he knows
//! the format, and the last chain vouches for everything before it. Forging one record means forging all
//! that follow, and then the last one is not the one that was noted elsewhere. The crc32 is of the record
//! alone, so that a record can be recognised where the chain is lost: that is how damage in the middle is
//! told from a tail that was never written to its end.
//!
//! A journal is one file or several, each beginning with a header that says where it goes on.
//!
//! Format 1, still read, had the first line of the header only, one file, and the crc32 of the record before
//! in place of the chain. The payload is the fact in postcard's wire format in both. This
//! file knows nothing of how bytes are read back.

use super::wire;
use crate::model::Fact;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// First bytes of a journal.
pub const MAGIC: [u8; 8] = *b"swarmjnl";
/// Version of the format written here; a reader refuses newer ones.
pub const FORMAT_VERSION: u32 = 2;
/// Length of the header of a file, in bytes.
pub const HEADER_BYTES: usize = 52;
/// Length of a record without its payload, in bytes.
pub const RECORD_HEADER_BYTES: usize = 33;
/// Longest payload of a record, in bytes. A longer fact is a fault in whatever made it.
pub const MAX_PAYLOAD_BYTES: usize = 1 << 20;
/// Length of a chain, in bytes.
pub const CHAIN_BYTES: usize = 16;

/// Flag of a record before which everything had reached the disk when it was written. Records of one
/// group are written together and may be lost in any order when the power fails; the first record of
/// the next group proves that none of them was.
pub(super) const AFTER_DURABLE: u8 = 1;

/// The last record of a (prefix of a) journal: what the next one continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Sequence number, counted from 1; 0 before the first record.
    pub seq: u64,
    /// Its chain; zeros before the first record. In format 1 its crc32, followed by zeros.
    pub chain: [u8; CHAIN_BYTES],
}

impl Link {
    /// Where the first record continues.
    pub const fn start() -> Self {
        Self { seq: 0, chain: [0; CHAIN_BYTES] }
    }

    /// The chain as 32 hexadecimal digits: what to note elsewhere, to know the journal by.
    pub fn hex(&self) -> String {
        super::fingerprint::hex(&self.chain)
    }
}

/// A place between two records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The record before it.
    pub link: Link,
    /// Bytes from the start of the journal, headers included, all files put one behind the other.
    pub offset: u64,
}

impl Position {
    /// The place of the first record.
    pub const fn start() -> Self {
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

/// The header of a file that continues a journal at `at`, where the file begins.
pub fn header(at: Position) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    let check = crc32fast::hash(&header[..12]);
    header[12..16].copy_from_slice(&check.to_le_bytes());
    header[16..24].copy_from_slice(&at.link.seq.to_le_bytes());
    header[24..32].copy_from_slice(&at.offset.to_le_bytes());
    header[32..48].copy_from_slice(&at.link.chain);
    let check = crc32fast::hash(&header[..48]);
    header[48..].copy_from_slice(&check.to_le_bytes());
    header
}

/// The header of a journal's first file.
pub fn first_header() -> [u8; HEADER_BYTES] {
    header(Position { link: Link::start(), offset: 0 })
}

/// The chain of a record.
pub(super) fn chain(before: &[u8; CHAIN_BYTES], seq: u64, flags: u8, payload: &[u8]) -> [u8; CHAIN_BYTES] {
    let mut chained = [0; CHAIN_BYTES + 9];
    chained[..CHAIN_BYTES].copy_from_slice(before);
    chained[CHAIN_BYTES..CHAIN_BYTES + 8].copy_from_slice(&seq.to_le_bytes());
    chained[CHAIN_BYTES + 8] = flags;
    let digest = Sha256::new().chain_update(chained).chain_update(payload).finalize();
    let mut chain = [0; CHAIN_BYTES];
    chain.copy_from_slice(&digest[..CHAIN_BYTES]);
    chain
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
    let (seq, flags) = (link.seq + 1, if after_durable { AFTER_DURABLE } else { 0 });
    let chain = chain(&link.chain, seq, flags, &out[start + RECORD_HEADER_BYTES..]);
    let record = &mut out[start..];
    record[4..8].copy_from_slice(&length.to_le_bytes());
    record[8..24].copy_from_slice(&chain);
    record[24..32].copy_from_slice(&seq.to_le_bytes());
    record[32] = flags;
    let check = crc32fast::hash(&record[4..]);
    record[..4].copy_from_slice(&check.to_le_bytes());
    Ok(Link { seq, chain })
}

/// Adds a fact in postcard's format to `out`.
pub fn write_fact(fact: &Fact, out: &mut Vec<u8>) {
    wire::write(fact, out).expect("invariant: every list in a fact knows its length");
}

/// How records look in a version of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// With the crc32 of the record before.
    One,
    /// With a chain.
    Two,
}

impl Layout {
    const fn chain_bytes(self) -> usize {
        match self {
            Self::One => 4,
            Self::Two => CHAIN_BYTES,
        }
    }
    /// Length of a record without its payload.
    pub(super) const fn record_header_bytes(self) -> usize {
        17 + self.chain_bytes()
    }
}

/// The fields of a record before its payload, unchecked.
#[derive(Clone, Copy)]
pub(super) struct RawHeader {
    pub(super) layout: Layout,
    pub(super) check: u32,
    pub(super) length: usize,
    /// Its own chain, or in format 1 the crc32 of the record before.
    pub(super) chain: [u8; CHAIN_BYTES],
    pub(super) seq: u64,
    pub(super) flags: u8,
}

impl RawHeader {
    /// Reads the fields; `None` when there are too few bytes.
    pub(super) fn read(layout: Layout, bytes: &[u8]) -> Option<Self> {
        let (check, rest) = bytes.split_first_chunk::<4>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (stored, rest) = rest.split_at_checked(layout.chain_bytes())?;
        let (seq, rest) = rest.split_first_chunk::<8>()?;
        let mut chain = [0; CHAIN_BYTES];
        chain[..stored.len()].copy_from_slice(stored);
        Some(Self {
            layout,
            check: u32::from_le_bytes(*check),
            length: u32::from_le_bytes(*length) as usize,
            chain,
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
        self.layout.record_header_bytes() + self.length
    }
    /// The link that this record makes behind `before`; `None` when it does not continue it.
    pub(super) fn link_after(self, before: &Link, payload: &[u8]) -> Option<Link> {
        if self.seq != before.seq + 1 {
            return None;
        }
        let (expected, made) = match self.layout {
            Layout::One => {
                let mut own = [0; CHAIN_BYTES];
                own[..4].copy_from_slice(&self.check.to_le_bytes());
                (before.chain, own)
            }
            Layout::Two => {
                let made = chain(&before.chain, self.seq, self.flags, payload);
                (made, made)
            }
        };
        (self.chain == expected).then_some(Link { seq: self.seq, chain: made })
    }
}
