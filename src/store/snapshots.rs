//! Snapshots: the state that the journal gives up to the end of one of its files, so that a start reads the
//! files after it only.
//!
//! A snapshot is a function of the journal: the state of the snapshot before, and the facts of the files
//! since. It is taken on a thread of its own from what is durable, so nothing that trades waits for it, and
//! nothing but time is lost with it: one that is damaged, of another configuration or of another version is
//! passed over for the one before or for the whole journal. What a state looks like is not known here.

use super::segments::{self, Segment};
use super::{Medium, StoreError, compact, medium, reader::JournalReader};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use swarm_core::journal::Position;
use swarm_core::model::Fact;

const MAGIC: [u8; 8] = *b"swarmsn1";
const PREFIX: &str = "snapshot-";
const SUFFIX: &str = ".bin";
const DIGEST_BYTES: usize = 32;
/// The newest, and one before it in case the newest does not hold.
const KEPT: usize = 2;

/// Something that facts are folded into.
pub trait Folding {
    /// Takes the next fact.
    fn apply(&mut self, fact: &Fact);
    /// The state as bytes, at the end of a step.
    fn save(&self) -> Vec<u8>;
}

/// Makes an empty state, or one that goes on from saved bytes; none where the bytes are no state.
pub trait MakeFolding: Send + 'static {
    /// What is made.
    type Folding: Folding;
    /// See there.
    fn make(&self, saved: Option<&[u8]>) -> Option<Self::Folding>;
}

/// For whom a snapshot is good: the state of another configuration, or as another version of swarm keeps it,
/// is another state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotKey {
    /// Raised whenever the bytes of a state change.
    pub state_format: u32,
    /// Hash of the configuration.
    pub config_hash: String,
}

/// A state that the journal gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    key: SnapshotKey,
    /// Up to where the journal was folded.
    pub position: Position,
    /// The state as bytes.
    pub state: Vec<u8>,
}

/// The name of the snapshot up to a record.
fn name(seq: u64) -> String {
    format!("{PREFIX}{seq:012}{SUFFIX}")
}

/// The last records of the snapshots there are, newest first.
pub(super) fn list(medium: &dyn Medium) -> io::Result<Vec<u64>> {
    let number = |name: &String| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.parse().ok();
    let mut found: Vec<u64> = medium.names()?.iter().filter_map(number).collect();
    found.sort_unstable_by(|one, other| other.cmp(one));
    Ok(found)
}

/// Reads a snapshot; none when it is not there, does not hold, or is good for others only.
pub(super) fn read(medium: &dyn Medium, seq: u64, key: &SnapshotKey) -> Option<Snapshot> {
    let bytes = medium::read_all(medium, &name(seq)).ok()?;
    let (digest, body) = bytes.strip_prefix(&MAGIC)?.split_at_checked(DIGEST_BYTES)?;
    if Sha256::digest(body)[..] != *digest {
        return None;
    }
    let snapshot: Snapshot = postcard::from_bytes(body).ok()?;
    (snapshot.key == *key && snapshot.position.link.seq == seq).then_some(snapshot)
}

fn write(medium: &mut dyn Medium, snapshot: &Snapshot) -> io::Result<()> {
    let body = postcard::to_allocvec(snapshot).expect("invariant: a snapshot is plain data");
    let bytes = [&MAGIC[..], &Sha256::digest(&body)[..], &body].concat();
    medium.replace(&name(snapshot.position.link.seq), &bytes)
}

/// Takes the snapshot up to `end`, the end of a file of the journal, and lets go of old ones.
pub(super) fn take<M: Medium + Clone>(
    medium: &mut M,
    place: &Path,
    key: &SnapshotKey,
    make: &impl MakeFolding,
    end: Position,
) -> Result<(), StoreError> {
    let listed = list(medium).map_err(StoreError::io("read", place))?;
    if read(medium, end.link.seq, key).is_some_and(|known| known.position.link == end.link) {
        return Ok(());
    }
    let before = listed.iter().filter(|seq| **seq < end.link.seq).find_map(|seq| {
        let snapshot = read(medium, *seq, key)?;
        let folding = make.make(Some(&snapshot.state))?;
        Some((snapshot.position, folding))
    });
    let fold = |from: Option<Position>, mut folding: _| {
        let mut reader = JournalReader::over(medium.clone(), place, from)?.until(end);
        for record in reader.by_ref() {
            Folding::apply(&mut folding, &record?.fact);
        }
        Ok::<_, StoreError>((reader.end().link == end.link).then_some(folding))
    };
    let since = match before {
        // Of another history, when the journal does not go on from it.
        Some((position, folding)) => fold(Some(position), folding).unwrap_or(None),
        None => None,
    };
    let folded = match since {
        Some(folded) => Some(folded),
        None => match make.make(None) {
            Some(empty) => fold(None, empty)?,
            None => None,
        },
    };
    let Some(folded) = folded else { return Ok(()) };
    let snapshot = Snapshot { key: key.clone(), position: end, state: folded.save() };
    write(medium, &snapshot).map_err(StoreError::io("write", place))?;
    for seq in list(medium).map_err(StoreError::io("read", place))?.into_iter().skip(KEPT) {
        medium.remove(&name(seq)).map_err(StoreError::io("remove", place))?;
    }
    Ok(())
}

/// The place behind the last full file; none while there is only the one that is written.
pub(super) fn last_boundary(medium: &dyn Medium) -> io::Result<Option<Position>> {
    let is_full = |segment: &&Segment| segment.first_seq.is_some();
    if segments::list(medium)?.iter().find(is_full).is_none() {
        return Ok(None);
    }
    Ok(super::recover::active_header(medium)?.map(|header| header.first))
}

enum Command {
    /// The journal went on in another file, which begins here.
    Full(Position),
    Close,
}

/// The thread that takes snapshots while a swarm runs, and packs the files that they make old.
#[derive(Debug)]
pub struct Snapshots {
    sender: Sender<Command>,
    thread: Option<JoinHandle<()>>,
}

impl Snapshots {
    /// Starts the thread. A snapshot that is missing up to the last full file is taken at once.
    pub(super) fn start<M: Medium + Clone>(
        medium: M,
        place: PathBuf,
        key: SnapshotKey,
        make: impl MakeFolding,
        unpacked_files: usize,
    ) -> io::Result<Self> {
        let (sender, receiver) = channel();
        let mut keeper = Keeper { medium, place, key, make, unpacked_files };
        let thread = thread::Builder::new().name("snapshots".into()).spawn(move || keeper.run(&receiver))?;
        Ok(Self { sender, thread: Some(thread) })
    }

    /// What tells it that the journal went on in another file, which begins here.
    pub fn feed(&self) -> impl Fn(Position) + Send + use<> {
        let sender = self.sender.clone();
        move |place| {
            // A thread that has ended takes none: the next start reads more of the journal.
            let _ = sender.send(Command::Full(place));
        }
    }

    /// Waits until it has done what it was told.
    pub fn close(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some(thread) = self.thread.take() {
            // Both fail only when the thread has ended before.
            let _ = self.sender.send(Command::Close);
            let _ = thread.join();
        }
    }
}

impl Drop for Snapshots {
    fn drop(&mut self) {
        self.end();
    }
}

struct Keeper<M, F> {
    medium: M,
    place: PathBuf,
    key: SnapshotKey,
    make: F,
    unpacked_files: usize,
}

impl<M: Medium + Clone, F: MakeFolding> Keeper<M, F> {
    fn run(&mut self, receiver: &Receiver<Command>) {
        if let Ok(Some(end)) = last_boundary(&self.medium) {
            self.take(end);
        }
        while let Ok(Command::Full(end)) = receiver.recv() {
            let (mut last, mut closes) = (end, false);
            // Of several that are due the last one is enough.
            for command in receiver.try_iter() {
                match command {
                    Command::Full(end) => last = end,
                    Command::Close => closes = true,
                }
            }
            self.take(last);
            if closes {
                return;
            }
        }
    }

    fn take(&mut self, end: Position) {
        let taken = take(&mut self.medium, &self.place, &self.key, &self.make, end);
        let packed = taken.and_then(|()| compact::pack(&mut self.medium, &self.place, &self.key, self.unpacked_files));
        if let Err(error) = packed {
            tracing::warn!(%error, "no snapshot was taken: the next start reads more of the journal");
        }
    }
}
