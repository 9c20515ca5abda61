//! A state directory held for a run: created or opened, locked, checked, and its journal brought to
//! where it can be continued. Start and recovery are this one path.

use super::journal_file::FileStorage;
use super::lock::{self, LOCK};
use super::manifest::MANIFEST;
use super::reader::{JOURNAL, JournalReader};
use super::recover::{self, Scan};
use super::{Commit, JournalFailure, JournalWriter, Manifest, ProjectionError, Projections, StoreError, WriterOptions};
use super::{files, view::StateView};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use swarm_core::journal::{Position, header};

/// Name of the projections' directory.
pub(super) const PROJECTIONS: &str = "projections";

/// Something that was cut off the journal at opening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Good records in it; 0 for a torn tail.
    pub records: u64,
    /// Bytes in it.
    pub bytes: u64,
    /// The last record before it.
    pub after_seq: u64,
    /// Where a copy was kept.
    pub copy: PathBuf,
}

/// A state directory as found.
#[derive(Debug)]
pub struct Opened {
    /// The directory, locked.
    pub dir: StateDir,
    /// It is new.
    pub created: bool,
    /// Records that were kept: the sequence number of the last.
    pub records: u64,
    /// The end that was not written completely.
    pub torn: Option<Cut>,
    /// The step that was begun and not ended.
    pub begun: Option<Cut>,
    /// The hash of the configuration of the last run, where it was another one.
    pub previous_config: Option<String>,
    finished: bool,
}

impl Opened {
    /// The journal ends with a run that had used up its data: there is nothing to go on with.
    pub const fn finished(&self) -> bool {
        self.finished
    }
}

/// A state directory, locked for this process as long as this value or a writer made by it lives.
#[derive(Debug)]
pub struct StateDir {
    path: PathBuf,
    lock: Arc<File>,
    manifest: Manifest,
    position: Position,
}

impl StateDir {
    /// Opens the state directory of this swarm, or creates it.
    ///
    /// A torn tail and a step that was not ended are cut off the journal, after copying them to
    /// `journal.torn-N` and `journal.begun-N`, N being the first sequence number in them.
    ///
    /// # Errors
    /// When the directory is another swarm's, in use, of a newer format, damaged, no directory, or not
    /// writable. Nothing has been changed then.
    pub fn open(path: &Path, manifest: &Manifest) -> Result<Opened, StoreError> {
        refuse_other_uses(path)?;
        files::create_directory(path).map_err(StoreError::io("create", path))?;
        let path = path.canonicalize().map_err(StoreError::io("open", path))?;
        let lock = lock::acquire(&path)?;

        let found = Manifest::read(&path)?;
        let mut manifest = manifest.clone();
        if let Some(found) = &found {
            let differences = found.differences(&manifest);
            if !differences.is_empty() {
                return Err(StoreError::OtherSwarm { path, differences });
            }
            manifest.created_at = found.created_at;
        }

        let journal = path.join(JOURNAL);
        let scan = if journal.exists() {
            Some(recover::scan(&mut JournalReader::open(&journal)?, manifest.mode)?)
        } else {
            None
        };
        files::restrict_directory(&path).map_err(StoreError::io("change the rights of", &path))?;
        if found.as_ref() != Some(&manifest) {
            manifest.write(&path)?;
        }
        let (torn, begun) = match &scan {
            Some(scan) => continue_journal(&journal, scan)?,
            None => (None, None),
        };
        let position = scan.map_or(Position::start(), |scan| scan.kept);
        if position == Position::start() {
            begin_journal(&journal)?;
        }
        let created = found.is_none();
        let previous_config = found.map(|found| found.config_hash).filter(|hash| *hash != manifest.config_hash);
        Ok(Opened {
            created,
            records: position.link.seq,
            torn,
            begun,
            previous_config,
            finished: scan.is_some_and(|scan| scan.finished),
            dir: Self { path, lock: Arc::new(lock), manifest, position },
        })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its manifest.
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Where the journal stood when the directory was opened: after the facts of [`facts`](Self::facts).
    pub const fn position(&self) -> Position {
        self.position
    }

    /// The facts that were kept at opening, from the first on: folding them gives the state.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn facts(&self) -> Result<JournalReader, StoreError> {
        JournalReader::open_until(&self.path.join(JOURNAL), self.position)
    }

    /// Starts the one writer of the journal. `on_commit` is called on the writer's thread after each
    /// flush, with what has become durable and how long it took; it must be quick.
    ///
    /// # Errors
    /// When the journal cannot be opened, or was written to since the directory was opened.
    pub fn writer(
        &self,
        options: WriterOptions,
        on_commit: impl FnMut(Commit) + Send + 'static,
    ) -> Result<JournalWriter, JournalFailure> {
        let storage = FileStorage::open(&self.path.join(JOURNAL), Arc::clone(&self.lock))?;
        JournalWriter::start(storage, self.position, options, on_commit)
    }

    /// Starts the projections: opens or rebuilds them on their own thread.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn projections(&self) -> Result<Projections, ProjectionError> {
        Projections::start(&self.path.join(PROJECTIONS), &self.path.join(JOURNAL), self.position)
    }

    /// A view for reading, as another process would get it.
    ///
    /// # Errors
    /// When manifest or journal are gone.
    pub fn view(&self) -> Result<StateView, StoreError> {
        StateView::open(&self.path)
    }

    /// Renames the directory to its name with the first free number behind it and returns that. Close
    /// writer and projections first.
    ///
    /// # Errors
    /// When it cannot be renamed.
    pub fn rotate(self) -> Result<PathBuf, StoreError> {
        files::rename_aside(&self.path)
    }
}

/// Refuses what is not a directory, and directories that hold something else, before anything is
/// written there.
fn refuse_other_uses(path: &Path) -> Result<(), StoreError> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(StoreError::NotADirectory(path.to_owned()));
        }
        Err(error) => return Err(StoreError::io("read", path)(error)),
    };
    if path.join(MANIFEST).exists() {
        return Ok(());
    }
    if path.join(JOURNAL).exists() {
        return Err(StoreError::ManifestMissing(path.to_owned()));
    }
    for entry in entries {
        let name = entry.map_err(StoreError::io("read", path))?.file_name();
        // A start that was cut off leaves these behind.
        if name != LOCK && name != "manifest.new" {
            return Err(StoreError::Foreign { path: path.to_owned(), found: name.to_string_lossy().into_owned() });
        }
    }
    Ok(())
}

/// Cuts the journal where it may be continued.
fn continue_journal(path: &Path, scan: &Scan) -> Result<(Option<Cut>, Option<Cut>), StoreError> {
    let part = |kind: &str, from: Position, to: u64, records: u64| {
        let name = format!("{JOURNAL}.{kind}-{}", from.link.seq + 1).replace(".bin", "");
        let copy = files::copy_part(path, from.offset, to, &name)?;
        Ok::<_, StoreError>(Cut { records, bytes: to - from.offset, after_seq: from.link.seq, copy })
    };
    // A header that was not written completely had nothing behind it: no loss to speak of.
    let torn = match scan.torn.filter(|torn| torn.offset > 0) {
        Some(torn) => Some(part("torn", scan.end, torn.offset + torn.bytes, 0)?),
        None => None,
    };
    let begun = match scan.begun_records() {
        0 => None,
        records => Some(part("begun", scan.kept, scan.end.offset, records)?),
    };
    let cut = || {
        let file = files::private().write(true).open(path)?;
        if scan.kept.offset < scan.end.offset || scan.torn.is_some() {
            file.set_len(scan.kept.offset)?;
        }
        // What a killed process wrote may still be in memory only; from here on it counts as durable.
        file.sync_all()
    };
    cut().map_err(StoreError::io("cut", path))?;
    Ok((torn, begun))
}

/// Writes an empty journal.
fn begin_journal(path: &Path) -> Result<(), StoreError> {
    let write = || {
        let mut file = files::private().write(true).create(true).truncate(true).open(path)?;
        file.write_all(&header())?;
        file.sync_all()?;
        path.parent().map_or(Ok(()), files::sync_directory)
    };
    write().map_err(StoreError::io("write", path))
}
