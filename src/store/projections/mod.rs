//! Projections: what is asked for often (last decisions, signals, trades), kept in sled so that nobody
//! has to read the journal for it.
//!
//! They hold nothing that the journal does not. Whatever is missing, damaged, behind or of another
//! history is brought up from the journal, so losing the folder costs time and nothing else. They never
//! hold up the journal either: when their queue is full a commit is left out and read from the file
//! later. They decide nothing and nobody may decide by them.

mod keeper;
mod trees;

use super::Commit;
use keeper::Keeper;
use serde::{Deserialize, Serialize};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::{self, JoinHandle};
use swarm_core::journal::Position;
use swarm_core::model::{AgentId, DecisionRecord, Fill, OrderId, PortfolioId, SymbolId, Time};
use trees::Trees;

/// How many decisions are kept of each agent, HOLDs included. Signals are kept all.
pub const DECISIONS_PER_AGENT: usize = 200;

/// Commits that may wait for the projections' thread.
const QUEUE_COMMITS: usize = 256;

/// Why projections cannot answer. The journal is not touched by any of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProjectionError {
    /// They are being read from the journal.
    #[error("the projections are being rebuilt from the journal: ask again in a moment")]
    NotReady,
    /// A value does not hold; they are rebuilt.
    #[error("the projections are damaged ({0}): they are being rebuilt from the journal")]
    Damaged(String),
    /// They cannot be kept on this disk at all.
    #[error("there are no projections: {0}; the journal is not affected")]
    Unavailable(String),
}

/// Something with the journal's sequence number of the fact it is from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recorded<T> {
    /// Sequence number.
    pub seq: u64,
    /// What was recorded.
    pub value: T,
}

/// An execution at the venue: a fill of an order, or a liquidation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trade {
    /// Whose account.
    pub portfolio: PortfolioId,
    /// Which contract.
    pub symbol: SymbolId,
    /// When, by the venue's clock.
    pub at: Time,
    /// Which order; absent for a liquidation.
    pub order: Option<OrderId>,
    /// The execution.
    pub fill: Fill,
}

/// How the projections have fared since they were started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProjectionCounts {
    /// Folders that were damaged and set aside.
    pub damaged: u64,
    /// Times they were rebuilt from the first record on, after damage or because they did not belong to
    /// this journal.
    pub rebuilt: u64,
    /// Commits left out because the queue was full, and read from the file later.
    pub skipped_commits: u64,
}

enum Command {
    Commit(Commit),
    /// Catch up with everything offered before, then answer.
    Settle(SyncSender<()>),
    Repair,
    Close,
}

#[derive(Debug)]
enum Shelf {
    Ready(Trees),
    Building,
    Unavailable(String),
}

#[derive(Debug)]
struct Shared {
    shelf: RwLock<Shelf>,
    /// The journal's end as far as it is known to be durable.
    end: Mutex<Position>,
    damaged: AtomicU64,
    rebuilt: AtomicU64,
    skipped_commits: AtomicU64,
    /// A reader found a value that does not hold.
    needs_repair: AtomicBool,
}

/// The projections of a running swarm, with the thread that keeps them.
#[derive(Debug)]
pub struct Projections {
    shared: Arc<Shared>,
    sender: SyncSender<Command>,
    thread: Option<JoinHandle<()>>,
}

impl Projections {
    /// Starts the thread, which opens or rebuilds what is in `folder` up to `end` of the journal.
    pub(super) fn start(folder: &Path, journal: &Path, end: Position) -> Result<Self, ProjectionError> {
        let shared = Arc::new(Shared {
            shelf: RwLock::new(Shelf::Building),
            end: Mutex::new(end),
            damaged: AtomicU64::new(0),
            rebuilt: AtomicU64::new(0),
            skipped_commits: AtomicU64::new(0),
            needs_repair: AtomicBool::new(false),
        });
        let (sender, receiver) = sync_channel(QUEUE_COMMITS);
        let mut keeper = Keeper::new(folder, journal, Arc::clone(&shared));
        let thread = thread::Builder::new()
            .name("projections".into())
            .spawn(move || keeper.run(&receiver))
            .map_err(|error| ProjectionError::Unavailable(format!("cannot start their thread: {error}")))?;
        Ok(Self { shared, sender, thread: Some(thread) })
    }

    /// Where commits are handed in.
    pub fn feed(&self) -> ProjectionFeed {
        ProjectionFeed { shared: Arc::clone(&self.shared), sender: self.sender.clone() }
    }

    /// Where questions are asked.
    pub fn reader(&self) -> ProjectionReader {
        ProjectionReader { shared: Arc::clone(&self.shared), sender: self.sender.clone() }
    }

    /// How they have fared.
    pub fn counts(&self) -> ProjectionCounts {
        ProjectionCounts {
            damaged: self.shared.damaged.load(Ordering::Relaxed),
            rebuilt: self.shared.rebuilt.load(Ordering::Relaxed),
            skipped_commits: self.shared.skipped_commits.load(Ordering::Relaxed),
        }
    }

    /// Blocks until everything offered so far is in.
    pub fn settle(&self) {
        let (done, wait) = sync_channel(1);
        if self.sender.send(Command::Settle(done)).is_ok() {
            // An answer that never comes means that the thread has ended: there is nothing to wait for.
            let _ = wait.recv();
        }
    }

    /// Breaks a value in the open database.
    #[cfg(test)]
    pub(super) fn damage_last_trade(&self) {
        let shelf = self.shared.shelf.read().unwrap_or_else(PoisonError::into_inner);
        if let Shelf::Ready(trees) = &*shelf {
            trees.damage_last_trade();
        }
    }

    /// Takes in what was offered, flushes, and ends the thread.
    pub fn close(self) {
        drop(self);
    }
}

impl Drop for Projections {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            // Both fail only when the thread has ended before.
            let _ = self.sender.send(Command::Close);
            let _ = thread.join();
        }
    }
}

/// Hands commits to the projections; made for the journal's `on_commit`.
#[derive(Clone, Debug)]
pub struct ProjectionFeed {
    shared: Arc<Shared>,
    sender: SyncSender<Command>,
}

impl ProjectionFeed {
    /// Hands in a commit. Never waits: what does not fit is counted, and read from the journal later.
    pub fn offer(&self, commit: Commit) {
        *self.shared.end.lock().unwrap_or_else(PoisonError::into_inner) = commit.end;
        if self.sender.try_send(Command::Commit(commit)).is_err() {
            self.shared.skipped_commits.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Answers questions from the projections. Cheap to clone. Its methods block on sled: from an async
/// handler go through [`read`](Self::read).
#[derive(Clone, Debug)]
pub struct ProjectionReader {
    shared: Arc<Shared>,
    sender: SyncSender<Command>,
}

impl ProjectionReader {
    /// Asks on a thread that may block.
    ///
    /// # Errors
    /// As the question.
    pub async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Self) -> Result<T, ProjectionError> + Send + 'static,
    ) -> Result<T, ProjectionError> {
        let reader = self.clone();
        tokio::task::spawn_blocking(move || question(&reader))
            .await
            .unwrap_or_else(|error| Err(ProjectionError::Unavailable(error.to_string())))
    }

    /// The last decisions of an agent, or of all agents together, oldest first. Of each agent the last
    /// [`DECISIONS_PER_AGENT`] are known.
    ///
    /// # Errors
    /// When there is nothing to answer from.
    pub fn last_decisions(
        &self,
        agent: Option<AgentId>,
        count: usize,
    ) -> Result<Vec<Recorded<DecisionRecord>>, ProjectionError> {
        self.answer(|trees| trees.last_decisions(agent, count))
    }

    /// The first decisions after a sequence number, oldest first: for following along.
    ///
    /// # Errors
    /// When there is nothing to answer from.
    pub fn decisions_after(
        &self,
        agent: Option<AgentId>,
        seq: u64,
        count: usize,
    ) -> Result<Vec<Recorded<DecisionRecord>>, ProjectionError> {
        self.answer(|trees| trees.decisions_after(agent, seq, count))
    }

    /// The last decisions other than HOLD of all agents, oldest first.
    ///
    /// # Errors
    /// When there is nothing to answer from.
    pub fn last_signals(&self, count: usize) -> Result<Vec<Recorded<DecisionRecord>>, ProjectionError> {
        self.answer(|trees| trees.last_signals(count))
    }

    /// The last executions, oldest first, of one portfolio or of all.
    ///
    /// # Errors
    /// When there is nothing to answer from.
    pub fn last_trades(
        &self,
        portfolio: Option<PortfolioId>,
        count: usize,
    ) -> Result<Vec<Recorded<Trade>>, ProjectionError> {
        self.answer(|trees| trees.last_trades(portfolio, count))
    }

    /// Up to which record of the journal they tell.
    ///
    /// # Errors
    /// When there is nothing to answer from.
    pub fn reflects(&self) -> Result<u64, ProjectionError> {
        self.answer(|trees| trees.reflects().map(|position| position.link.seq))
    }

    fn answer<T>(&self, question: impl FnOnce(&Trees) -> Result<T, ProjectionError>) -> Result<T, ProjectionError> {
        let shelf = self.shared.shelf.read().unwrap_or_else(PoisonError::into_inner);
        let answer = match &*shelf {
            Shelf::Ready(trees) => guarded(|| question(trees)),
            Shelf::Building => Err(ProjectionError::NotReady),
            Shelf::Unavailable(reason) => Err(ProjectionError::Unavailable(reason.clone())),
        };
        if matches!(answer, Err(ProjectionError::Damaged(_))) {
            self.shared.needs_repair.store(true, Ordering::Relaxed);
            // A full queue wakes the thread as well.
            let _ = self.sender.try_send(Command::Repair);
        }
        answer
    }
}

/// sled panics on some damaged files: that is damage, and nothing of ours is lost by it.
fn guarded<T>(work: impl FnOnce() -> Result<T, ProjectionError>) -> Result<T, ProjectionError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(ProjectionError::Damaged("the database stumbled over its own files".into())))
}
