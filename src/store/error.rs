//! What can be wrong with a state directory, in words that say what to do. No recovery here.

use std::io;
use std::path::{Path, PathBuf};
use swarm_core::journal::RecordError;

/// Why a state directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operating system said no.
    #[error("cannot {action} {}: {source}{}", path.display(), advice(source))]
    Io {
        /// What was tried, as in "cannot read".
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The path is something else.
    #[error("{} is not a directory: name another place with --state", .0.display())]
    NotADirectory(PathBuf),
    /// The directory holds other things.
    #[error(
        "{} holds other files (`{found}`) and no state of a swarm: name a new or empty directory with --state",
        path.display()
    )]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// One of the other files.
        found: String,
    },
    /// There is no state to read.
    #[error("{} holds no state of a swarm (it has no {missing})", path.display())]
    NoState {
        /// The directory.
        path: PathBuf,
        /// The file that should be there.
        missing: &'static str,
    },
    /// A journal without its manifest: its ids have no names.
    #[error(
        "{} has a journal but no manifest.json, so nobody can say whose it is: put the manifest back from a copy, or \
         move the directory away to start anew",
        .0.display()
    )]
    ManifestMissing(PathBuf),
    /// The manifest cannot be read.
    #[error(
        "{} cannot be read as a manifest: {reason}; put it back from a copy, or move the directory away to start anew",
        path.display()
    )]
    ManifestDamaged {
        /// The manifest.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A kept configuration cannot be read.
    #[error("{} cannot be read as a plan: {reason}; name the swarm's file instead", path.display())]
    PlanDamaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The state is another swarm's.
    #[error(
        "{} holds the state of another swarm: {}; use another --state, or move that directory away",
        path.display(), differences.join(", ")
    )]
    OtherSwarm {
        /// The directory.
        path: PathBuf,
        /// What differs, one text each.
        differences: Vec<String>,
    },
    /// Another process writes here.
    #[error(
        "{} is in use by another running swarm{}: stop it first, or use another --state",
        path.display(), holder.map(|id| format!(" (process {id})")).unwrap_or_default()
    )]
    InUse {
        /// The directory.
        path: PathBuf,
        /// Its process id, where known.
        holder: Option<u32>,
    },
    /// The manifest was written by a later version.
    #[error(
        "{} has format {found}, written by swarm {writer}; this version knows formats up to {known}: use swarm {writer} \
         or later",
        path.display()
    )]
    NewerFormat {
        /// The manifest.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format known here.
        known: u32,
        /// The version that wrote it.
        writer: String,
    },
    /// Records that were durable are gone from the end.
    #[error(
        "the journal ends with record {last}, but {} says that record {durable} had reached the disk: {} record(s) were \
         taken off its end, or the disk lost what it had confirmed. Put the journal back from a copy; to go on without \
         them, remove that file",
        path.display(), durable - last
    )]
    EndLost {
        /// The head.
        path: PathBuf,
        /// Last record there is.
        last: u64,
        /// Last record there was.
        durable: u64,
    },
    /// The journal is another one than the head names.
    #[error(
        "record {seq} of the journal is not the one that {} names: the journal was replaced or rewritten. Put it back \
         from a copy; to take it as it is, remove that file",
        path.display()
    )]
    OtherHead {
        /// The head.
        path: PathBuf,
        /// The record that both name.
        seq: u64,
    },
    /// The journal cannot be read to its end.
    #[error("{}: {source}{}", path.display(), journal_advice(source))]
    Journal {
        /// The journal.
        path: PathBuf,
        /// Where and how it does not hold.
        source: RecordError,
    },
}

impl StoreError {
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

fn advice(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "; run as the user who owns it, or name a writable place with --state"
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "; free some space and start again",
        _ => "",
    }
}

fn journal_advice(source: &RecordError) -> &'static str {
    match source {
        RecordError::NewerFormat { .. } | RecordError::Unreadable { .. } => "; use the version of swarm that wrote it",
        RecordError::Torn { .. } => "; the next run cuts it off and keeps a copy",
        _ => {
            "; nothing was changed. Put the file back from a copy, or move the state directory away and start anew; \
             `swarm journal export` shows what can be read before the damage"
        }
    }
}
