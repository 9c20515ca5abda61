//! The thread that keeps the projections: opens them, brings them up from the journal, takes in commits,
//! and starts over from the journal when something does not hold. Decides nothing else.

use super::super::reader::JournalReader;
use super::super::{Commit, StoreError, files};
use super::trees::{Rings, Trees};
use super::{Command, ProjectionError, Shared, Shelf, guarded};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, PoisonError};
use swarm_core::journal::Position;
use swarm_core::model::Fact;

/// Records taken in at once while catching up.
const CHUNK_RECORDS: usize = 1_024;

/// Damaged ones, ones of another history, fresh ones: more attempts would not help.
const ATTEMPTS: u32 = 3;

/// Folders set aside in one run, after which damage is taken to have a cause that rebuilding cannot cure.
const SET_ASIDE_AT_MOST: u64 = 5;

/// Why bringing the projections up stopped.
enum Obstacle {
    /// They are damaged: set aside and start over.
    Damage(ProjectionError),
    /// They are of another history than this journal: empty them and start over.
    OtherHistory,
    /// The journal cannot be read, or the disk cannot be written.
    Hopeless(String),
}

impl From<ProjectionError> for Obstacle {
    fn from(error: ProjectionError) -> Self {
        match error {
            ProjectionError::Damaged(_) => Self::Damage(error),
            ProjectionError::Unavailable(reason) => Self::Hopeless(reason),
            ProjectionError::NotReady => Self::Hopeless(error.to_string()),
        }
    }
}

pub(super) struct Keeper {
    folder: PathBuf,
    /// The directory of the journal.
    journal: PathBuf,
    /// The journal's end when the thread was started: up to there the projections should be.
    started_at: Position,
    /// What there was has been set aside or emptied.
    lost: bool,
    shared: Arc<Shared>,
    rings: Rings,
}

impl Keeper {
    pub(super) fn new(folder: &Path, journal: &Path, shared: Arc<Shared>) -> Self {
        let started_at = *shared.end.lock().unwrap_or_else(PoisonError::into_inner);
        let (folder, journal) = (folder.to_owned(), journal.to_owned());
        Self { folder, journal, started_at, lost: false, shared, rings: Rings::default() }
    }

    fn end(&self) -> Position {
        *self.shared.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn run(&mut self, receiver: &Receiver<Command>) {
        self.bring_up();
        while let Ok(first) = receiver.recv() {
            let mut next = Some(first);
            let mut settling = Vec::new();
            while let Some(command) = next {
                match command {
                    Command::Commit(commit) => self.take(&commit),
                    Command::Settle(done) => settling.push(done),
                    Command::Repair => {}
                    Command::Close => return self.close(),
                }
                next = receiver.try_recv().ok();
            }
            // Nothing waits: the time to read what was left out.
            self.repair_or_catch_up();
            for done in settling {
                // Whoever asked may have gone.
                let _ = done.send(());
            }
        }
    }

    fn close(&mut self) {
        self.repair_or_catch_up();
        // Values that do not reach the disk are read from the journal at the next start.
        let _ = self.with_trees(|trees, _| trees.flush());
        self.put(Shelf::Unavailable("the swarm has stopped".into()));
    }

    fn take(&mut self, commit: &Commit) {
        if self.shared.needs_repair.load(Ordering::Relaxed) {
            return;
        }
        let facts: Vec<(u64, &Fact)> =
            commit.batches.iter().flat_map(|batch| (batch.first_seq..).zip(batch.facts.iter())).collect();
        let Some(&(first_seq, _)) = facts.first() else { return };
        let applied = self.with_trees(|trees, rings| {
            // With a commit left out before, this one has to wait for its turn in the file.
            if trees.reflects()?.link.seq + 1 < first_seq {
                return Ok(());
            }
            trees.apply(&facts, commit.end, rings)
        });
        if matches!(applied, Err(ProjectionError::Damaged(_))) {
            self.shared.needs_repair.store(true, Ordering::Relaxed);
        }
    }

    fn repair_or_catch_up(&mut self) {
        if self.is_unavailable() {
            return;
        }
        let found = if self.shared.needs_repair.swap(false, Ordering::Relaxed) {
            Err(Obstacle::Damage(ProjectionError::Damaged("a value that was read".into())))
        } else {
            self.catch_up()
        };
        match found {
            Ok(()) => {}
            Err(Obstacle::Hopeless(reason)) => self.put(Shelf::Unavailable(reason)),
            Err(Obstacle::Damage(_)) if self.shared.damaged.load(Ordering::Relaxed) >= SET_ASIDE_AT_MOST => {
                self.put(Shelf::Unavailable("they were damaged again and again: check the disk".into()));
            }
            Err(obstacle) => {
                self.remove(&obstacle);
                self.bring_up();
            }
        }
    }

    fn is_unavailable(&self) -> bool {
        matches!(*self.shared.shelf.read().unwrap_or_else(PoisonError::into_inner), Shelf::Unavailable(_))
    }

    /// Opens the database and reads what it lacks from the journal; starts over if need be.
    fn bring_up(&mut self) {
        for attempts_left in (0..ATTEMPTS).rev() {
            // Dropping an open database gives its files free.
            self.put(Shelf::Building);
            match self.open().and_then(|()| self.catch_up()) {
                Ok(()) => return,
                Err(Obstacle::Hopeless(reason)) => return self.put(Shelf::Unavailable(reason)),
                Err(Obstacle::Damage(error)) if attempts_left == 0 => {
                    return self.put(Shelf::Unavailable(format!("fresh ones do not hold either: {error}")));
                }
                Err(obstacle) => self.remove(&obstacle),
            }
        }
    }

    fn open(&mut self) -> Result<(), Obstacle> {
        let (trees, rings) = guarded(|| Trees::open(&self.folder))?;
        let (reflects, farthest) = guarded(|| Ok((trees.reflects()?, trees.farthest()?)))?;
        let end = self.end();
        let beyond = farthest.link.seq > end.link.seq;
        let elsewhere = farthest.link.seq == end.link.seq && farthest.link != end.link;
        self.rings = rings;
        if beyond || elsewhere {
            guarded(|| trees.clear())?;
            self.rings = Rings::default();
            self.lost = true;
        }
        let missing = reflects.link.seq == 0 && self.started_at.link.seq != 0;
        if std::mem::take(&mut self.lost) || missing {
            self.shared.rebuilt.fetch_add(1, Ordering::Relaxed);
        }
        self.put(Shelf::Ready(trees));
        Ok(())
    }

    /// Reads from the journal what the trees lack.
    fn catch_up(&mut self) -> Result<(), Obstacle> {
        let (from, journal_end) = (self.with_trees(|trees, _| trees.reflects())?, self.end());
        if from.link.seq >= journal_end.link.seq {
            return Ok(());
        }
        let hopeless = |error: StoreError| Obstacle::Hopeless(error.to_string());
        let opened = JournalReader::open_from(&self.journal, from);
        let other = matches!(&opened, Err(StoreError::Journal { .. })) && from.link.seq > 0;
        if other {
            return Err(Obstacle::OtherHistory);
        }
        let mut reader = opened.map_err(hopeless)?.until(journal_end);
        loop {
            let mut chunk = Vec::with_capacity(CHUNK_RECORDS);
            for record in reader.by_ref().take(CHUNK_RECORDS) {
                match record {
                    Ok(record) => chunk.push(record),
                    Err(StoreError::Journal { .. }) if from.link.seq > 0 => {
                        return Err(Obstacle::OtherHistory);
                    }
                    Err(error) => return Err(hopeless(error)),
                }
            }
            let Some(last) = chunk.last() else { break };
            let facts: Vec<(u64, &Fact)> = chunk.iter().map(|record| (record.seq(), &record.fact)).collect();
            let end = last.end;
            self.with_trees(|trees, rings| trees.apply(&facts, end, rings))?;
        }
        if reader.end().link == journal_end.link {
            return Ok(());
        }
        // A place in the middle of a record of this journal.
        if from.link.seq == 0 {
            return Err(Obstacle::Hopeless("the journal is shorter than it was".into()));
        }
        Err(Obstacle::OtherHistory)
    }

    fn with_trees<T>(
        &mut self,
        work: impl FnOnce(&Trees, &mut Rings) -> Result<T, ProjectionError>,
    ) -> Result<T, ProjectionError> {
        let shelf = self.shared.shelf.read().unwrap_or_else(PoisonError::into_inner);
        match &*shelf {
            Shelf::Ready(trees) => guarded(|| work(trees, &mut self.rings)),
            Shelf::Building => Err(ProjectionError::NotReady),
            Shelf::Unavailable(reason) => Err(ProjectionError::Unavailable(reason.clone())),
        }
    }

    fn put(&self, shelf: Shelf) {
        *self.shared.shelf.write().unwrap_or_else(PoisonError::into_inner) = shelf;
    }

    fn remove(&mut self, obstacle: &Obstacle) {
        if matches!(obstacle, Obstacle::Damage(_)) {
            return self.set_aside();
        }
        // Another history is not worth keeping: the journal is the truth.
        self.lost = true;
        let cleared = self.with_trees(|trees, _| trees.clear());
        self.rings = Rings::default();
        if cleared.is_err() {
            self.set_aside();
        }
    }

    fn set_aside(&mut self) {
        self.put(Shelf::Building);
        self.rings = Rings::default();
        self.lost = true;
        self.shared.damaged.fetch_add(1, Ordering::Relaxed);
        if self.folder.exists() {
            // If this fails, opening fails again and says why.
            let _ = files::rename_aside(&self.folder);
        }
    }
}
