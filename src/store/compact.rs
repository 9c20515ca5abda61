//! Packs files of the journal that a start does not read any more. Nothing is lost by it: a packed file is
//! compared with what it was made of before that is removed, and whoever reads a journal reads packed files
//! as well. It removes no fact and does not know any.

use super::segments::{self, Segment, packed_name};
use super::{Medium, SnapshotKey, StoreError, medium, snapshots};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::Serialize;
use std::io::{self, Read, Write};
use std::path::Path;
use swarm_core::journal::{Decoder, Position, Progress, RecordError};

/// What packing came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Packed {
    /// Files that were packed.
    pub files: u64,
    /// Their bytes before.
    pub bytes_before: u64,
    /// And after.
    pub bytes_after: u64,
}

/// Packs the full files that the newest good snapshot covers, all but the newest `unpacked` of them.
pub(super) fn pack(
    medium: &mut impl Medium,
    place: &Path,
    key: &SnapshotKey,
    unpacked: usize,
) -> Result<Packed, StoreError> {
    let read = |error| StoreError::io("read", place)(error);
    let listed = snapshots::list(medium).map_err(read)?;
    let Some(covered) = listed.into_iter().find(|seq| snapshots::read(medium, *seq, key).is_some()) else {
        return Ok(Packed::default());
    };
    let segments = segments::list(medium).map_err(read)?;
    let is_covered = |index: usize| match segments.get(index + 1) {
        Some(Segment { first_seq: Some(first_seq), .. }) => *first_seq <= covered + 1,
        // What follows the last full file begins where that ends.
        Some(Segment { first_seq: None, .. }) => {
            let header = super::recover::active_header(medium).ok().flatten();
            header.is_some_and(|header| header.first.link.seq <= covered)
        }
        None => false,
    };
    let full: Vec<usize> = (0..segments.len()).filter(|index| is_covered(*index)).collect();
    let old = &full[..full.len().saturating_sub(unpacked)];
    let mut packed = Packed::default();
    for segment in old.iter().map(|index| &segments[*index]) {
        if let (Some(first_seq), false) = (segment.first_seq, segment.is_packed()) {
            let (before, after) = pack_one(medium, place, segment, first_seq)?;
            packed.files += 1;
            packed.bytes_before += before;
            packed.bytes_after += after;
        }
    }
    Ok(packed)
}

fn pack_one(
    medium: &mut impl Medium,
    place: &Path,
    segment: &Segment,
    first_seq: u64,
) -> Result<(u64, u64), StoreError> {
    let path = place.join(&segment.name);
    let bytes = medium::read_all(medium, &segment.name).map_err(StoreError::io("read", &path))?;
    // A file that does not hold is left as it is, for whoever looks into it.
    whole(&bytes).map_err(|source| StoreError::Journal { path: path.clone(), source })?;
    let packed = gzip(&bytes).map_err(StoreError::io("pack", &path))?;
    let name = packed_name(first_seq);
    let replaced = medium.replace(&name, &packed).and_then(|()| medium::read_all(medium, &name));
    let mut again = Vec::with_capacity(bytes.len());
    let compared = replaced.and_then(|found| GzDecoder::new(&found[..]).read_to_end(&mut again));
    compared.map_err(StoreError::io("pack", &path))?;
    if again != bytes {
        return Err(StoreError::io("pack", &path)(io::Error::other("what was written is not what is read back")));
    }
    medium.remove(&segment.name).map_err(StoreError::io("remove", &path))?;
    Ok((bytes.len() as u64, packed.len() as u64))
}

/// The end of a file every record of which holds.
fn whole(bytes: &[u8]) -> Result<Position, RecordError> {
    let mut decoder = Decoder::new();
    decoder.push(bytes);
    decoder.finish();
    loop {
        if let Progress::Finished = decoder.advance()? {
            return Ok(decoder.position());
        }
    }
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}
