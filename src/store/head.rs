//! The head: up to where a journal is known to have reached the disk, noted beside it after every group.
//!
//! The chain vouches for everything before a record, but not for what should follow it: whoever takes
//! records off the end leaves a whole chain behind. The head tells. It is noted after the group it names is
//! durable and never forced to the disk by itself, so a loss of power may leave an older one, which is
//! still true, and never a younger one. One that does not hold is as good as none. It does not know records.

use super::Medium;
use std::io;
use swarm_core::journal::{CHAIN_BYTES, Link, Position};

/// Name of the file.
pub(super) const HEAD: &str = "journal.head";

const MAGIC: [u8; 8] = *b"swarmhd1";
const BYTES: usize = 8 + 8 + 8 + CHAIN_BYTES + 4;

pub(super) fn encode(position: Position) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..16].copy_from_slice(&position.link.seq.to_le_bytes());
    bytes[16..24].copy_from_slice(&position.offset.to_le_bytes());
    bytes[24..24 + CHAIN_BYTES].copy_from_slice(&position.link.chain);
    let check = crc32fast::hash(&bytes[..BYTES - 4]);
    bytes[BYTES - 4..].copy_from_slice(&check.to_le_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<Position> {
    let bytes = bytes.first_chunk::<BYTES>()?;
    let (checked, check) = bytes.split_last_chunk::<4>()?;
    if checked[..8] != MAGIC || crc32fast::hash(checked) != u32::from_le_bytes(*check) {
        return None;
    }
    let (seq, rest) = checked[8..].split_first_chunk::<8>()?;
    let (offset, rest) = rest.split_first_chunk::<8>()?;
    let link = Link { seq: u64::from_le_bytes(*seq), chain: *rest.first_chunk::<CHAIN_BYTES>()? };
    Some(Position { link, offset: u64::from_le_bytes(*offset) })
}

/// What is noted; none where nothing is, or what is does not hold.
pub(super) fn read(medium: &dyn Medium) -> io::Result<Option<Position>> {
    match super::medium::read_all(medium, HEAD) {
        Ok(bytes) => Ok(decode(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::super::MemoryMedium;
    use super::*;

    #[test]
    fn a_head_is_read_as_noted_and_a_flipped_bit_makes_it_none() {
        let mut medium = MemoryMedium::new();
        assert_eq!(read(&medium).unwrap(), None);
        let position = Position { link: Link { seq: 7, chain: [3; CHAIN_BYTES] }, offset: 812 };
        medium.note(HEAD, &encode(Position::start())).unwrap();
        medium.note(HEAD, &encode(position)).unwrap();
        assert_eq!(read(&medium).unwrap(), Some(position));
        let bytes = medium.bytes(HEAD);
        for place in 0..8 * bytes.len() {
            let mut damaged = bytes.clone();
            damaged[place / 8] ^= 1 << (place % 8);
            medium.put(HEAD, damaged);
            assert_eq!(read(&medium).unwrap(), None, "bit {place}");
        }
    }
}
