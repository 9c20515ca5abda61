//! A state directory opened for reading only, also while a run holds its lock. Changes nothing.

use super::manifest::MANIFEST;
use super::medium::DirectoryMedium;
use super::reader::JournalReader;
use super::segments::{self, ACTIVE};
use super::{Configuration, Manifest, Recorded, StoreError};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use swarm_core::model::{AgentId, DecisionRecord, Fact};

/// A state directory to read from.
#[derive(Debug)]
pub struct StateView {
    path: PathBuf,
    manifest: Manifest,
}

impl StateView {
    /// Opens a state directory for reading.
    ///
    /// # Errors
    /// When it is none, or of a newer format.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let missing = |missing| StoreError::NoState { path: path.to_owned(), missing };
        let manifest = Manifest::read(path)?.ok_or_else(|| missing(MANIFEST))?;
        let segments = segments::list(&DirectoryMedium::new(path)).map_err(StoreError::io("read", path))?;
        if segments.is_empty() {
            return Err(missing(ACTIVE));
        }
        Ok(Self { path: path.to_owned(), manifest })
    }

    /// Its manifest.
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What the configuration with this hash came to; none where it was not kept.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn configuration(&self, hash: &str) -> Result<Option<Configuration>, StoreError> {
        Configuration::read(&self.path, hash)
    }

    /// Everything the journal holds by now, a begun step included.
    ///
    /// # Errors
    /// When the journal cannot be opened.
    pub fn facts(&self) -> Result<JournalReader, StoreError> {
        JournalReader::open(&self.path)
    }

    /// The last decisions in the journal, oldest first, of one agent or of all. Reads the whole journal,
    /// so it serves commands; a running swarm asks its projections.
    ///
    /// # Errors
    /// When the journal cannot be read to its end.
    pub fn last_decisions(
        &self,
        agent: Option<AgentId>,
        count: usize,
    ) -> Result<Vec<Recorded<DecisionRecord>>, StoreError> {
        let mut last = VecDeque::new();
        for record in self.facts()? {
            let record = record?;
            let seq = record.seq();
            let (Fact::Signal(decision) | Fact::Hold(decision)) = record.fact else { continue };
            if agent.is_none_or(|agent| agent == decision.agent) {
                last.push_back(Recorded { seq, value: *decision });
                if last.len() > count {
                    last.pop_front();
                }
            }
        }
        Ok(last.into())
    }
}
