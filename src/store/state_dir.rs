//! A state directory held for a run: created or opened, locked, checked, and its journal brought to
//! where it can be continued. Start and recovery are this one path.

use super::lock::{self, LOCK};
use super::manifest::MANIFEST;
use super::medium::DirectoryMedium;
use super::reader::JournalReader;
use super::recover::{self, CutPart, Scan};
use super::segments::ACTIVE;
use super::{
    Commit, Configuration, JournalFailure, JournalWriter, Manifest, ProjectionError, Projections, StoreError,
    WriterOptions,
};
use super::{MakeFolding, Packed, Snapshot, SnapshotKey, Snapshots, compact, snapshots};
use super::{files, view::StateView};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use swarm_core::journal::Position;
use swarm_core::model::Mode;

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
    /// The state up to somewhere in the journal, from which it is enough to go on.
    pub snapshot: Option<Snapshot>,
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
        Self::open_from(path, manifest, None)
    }

    /// Likewise, and reads no more of the journal than what follows the newest good snapshot whose state has
    /// this format. Damage before it is `swarm journal verify`'s business.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_from(path: &Path, manifest: &Manifest, state_format: Option<u32>) -> Result<Opened, StoreError> {
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
        }

        let key =
            state_format.map(|format| SnapshotKey { state_format: format, config_hash: manifest.config_hash.clone() });
        let from_snapshot = key.as_ref().and_then(|key| scan_from_snapshot(&path, key, manifest.mode));
        let (snapshot, scan) = match from_snapshot {
            Some((snapshot, scan)) => (Some(snapshot), scan),
            None => (None, recover::scan(&mut JournalReader::open(&path)?, manifest.mode)?),
        };
        manifest.follow(found.as_ref(), scan.kept.link.seq);
        files::restrict_directory(&path).map_err(StoreError::io("change the rights of", &path))?;
        if found.as_ref() != Some(&manifest) {
            manifest.write(&path)?;
        }
        let lock = Arc::new(lock);
        let mut medium = DirectoryMedium::locked(&path, Arc::clone(&lock));
        let continued =
            recover::continue_journal(&mut medium, &scan).map_err(StoreError::io("continue", &path.join(ACTIVE)))?;
        let cut = |part: CutPart, records: u64, after: Position| Cut {
            records,
            bytes: part.bytes,
            after_seq: after.link.seq,
            copy: path.join(part.copy),
        };
        let created = found.is_none();
        let previous_config = found.map(|found| found.config_hash).filter(|hash| *hash != manifest.config_hash);
        Ok(Opened {
            created,
            records: scan.kept.link.seq,
            torn: continued.torn.map(|part| cut(part, 0, scan.end)),
            begun: continued.begun.map(|part| cut(part, scan.begun_records(), scan.kept)),
            previous_config,
            snapshot,
            finished: scan.finished,
            dir: Self { position: continued.position, path, lock, manifest },
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
        Ok(JournalReader::open(&self.path)?.until(self.position))
    }

    /// Those of them that follow a place.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn facts_after(&self, from: Position) -> Result<JournalReader, StoreError> {
        Ok(JournalReader::open_from(&self.path, from)?.until(self.position))
    }

    /// Starts the thread that takes snapshots and packs old files, all but the newest `unpacked_files`.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn snapshots(
        &self,
        state_format: u32,
        make: impl MakeFolding,
        unpacked_files: usize,
    ) -> Result<Snapshots, StoreError> {
        let key = SnapshotKey { state_format, config_hash: self.manifest.config_hash.clone() };
        let medium = DirectoryMedium::locked(&self.path, Arc::clone(&self.lock));
        let started = Snapshots::start(medium, self.path.clone(), key, make, unpacked_files);
        started.map_err(StoreError::io("start a thread for", &self.path))
    }

    /// Takes the snapshot up to the last full file of a directory that no run holds, and packs what it makes
    /// old, all but the newest `unpacked_files`.
    ///
    /// # Errors
    /// When the directory is in use, or cannot be read or written.
    pub fn compact(
        path: &Path,
        state_format: u32,
        make: &impl MakeFolding,
        unpacked_files: usize,
    ) -> Result<Packed, StoreError> {
        let manifest = StateView::open(path)?.manifest().clone();
        let lock = Arc::new(lock::acquire(path)?);
        let mut medium = DirectoryMedium::locked(path, lock);
        let key = SnapshotKey { state_format, config_hash: manifest.config_hash };
        match snapshots::last_boundary(&medium).map_err(StoreError::io("read", path))? {
            Some(end) => snapshots::take(&mut medium, path, &key, make, end)?,
            None => return Ok(Packed::default()),
        }
        compact::pack(&mut medium, path, &key, unpacked_files)
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
        let medium = DirectoryMedium::locked(&self.path, Arc::clone(&self.lock));
        JournalWriter::start(medium, self.position, options, on_commit)
    }

    /// Starts the projections: opens or rebuilds them on their own thread.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn projections(&self) -> Result<Projections, ProjectionError> {
        Projections::start(&self.path.join(PROJECTIONS), &self.path, self.position)
    }

    /// Keeps what the present configuration comes to, for whoever replays the journal later.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_configuration(&self, configuration: &Configuration) -> Result<(), StoreError> {
        configuration.write(&self.path, &self.manifest.config_hash)
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

/// The newest good snapshot from which the journal can be read to its end. Whatever is wrong with one costs
/// time only: the one before, or the whole journal, says the same.
fn scan_from_snapshot(path: &Path, key: &SnapshotKey, mode: Mode) -> Option<(Snapshot, Scan)> {
    let medium = DirectoryMedium::new(path);
    let listed = snapshots::list(&medium).ok()?;
    listed.into_iter().find_map(|seq| {
        let snapshot = snapshots::read(&medium, seq, key)?;
        let mut reader = JournalReader::open_from(path, snapshot.position).ok()?;
        let scan = recover::scan(&mut reader, mode).ok()?;
        (scan.kept.link.seq >= seq).then_some((snapshot, scan))
    })
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
    if path.join(ACTIVE).exists() {
        return Err(StoreError::ManifestMissing(path.to_owned()));
    }
    for entry in entries {
        let name = entry.map_err(StoreError::io("read", path))?.file_name();
        // A start that was cut off leaves these behind.
        if name != LOCK && name != "manifest.json.new" {
            return Err(StoreError::Foreign { path: path.to_owned(), found: name.to_string_lossy().into_owned() });
        }
    }
    Ok(())
}
