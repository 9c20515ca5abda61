//! Appends facts to a journal in groups, each made durable as a whole.
//!
//! A group is acknowledged only after its flush. The first write or flush that fails ends the journal
//! for good: after a failed flush nobody can say what is on the disk, and going on would risk
//! acknowledging what is lost. Knows no thread and no channel; a simulator can use [`Committer`]
//! directly, with storage of its own.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use swarm_core::journal::{Position, encode};
use swarm_core::model::Fact;

/// The journal cannot be written any more. Nothing that was acknowledged is lost; nothing else may be
/// acted on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the journal cannot be written: {reason}; no new orders are sent, and what was acknowledged is safe")]
pub struct JournalFailure {
    reason: Arc<str>,
}

impl JournalFailure {
    pub(super) fn new(reason: impl Into<Arc<str>>) -> Self {
        Self { reason: reason.into() }
    }

    fn io(action: &str, error: &io::Error) -> Self {
        let advice = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => " (free some space and start again)",
            _ => "",
        };
        Self::new(format!("cannot {action} it: {error}{advice}"))
    }

    /// Why, without what follows from it.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// Where a journal's bytes go. Tests and the simulator put faults here.
pub trait JournalStorage: Send + 'static {
    /// Writes at the end and returns how many of the bytes were written, as `Write::write` does.
    ///
    /// # Errors
    /// When nothing could be written.
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// Returns when everything appended survives a loss of power.
    ///
    /// # Errors
    /// When that is not known.
    fn sync(&mut self) -> io::Result<()>;
    /// Drops everything behind `size` bytes.
    ///
    /// # Errors
    /// When that was not possible.
    fn truncate(&mut self, size: u64) -> io::Result<()>;
    /// Bytes stored.
    ///
    /// # Errors
    /// When that cannot be told.
    fn size(&mut self) -> io::Result<u64>;
}

/// A journal in a file of a locked state directory.
#[derive(Debug)]
pub struct FileStorage {
    file: File,
    /// The directory stays locked while something can still write to its journal.
    _lock: Arc<File>,
}

impl FileStorage {
    pub(super) fn open(path: &Path, lock: Arc<File>) -> Result<Self, JournalFailure> {
        let file = File::options().append(true).open(path).map_err(|error| JournalFailure::io("open", &error))?;
        Ok(Self { file, _lock: lock })
    }
}

impl JournalStorage for FileStorage {
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::Write::write(&mut self.file, bytes)
    }
    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
    fn truncate(&mut self, size: u64) -> io::Result<()> {
        self.file.set_len(size)
    }
    fn size(&mut self) -> io::Result<u64> {
        self.file.metadata().map(|metadata| metadata.len())
    }
}

/// Gathers facts into a group and makes the group durable.
#[derive(Debug)]
pub struct Committer<S> {
    storage: S,
    /// After the last durable record.
    durable: Position,
    /// After the last staged record.
    staged_to: Position,
    staged: Vec<u8>,
    failure: Option<JournalFailure>,
}

impl<S: JournalStorage> Committer<S> {
    /// Continues a journal at `position`, which must be its end and durable.
    ///
    /// # Errors
    /// When the journal ends elsewhere.
    pub fn new(mut storage: S, position: Position) -> Result<Self, JournalFailure> {
        let size = storage.size().map_err(|error| JournalFailure::io("measure", &error))?;
        if size != position.offset {
            return Err(JournalFailure::new(format!(
                "it has {size} bytes, {} were expected: something else wrote to it",
                position.offset
            )));
        }
        Ok(Self { storage, durable: position, staged_to: position, staged: Vec::new(), failure: None })
    }

    /// Adds a fact to the group and returns its sequence number. Nothing is written yet.
    ///
    /// # Errors
    /// When the journal has failed, or now fails because the fact does not fit into a record.
    pub fn stage(&mut self, fact: &Fact) -> Result<u64, JournalFailure> {
        self.check()?;
        let first_of_group = self.staged.is_empty();
        match encode(self.staged_to.link, first_of_group, fact, &mut self.staged) {
            Ok(link) => {
                self.staged_to = Position { link, offset: self.durable.offset + self.staged.len() as u64 };
                Ok(link.seq)
            }
            Err(error) => Err(self.fail(JournalFailure::new(error.to_string()))),
        }
    }

    /// Writes the group and returns when it is durable, with the end of the journal.
    ///
    /// # Errors
    /// When the journal has failed or does so now: then nothing of the group is acknowledged, and as far
    /// as the storage allows it is taken back.
    pub fn commit(&mut self) -> Result<Position, JournalFailure> {
        self.check()?;
        if self.staged.is_empty() {
            return Ok(self.durable);
        }
        if let Err(error) = write_all(&mut self.storage, &self.staged) {
            return Err(self.fail(JournalFailure::io("append to", &error)));
        }
        if let Err(error) = self.storage.sync() {
            return Err(self.fail(JournalFailure::io("flush", &error)));
        }
        self.staged.clear();
        self.durable = self.staged_to;
        Ok(self.durable)
    }

    /// After the last durable record.
    pub const fn durable(&self) -> Position {
        self.durable
    }

    /// Bytes in the group so far.
    pub const fn staged_bytes(&self) -> usize {
        self.staged.len()
    }

    fn check(&self) -> Result<(), JournalFailure> {
        self.failure.clone().map_or(Ok(()), Err)
    }

    fn fail(&mut self, failure: JournalFailure) -> JournalFailure {
        self.staged.clear();
        self.staged_to = self.durable;
        self.failure = Some(failure.clone());
        // Only tidiness: whatever stays behind is a torn tail or was never acted on.
        let _ = self.storage.truncate(self.durable.offset);
        failure
    }
}

fn write_all(storage: &mut impl JournalStorage, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match storage.append(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testkit::{FaultyStorage, started};
    use super::*;
    use swarm_core::journal::{HEADER_BYTES, MAX_PAYLOAD_BYTES, RecordError, header, records};
    use swarm_core::model::{AgentChange, AgentId, Time};

    fn committer(storage: &FaultyStorage) -> Committer<FaultyStorage> {
        Committer::new(storage.clone(), Position::start()).unwrap()
    }

    /// The sequence numbers that are in the storage, and how reading ended.
    fn stored(storage: &FaultyStorage) -> (u64, Option<RecordError>) {
        let bytes = storage.bytes();
        let mut count = 0;
        for record in records(&bytes) {
            match record {
                Ok(record) => count = record.seq(),
                Err(error) => return (count, Some(error)),
            }
        }
        (count, None)
    }

    #[test]
    fn a_group_is_one_flush() {
        let storage = FaultyStorage::new();
        let mut committer = committer(&storage);
        assert_eq!((1..=3).map(|n| committer.stage(&started(n)).unwrap()).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(storage.bytes(), header());
        assert_eq!(committer.commit().unwrap().link.seq, 3);
        assert_eq!(storage.syncs(), 1);
        assert_eq!(stored(&storage), (3, None));
        assert_eq!(committer.commit().unwrap().link.seq, 3);
        assert_eq!(storage.syncs(), 1, "nothing to flush");
    }

    #[test]
    fn a_group_that_never_was_durable_may_be_lost_in_any_order_and_a_durable_one_may_not() {
        let storage = FaultyStorage::new();
        let mut committer = committer(&storage);
        for n in 1..=3 {
            committer.stage(&started(n)).unwrap();
        }
        committer.commit().unwrap();
        let mut bytes = storage.bytes();
        bytes[HEADER_BYTES..HEADER_BYTES + 8].fill(0);
        let torn = RecordError::Torn { offset: 16, bytes: bytes.len() as u64 - 16 };
        assert_eq!(records(&bytes).next(), Some(Err(torn)));

        let next_group = committer.durable().offset;
        committer.stage(&started(4)).unwrap();
        committer.commit().unwrap();
        let mut bytes = storage.bytes();
        bytes[HEADER_BYTES..HEADER_BYTES + 8].fill(0);
        let damaged = RecordError::Damaged { offset: 16, seq: 1, good_offset: next_group };
        assert_eq!(records(&bytes).next(), Some(Err(damaged)));
    }

    #[test]
    fn short_writes_are_continued() {
        let storage = FaultyStorage::new();
        storage.set(|faults| faults.most_bytes_a_write = Some(3));
        let mut committer = committer(&storage);
        committer.stage(&started(1)).unwrap();
        committer.stage(&started(2)).unwrap();
        committer.commit().unwrap();
        assert_eq!(stored(&storage), (2, None));
    }

    #[test]
    fn a_full_disk_ends_the_journal_and_says_what_to_do() {
        let storage = FaultyStorage::new();
        let mut committer = committer(&storage);
        committer.stage(&started(1)).unwrap();
        committer.commit().unwrap();
        let room = storage.bytes().len() + 10;
        storage.set(|faults| faults.room_bytes = Some(room));
        committer.stage(&started(2)).unwrap();
        let failure = committer.commit().unwrap_err();
        assert!(failure.to_string().contains("free some space and start again"), "{failure}");
        assert_eq!(committer.durable().link.seq, 1);
        assert_eq!(stored(&storage), (1, None), "the part that was written is taken back");

        storage.set(|faults| faults.room_bytes = None);
        assert_eq!(committer.stage(&started(3)), Err(failure.clone()), "room that comes back revives nothing");
        assert_eq!(committer.commit(), Err(failure));
    }

    #[test]
    fn what_a_full_disk_leaves_behind_is_at_worst_a_torn_tail() {
        let storage = FaultyStorage::new();
        storage.set(|faults| (faults.room_bytes, faults.no_truncate) = (Some(16 + 30), true));
        let mut committer = committer(&storage);
        committer.stage(&started(1)).unwrap();
        committer.stage(&started(2)).unwrap();
        committer.commit().unwrap_err();
        let (count, error) = stored(&storage);
        assert_eq!((count, committer.durable().link.seq), (1, 0), "record 1 is there but was never acknowledged");
        assert!(matches!(error, Some(RecordError::Torn { .. })), "{error:?}");
    }

    #[test]
    fn a_flush_that_fails_acknowledges_nothing_and_is_not_tried_again() {
        let storage = FaultyStorage::new();
        storage.set(|faults| faults.failing_syncs = 1);
        let mut committer = committer(&storage);
        committer.stage(&started(1)).unwrap();
        let failure = committer.commit().unwrap_err();
        assert!(failure.reason().contains("cannot flush it"), "{failure}");
        assert_eq!(committer.commit(), Err(failure), "though the next flush would succeed");
        assert_eq!((committer.durable().link.seq, storage.syncs()), (0, 0));
    }

    #[test]
    fn a_fact_that_does_not_fit_ends_the_journal_before_anything_is_written() {
        let storage = FaultyStorage::new();
        let mut committer = committer(&storage);
        committer.stage(&started(1)).unwrap();
        let message = "x".repeat(MAX_PAYLOAD_BYTES);
        let long = Fact::Agent { at: Time(1), agent: AgentId(1), change: AgentChange::Panicked { message } };
        assert!(committer.stage(&long).unwrap_err().reason().contains("longer than"));
        committer.commit().unwrap_err();
        assert_eq!(storage.bytes(), header());
    }

    #[test]
    fn a_journal_that_someone_else_wrote_to_is_not_continued() {
        let storage = FaultyStorage::new();
        storage.clone().append(b"?").unwrap();
        let failure = Committer::new(storage, Position::start()).unwrap_err();
        assert!(failure.reason().contains("17 bytes, 16 were expected"), "{failure}");
    }
}
