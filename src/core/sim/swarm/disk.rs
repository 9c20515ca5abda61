//! The journal of a simulated process: real records in memory, of which a kill leaves whatever had been
//! written. Knows no process.

use crate::journal::{HEADER_BYTES, Link, Position, RecordError, encode, first_header, records};
use crate::model::Fact;
use crate::planted::{Bug, is_planted};

/// Bytes that outlive the process.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    bytes: Vec<u8>,
    end: Position,
}

impl Disk {
    pub(super) fn new() -> Self {
        Self { bytes: first_header().to_vec(), end: Position::start() }
    }

    /// Whether nothing was ever written.
    pub(super) const fn is_empty(&self) -> bool {
        self.bytes.len() <= HEADER_BYTES
    }

    /// Writes facts to their end.
    pub(super) fn append(&mut self, facts: &[Fact]) {
        let mut facts: Vec<_> = facts.iter().collect();
        if is_planted(Bug::ReorderJournal) && facts.len() > 1 {
            facts.swap(0, 1);
        }
        for (index, fact) in facts.into_iter().enumerate() {
            // Facts of one act are written together: all before the first of them had reached the disk.
            let link = encode(self.end.link, index == 0, fact, &mut self.bytes);
            self.end.link = link.expect("invariant: facts are short");
        }
        self.end.offset = self.bytes.len() as u64;
    }

    /// Writes facts, and of their bytes only some; `share` of 256. What comes after them may be anything.
    pub(super) fn append_torn(&mut self, facts: &[Fact], share: u64, garbage: bool) {
        let before = self.bytes.len();
        self.append(facts);
        let written = (self.bytes.len() - before) as u64 * share / 256;
        self.bytes.truncate(before + written as usize);
        if garbage {
            self.bytes.extend_from_slice(&[0; 7]);
        }
    }

    /// Reads everything back, cuts off what was not written to its end, and hands each fact on.
    pub(super) fn read(&mut self, mut take: impl FnMut(&Fact)) -> Result<(), String> {
        let mut end = Position::start();
        for record in records(&self.bytes) {
            match record {
                Ok(record) => {
                    end = record.end;
                    take(&record.fact);
                }
                Err(RecordError::Torn { .. }) => break,
                Err(error) => return Err(error.to_string()),
            }
        }
        self.end = end;
        self.bytes.truncate(end.offset as usize);
        Ok(())
    }

    /// Whether a journal with one altered bit in its middle is told from a good one.
    pub(super) fn refuses_damage(&self, at: u64) -> bool {
        let body = self.bytes.len() - HEADER_BYTES;
        if body < 2 {
            return true;
        }
        let mut damaged = self.bytes.clone();
        let place = HEADER_BYTES + (at % (body as u64)) as usize;
        damaged[place] ^= 1 << (at % 8);
        records(&damaged).any(|record| record.is_err())
    }

    /// The chain at the last record, which depends on all before it.
    pub(super) const fn fingerprint(&self) -> Link {
        self.end.link
    }
}
