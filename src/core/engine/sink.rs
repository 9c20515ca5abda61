//! Who follows a run: facts, closed trades, and how far it is.

use crate::ledger::Trade;
use crate::model::{AgentId, Fact, Passed, Step};
use crate::risk::Supervisor;

/// Takes what a run produces, in order.
pub trait Sink {
    /// A fact, in the supervisor's order.
    fn fact(&mut self, fact: &Fact);
    /// A position returned to flat.
    fn trade(&mut self, _trade: &Trade) {}
    /// An agent decided, HOLD included.
    fn decided(&mut self, _agent: AgentId) {}
    /// A step is complete.
    fn step_end(&mut self, _step: &Step, _supervisor: &Supervisor) {}
    /// Whether it wants the [end](Self::step_end) of each step, also of those in which nothing happens. One that does
    /// not is told of these [together](Self::passed).
    fn watches(&self) -> bool {
        true
    }
    /// Steps in which nothing happened, in the place of their ends and decisions. The supervisor may stand at marks of
    /// an earlier step; what positions are worth at the end of each follows from its closes.
    fn passed(&mut self, _passed: &Passed<'_>, _supervisor: &Supervisor) {}
}
