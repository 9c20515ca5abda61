//! Where a journal may be continued: after the last step that was ended, and bringing it there.
//!
//! A step's candles, and those that warm the features, come from the tape, which repeats them after a restart; so facts of a step that was
//! begun and not ended are dropped and happen again. What follows the last ended step without a candle
//! (an operator's acts, a venue's late reports) happened once and stays. Knows no directory and no lock.
//!
//! With real money nothing is cut: orders of a step that was begun have left, and the venue answers them. The step's
//! candles are repeated all the same, and what is decided on them anew finds its entries refused: they are there.

use super::head::{self, HEAD};
use super::segments::{self, ACTIVE};
use super::{Medium, StoreError, TornTail, reader::JournalReader};
use std::io::{self, Read};
use std::path::Path;
use swarm_core::journal::{FileHeader, Position, Record, header};
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
            Fact::Candle { .. } | Fact::FundingDue { .. } => self.step_begun = !self.is_live,
            // What warms the features is kept as a whole or not at all.
            Fact::WarmUp { left, .. } => self.step_begun = left > 0,
            Fact::StepEnd { .. } | Fact::End { .. } => self.step_begun = false,
            _ => {}
        }
        if !self.step_begun {
            self.kept = record.end;
            self.finished = matches!(record.fact, Fact::End { complete: true, .. });
        }
    }
}

/// Compares the records that pass by with what the head says of them.
#[derive(Debug)]
pub(super) struct HeadRule {
    head: Option<Position>,
}

impl HeadRule {
    pub(super) fn new(reader: &JournalReader) -> Self {
        Self { head: reader.head() }
    }

    /// Whether the record is another one than the head names.
    pub(super) fn contradicts(&self, at: Position) -> bool {
        self.head.is_some_and(|head| head.link.seq == at.link.seq && head.link != at.link)
    }

    /// The last record that was durable, when it is not there any more.
    pub(super) fn lost(&self, end: Position) -> Option<u64> {
        self.head.map(|head| head.link.seq).filter(|seq| *seq > end.link.seq)
    }
}

/// Reads a journal through, from where the reader begins.
pub(super) fn scan(reader: &mut JournalReader, mode: Mode) -> Result<Scan, StoreError> {
    let begun_at = reader.end();
    let (mut rule, head) = (CutRule::new(begun_at, mode), HeadRule::new(reader));
    let differs = |reader: &JournalReader, seq| StoreError::OtherHead { path: reader.place().join(HEAD), seq };
    if begun_at.link.seq > 0 && head.contradicts(begun_at) {
        return Err(differs(reader, begun_at.link.seq));
    }
    while let Some(record) = reader.next() {
        let record = record?;
        if head.contradicts(record.end) {
            return Err(differs(reader, record.seq()));
        }
        rule.see(&record);
    }
    let end = reader.end();
    if let Some(durable) = head.lost(end) {
        return Err(StoreError::EndLost { path: reader.place().join(HEAD), last: end.link.seq, durable });
    }
    // An empty file says only now where it begins.
    let kept = if end.link == rule.kept.link { end } else { rule.kept };
    Ok(Scan { end, kept, finished: rule.finished, torn: reader.torn() })
}

/// Start or recovery over any medium: cuts the journal where it may be continued, and gives the facts that
/// are kept and the place to write on. `place` is what messages call the medium.
///
/// # Errors
/// When the journal cannot be read to its end, or not be cut.
pub fn recover<M: Medium + Clone>(
    medium: &mut M,
    place: &Path,
    mode: Mode,
) -> Result<(Vec<Fact>, Position), StoreError> {
    let scan = scan(&mut JournalReader::over(medium.clone(), place, None)?, mode)?;
    let continued = continue_journal(medium, &scan).map_err(StoreError::io("continue", place))?;
    let reader = JournalReader::over(medium.clone(), place, None)?.until(continued.position);
    let facts = reader.map(|record| record.map(|record| record.fact)).collect::<Result<_, _>>()?;
    Ok((facts, continued.position))
}

/// Bytes that were cut off, and the name of their copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CutPart {
    pub(super) bytes: u64,
    pub(super) copy: String,
}

/// A journal that can be written on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Continued {
    /// Where.
    pub(super) position: Position,
    pub(super) torn: Option<CutPart>,
    pub(super) begun: Option<CutPart>,
}

/// Cuts a journal where it may be continued, after copying what is cut off, and gives it a file to write to.
pub(super) fn continue_journal(medium: &mut dyn Medium, scan: &Scan) -> io::Result<Continued> {
    let header = active_header(medium)?;
    let local = |place: Position| header.map_or(0, |header| local_offset(&header, place));
    let begins = header.map_or(0, |header| header.begins);
    let mut cut_part = |kind: &str, from: Position, to: u64| {
        let name = unused_name(medium, &format!("journal.{kind}-{}", from.link.seq + 1))?;
        let mut bytes = Vec::new();
        let length = to.saturating_sub(begins).saturating_sub(local(from));
        medium.open(ACTIVE, local(from))?.take(length).read_to_end(&mut bytes)?;
        medium.replace(&name, &bytes)?;
        Ok::<_, io::Error>(CutPart { bytes: bytes.len() as u64, copy: name })
    };
    // A header that was not written completely had nothing behind it: no loss to speak of.
    let torn = match scan.torn.filter(|_| header.is_some()) {
        Some(torn) => Some(cut_part("torn", scan.end, torn.offset + torn.bytes)?),
        None => None,
    };
    let begun = match scan.begun_records() {
        0 => None,
        _ => Some(cut_part("begun", scan.kept, scan.end.offset)?),
    };
    if torn.is_some() || begun.is_some() {
        // Before the cut, so that the head never names what is gone.
        medium.replace(HEAD, &head::encode(scan.kept))?;
        medium.truncate(ACTIVE, local(scan.kept))?;
    }
    let position = match header {
        Some(header) if header.is_written_now() => {
            // What a killed process wrote may still be in memory only; from here on it counts as durable.
            medium.sync(ACTIVE)?;
            Position { link: scan.kept.link, offset: header.begins + local(scan.kept) }
        }
        // Written by an earlier version: it stays as it is, and another file goes on from it.
        Some(header) if scan.kept.link != header.first.link => {
            medium.sync(ACTIVE)?;
            medium.rename(ACTIVE, &segments::full_name(header.first.link.seq + 1))?;
            begin_file(medium, scan.kept)?
        }
        Some(_) => {
            medium.truncate(ACTIVE, 0)?;
            begin_file(medium, Position { offset: 0, ..Position::start() })?
        }
        None => {
            if medium.names()?.iter().any(|name| name == ACTIVE) {
                medium.truncate(ACTIVE, 0)?;
            }
            begin_file(medium, scan.kept)?
        }
    };
    Ok(Continued { position, torn, begun })
}

/// Where in the file with this header a place is.
pub(super) fn local_offset(header: &FileHeader, place: Position) -> u64 {
    if place.link.seq <= header.first.link.seq { header.bytes() } else { place.offset.saturating_sub(header.begins) }
}

/// The header of the file that is written; none when it has none yet.
pub(super) fn active_header(medium: &dyn Medium) -> io::Result<Option<FileHeader>> {
    match segments::active().header(medium) {
        // The scan has said what is wrong with it.
        Ok(header) => header.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Begins the file that is written, which is not there or empty, at a place; gives the place of its first
/// record.
pub(super) fn begin_file(medium: &mut dyn Medium, at: Position) -> io::Result<Position> {
    let header = header(at);
    super::journal_file::write_all(medium, ACTIVE, &header)?;
    medium.sync(ACTIVE)?;
    Ok(Position { link: at.link, offset: at.offset + header.len() as u64 })
}

fn unused_name(medium: &dyn Medium, name: &str) -> io::Result<String> {
    let names = medium.names()?;
    let numbered = (1u64..).map(|number| format!("{name}.{number}"));
    let mut candidates = std::iter::once(name.to_owned()).chain(numbered);
    Ok(candidates.find(|name| !names.contains(name)).expect("invariant: numbers do not end"))
}
