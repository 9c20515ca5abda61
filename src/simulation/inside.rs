//! The actors as the world sees them: what reaches them goes over channels and ports, what they show is their
//! journal. The books are folded from its facts as they become durable, so nothing that the actors think counts.

use super::world::Origin;
use crate::actors::{BootError, Ended, Marks, Outcome};
use crate::control::Control;
use crate::store::MemoryMedium;
use crate::venue::live::Told;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use swarm_core::delivery::{Answer, Desk, LinkState, RequestId, StreamEvent};
use swarm_core::model::{Candle, Fact, Plan, Price, SymbolId, Time};
use swarm_core::risk::Supervisor;
use swarm_core::sim::swarm::{Act, Host, Inside};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

/// Events of a user stream that may wait; more than any run has.
pub(super) const TOLD_WAITING: usize = 65_536;

/// What leads into a running process.
#[derive(Debug)]
pub(super) struct Lines {
    pub(super) origin: Origin,
    /// By account.
    pub(super) told: Vec<mpsc::Sender<Told>>,
    pub(super) marks: Marks,
    pub(super) candles: mpsc::UnboundedSender<(SymbolId, Candle)>,
    pub(super) acts: mpsc::UnboundedSender<Act>,
    pub(super) control: Control,
    /// By how much its clock is ahead, in milliseconds.
    pub(super) skew: Arc<AtomicI64>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Actors {
    /// What outlives a process.
    pub(super) medium: MemoryMedium,
    books: Supervisor,
    lines: Option<Lines>,
    /// Those of a process that is dead and not yet taken away: closing them would tell it so.
    dead: Option<Lines>,
    /// By account: who waits for answers.
    waiting: Vec<BTreeMap<RequestId, oneshot::Sender<Answer>>>,
    /// A process is to be started.
    is_due: bool,
    ended: Option<Result<Outcome, BootError>>,
    /// The disk failed under the process, which may halt for it.
    pub(super) disk_failed: bool,
}

impl Actors {
    pub(super) fn new(plan: &Arc<Plan>) -> Self {
        Self {
            medium: MemoryMedium::new(),
            books: Supervisor::new(Arc::clone(plan)),
            lines: None,
            dead: None,
            waiting: plan.portfolios.iter().map(|_| BTreeMap::new()).collect(),
            is_due: false,
            ended: None,
            disk_failed: false,
        }
    }

    pub(super) fn origin(&self) -> Option<Origin> {
        self.lines.as_ref().map(|lines| lines.origin)
    }

    pub(super) const fn is_running(&self) -> bool {
        self.lines.is_some()
    }

    pub(super) fn control(&self) -> Option<Control> {
        self.lines.as_ref().map(|lines| lines.control.clone())
    }

    pub(super) fn marks(&self) -> Option<Marks> {
        self.lines.as_ref().map(|lines| lines.marks.clone())
    }

    /// A process runs from now on.
    pub(super) fn live(&mut self, lines: Lines) {
        self.is_due = false;
        self.disk_failed = false;
        self.lines = Some(lines);
    }

    /// Nothing of the dead process is left.
    pub(super) fn bury(&mut self) {
        self.dead = None;
    }

    pub(super) const fn is_due(&self) -> bool {
        self.is_due
    }

    pub(super) fn end(&mut self, ended: Result<Outcome, BootError>) {
        self.ended = Some(ended);
    }

    pub(super) const fn has_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// How the process ended, if it did by itself: cleanly, or why not.
    pub(super) fn take_end(&mut self) -> Option<Result<(), String>> {
        Some(match self.ended.take()? {
            Ok(Outcome { ended: Ended::Halted(why), .. }) => Err(why),
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        })
    }

    /// Somebody waits for the answer to a request.
    pub(super) fn expect(&mut self, account: usize, id: RequestId) -> oneshot::Receiver<Answer> {
        let (answer, answered) = oneshot::channel();
        self.waiting[account].insert(id, answer);
        answered
    }

    pub(super) fn fold(&mut self, fact: &Fact) {
        self.books.apply(fact);
    }

    /// The books as the journal has them, also while no process runs.
    pub(super) const fn folded(&self) -> &Supervisor {
        &self.books
    }
}

impl Inside for Actors {
    /// What is on its way within the process is the actors' own.
    type Own = std::convert::Infallible;

    fn start(host: &mut Host<Self>) {
        host.inside.is_due = true;
    }

    fn die(&mut self) {
        self.dead = self.lines.take();
        self.waiting.iter_mut().for_each(BTreeMap::clear);
    }

    fn is_alive(&self) -> bool {
        self.is_running()
    }

    fn is_waited_for(&self) -> bool {
        self.is_due
    }

    fn books(&self) -> Option<&Supervisor> {
        self.is_running().then_some(&self.books)
    }

    fn desk(&self, _: usize) -> Option<&Desk> {
        None
    }

    fn answered(host: &mut Host<Self>, account: usize, id: RequestId, answer: Answer) {
        if let Some(waiting) = host.inside.waiting[account].remove(&id) {
            // Whoever waited may be gone with his process.
            drop(waiting.send(answer));
        }
    }

    fn streamed(host: &mut Host<Self>, account: usize, event: StreamEvent) {
        tell(host, account, Told::Event(event));
    }

    fn linked(host: &mut Host<Self>, account: usize, state: LinkState) {
        tell(host, account, Told::Link(state));
    }

    fn marked(host: &mut Host<Self>, symbol: SymbolId, at: Time, price: Price) {
        if let Some(lines) = &host.inside.lines {
            lines.marks.set(symbol, at, price);
        }
    }

    fn closed(host: &mut Host<Self>, symbol: SymbolId, candle: &Candle) {
        if let Some(lines) = &host.inside.lines {
            // A follower that is gone has ended with its process.
            let _ = lines.candles.send((symbol, *candle));
        }
    }

    fn operate(host: &mut Host<Self>, act: Act) {
        if let Some(lines) = &host.inside.lines {
            let _ = lines.acts.send(act);
        }
    }

    fn own(_: &mut Host<Self>, own: Self::Own) {
        match own {}
    }

    fn look(host: &mut Host<Self>) {
        let skew = host.skew();
        if let Some(lines) = &host.inside.lines {
            lines.skew.store(skew, Ordering::Relaxed);
        }
    }
}

fn tell(host: &mut Host<Actors>, account: usize, told: Told) {
    let Some(lines) = &host.inside.lines else { return };
    // A driver that is gone has ended with its swarm, and how that ended is looked at then.
    if let Err(TrySendError::Full(_)) = lines.told[account].try_send(told) {
        host.blame(20, || format!("account {account} does not hear its user stream any more"));
    }
}
