//! Appends facts to a journal in groups, each made durable as a whole.
//!
//! A group is acknowledged only after its flush. The first write or flush that fails ends the journal
//! for good: after a failed flush nobody can say what is on the disk, and going on would risk
//! acknowledging what is lost. Knows no thread and no channel; a simulator can use [`Committer`]
//! directly, with a medium of its own.

use super::head::{self, HEAD};
use super::segments::{self, ACTIVE};
use super::{Medium, recover};
use std::io;
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

/// Gathers facts into a group and makes the group durable.
#[derive(Debug)]
pub struct Committer<M> {
    medium: M,
    /// Where the file that is written begins.
    file_begins: u64,
    /// Its first record.
    file_first_seq: u64,
    /// After the last durable record.
    durable: Position,
    /// After the last staged record.
    staged_to: Position,
    staged: Vec<u8>,
    /// The last record ends a step: there the journal may go on in another file.
    is_between_steps: bool,
    failure: Option<JournalFailure>,
}

impl<M: Medium> Committer<M> {
    /// Continues a journal at `position`, which must be its end and durable.
    ///
    /// # Errors
    /// When the journal ends elsewhere.
    pub fn new(medium: M, position: Position) -> Result<Self, JournalFailure> {
        let header = recover::active_header(&medium).map_err(|error| JournalFailure::io("open", &error))?;
        let Some(header) = header.filter(|header| header.is_written_now()) else {
            return Err(JournalFailure::new("its file has no header: something else wrote to it"));
        };
        let size = medium.size(ACTIVE).map_err(|error| JournalFailure::io("measure", &error))?;
        let expected = recover::local_offset(&header, position);
        if size != expected {
            return Err(JournalFailure::new(format!(
                "its file has {size} bytes, {expected} were expected: something else wrote to it"
            )));
        }
        Ok(Self {
            medium,
            file_begins: header.begins,
            file_first_seq: header.first.link.seq + 1,
            durable: position,
            staged_to: position,
            staged: Vec::new(),
            is_between_steps: false,
            failure: None,
        })
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
                self.is_between_steps = matches!(fact, Fact::StepEnd { .. });
                Ok(link.seq)
            }
            Err(error) => Err(self.fail(JournalFailure::new(error.to_string()))),
        }
    }

    /// Writes the group and returns when it is durable, with the end of the journal.
    ///
    /// # Errors
    /// When the journal has failed or does so now: then nothing of the group is acknowledged, and as far
    /// as the medium allows it is taken back.
    pub fn commit(&mut self) -> Result<Position, JournalFailure> {
        self.check()?;
        if self.staged.is_empty() {
            return Ok(self.durable);
        }
        if let Err(error) = write_all(&mut self.medium, ACTIVE, &self.staged) {
            return Err(self.fail(JournalFailure::io("append to", &error)));
        }
        if let Err(error) = self.medium.sync(ACTIVE) {
            return Err(self.fail(JournalFailure::io("flush", &error)));
        }
        self.staged.clear();
        self.durable = self.staged_to;
        // The head protects against later losses; without it nothing is lost now.
        let _ = self.medium.note(HEAD, &head::encode(self.durable));
        Ok(self.durable)
    }

    /// Goes on in another file, if at least so many records are in this one and the last one ends a step;
    /// then gives the place. Nothing may be staged.
    ///
    /// # Errors
    /// When the journal has failed or does so now. Everything acknowledged is safe in the full file.
    pub fn turn_over(&mut self, records: u64) -> Result<Option<Position>, JournalFailure> {
        self.check()?;
        let written = (self.durable.link.seq + 1).saturating_sub(self.file_first_seq);
        if !self.staged.is_empty() || !self.is_between_steps || written < records.max(1) {
            return Ok(None);
        }
        let full = segments::full_name(self.file_first_seq);
        let begun =
            self.medium.rename(ACTIVE, &full).and_then(|()| recover::begin_file(&mut self.medium, self.durable));
        match begun {
            Ok(position) => {
                (self.file_begins, self.file_first_seq) = (self.durable.offset, self.durable.link.seq + 1);
                (self.durable, self.staged_to) = (position, position);
                Ok(Some(position))
            }
            Err(error) => {
                let failure = JournalFailure::io("begin another file of", &error);
                self.failure = Some(failure.clone());
                Err(failure)
            }
        }
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
        let _ = self.medium.truncate(ACTIVE, self.durable.offset - self.file_begins);
        failure
    }
}

pub(super) fn write_all(medium: &mut (impl Medium + ?Sized), name: &str, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match medium.append(name, bytes) {
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
    use super::super::JournalReader;
    use super::super::MemoryMedium;
    use super::super::testkit::{empty_journal, started, step_end};
    use super::*;
    use std::path::Path;
    use swarm_core::journal::{HEADER_BYTES, MAX_PAYLOAD_BYTES, RecordError, first_header, records};
    use swarm_core::model::{AgentChange, AgentId, Time};

    fn committer(medium: &MemoryMedium) -> Committer<MemoryMedium> {
        Committer::new(medium.clone(), Position::start()).unwrap()
    }

    /// The sequence numbers that are in the medium, and how reading ended.
    fn stored(medium: &MemoryMedium) -> (u64, Option<RecordError>) {
        let bytes = medium.bytes(ACTIVE);
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
        let medium = empty_journal();
        let mut committer = committer(&medium);
        assert_eq!((1..=3).map(|n| committer.stage(&started(n)).unwrap()).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(medium.bytes(ACTIVE), first_header());
        assert_eq!(committer.commit().unwrap().link.seq, 3);
        assert_eq!(medium.syncs(), 2);
        assert_eq!(stored(&medium), (3, None));
        assert_eq!(committer.commit().unwrap().link.seq, 3);
        assert_eq!(medium.syncs(), 2, "nothing to flush");
    }

    #[test]
    fn a_group_that_never_was_durable_may_be_lost_in_any_order_and_a_durable_one_may_not() {
        let medium = empty_journal();
        let mut committer = committer(&medium);
        for n in 1..=3 {
            committer.stage(&started(n)).unwrap();
        }
        committer.commit().unwrap();
        let mut bytes = medium.bytes(ACTIVE);
        bytes[HEADER_BYTES..HEADER_BYTES + 8].fill(0);
        let torn = RecordError::Torn { offset: 52, bytes: bytes.len() as u64 - 52 };
        assert_eq!(records(&bytes).next(), Some(Err(torn)));

        let next_group = committer.durable().offset;
        committer.stage(&started(4)).unwrap();
        committer.commit().unwrap();
        let mut bytes = medium.bytes(ACTIVE);
        bytes[HEADER_BYTES..HEADER_BYTES + 8].fill(0);
        let damaged = RecordError::Damaged { offset: 52, seq: 1, good_offset: next_group };
        assert_eq!(records(&bytes).next(), Some(Err(damaged)));
    }

    #[test]
    fn short_writes_are_continued() {
        let medium = empty_journal();
        medium.set(|faults| faults.most_bytes_a_write = Some(3));
        let mut committer = committer(&medium);
        committer.stage(&started(1)).unwrap();
        committer.stage(&started(2)).unwrap();
        committer.commit().unwrap();
        assert_eq!(stored(&medium), (2, None));
    }

    #[test]
    fn a_full_disk_ends_the_journal_and_says_what_to_do() {
        let medium = empty_journal();
        let mut committer = committer(&medium);
        committer.stage(&started(1)).unwrap();
        committer.commit().unwrap();
        let room = medium.bytes(ACTIVE).len() + medium.bytes(HEAD).len() + 10;
        medium.set(|faults| faults.room_bytes = Some(room));
        committer.stage(&started(2)).unwrap();
        let failure = committer.commit().unwrap_err();
        assert!(failure.to_string().contains("free some space and start again"), "{failure}");
        assert_eq!(committer.durable().link.seq, 1);
        assert_eq!(stored(&medium), (1, None), "the part that was written is taken back");

        medium.set(|faults| faults.room_bytes = None);
        assert_eq!(committer.stage(&started(3)), Err(failure.clone()), "room that comes back revives nothing");
        assert_eq!(committer.commit(), Err(failure));
    }

    #[test]
    fn what_a_full_disk_leaves_behind_is_at_worst_a_torn_tail() {
        let medium = empty_journal();
        medium.set(|faults| (faults.room_bytes, faults.no_truncate) = (Some(52 + 45), true));
        let mut committer = committer(&medium);
        committer.stage(&started(1)).unwrap();
        committer.stage(&started(2)).unwrap();
        committer.commit().unwrap_err();
        let (count, error) = stored(&medium);
        assert_eq!((count, committer.durable().link.seq), (1, 0), "record 1 is there but was never acknowledged");
        assert!(matches!(error, Some(RecordError::Torn { .. })), "{error:?}");
    }

    #[test]
    fn a_flush_that_fails_acknowledges_nothing_and_is_not_tried_again() {
        let medium = empty_journal();
        medium.set(|faults| faults.syncs_until_failure = Some(0));
        let mut committer = committer(&medium);
        committer.stage(&started(1)).unwrap();
        let failure = committer.commit().unwrap_err();
        assert!(failure.reason().contains("cannot flush it"), "{failure}");
        assert_eq!(committer.commit(), Err(failure), "though the next flush would succeed");
        assert_eq!((committer.durable().link.seq, medium.syncs()), (0, 1));
        for kept in [0, usize::MAX] {
            let found = medium.after_power_loss(|_| kept);
            assert_eq!(stored(&found), (0, None), "whatever the disk kept of it was taken back");
        }
    }

    #[test]
    fn a_fact_that_does_not_fit_ends_the_journal_before_anything_is_written() {
        let medium = empty_journal();
        let mut committer = committer(&medium);
        committer.stage(&started(1)).unwrap();
        let message = "x".repeat(MAX_PAYLOAD_BYTES);
        let long = Fact::Agent { at: Time(1), agent: AgentId(1), change: AgentChange::Panicked { message } };
        assert!(committer.stage(&long).unwrap_err().reason().contains("longer than"));
        committer.commit().unwrap_err();
        assert_eq!(medium.bytes(ACTIVE), first_header());
    }

    #[test]
    fn a_journal_that_someone_else_wrote_to_is_not_continued() {
        let medium = empty_journal();
        medium.clone().append(ACTIVE, b"?").unwrap();
        let failure = Committer::new(medium, Position::start()).unwrap_err();
        assert!(failure.reason().contains("53 bytes, 52 were expected"), "{failure}");
    }

    #[test]
    fn a_head_is_noted_after_the_flush_and_never_names_more_than_is_durable() {
        let medium = empty_journal();
        let mut committer = committer(&medium);
        assert_eq!(head::read(&medium).unwrap(), None);
        committer.stage(&started(1)).unwrap();
        let first = committer.commit().unwrap();
        assert_eq!(head::read(&medium).unwrap(), Some(first));
        medium.set(|faults| faults.syncs_until_failure = Some(0));
        committer.stage(&started(2)).unwrap();
        committer.commit().unwrap_err();
        assert_eq!(head::read(&medium).unwrap(), Some(first));
    }

    #[test]
    fn a_journal_goes_on_in_another_file_after_a_step_and_not_before() {
        let medium = empty_journal();
        let mut committer = committer(&medium);
        let mut turned = Vec::new();
        for n in 1..=3 {
            committer.stage(&started(1)).unwrap();
            committer.commit().unwrap();
            assert_eq!(committer.turn_over(1), Ok(None), "in the middle of a step");
            committer.stage(&step_end(n)).unwrap();
            assert_eq!(committer.turn_over(1), Ok(None), "with something staged");
            committer.commit().unwrap();
            assert_eq!(committer.turn_over(3), Ok(None), "with too few records");
            turned.extend(committer.turn_over(2).unwrap());
        }
        assert_eq!(turned.iter().map(|place| place.link.seq).collect::<Vec<_>>(), [2, 4, 6]);
        let names = segments::list(&medium).unwrap().into_iter().map(|segment| segment.name);
        let expected = ["journal-000000000001.bin", "journal-000000000003.bin", "journal-000000000005.bin", ACTIVE];
        assert_eq!(names.collect::<Vec<_>>(), expected);
        let read = JournalReader::over(medium.clone(), Path::new("memory"), None).unwrap();
        assert_eq!(read.map(|record| record.unwrap().seq()).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
        let mut again = Committer::new(medium.clone(), turned[2]).unwrap();
        assert_eq!(again.stage(&started(9)), Ok(7));
    }

    #[test]
    fn a_disk_that_gives_no_other_file_ends_the_journal_and_loses_nothing() {
        let medium = empty_journal();
        let mut committer = committer(&medium);
        committer.stage(&step_end(1)).unwrap();
        committer.commit().unwrap();
        medium.set(|faults| faults.no_rename = true);
        let failure = committer.turn_over(1).unwrap_err();
        assert!(failure.reason().contains("cannot begin another file"), "{failure}");
        assert_eq!(committer.stage(&started(2)), Err(failure));
        assert_eq!(stored(&medium), (1, None));
    }
}
