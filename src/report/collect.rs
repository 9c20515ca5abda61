//! Follows a backtest for its report: curves in bounded memory and the trades and decisions to be shown one by
//! one. It is told everything and decides nothing; without `--out` it does not exist.

use super::chosen::Follower;
use super::series::Series;
use std::collections::BTreeMap;
use std::sync::Arc;
use swarm_core::experiment::Tracker;
use swarm_core::ledger::Trade;
use swarm_core::model::{AgentId, CohortId, Fact, OrderId, Plan, PortfolioId, Purpose, Time, Usd, VenueEvent, Verdict};
use swarm_core::risk::Supervisor;

/// Agents that are shown one by one, in declared order; the tables name all.
pub(super) const AGENTS_SHOWN: usize = 24;
/// Trades shown over all agents.
const TRADES_SHOWN: usize = 240;
/// Most trades and decisions of a kind and agent.
const EACH_MAX: usize = 8;

/// Equity and the fall from its peak.
#[derive(Debug)]
pub(super) struct Curve {
    pub equity: Series,
    pub drawdown: Series,
    peak: Usd,
}

impl Curve {
    fn new(start: Usd) -> Self {
        Self { equity: Series::new(), drawdown: Series::new(), peak: start }
    }

    fn push(&mut self, at: Time, equity: Usd) {
        self.peak = self.peak.max(equity);
        self.equity.push(at, equity.to_f64());
        let fall = if self.peak > Usd::ZERO { equity.0 as f64 / self.peak.0 as f64 - 1.0 } else { 0.0 };
        self.drawdown.push(at, fall);
    }
}

/// What is kept of a run for its page.
#[derive(Debug)]
pub struct Collector {
    plan: Arc<Plan>,
    /// Of the best, the worst and the latest of each agent.
    pub(super) each: usize,
    pub(super) cohorts: Vec<Curve>,
    pub(super) agents: Vec<Curve>,
    /// By portfolio, gross notional over equity.
    pub(super) leverage: Vec<Series>,
    /// By cohort, share of its agents with a position.
    pub(super) exposure: Vec<Series>,
    members: Vec<u32>,
    pub(super) followers: Vec<Follower>,
    /// By portfolio: refusals that rest on a filter of the venue, by reason and the filter's name.
    pub(super) filters: Vec<BTreeMap<(&'static str, &'static str), u64>>,
    /// What working orders are for; an order is here from its approval to its end.
    purposes: BTreeMap<OrderId, Purpose>,
}

impl Collector {
    /// Before the first step.
    pub fn new(plan: Arc<Plan>) -> Self {
        let start = |portfolio: PortfolioId| Curve::new(plan.portfolios[portfolio.index()].equity);
        let shown = plan.agents.len().min(AGENTS_SHOWN);
        let each = (TRADES_SHOWN / (3 * shown.max(1))).clamp(1, EACH_MAX);
        let mut members = vec![0; plan.cohorts.len()];
        plan.agents.iter().for_each(|agent| members[agent.cohort.index()] += 1);
        Self {
            each,
            cohorts: plan.cohorts.iter().map(|cohort| start(cohort.portfolio)).collect(),
            agents: plan.agents.iter().take(shown).map(|agent| start(agent.portfolio)).collect(),
            leverage: vec![Series::new(); plan.portfolios.len()],
            exposure: vec![Series::new(); plan.cohorts.len()],
            members,
            followers: (0..shown).map(|index| Follower::new(each).on(plan.instrument_of(AgentId::at(index)))).collect(),
            filters: vec![BTreeMap::new(); plan.portfolios.len()],
            purposes: BTreeMap::new(),
            plan,
        }
    }

    /// Takes a fact.
    pub fn fact(&mut self, fact: &Fact) {
        if let Fact::Verdict { id, portfolio, verdict: Verdict::Refused(refusal) } = fact
            && let Some(filter) = self.plan.instrument_of(id.agent).and_then(|contract| refusal.filter(contract))
        {
            *self.filters[portfolio.index()].entry((refusal.reason.label(), filter.name())).or_default() += 1;
        }
        let agent = match fact {
            Fact::Signal(record) => record.agent,
            Fact::Intent { id, .. } | Fact::Verdict { id, .. } => id.agent,
            Fact::Order { order, .. } => order.agent(),
            Fact::Venue { event: VenueEvent::Order { id, .. }, .. } => id.intent.agent,
            _ => return,
        };
        let Some(follower) = self.followers.get_mut(agent.index()) else { return };
        if let Fact::Order { order, .. } = fact {
            self.purposes.insert(order.id, order.purpose);
        }
        let mut purpose = Purpose::Exit;
        if let Fact::Venue { event: VenueEvent::Order { id, kind, .. }, .. } = fact {
            purpose = self.purposes.get(id).copied().unwrap_or(purpose);
            if is_final(kind) {
                self.purposes.remove(id);
            }
        }
        follower.fact(fact, || purpose);
    }

    /// Takes a closed trade.
    pub fn trade(&mut self, trade: &Trade) {
        if let Some(follower) = self.followers.get_mut(trade.agent.index()) {
            follower.trade(trade);
        }
    }

    /// Takes the end of a step that `tracker` has taken already.
    pub fn step_end(&mut self, at: Time, tracker: &Tracker, supervisor: &Supervisor) {
        for (index, curve) in self.cohorts.iter_mut().enumerate() {
            curve.push(at, tracker.cohort_equity(CohortId::at(index)));
        }
        for (index, curve) in self.agents.iter_mut().enumerate() {
            curve.push(at, tracker.agent_equity(AgentId::at(index)));
        }
        for (index, series) in self.leverage.iter_mut().enumerate() {
            let portfolio = PortfolioId::at(index);
            let held = supervisor.has_exposure(portfolio);
            series.push(at, if held { supervisor.leverage(portfolio).to_f64() } else { 0.0 });
        }
        for (index, series) in self.exposure.iter_mut().enumerate() {
            let holding = tracker.holding(CohortId::at(index));
            series.push(at, f64::from(holding) / f64::from(self.members[index].max(1)));
        }
    }

    pub(super) fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }
}

fn is_final(kind: &swarm_core::model::ReportKind) -> bool {
    use swarm_core::model::ReportKind;
    match kind {
        ReportKind::Rejected(_) | ReportKind::Canceled(_) => true,
        ReportKind::Filled { leaves, .. } => leaves.is_zero(),
        ReportKind::Accepted | ReportKind::CancelRejected => false,
    }
}
