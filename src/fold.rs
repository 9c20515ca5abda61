//! The state of a swarm as folded from its journal: start, recovery, snapshots and replay have it from
//! here. It applies facts and decides nothing; it knows no file, no actor and no market.

use crate::record::{Listeners, Recorder};
use crate::store::{Folding, MakeFolding};
use std::sync::Arc;
use swarm_core::delivery::Desk;
use swarm_core::engine::{LifeState, Lifecycle, RestartPolicy};
use swarm_core::exchange::Exchange;
use swarm_core::ledger::Trade;
use swarm_core::model::{
    AgentChange, AgentId, Candle, Fact, Mode, Order, Plan, PortfolioId, PortfolioPlan, Step, SymbolId, Time,
};
use swarm_core::risk::Supervisor;

/// Of the bytes of a state. Raise it whenever anything in them changes its shape or meaning: a test notices
/// the shape.
pub const STATE_FORMAT: u32 = 3;

/// A swarm at the end of a step.
pub struct Folded {
    /// Positions, equity, breakers.
    pub supervisor: Supervisor,
    /// By portfolio; none with real money, whose accounts are at the venue.
    pub exchanges: Vec<Exchange>,
    /// By portfolio, with real money: what each account's desk has from the facts.
    pub desks: Vec<Desk>,
    /// Figures, fingerprint, last decisions.
    pub recorder: Recorder,
    /// By agent.
    pub lives: Vec<Lifecycle>,
    /// When the last step closed.
    pub last_step: Option<Time>,
    /// Steps so far.
    pub steps: u64,
    plan: Arc<Plan>,
    restart: RestartPolicy,
    /// Symbols with a candle in the step that is being folded.
    candles: Vec<SymbolId>,
    trades: Vec<Trade>,
}

impl Folded {
    /// Before the first fact. `listeners` are for the time after folding: nobody is told of the past.
    pub fn new(plan: &Arc<Plan>, restart: RestartPolicy, listeners: Option<Listeners>) -> Self {
        let account = |portfolio: &PortfolioPlan| {
            Exchange::new(plan.exchange.clone(), plan.instruments.clone(), portfolio.equity)
        };
        Self {
            supervisor: Supervisor::new(Arc::clone(plan)),
            exchanges: simulated(plan).iter().map(account).collect(),
            desks: live(plan).map(|portfolio| Desk::of_facts(plan, portfolio)).collect(),
            recorder: Recorder::new(Arc::clone(plan), listeners),
            lives: vec![Lifecycle::default(); plan.agents.len()],
            last_step: None,
            steps: 0,
            plan: Arc::clone(plan),
            restart,
            candles: Vec::new(),
            trades: Vec::new(),
        }
    }

    /// The state as bytes, for a snapshot; at the end of a step only.
    pub fn save(&self) -> Vec<u8> {
        debug_assert!(self.candles.is_empty() && self.trades.is_empty(), "a snapshot is of a step's end");
        let exchanges: Vec<Vec<u8>> = self.exchanges.iter().map(Exchange::save).collect();
        let desks: Vec<Vec<u8>> = self.desks.iter().map(Desk::save).collect();
        let accounts = (exchanges, desks);
        let state = (self.supervisor.save(), accounts, self.recorder.save(), &self.lives, self.last_step, self.steps);
        postcard::to_allocvec(&state).expect("invariant: every list of a state knows its length")
    }

    /// Goes on from a saved state; none when the bytes are no state of this plan.
    pub fn restored(
        plan: &Arc<Plan>,
        restart: RestartPolicy,
        listeners: Option<Listeners>,
        bytes: &[u8],
    ) -> Option<Self> {
        type Accounts = (Vec<Vec<u8>>, Vec<Vec<u8>>);
        type Saved = (Vec<u8>, Accounts, Vec<u8>, Vec<Lifecycle>, Option<Time>, u64);
        let (supervisor, (exchanges, desks), recorder, lives, last_step, steps): Saved =
            postcard::from_bytes(bytes).ok()?;
        let account = |bytes: &Vec<u8>| Exchange::restore(plan.exchange.clone(), plan.instruments.clone(), bytes);
        let fits = exchanges.len() == simulated(plan).len()
            && desks.len() == live(plan).count()
            && lives.len() == plan.agents.len();
        let desk = |(portfolio, bytes): (PortfolioId, &Vec<u8>)| Desk::restore(plan, portfolio, bytes);
        fits.then_some(Self {
            supervisor: Supervisor::restore(Arc::clone(plan), &supervisor)?,
            exchanges: exchanges.iter().map(account).collect::<Option<_>>()?,
            desks: live(plan).zip(&desks).map(desk).collect::<Option<_>>()?,
            recorder: Recorder::restored(Arc::clone(plan), listeners, &recorder)?,
            lives,
            last_step,
            steps,
            plan: Arc::clone(plan),
            restart,
            candles: Vec::new(),
            trades: Vec::new(),
        })
    }

    /// Applies the next fact.
    pub fn apply(&mut self, fact: &Fact) {
        self.supervisor.apply_with(fact, &mut self.trades);
        self.recorder.restore(fact);
        self.desks.iter_mut().for_each(|desk| desk.apply(fact));
        for trade in self.trades.drain(..) {
            self.recorder.trade_restored(&trade);
        }
        match fact {
            Fact::Candle { symbol, .. } => {
                self.candles.push(*symbol);
                self.exchanges.iter_mut().for_each(|exchange| exchange.apply(fact));
            }
            Fact::Order { order: Order { portfolio, .. }, .. }
            | Fact::Cancel { portfolio, .. }
            | Fact::Venue { portfolio, .. } => {
                if let Some(exchange) = self.exchanges.get_mut(portfolio.index()) {
                    exchange.apply(fact);
                }
            }
            Fact::Agent { at, agent, change } => self.live_through(*agent, change, *at),
            Fact::StepEnd { at } => self.end_step(*at, fact),
            _ => {}
        }
    }

    fn end_step(&mut self, at: Time, fact: &Fact) {
        self.exchanges.iter_mut().for_each(|exchange| exchange.apply(fact));
        // HOLDs may not be journaled: every running agent whose symbol had a candle decided.
        for (index, agent) in self.plan.agents.iter().enumerate() {
            if self.lives[index].runs() && self.candles.contains(&agent.symbol) {
                self.recorder.decision_restored(AgentId::at(index));
            }
        }
        self.recorder.step_restored(at, self.candles.len() as u64, &self.supervisor);
        self.candles.clear();
        self.last_step = Some(at);
        self.steps += 1;
    }

    fn live_through(&mut self, agent: AgentId, change: &AgentChange, now: Time) {
        let life = &mut self.lives[agent.index()];
        match change {
            AgentChange::Started if matches!(life.state(), LifeState::Restarting(_)) => {
                life.resume(LifeState::Running, life.restarts() + 1);
            }
            AgentChange::Started => life.started(),
            AgentChange::Stopped(_) => life.stopped(),
            AgentChange::Panicked { .. } => drop(life.panicked(now, &self.restart)),
            AgentChange::Failed => life.resume(LifeState::Failed, life.restarts()),
        }
    }
}

/// Portfolios whose accounts are simulated in this process.
fn simulated(plan: &Plan) -> &[PortfolioPlan] {
    if plan.mode == Mode::Live { &[] } else { &plan.portfolios }
}

/// Portfolios whose accounts are at a venue.
fn live(plan: &Plan) -> impl Iterator<Item = PortfolioId> + use<> {
    let count = if plan.mode == Mode::Live { plan.portfolios.len() } else { 0 };
    (0..count).map(PortfolioId::at)
}

impl Folding for Folded {
    fn apply(&mut self, fact: &Fact) {
        Self::apply(self, fact);
    }
    fn save(&self) -> Vec<u8> {
        Self::save(self)
    }
}

/// Makes states of a plan for snapshots.
#[derive(Clone, Debug)]
pub struct MakeFolded {
    /// The plan.
    pub plan: Arc<Plan>,
    /// How panics are treated.
    pub restart: RestartPolicy,
}

impl MakeFolding for MakeFolded {
    type Folding = Folded;
    fn make(&self, saved: Option<&[u8]>) -> Option<Folded> {
        match saved {
            Some(bytes) => Folded::restored(&self.plan, self.restart, None, bytes),
            None => Some(Folded::new(&self.plan, self.restart, None)),
        }
    }
}

/// What warmed the features before the first step, to be recorded.
#[derive(Debug, Default)]
pub struct WarmUp {
    dues: Vec<Fact>,
    candles: Vec<(SymbolId, Candle)>,
}

impl WarmUp {
    /// Takes a step of it.
    pub fn take(&mut self, step: &Step) {
        let dues = step.funding.iter();
        self.dues.extend(dues.map(|due| Fact::FundingDue { symbol: due.symbol, at: due.at, rate: due.rate }));
        let candles = step.candles.iter().enumerate();
        self.candles.extend(candles.filter_map(|(index, candle)| Some((SymbolId::at(index), (*candle)?))));
    }

    /// Nothing warmed them.
    pub const fn is_empty(&self) -> bool {
        self.candles.is_empty()
    }

    /// The facts, in the order in which they are journaled.
    pub fn facts(self) -> Vec<Fact> {
        let mut left = u32::try_from(self.candles.len()).unwrap_or(u32::MAX);
        let mut facts = self.dues;
        for (symbol, candle) in self.candles {
            left = left.saturating_sub(1);
            facts.push(Fact::WarmUp { symbol, candle, left });
        }
        facts
    }
}
