//! Reads a journal from its files, record by record, whatever its length. Never writes, asks for no lock,
//! and knows no meaning of facts.

use super::medium::DirectoryMedium;
use super::segments::{self, Segment};
use super::{Medium, StoreError, head};
use std::collections::VecDeque;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use swarm_core::journal::{Decoder, FileHeader, Link, Position, Progress, Record, RecordError};

const CHUNK_BYTES: usize = 1 << 16;

/// A file that is being read.
type Source = Box<dyn Read + Send>;

/// The end of a journal that was not written completely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// Where the good part ends, in bytes from the start of the journal.
    pub offset: u64,
    /// Bytes after that.
    pub bytes: u64,
}

/// The records of a journal. Ends at its end or at a torn tail, which is no error: a running writer may be
/// in the middle of a record.
pub struct JournalReader {
    medium: Box<dyn Medium>,
    /// The directory, for messages.
    place: PathBuf,
    /// Files that are still to be read.
    waiting: VecDeque<Segment>,
    /// The file that is written, opened at the start: it may be renamed while the others are read.
    active: Option<Source>,
    name: String,
    source: Source,
    decoder: Decoder,
    chunk: Vec<u8>,
    /// The last record that is wanted.
    until: Option<Link>,
    head: Option<Position>,
    torn: Option<TornTail>,
    ended: bool,
}

impl std::fmt::Debug for JournalReader {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("JournalReader").field("place", &self.place).field("end", &self.end()).finish_non_exhaustive()
    }
}

impl JournalReader {
    /// Reads the journal of a directory from its beginning.
    ///
    /// # Errors
    /// When a file cannot be opened, or the first ones are missing.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        Self::over(DirectoryMedium::new(directory), directory, None)
    }

    /// Reads the journal of a directory from a place on.
    pub(super) fn open_from(directory: &Path, from: Position) -> Result<Self, StoreError> {
        Self::over(DirectoryMedium::new(directory), directory, Some(from))
    }

    /// Reads from any medium; `place` is what messages call it. `from` is a place between two records, and
    /// without it all of them are read.
    ///
    /// # Errors
    /// When a file cannot be opened, or those before `from` are all there is, or the first ones are missing.
    pub fn over(medium: impl Medium, place: &Path, from: Option<Position>) -> Result<Self, StoreError> {
        let read = StoreError::io("read", place);
        let opened = || {
            let noted = head::read(&medium)?;
            let (waiting, active) = open_active(&medium)?;
            Ok((noted, waiting, active))
        };
        let (head, waiting, active) = opened().map_err(read)?;
        let mut reader = Self {
            medium: Box::new(medium),
            place: place.to_owned(),
            waiting,
            active,
            name: segments::ACTIVE.to_owned(),
            source: Box::new(io::empty()),
            decoder: Decoder::new(),
            chunk: vec![0; CHUNK_BYTES],
            until: None,
            head,
            torn: None,
            ended: false,
        };
        match from.filter(|from| from.link.seq > 0) {
            Some(from) => reader.begin_at(from)?,
            None => reader.begin()?,
        }
        Ok(reader)
    }

    /// Ends after this record, whatever is written behind it.
    pub(super) fn until(mut self, end: Position) -> Self {
        self.until = Some(end.link);
        self.ended |= self.end().link.seq >= end.link.seq;
        self
    }

    /// After the last record that was returned.
    pub const fn end(&self) -> Position {
        self.decoder.position()
    }

    /// What followed the last record without being one; known when the records have ended.
    pub const fn torn(&self) -> Option<TornTail> {
        self.torn
    }

    /// What the head said when reading began: there were records up to there at least.
    pub const fn head(&self) -> Option<Position> {
        self.head
    }

    /// The directory that is read.
    pub(super) fn place(&self) -> &Path {
        &self.place
    }

    fn path(&self) -> PathBuf {
        self.place.join(&self.name)
    }

    fn broken(&self, source: RecordError) -> StoreError {
        StoreError::Journal { path: self.path(), source }
    }

    fn header_of(&self, segment: &Segment) -> Result<Option<FileHeader>, StoreError> {
        let path = || self.place.join(&segment.name);
        let header = segment.header(&*self.medium).map_err(StoreError::io("read", &path()))?;
        header.map_err(|source| StoreError::Journal { path: path(), source })
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        let Some(first) = self.waiting.pop_front() else {
            self.decoder.finish();
            self.ended = true;
            return Ok(());
        };
        self.name.clone_from(&first.name);
        if let Some(header) = self.header_of(&first)?
            && header.first.link.seq > 0
        {
            return Err(self.broken(RecordError::Missing { after: 0, found: header.first.link.seq }));
        }
        self.source = self.take_source(&first)?;
        Ok(())
    }

    /// Begins in the file that holds the record after `from`.
    fn begin_at(&mut self, from: Position) -> Result<(), StoreError> {
        let mut header = None;
        let mut index = self.waiting.len();
        while index > 0 {
            index -= 1;
            // A header that was not written completely has nothing behind it.
            header = self.header_of(&self.waiting[index])?;
            if header.is_some_and(|header| header.first.link.seq <= from.link.seq) {
                break;
            }
        }
        let found = header.filter(|header| header.first.link.seq <= from.link.seq);
        let first = self.waiting.get(index).cloned();
        let (Some(header), Some(segment)) = (found, first) else {
            let found = header.map_or(0, |header| header.first.link.seq);
            return Err(self.broken(RecordError::Missing { after: from.link.seq, found }));
        };
        self.waiting.drain(..=index);
        self.name.clone_from(&segment.name);
        self.source = self.take_source(&segment)?;
        if header.first.link.seq == from.link.seq {
            self.decoder = Decoder::continuing(Position { link: from.link, offset: header.begins });
            return Ok(());
        }
        let skipped = from.offset.saturating_sub(header.begins);
        let skip = |source: &mut Source| io::copy(&mut source.take(skipped), &mut io::sink());
        skip(&mut self.source).map_err(StoreError::io("read", &self.path()))?;
        self.decoder = Decoder::resume(&header, from);
        Ok(())
    }

    fn take_source(&mut self, segment: &Segment) -> Result<Source, StoreError> {
        let is_active = segment.first_seq.is_none();
        match self.active.take_if(|_| is_active) {
            Some(source) => Ok(source),
            None => segment.open(&*self.medium).map_err(StoreError::io("read", &self.path())),
        }
    }

    /// Goes on with the next file, if there is one.
    fn next_file(&mut self) -> Result<bool, StoreError> {
        let Some(segment) = self.waiting.pop_front() else { return Ok(false) };
        self.name.clone_from(&segment.name);
        self.source = self.take_source(&segment)?;
        self.decoder = Decoder::continuing(self.decoder.position());
        Ok(true)
    }

    fn read_on(&mut self) -> Result<Option<Record>, StoreError> {
        loop {
            match self.decoder.advance() {
                Ok(Progress::Record(record)) => return Ok(Some(record)),
                Ok(Progress::Finished) => {
                    if !self.next_file()? {
                        return Ok(None);
                    }
                }
                Ok(Progress::NeedsBytes) => match self.source.read(&mut self.chunk) {
                    Ok(0) => self.decoder.finish(),
                    Ok(count) => self.decoder.push(&self.chunk[..count]),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(StoreError::io("read", &self.path())(error)),
                },
                Err(RecordError::Torn { offset, .. }) if !self.waiting.is_empty() => {
                    let seq = self.end().link.seq + 1;
                    return Err(self.broken(RecordError::EndsEarly { offset, seq }));
                }
                Err(RecordError::Torn { offset, bytes }) => {
                    self.torn = Some(TornTail { offset, bytes });
                    return Ok(None);
                }
                Err(source) => return Err(self.broken(source)),
            }
        }
    }
}

/// The files, and the one that is written opened. Listed again until no file was completed in between.
fn open_active(medium: &dyn Medium) -> io::Result<(VecDeque<Segment>, Option<Source>)> {
    let mut listed = segments::list(medium)?;
    loop {
        let active = match medium.open(segments::ACTIVE, 0) {
            Ok(source) => Some(source),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let again = segments::list(medium)?;
        if again.len() == listed.len() && again.iter().any(|segment| segment.first_seq.is_none()) == active.is_some() {
            return Ok((again.into(), active));
        }
        listed = again;
    }
}

impl Iterator for JournalReader {
    type Item = Result<Record, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.read_on().transpose();
        let is_last = |record: &Record| self.until.is_some_and(|until| record.seq() >= until.seq);
        self.ended = !matches!(&next, Some(Ok(record)) if !is_last(record));
        next
    }
}
