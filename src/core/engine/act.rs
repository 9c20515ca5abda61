//! What happens to a swarm between its steps: an operator's hand, and going on from a recovered state. It
//! carries out and decides nothing; whether an act makes sense is asked before.

use super::{BuildError, Engine, EngineOptions, Lifecycle, MakeRule, Sink};
use crate::exchange::Exchange;
use crate::model::{
    AgentChange, AgentId, BreakerChange, BreakerScope, Candle, ExitReason, Fact, Plan, PortfolioId, Rate, StopPolicy,
    SymbolId, Time,
};
use crate::risk::Supervisor;
use std::sync::Arc;

/// An operator's act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperatorAct {
    /// Starts or stops an agent.
    Life(AgentId, AgentChange),
    /// Clears a breaker.
    Reset(BreakerScope, String),
    /// Closes all positions of an account.
    Flatten(PortfolioId),
    /// Closes or opens the gate for an account's entries.
    Gate(PortfolioId, bool),
}

impl OperatorAct {
    /// The act of which this is the first fact, where the fact stands between two steps; none when no act
    /// begins like this.
    pub fn that_began(fact: &Fact) -> Option<(Time, Self)> {
        match fact {
            Fact::Agent { at, agent, change } => Some((*at, Self::Life(*agent, change.clone()))),
            // A position is closed before its agent is stopped.
            Fact::Closing { at, intent, reason: ExitReason::AgentStop, .. } => {
                Some((*at, Self::Life(intent.agent, AgentChange::Stopped(StopPolicy::Close))))
            }
            Fact::Closing { at, portfolio, reason: ExitReason::Operator, .. } => Some((*at, Self::Flatten(*portfolio))),
            Fact::Breaker { at, scope, change: BreakerChange::Reset { reason } } => {
                Some((*at, Self::Reset(*scope, reason.clone())))
            }
            Fact::Gate { at, portfolio, gated } => Some((*at, Self::Gate(*portfolio, *gated))),
            _ => None,
        }
    }
}

/// The state from which a swarm goes on.
#[derive(Clone, Debug)]
pub struct Resumed {
    /// Positions, equity, breakers.
    pub supervisor: Supervisor,
    /// By portfolio.
    pub exchanges: Vec<Exchange>,
    /// By agent.
    pub lives: Vec<Lifecycle>,
}

impl<M: MakeRule> Engine<M> {
    /// A swarm that goes on from a state which ended with a step. [`warm`](Self::warm) it before it goes on.
    ///
    /// # Errors
    /// When the swarm cannot be built from its plan.
    pub fn resume(plan: Arc<Plan>, make: M, options: EngineOptions, from: Resumed) -> Result<Self, BuildError> {
        let engine = Self::new(plan, make, options)?;
        Ok(Self { supervisor: from.supervisor, exchanges: from.exchanges, lives: from.lives, ..engine })
    }

    /// Shows the feed a candle that nobody trades on.
    pub fn warm(&mut self, symbol: SymbolId, candle: &Candle) {
        if let Some(hub) = &mut self.hub {
            hub.close(symbol, candle);
        }
    }

    /// Tells the rate of a funding payment that is over.
    pub fn funded(&mut self, symbol: SymbolId, rate: Rate) {
        if let Some(known) = self.funding_rates.get_mut(symbol.index()) {
            *known = Some(rate);
        }
    }

    /// Whether HOLDs are recorded from now on.
    pub fn record_holds(&mut self, is_recorded: bool) {
        self.options.record_holds = is_recorded;
    }

    /// Carries out an act of an operator between two steps.
    pub fn act(&mut self, now: Time, act: &OperatorAct, sink: &mut impl Sink) {
        self.land();
        self.stretch.end();
        self.calm.end();
        match act {
            OperatorAct::Life(agent, change) => {
                self.live(*agent, change);
                self.supervisor.on_agent(now, *agent, change.clone(), &mut self.effects);
            }
            OperatorAct::Reset(scope, reason) => {
                // What cannot be reset gives no facts, and whoever compares them sees it.
                let _ = self.supervisor.reset_breaker(now, *scope, reason, &mut self.effects);
            }
            OperatorAct::Flatten(portfolio) => self.supervisor.flatten(now, *portfolio, &mut self.effects),
            OperatorAct::Gate(portfolio, gated) => {
                self.supervisor.set_gate(now, *portfolio, *gated, &mut self.effects);
            }
        }
        self.dispatch(now, sink);
    }

    fn live(&mut self, agent: AgentId, change: &AgentChange) {
        let Some(life) = self.lives.get_mut(agent.index()) else { return };
        match change {
            AgentChange::Started => {
                life.started();
                self.renew_rule(agent);
            }
            AgentChange::Stopped(_) => life.stopped(),
            AgentChange::Panicked { .. } | AgentChange::Failed => {}
        }
    }

    /// A fresh rule for an agent: the same wishes again, every one known, so the slots stay as they are.
    pub(super) fn renew_rule(&mut self, agent: AgentId) {
        let symbol = self.plan.agents[agent.index()].symbol;
        if let Ok(rule) = self.make.make(agent, &mut Arc::make_mut(&mut self.wants)[symbol.index()]) {
            self.rules[agent.index()] = rule;
        }
    }
}
