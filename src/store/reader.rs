//! Reads a journal from a file, record by record, whatever its length. Never writes, asks for no lock,
//! and knows no meaning of facts.

use super::StoreError;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use swarm_core::journal::{Decoder, Position, Progress, Record, RecordError};

/// Name of the journal in a state directory.
pub(super) const JOURNAL: &str = "journal.bin";

const CHUNK_BYTES: usize = 1 << 16;

/// The end of a journal that was not written completely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// Where the good part ends, in bytes.
    pub offset: u64,
    /// Bytes after that.
    pub bytes: u64,
}

/// The records of a journal file. Ends at its end or at a torn tail, which is no error: a running
/// writer may be in the middle of a record.
#[derive(Debug)]
pub struct JournalReader {
    path: PathBuf,
    source: io::Take<File>,
    decoder: Decoder,
    chunk: Vec<u8>,
    torn: Option<TornTail>,
    ended: bool,
}

impl JournalReader {
    /// Reads from the beginning.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::start(path, Decoder::new(), 0, u64::MAX)
    }

    /// Reads from the beginning to a known place, whatever is written behind it meanwhile.
    pub(super) fn open_until(path: &Path, end: Position) -> Result<Self, StoreError> {
        Self::start(path, Decoder::new(), 0, end.offset)
    }

    /// Reads the records between two places.
    pub(super) fn open_between(path: &Path, from: Position, end: Position) -> Result<Self, StoreError> {
        Self::start(path, Decoder::resume(from), from.offset, end.offset)
    }

    fn start(path: &Path, decoder: Decoder, from: u64, end: u64) -> Result<Self, StoreError> {
        let open = || {
            let mut file = File::open(path)?;
            file.seek(SeekFrom::Start(from))?;
            Ok(file.take(end.saturating_sub(from)))
        };
        let source = open().map_err(StoreError::io("read", path))?;
        let chunk = vec![0; CHUNK_BYTES];
        Ok(Self { path: path.to_owned(), source, decoder, chunk, torn: None, ended: false })
    }

    /// After the last record that was returned.
    pub const fn end(&self) -> Position {
        self.decoder.position()
    }

    /// What followed the last record without being one; known when the records have ended.
    pub const fn torn(&self) -> Option<TornTail> {
        self.torn
    }

    fn read_on(&mut self) -> Result<Option<Record>, StoreError> {
        loop {
            match self.decoder.advance() {
                Ok(Progress::Record(record)) => return Ok(Some(record)),
                Ok(Progress::Finished) => return Ok(None),
                Ok(Progress::NeedsBytes) => match self.source.read(&mut self.chunk) {
                    Ok(0) => self.decoder.finish(),
                    Ok(count) => self.decoder.push(&self.chunk[..count]),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(StoreError::io("read", &self.path)(error)),
                },
                Err(RecordError::Torn { offset, bytes }) => {
                    self.torn = Some(TornTail { offset, bytes });
                    return Ok(None);
                }
                Err(source) => return Err(StoreError::Journal { path: self.path.clone(), source }),
            }
        }
    }
}

impl Iterator for JournalReader {
    type Item = Result<Record, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.read_on().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}
