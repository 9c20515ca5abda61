//! Packs files of the journal that a start does not read any more. Nothing is lost by it: a packed file is
//! compared with what it was made of before that is removed, and whoever reads a journal reads packed files
//! as well. It removes no fact and does not know any.

use super::segments::{self, Segment, packed_name};
use super::{Medium, SnapshotKey, StoreError, snapshots};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::Serialize;
use std::io::{self, Read, Write};
use std::path::Path;
use swarm_core::journal::{Decoder, Progress, RecordError};

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

/// Bytes that are read, packed and compared at a time: a swarm packs beside its trading, and a full file is long.
const CHUNK: usize = 64 * 1024;

fn pack_one(
    medium: &mut impl Medium,
    place: &Path,
    segment: &Segment,
    first_seq: u64,
) -> Result<(u64, u64), StoreError> {
    let path = place.join(&segment.name);
    let name = packed_name(first_seq);
    let fresh = format!("{name}.new");
    let done = write_packed(medium, &path, &segment.name, &fresh).and_then(|()| {
        // A crash after packing and before removing left one.
        remove_if_there(medium, &name)
            .and_then(|()| medium.rename(&fresh, &name))
            .map_err(StoreError::io("pack", &path))
    });
    if let Err(error) = done {
        // What is left of it, where it cannot be removed, is removed by the next attempt.
        let _ = remove_if_there(medium, &fresh);
        return Err(error);
    }
    let size = |name: &str| medium.size(name).map_err(StoreError::io("read", &path));
    let sizes = (size(&segment.name)?, size(&name)?);
    medium.remove(&segment.name).map_err(StoreError::io("remove", &path))?;
    Ok(sizes)
}

fn remove_if_there(medium: &mut impl Medium, name: &str) -> io::Result<()> {
    if medium.size(name).is_ok() { medium.remove(name) } else { Ok(()) }
}

/// Writes a file's packed twin and reads it back. A file that does not hold is left as it is, for whoever looks into it.
fn write_packed(medium: &mut impl Medium, path: &Path, from: &str, to: &str) -> Result<(), StoreError> {
    remove_if_there(medium, to).map_err(StoreError::io("remove", path))?;
    let mut source = medium.open(from, 0).map_err(StoreError::io("read", path))?;
    let mut records = Decoder::new();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let mut chunk = vec![0; CHUNK];
    loop {
        let count = read_some(&mut *source, &mut chunk).map_err(StoreError::io("read", path))?;
        let bytes = &chunk[..count];
        if bytes.is_empty() {
            records.finish();
        }
        records.push(bytes);
        check(&mut records).map_err(|source| StoreError::Journal { path: path.to_owned(), source })?;
        let packed = encoder.write_all(bytes).and_then(|()| append_all(medium, to, encoder.get_mut()));
        packed.map_err(StoreError::io("pack", path))?;
        if bytes.is_empty() {
            break;
        }
    }
    let rest = encoder.finish().and_then(|mut rest| append_all(medium, to, &mut rest));
    rest.and_then(|()| medium.sync(to)).and_then(|()| compare(medium, from, to)).map_err(StoreError::io("pack", path))
}

/// Reads on until all records that are there have been checked.
fn check(records: &mut Decoder) -> Result<(), RecordError> {
    while let Progress::Record(_) = records.advance()? {}
    Ok(())
}

fn append_all(medium: &mut impl Medium, name: &str, bytes: &mut Vec<u8>) -> io::Result<()> {
    let mut written = 0;
    while written < bytes.len() {
        match medium.append(name, &bytes[written..])? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            count => written += count,
        }
    }
    bytes.clear();
    Ok(())
}

/// That a packed file says what the plain one says.
fn compare(medium: &impl Medium, plain: &str, packed: &str) -> io::Result<()> {
    let (mut plain, mut again) = (medium.open(plain, 0)?, GzDecoder::new(medium.open(packed, 0)?));
    let (mut expected, mut found) = (vec![0; CHUNK], vec![0; CHUNK]);
    loop {
        let count = read_some(&mut *plain, &mut expected)?;
        let same = read_some(&mut again, &mut found[..count.max(1)])? == count && expected[..count] == found[..count];
        if !same {
            return Err(io::Error::other("what was written is not what is read back"));
        }
        if count == 0 {
            return Ok(());
        }
    }
}

/// As many bytes as there are and fit; fewer only at the end.
fn read_some(source: &mut dyn Read, into: &mut [u8]) -> io::Result<usize> {
    let mut read = 0;
    while read < into.len() {
        match source.read(&mut into[read..]) {
            Ok(0) => break,
            Ok(count) => read += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}
