//! A journal's files in memory, with a disk's faults at will: for the simulator, where no thread may wait
//! for a disk, and for tests. Its faults are those of disks, and it has no opinion on what they mean.

use super::Medium;
use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// What goes wrong.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// A write takes no more bytes than this.
    pub most_bytes_a_write: Option<usize>,
    /// The disk is full when all files together have so many bytes.
    pub room_bytes: Option<usize>,
    /// So many flushes succeed before one fails; from then on every one does.
    pub syncs_until_failure: Option<usize>,
    /// Truncating fails.
    pub no_truncate: bool,
    /// Renaming fails.
    pub no_rename: bool,
    /// Flushes wait until this is taken back: for hosts with a thread that may.
    pub hold_syncs: bool,
}

#[derive(Clone, Debug, Default)]
struct Stored {
    bytes: Vec<u8>,
    /// So many of them survive a loss of power.
    durable: usize,
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<String, Stored>,
    syncs: usize,
    waiting: usize,
    faults: Faults,
}

/// Files in memory. Clones are the same files.
#[derive(Clone, Debug, Default)]
pub struct MemoryMedium {
    shared: Arc<(Mutex<State>, Condvar)>,
}

impl MemoryMedium {
    /// Without files and without faults.
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what goes wrong.
    pub fn set(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.state().faults);
        self.shared.1.notify_all();
    }

    /// What a file holds; nothing when there is none.
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        self.state().files.get(name).map(|file| file.bytes.clone()).unwrap_or_default()
    }

    /// Puts these bytes in a file, durably: what damage left.
    pub fn put(&self, name: &str, bytes: Vec<u8>) {
        let durable = bytes.len();
        self.state().files.insert(name.to_owned(), Stored { bytes, durable });
    }

    /// How many flushes succeeded.
    pub fn syncs(&self) -> usize {
        self.state().syncs
    }

    /// Returns when a flush is being held.
    pub fn wait_for_held_sync(&self) {
        let state = self.state();
        drop(self.shared.1.wait_while(state, |state| state.waiting == 0).unwrap_or_else(PoisonError::into_inner));
    }

    /// The files as the next process finds them after a loss of power, without faults. Of the bytes of
    /// each file that were appended and not flushed, `keep` says how many have reached the disk.
    pub fn after_power_loss(&self, mut keep: impl FnMut(usize) -> usize) -> Self {
        let mut files = self.state().files.clone();
        for file in files.values_mut() {
            let unsafe_bytes = file.bytes.len() - file.durable;
            file.durable += keep(unsafe_bytes).min(unsafe_bytes);
            file.bytes.truncate(file.durable);
        }
        Self { shared: Arc::new((Mutex::new(State { files, ..State::default() }), Condvar::new())) }
    }

    /// The files as the next process finds them when this one was killed and the machine lives: all that
    /// was written, without faults.
    pub fn after_kill(&self) -> Self {
        self.after_power_loss(|bytes| bytes)
    }
}

fn injected() -> io::Error {
    io::Error::other("input/output error")
}

impl State {
    fn file(&mut self, name: &str) -> io::Result<&mut Stored> {
        self.files.get_mut(name).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn room(&self) -> usize {
        let used: usize = self.files.values().map(|file| file.bytes.len()).sum();
        self.faults.room_bytes.map_or(usize::MAX, |room| room.saturating_sub(used))
    }
}

impl Medium for MemoryMedium {
    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.state().files.keys().cloned().collect())
    }

    fn open(&self, name: &str, from: u64) -> io::Result<Box<dyn Read + Send>> {
        let mut bytes = Cursor::new(self.state().file(name)?.bytes.clone());
        bytes.set_position(from);
        Ok(Box::new(bytes))
    }

    fn size(&self, name: &str) -> io::Result<u64> {
        Ok(self.state().file(name)?.bytes.len() as u64)
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.state();
        let count = bytes.len().min(state.room()).min(state.faults.most_bytes_a_write.unwrap_or(usize::MAX));
        if count == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.files.entry(name.to_owned()).or_default().bytes.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        state.waiting += 1;
        self.shared.1.notify_all();
        state =
            self.shared.1.wait_while(state, |state| state.faults.hold_syncs).unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        match &mut state.faults.syncs_until_failure {
            Some(0) => return Err(injected()),
            Some(left) => *left -= 1,
            None => {}
        }
        state.syncs += 1;
        let file = state.file(name)?;
        file.durable = file.bytes.len();
        Ok(())
    }

    fn truncate(&mut self, name: &str, size: u64) -> io::Result<()> {
        let mut state = self.state();
        if state.faults.no_truncate {
            return Err(injected());
        }
        let file = state.file(name)?;
        file.bytes.truncate(usize::try_from(size).unwrap_or(usize::MAX));
        file.durable = file.durable.min(file.bytes.len());
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        if state.faults.no_rename {
            return Err(injected());
        }
        if state.files.contains_key(to) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = state.files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        state.files.insert(to.to_owned(), file);
        Ok(())
    }

    fn replace(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        if self.state().room() < content.len() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.put(name, content.to_vec());
        Ok(())
    }

    fn note(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        let file = state.files.entry(name.to_owned()).or_default();
        let kept = file.bytes.get(content.len()..).unwrap_or_default();
        file.bytes = [content, kept].concat();
        file.durable = file.bytes.len();
        Ok(())
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.state().files.remove(name).map(|_| ()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}
