//! Where a journal may be continued: after the last step that was ended.
//!
//! A step's candles come from the tape, which repeats them after a restart; so facts of a step that was
//! begun and not ended are dropped and happen again. What follows the last ended step without a candle
//! (an operator's acts, a venue's late reports) happened once and stays. Knows nothing of files: it
//! looks at records and names places.
//!
//! With real money nothing is cut: orders of a step that was begun have left, and the venue answers them. The step's
//! candles are repeated all the same, and what is decided on them anew finds its entries refused: they are there.

use super::{StoreError, TornTail, reader::JournalReader};
use swarm_core::journal::{Position, Record};
use swarm_core::model::{Fact, Mode};

/// What reading a journal through came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scan {
    /// After the last good record.
    pub end: Position,
    /// Where the next record belongs: before the step that was begun and not ended, else `end`.
    pub kept: Position,
    /// The journal's last kept fact says that there was no more data.
    pub finished: bool,
    /// What follows `end` without being a record.
    pub torn: Option<TornTail>,
}

impl Scan {
    /// Good records behind `kept`, those of the begun step.
    pub const fn begun_records(&self) -> u64 {
        self.end.link.seq - self.kept.link.seq
    }
}

/// Finds the place to continue at while records pass by.
#[derive(Debug)]
pub(super) struct CutRule {
    kept: Position,
    step_begun: bool,
    finished: bool,
    /// What happens in this mode happens once.
    is_live: bool,
}

impl CutRule {
    pub(super) const fn new(start: Position, mode: Mode) -> Self {
        Self { kept: start, step_begun: false, finished: false, is_live: matches!(mode, Mode::Live) }
    }

    /// Where the next record would belong if the journal ended here.
    pub(super) const fn kept(&self) -> Position {
        self.kept
    }

    /// The last kept fact says that there was no more data.
    pub(super) const fn finished(&self) -> bool {
        self.finished
    }

    pub(super) const fn see(&mut self, record: &Record) {
        match record.fact {
            Fact::Candle { .. } => self.step_begun = !self.is_live,
            Fact::StepEnd { .. } | Fact::End { .. } => self.step_begun = false,
            _ => {}
        }
        if !self.step_begun {
            self.kept = record.end;
            self.finished = matches!(record.fact, Fact::End { complete: true, .. });
        }
    }
}

/// Reads a journal through.
pub(super) fn scan(reader: &mut JournalReader, mode: Mode) -> Result<Scan, StoreError> {
    let mut rule = CutRule::new(Position::start(), mode);
    for record in reader.by_ref() {
        rule.see(&record?);
    }
    Ok(Scan { end: reader.end(), kept: rule.kept, finished: rule.finished, torn: reader.torn() })
}
