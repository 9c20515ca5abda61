//! The room as its users see it: directories on a real disk, opened, broken and opened again.

mod export;
mod journal_writer;
mod projections;
mod recovery;
mod snapshots;
mod state_dir;

use super::testkit::manifest;
use super::{Opened, StateDir, StateView, StoreError, WriterOptions};
use std::path::{Path, PathBuf};
use swarm_core::model::Fact;

/// A place for a state directory that does not exist yet.
struct Place {
    root: tempfile::TempDir,
}

impl Place {
    /// In memory where the system has such a place: these tests open and flush some thousand times, and
    /// what they look at does not depend on the disk.
    fn new() -> Self {
        let root = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        Self { root: root.expect("a temporary directory") }
    }
    fn state(&self) -> PathBuf {
        self.root.path().join("state")
    }
    fn file(&self, name: &str) -> PathBuf {
        self.state().join(name)
    }
    fn journal(&self) -> PathBuf {
        self.file("journal.bin")
    }
    fn try_open(&self) -> Result<Opened, StoreError> {
        StateDir::open(&self.state(), &manifest())
    }
    fn open(&self) -> Opened {
        self.try_open().expect("the state can be opened")
    }
    fn view(&self) -> StateView {
        StateView::open(&self.state()).expect("the state can be read")
    }
    /// Names in the directory, sorted.
    fn names(&self) -> Vec<String> {
        names(&self.state())
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).expect("a directory");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Appends facts, each durable before the next.
fn append(dir: &StateDir, facts: &[Fact]) {
    let writer = dir.writer(WriterOptions::default(), |_| {}).expect("the journal can be written");
    for fact in facts {
        writer.append(vec![fact.clone()]).expect("accepted");
        writer.flush().expect("durable");
    }
    writer.close().expect("closed");
}

fn facts(dir: &StateDir) -> Vec<Fact> {
    dir.facts().expect("readable").map(|record| record.expect("whole").fact).collect()
}
