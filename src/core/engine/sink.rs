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
    /// Whether [`step_end`](Self::step_end) looks at the supervisor at the next step. When it does not, it may
    /// be shown one whose marks are of an earlier step, while nothing happens.
    fn watches(&self) -> bool {
        true
    }
    /// Steps in which nothing happened, in the place of their ends and decisions: for one that does not
    /// [watch](Self::watches).
    fn passed(&mut self, _passed: &Passed<'_>) {}
}
