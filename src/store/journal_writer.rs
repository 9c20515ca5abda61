//! The one writer of a journal: takes batches of facts and tells who waits what has become durable. Either
//! a thread commits, as many batches at once as are waiting, or every batch is committed where it is
//! appended ([`JournalWriter::inline`]), for hosts without threads, such as a simulator in virtual time.
//! Both are the same value behind the same door. It decides nothing about facts; when it fails it stops for
//! good, and whoever appends next is told why.

use super::Medium;
use super::journal_file::{Committer, JournalFailure};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use swarm_core::journal::Position;
use swarm_core::model::Fact;
use tokio::sync::watch;

/// Bounds of the writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriterOptions {
    /// Batches that may wait for the writer.
    pub queue_batches: usize,
    /// Records after which a group is flushed, however many batches are waiting.
    pub group_records: usize,
    /// Bytes after which a group is flushed.
    pub group_bytes: usize,
    /// Time after which a group is flushed, while batches keep coming.
    pub group_time: Duration,
    /// Records after which the journal goes on in another file, at the end of a step.
    pub file_records: u64,
}

impl Default for WriterOptions {
    /// A disk flushes in 0.2 to 5 ms: these bounds let a group fill while the one before is flushed, and
    /// keep the wait of its first record below two flushes.
    fn default() -> Self {
        Self {
            queue_batches: 1_024,
            group_records: 8_192,
            group_bytes: 4 << 20,
            group_time: Duration::from_millis(5),
            // A start reads at most two such files: the one that is written, and the one before it while its
            // snapshot is still being taken.
            file_records: 250_000,
        }
    }
}

/// Facts that were appended together.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Sequence number of the first of them.
    pub first_seq: u64,
    /// The facts, in order.
    pub facts: Arc<[Fact]>,
}

/// A group that has become durable.
#[derive(Clone, Debug)]
pub struct Commit {
    /// What was in it.
    pub batches: Vec<Batch>,
    /// The end of the journal after it.
    pub end: Position,
    /// How long writing and flushing took.
    pub took: Duration,
    /// The journal went on in another file after it, which begins here.
    pub next_file: Option<Position>,
}

/// Why [`JournalWriter::offer`] did not take a batch.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OfferError {
    /// The disk does not keep up: the facts are handed back.
    #[error("the journal does not keep up: its queue is full")]
    Full(Arc<[Fact]>),
    /// The journal has failed.
    #[error(transparent)]
    Failed(#[from] JournalFailure),
}

#[derive(Clone, Debug)]
struct Progress {
    durable: Position,
    failure: Option<JournalFailure>,
}

/// Tells what is durable. Cheap to clone, to be given to whoever has to wait.
#[derive(Clone, Debug)]
pub struct Durable {
    progress: watch::Receiver<Progress>,
}

impl Durable {
    /// Sequence number of the last durable record.
    pub fn seq(&self) -> u64 {
        self.progress.borrow().durable.link.seq
    }

    /// Why the journal has failed, if it has.
    pub fn failure(&self) -> Option<JournalFailure> {
        self.progress.borrow().failure.clone()
    }

    /// Returns when this record, and so every one before it, is durable.
    ///
    /// # Errors
    /// When it never will be: the journal has failed or was closed.
    pub async fn reached(&self, seq: u64) -> Result<(), JournalFailure> {
        let mut progress = self.progress.clone();
        let reached = |progress: &Progress| progress.durable.link.seq >= seq || progress.failure.is_some();
        match progress.wait_for(reached).await {
            Ok(progress) if progress.durable.link.seq >= seq => Ok(()),
            Ok(progress) => Err(progress.failure.clone().unwrap_or_else(closed)),
            Err(_) => Err(closed()),
        }
    }
}

fn closed() -> JournalFailure {
    JournalFailure::new("its writer has ended")
}

enum Command {
    Facts(Batch),
    Flush(SyncSender<()>),
}

/// Where batches go.
enum Way {
    /// To the thread.
    Thread(SyncSender<Command>),
    /// To the journal at once.
    Inline(Box<dyn FnMut(Batch) + Send>),
    Closed,
}

struct Intake {
    way: Way,
    next_seq: u64,
}

/// The one writer of a journal. Dropping it writes and flushes what was appended.
pub struct JournalWriter {
    intake: Mutex<Intake>,
    durable: Durable,
    thread: Option<JoinHandle<()>>,
}

impl JournalWriter {
    /// Starts the thread of a writer that continues a journal at `position`. `on_commit` is called on
    /// that thread after each flush.
    ///
    /// # Errors
    /// When the journal does not end at `position`, or the thread cannot be started.
    pub fn start(
        medium: impl Medium,
        position: Position,
        options: WriterOptions,
        on_commit: impl FnMut(Commit) + Send + 'static,
    ) -> Result<Self, JournalFailure> {
        let (mut worker, durable) = Worker::new(medium, position, options, on_commit)?;
        let (sender, receiver) = sync_channel(options.queue_batches);
        let thread = thread::Builder::new()
            .name("journal".into())
            .spawn(move || worker.run(&receiver))
            .map_err(|error| JournalFailure::new(format!("cannot start its thread: {error}")))?;
        let intake = Mutex::new(Intake { way: Way::Thread(sender), next_seq: position.link.seq + 1 });
        Ok(Self { intake, durable, thread: Some(thread) })
    }

    /// A writer without a thread: a batch is durable, or the journal has failed, when
    /// [`append`](Self::append) or [`offer`](Self::offer) returns.
    ///
    /// # Errors
    /// When the journal does not end at `position`.
    pub fn inline(
        medium: impl Medium,
        position: Position,
        options: WriterOptions,
        on_commit: impl FnMut(Commit) + Send + 'static,
    ) -> Result<Self, JournalFailure> {
        let (mut worker, durable) = Worker::new(medium, position, options, on_commit)?;
        let commit = Box::new(move |batch| worker.take_alone(batch));
        let intake = Mutex::new(Intake { way: Way::Inline(commit), next_seq: position.link.seq + 1 });
        Ok(Self { intake, durable, thread: None })
    }

    /// Appends facts and returns the sequence number of the last one; wait for it with
    /// [`Durable::reached`] before acting on any of them. Blocks while the queue is full: for hosts
    /// without a deadline.
    ///
    /// # Errors
    /// When the journal has failed.
    pub fn append(&self, facts: impl Into<Arc<[Fact]>>) -> Result<u64, JournalFailure> {
        let mut intake = self.open_intake()?;
        let (batch, last_seq) = intake.number(facts.into());
        let taken = match &mut intake.way {
            Way::Thread(sender) => sender.send(Command::Facts(batch)).is_ok(),
            Way::Inline(commit) => {
                commit(batch);
                self.durable.failure().is_none()
            }
            Way::Closed => false,
        };
        if !taken {
            return Err(self.why_ended());
        }
        intake.next_seq = last_seq + 1;
        Ok(last_seq)
    }

    /// As [`append`](Self::append), but hands the facts back at once when the queue is full. A host uses
    /// one of the two: this one waits while another thread waits in `append`.
    ///
    /// # Errors
    /// When the queue is full or the journal has failed.
    pub fn offer(&self, facts: impl Into<Arc<[Fact]>>) -> Result<u64, OfferError> {
        let mut intake = self.open_intake()?;
        let (batch, last_seq) = intake.number(facts.into());
        let sent = match &mut intake.way {
            Way::Thread(sender) => sender.try_send(Command::Facts(batch)),
            Way::Inline(_) | Way::Closed => {
                drop(intake);
                return Ok(self.append(batch.facts)?);
            }
        };
        match sent {
            Ok(()) => {}
            Err(TrySendError::Full(Command::Facts(batch))) => return Err(OfferError::Full(batch.facts)),
            Err(_) => return Err(self.why_ended().into()),
        }
        intake.next_seq = last_seq + 1;
        Ok(last_seq)
    }

    /// What is durable.
    pub fn durable(&self) -> Durable {
        self.durable.clone()
    }

    /// Blocks until everything appended so far is durable, and returns the last sequence number.
    ///
    /// # Errors
    /// When the journal has failed.
    pub fn flush(&self) -> Result<u64, JournalFailure> {
        let (done, wait) = sync_channel(1);
        let (sender, last_seq) = {
            let intake = self.open_intake()?;
            let sender = match &intake.way {
                Way::Thread(sender) => sender.clone(),
                Way::Inline(_) => return Ok(intake.next_seq - 1),
                Way::Closed => return Err(closed()),
            };
            (sender, intake.next_seq - 1)
        };
        let sent = sender.send(Command::Flush(done)).is_ok();
        if !sent || wait.recv().is_err() || self.durable.seq() < last_seq {
            return Err(self.why_ended());
        }
        Ok(last_seq)
    }

    /// Makes everything appended durable, ends the thread, and returns the last sequence number.
    ///
    /// # Errors
    /// When the journal has failed.
    pub fn close(mut self) -> Result<u64, JournalFailure> {
        let flushed = self.flush();
        self.end();
        flushed
    }

    fn open_intake(&self) -> Result<MutexGuard<'_, Intake>, JournalFailure> {
        let intake = self.intake.lock().unwrap_or_else(PoisonError::into_inner);
        self.durable.failure().map_or(Ok(intake), Err)
    }

    fn why_ended(&self) -> JournalFailure {
        self.durable.failure().unwrap_or_else(closed)
    }

    fn end(&mut self) {
        self.intake.get_mut().unwrap_or_else(PoisonError::into_inner).way = Way::Closed;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has shown itself as a failure already.
            let _ = thread.join();
        }
    }
}

impl Intake {
    fn number(&self, facts: Arc<[Fact]>) -> (Batch, u64) {
        let last_seq = self.next_seq + facts.len() as u64 - 1;
        (Batch { first_seq: self.next_seq, facts }, last_seq)
    }
}

impl Drop for JournalWriter {
    fn drop(&mut self) {
        self.end();
    }
}

impl std::fmt::Debug for JournalWriter {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("JournalWriter").field("durable", &self.durable).finish_non_exhaustive()
    }
}

struct Worker<M, F> {
    committer: Committer<M>,
    publish: watch::Sender<Progress>,
    options: WriterOptions,
    on_commit: F,
}

impl<M: Medium, F: FnMut(Commit)> Worker<M, F> {
    fn new(
        medium: M,
        position: Position,
        options: WriterOptions,
        on_commit: F,
    ) -> Result<(Self, Durable), JournalFailure> {
        let committer = Committer::new(medium, position)?;
        let (publish, progress) = watch::channel(Progress { durable: position, failure: None });
        Ok((Self { committer, publish, options, on_commit }, Durable { progress }))
    }

    /// Until all senders are gone or the journal fails.
    fn run(&mut self, receiver: &Receiver<Command>) {
        while let Ok(first) = receiver.recv() {
            if let Err(failure) = self.group(first, receiver) {
                self.publish.send_modify(|progress| progress.failure = Some(failure));
                return;
            }
        }
    }

    /// Commits one batch by itself.
    fn take_alone(&mut self, batch: Batch) {
        let staged = batch.facts.iter().try_for_each(|fact| self.committer.stage(fact).map(|_| ()));
        if let Err(failure) = staged.and_then(|()| self.commit(vec![batch])) {
            self.publish.send_modify(|progress| progress.failure = Some(failure));
        }
    }

    /// Takes what is waiting, within the bounds, and commits it.
    fn group(&mut self, first: Command, receiver: &Receiver<Command>) -> Result<(), JournalFailure> {
        let (started, mut batches, mut waiting, mut records) = (Instant::now(), Vec::new(), Vec::new(), 0);
        let mut next = Some(first);
        while let Some(command) = next {
            match command {
                Command::Facts(batch) => {
                    for fact in batch.facts.iter() {
                        self.committer.stage(fact)?;
                    }
                    records += batch.facts.len();
                    batches.push(batch);
                }
                Command::Flush(done) => waiting.push(done),
            }
            let full = records >= self.options.group_records
                || self.committer.staged_bytes() >= self.options.group_bytes
                || started.elapsed() >= self.options.group_time;
            next = if full { None } else { receiver.try_recv().ok() };
        }
        if records > 0 {
            self.commit(batches)?;
        }
        for done in waiting {
            // Whoever asked may have gone.
            let _ = done.send(());
        }
        Ok(())
    }

    /// Makes the staged batches durable and tells so.
    fn commit(&mut self, batches: Vec<Batch>) -> Result<(), JournalFailure> {
        let flushing = Instant::now();
        let end = self.committer.commit()?;
        let took = flushing.elapsed();
        self.publish.send_modify(|progress| progress.durable = end);
        let turned = self.committer.turn_over(self.options.file_records);
        let next_file = turned.as_ref().ok().copied().flatten();
        (self.on_commit)(Commit { batches, end, took, next_file });
        turned.map(|_| ())
    }
}
