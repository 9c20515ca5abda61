//! The state directory: what a swarm keeps on disk.
//!
//! ```text
//! manifest.json    whose state this is, and the names that the journal's ids stand for
//! journal.bin      every fact, in order, durable before it is acted on: the truth
//! journal-N.bin    earlier parts of it, N being the first sequence number in them; .gz when packed
//! journal.head     up to where the journal is known to have reached the disk
//! snapshot-N.bin   the state after record N, the end of one of those parts; taken again when lost
//! plan-HASH.json   what a configuration came to, for replay
//! lock             held by the one process that may write
//! projections/     a sled database of last decisions, signals and trades; rebuilt when lost
//! journal.torn-N   bytes cut off the journal because they were not written completely
//! journal.begun-N  facts cut off the journal because their step was not ended
//! ```
//!
//! This room writes facts down and reads them back. It deliberately does not know what facts do to
//! positions, limits or orders, sends nothing to a venue and decides nothing but where a journal may be
//! cut. Everything in it blocks; nothing in it may be called from an async handler, except for
//! [`JournalWriter::offer`], [`Durable`] and [`ProjectionReader::read`].

mod compact;
mod configuration;
mod error;
mod export;
mod files;
mod head;
mod journal_file;
mod journal_writer;
mod lock;
mod manifest;
mod medium;
mod memory;
mod projections;
mod reader;
mod recover;
mod segments;
mod snapshots;
mod state_dir;
#[cfg(test)]
mod testkit;
#[cfg(test)]
mod tests;
mod view;

pub use compact::Packed;
pub use configuration::Configuration;
pub use error::StoreError;
pub use export::{ExportError, JournalEnding, Names, Verification, export, verify};
pub use journal_file::{Committer, JournalFailure};
pub use journal_writer::{Batch, Commit, Durable, JournalWriter, OfferError, WriterOptions};
pub use manifest::{Configured, MANIFEST_FORMAT, Manifest};
pub use medium::{DirectoryMedium, Medium};
pub use memory::{Faults, MemoryMedium};
pub use projections::{
    DECISIONS_PER_AGENT, ProjectionCounts, ProjectionError, ProjectionFeed, ProjectionReader, Projections, Recorded,
    Trade,
};
pub use reader::{JournalReader, TornTail};
pub use recover::{Scan, recover};
pub use snapshots::{Folding, MakeFolding, Snapshot, SnapshotKey, Snapshots};
pub use state_dir::{Cut, Opened, StateDir};
pub use view::StateView;
