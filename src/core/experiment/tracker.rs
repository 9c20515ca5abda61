//! Follows a run fact by fact and step by step, and keeps what the report is made of. Both hosts feed
//! it, and so does recovery: from the same facts and steps comes the same report.

use super::metrics::{Metrics, Sample};
use super::report::{BreakerReport, MarketReport, PortfolioReport, REPORT_SCHEMA, Report, Timing};
use super::{Comparison, compare};
use crate::ledger::{Position, Trade};
use crate::model::{
    AgentId, BreakerChange, BreakerScope, CohortId, DAY_MS, Fact, IntentKind, Passed, Plan, PortfolioId, Price,
    ReportKind, Step, SymbolId, Time, Usd, VenueEvent, Verdict,
};
use crate::risk::Supervisor;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A curve of equity in USDT, exact: daily points for the figures, and the drawdown at every step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    daily: Vec<Usd>,
    last: Usd,
    peak: Usd,
    /// The lowest since the peak.
    trough: Usd,
    /// Before the peak.
    earlier_drawdown: f64,
}

impl Curve {
    fn new(start: Usd) -> Self {
        Self { daily: vec![start], last: start, peak: start, trough: start, earlier_drawdown: 0.0 }
    }
    #[inline]
    fn step(&mut self, equity: Usd) {
        self.last = equity;
        if equity > self.peak {
            self.earlier_drawdown = self.max_drawdown();
            (self.peak, self.trough) = (equity, equity);
        } else {
            self.trough = self.trough.min(equity);
        }
    }
    /// Largest fall from a peak, as a share of it. Found from the lowest since each peak: a fall is measured once, not
    /// at every step.
    fn max_drawdown(&self) -> f64 {
        if self.peak <= Usd::ZERO {
            return self.earlier_drawdown;
        }
        self.earlier_drawdown.max(1.0 - self.trough.0 as f64 / self.peak.0 as f64)
    }
    fn day(&mut self) {
        self.daily.push(self.last);
    }
    /// Start, each 00:00 UTC, and the end where that is not a 00:00.
    fn daily(&self, ends_on_midnight: bool) -> Vec<f64> {
        let end = (!ends_on_midnight).then_some(&self.last);
        self.daily.iter().chain(end).map(|equity| equity.to_f64()).collect()
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct AgentRecord {
    curve: Curve,
    entry_leverage: Vec<f64>,
    entry_confidence: Vec<f64>,
    last_confidence: f64,
    /// The last intent wants to open something.
    wants_entry: bool,
    decisions: u64,
    intents: u64,
    rejections: u64,
    steps_held: u64,
    held: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct PortfolioRecord {
    curve: Curve,
    tripped_at: Option<Time>,
    rejections: BTreeMap<Cow<'static, str>, u64>,
}

/// Follows a run.
#[derive(Clone, Debug)]
pub struct Tracker {
    plan: Arc<Plan>,
    agents: Vec<AgentRecord>,
    cohorts: Vec<Curve>,
    portfolios: Vec<PortfolioRecord>,
    trades: Vec<Trade>,
    keeps_trades: bool,
    /// Net results in order of closing.
    closed: Vec<(AgentId, Usd)>,
    from: Option<Time>,
    to: Time,
    steps: u64,
    candles: u64,
    /// The first 00:00 UTC that no step has ended at or after.
    next_midnight: Time,
    /// Agents whose profit may have moved: those that hold something, and those that just let go.
    moving: Vec<AgentId>,
    /// By cohort, agents with a position at the last step's end.
    holding: Vec<u32>,
    /// A buffer.
    stakes: Vec<Stake>,
}

/// What an agent has at stake for as long as nothing happens.
#[derive(Clone, Debug)]
struct Stake {
    agent: AgentId,
    cohort: CohortId,
    symbol: SymbolId,
    /// What it is worth without its position, in USDT.
    money: Usd,
    position: Option<Position>,
}

impl Tracker {
    /// At rest, before the first step.
    pub fn new(plan: Arc<Plan>) -> Self {
        let start = |portfolio: PortfolioId| plan.portfolios[portfolio.index()].equity;
        let agents = plan
            .agents
            .iter()
            .map(|agent| AgentRecord {
                curve: Curve::new(start(agent.portfolio)),
                entry_leverage: Vec::new(),
                entry_confidence: Vec::new(),
                last_confidence: 0.0,
                wants_entry: false,
                decisions: 0,
                intents: 0,
                rejections: 0,
                steps_held: 0,
                held: false,
            })
            .collect();
        let cohorts = plan.cohorts.iter().map(|cohort| Curve::new(start(cohort.portfolio))).collect();
        let portfolios = plan
            .portfolios
            .iter()
            .map(|portfolio| PortfolioRecord {
                curve: Curve::new(portfolio.equity),
                tripped_at: None,
                rejections: BTreeMap::new(),
            })
            .collect();
        Self {
            agents,
            cohorts,
            portfolios,
            trades: Vec::new(),
            keeps_trades: true,
            closed: Vec::new(),
            from: None,
            to: Time(0),
            steps: 0,
            candles: 0,
            next_midnight: Time(i64::MIN),
            moving: Vec::new(),
            holding: vec![0; plan.cohorts.len()],
            stakes: Vec::new(),
            plan,
        }
    }

    /// Likewise, without keeping the trades: for many runs at a time, and for runs without an end.
    pub fn lean(plan: Arc<Plan>) -> Self {
        Self { keeps_trades: false, ..Self::new(plan) }
    }

    /// What it has followed so far, without the plan, for snapshots.
    pub fn save(&self) -> Vec<u8> {
        let records = (&self.agents, &self.cohorts, &self.portfolios);
        let trades = (&self.trades, self.keeps_trades, &self.closed);
        let time = (self.from, self.to, self.steps, self.candles, self.next_midnight);
        let state = (records, trades, time, &self.moving, &self.holding);
        postcard::to_allocvec(&state).expect("invariant: every list of a state knows its length")
    }

    /// A tracker that has followed what a saved one had; none when the bytes are none of this plan.
    pub fn restore(plan: Arc<Plan>, bytes: &[u8]) -> Option<Self> {
        let (records, trades, time, moving, holding) = postcard::from_bytes(bytes).ok()?;
        let (agents, cohorts, portfolios) = records;
        let (trades, keeps_trades, closed) = trades;
        let (from, to, steps, candles, next_midnight) = time;
        let restored = Self {
            agents,
            cohorts,
            portfolios,
            trades,
            keeps_trades,
            closed,
            from,
            to,
            steps,
            candles,
            next_midnight,
            moving,
            holding,
            stakes: Vec::new(),
            plan,
        };
        let fits = restored.agents.len() == restored.plan.agents.len()
            && restored.cohorts.len() == restored.plan.cohorts.len()
            && restored.portfolios.len() == restored.plan.portfolios.len();
        fits.then_some(restored)
    }

    /// Closed trades in order of closing; none when they are not kept.
    pub fn trades(&self) -> &[Trade] {
        &self.trades
    }
    /// Steps so far.
    pub const fn steps(&self) -> u64 {
        self.steps
    }
    /// Candles so far, of all symbols.
    pub const fn candles(&self) -> u64 {
        self.candles
    }
    /// Start of the first candle; absent before it.
    pub const fn from(&self) -> Option<Time> {
        self.from
    }
    /// Close of the last candle.
    pub const fn to(&self) -> Time {
        self.to
    }
    /// Equity of a portfolio at the last step's end, in USDT.
    #[inline]
    pub fn portfolio_equity(&self, portfolio: PortfolioId) -> Usd {
        self.portfolios[portfolio.index()].curve.last
    }
    /// What a cohort's portfolio would be worth if only the cohort had traded it, in USDT.
    #[inline]
    pub fn cohort_equity(&self, cohort: CohortId) -> Usd {
        self.cohorts[cohort.index()].last
    }
    /// What an agent's portfolio would be worth if only the agent had traded it, in USDT.
    #[inline]
    pub fn agent_equity(&self, agent: AgentId) -> Usd {
        self.agents[agent.index()].curve.last
    }
    /// Agents of a cohort with a position at the last step's end.
    #[inline]
    pub fn holding(&self, cohort: CohortId) -> u32 {
        self.holding[cohort.index()]
    }
    /// Refusals of a portfolio by reason.
    pub fn rejections(&self, portfolio: PortfolioId) -> &BTreeMap<Cow<'static, str>, u64> {
        &self.portfolios[portfolio.index()].rejections
    }
    /// Decisions of an agent, HOLD included.
    pub fn decisions(&self, agent: AgentId) -> u64 {
        self.agents[agent.index()].decisions
    }

    /// An agent decided, HOLD included.
    #[inline]
    pub fn decided(&mut self, agent: AgentId) {
        self.agents[agent.index()].decisions += 1;
    }

    /// Takes a fact.
    pub fn fact(&mut self, fact: &Fact) {
        match fact {
            Fact::Signal(record) => {
                self.agents[record.agent.index()].last_confidence = record.decision.confidence;
            }
            Fact::Intent { id, intent } => {
                let agent = &mut self.agents[id.agent.index()];
                agent.intents += 1;
                agent.wants_entry = !matches!(intent.kind, IntentKind::Close { .. });
            }
            Fact::Verdict { id, portfolio, verdict } => {
                let agent = &mut self.agents[id.agent.index()];
                match verdict {
                    Verdict::Refused(refusal) => {
                        agent.rejections += 1;
                        let rejections = &mut self.portfolios[portfolio.index()].rejections;
                        *rejections.entry(Cow::Borrowed(refusal.reason.label())).or_default() += 1;
                    }
                    Verdict::Approved | Verdict::Resized(_) if agent.wants_entry => {
                        agent.entry_confidence.push(agent.last_confidence);
                    }
                    Verdict::Approved | Verdict::Resized(_) => {}
                }
            }
            Fact::Venue { event: VenueEvent::Order { id, kind: ReportKind::Filled { .. }, .. }, .. } => {
                self.mark_moving(id.intent.agent);
            }
            Fact::Breaker { at, scope: BreakerScope::Portfolio(portfolio), change } => {
                let portfolio = &mut self.portfolios[portfolio.index()];
                match change {
                    BreakerChange::Tripped { .. } => portfolio.tripped_at = Some(*at),
                    BreakerChange::Reset { .. } => portfolio.tripped_at = None,
                    BreakerChange::Flat => {}
                }
            }
            _ => {}
        }
    }

    fn mark_moving(&mut self, agent: AgentId) {
        let record = &mut self.agents[agent.index()];
        if !record.held {
            record.held = true;
            self.moving.push(agent);
        }
    }

    /// Takes a closed trade.
    pub fn trade(&mut self, trade: &Trade) {
        let record = &mut self.agents[trade.agent.index()];
        record.entry_leverage.push(trade.leverage.to_f64());
        self.closed.push((trade.agent, trade.net));
        if self.keeps_trades {
            self.trades.push(trade.clone());
        }
    }

    /// Takes the end of a step.
    pub fn step_end(&mut self, step: &Step, supervisor: &Supervisor) {
        let candles = step.candles.iter().flatten().count() as u64;
        self.step_end_at(step.close_time, candles, supervisor);
    }

    /// Takes steps in which nothing happened but that prices moved.
    pub fn passed(&mut self, passed: &Passed<'_>, supervisor: &Supervisor) {
        for agent in passed.decided {
            self.agents[agent.index()].decisions += passed.steps();
        }
        let (Some(first), Some(last)) = (passed.close_times().first(), passed.close_times().last()) else { return };
        self.count((*first, *last), passed.steps(), passed.candles);
        if !self.moving.is_empty() {
            self.take_stakes(supervisor);
            for (before, close_time) in passed.close_times().iter().enumerate() {
                while *close_time > self.next_midnight {
                    self.midnight();
                }
                let close_of = |symbol| passed.close_of(symbol, before);
                self.follow(close_of, |portfolio| supervisor.equity_at(portfolio, close_of));
                if *close_time == self.next_midnight {
                    self.midnight();
                }
            }
        }
        while *last >= self.next_midnight {
            self.midnight();
        }
    }

    /// Some steps of so many candles each; when the first and the last of them ended.
    fn count(&mut self, (first, last): (Time, Time), steps: u64, candles: u64) {
        if self.from.is_none() {
            // It began a base candle before it ended.
            let from = first.plus(-self.plan.base.ms());
            (self.from, self.next_midnight) = (Some(from), Time((from.day() + 1) * DAY_MS));
        }
        self.to = last;
        self.steps += steps;
        self.candles += steps * candles;
    }

    /// Takes the end of a step of which only the time and the number of candles are known.
    pub fn step_end_at(&mut self, close_time: Time, candles: u64, supervisor: &Supervisor) {
        self.count((close_time, close_time), 1, candles);
        // A 00:00 at which no step ended, in a hole or inside of a long candle, is worth what was known by then.
        while close_time > self.next_midnight {
            self.midnight();
        }
        if !self.moving.is_empty() {
            self.take_stakes(supervisor);
            self.follow(|_| None, |portfolio| supervisor.equity(portfolio));
        }
        if close_time == self.next_midnight {
            self.midnight();
        }
    }

    #[cold]
    fn midnight(&mut self) {
        let agents = self.agents.iter_mut().map(|agent| &mut agent.curve);
        let portfolios = self.portfolios.iter_mut().map(|portfolio| &mut portfolio.curve);
        for curve in agents.chain(&mut self.cohorts).chain(portfolios) {
            curve.day();
        }
        self.next_midnight = self.next_midnight.plus(DAY_MS);
    }

    /// Notes what the agents that moved have at stake, and forgets those that let go of everything.
    fn take_stakes(&mut self, supervisor: &Supervisor) {
        self.holding.fill(0);
        self.stakes.clear();
        for index in (0..self.moving.len()).rev() {
            let agent = self.moving[index];
            let record = &mut self.agents[agent.index()];
            let plan = &self.plan.agents[agent.index()];
            let stake = supervisor.agent_stake(agent);
            self.holding[plan.cohort.index()] += u32::from(stake.position.is_some());
            if stake.position.is_none() && !stake.is_pending {
                record.held = false;
                self.moving.swap_remove(index);
            }
            self.stakes.push(Stake {
                agent,
                cohort: plan.cohort,
                symbol: plan.symbol,
                money: record.curve.daily[0] + stake.realized,
                position: stake.position.cloned(),
            });
        }
    }

    /// Takes the end of one step: what the stakes are worth at its closes, or at the latest marks.
    #[inline]
    fn follow(&mut self, close_of: impl Fn(SymbolId) -> Option<Price>, equity_of: impl Fn(PortfolioId) -> Usd) {
        for Stake { agent, cohort, symbol, money, position } in &self.stakes {
            let record = &mut self.agents[agent.index()];
            let open = position.as_ref().map_or(Usd::ZERO, |position| position.unrealized_at(close_of(*symbol)));
            let before = record.curve.last;
            record.curve.step(*money + open);
            self.cohorts[cohort.index()].last += record.curve.last - before;
            record.steps_held += u64::from(position.is_some());
        }
        for cohort in &mut self.cohorts {
            cohort.step(cohort.last);
        }
        for (index, record) in self.portfolios.iter_mut().enumerate() {
            record.curve.step(equity_of(PortfolioId::at(index)));
        }
    }

    fn days(&self) -> f64 {
        self.from.map_or(0.0, |from| self.to.since(from) as f64 / DAY_MS as f64)
    }

    fn ends_on_midnight(&self) -> bool {
        self.to.0.rem_euclid(DAY_MS) == 0
    }

    fn agent_sample(&self, agent: AgentId, supervisor: &Supervisor) -> Sample {
        let record = &self.agents[agent.index()];
        let account = supervisor.agent(agent);
        Sample {
            trade_results: self.results(|closer| closer == agent),
            daily_equity: record.curve.daily(self.ends_on_midnight()),
            days: self.days(),
            max_drawdown: record.curve.max_drawdown(),
            entry_leverage: record.entry_leverage.clone(),
            exposure: (self.steps > 0).then(|| record.steps_held as f64 / self.steps as f64),
            entry_confidence: record.entry_confidence.clone(),
            fees: account.fees,
            funding: account.funding,
            slippage: account.slippage,
            decisions: record.decisions,
            intents: record.intents,
            rejections: record.rejections,
        }
    }

    fn cohort_sample(&self, cohort: usize, samples: &[Sample]) -> Sample {
        let members: Vec<usize> =
            (0..samples.len()).filter(|agent| self.plan.agents[*agent].cohort.index() == cohort).collect();
        let curve = &self.cohorts[cohort];
        let mut sum = Sample {
            daily_equity: curve.daily(self.ends_on_midnight()),
            days: self.days(),
            max_drawdown: curve.max_drawdown(),
            ..Sample::default()
        };
        for member in &members {
            let sample = &samples[*member];
            sum.entry_leverage.extend(&sample.entry_leverage);
            sum.entry_confidence.extend(&sample.entry_confidence);
            sum.fees += sample.fees;
            sum.funding += sample.funding;
            sum.slippage += sample.slippage;
            sum.decisions += sample.decisions;
            sum.intents += sample.intents;
            sum.rejections += sample.rejections;
        }
        let exposures = members.iter().filter_map(|member| samples[*member].exposure);
        sum.exposure = (!members.is_empty()).then(|| exposures.sum::<f64>() / members.len() as f64);
        // In order of closing, over all members: runs of losses are the cohort's.
        sum.trade_results = self.results(|agent| self.plan.agents[agent.index()].cohort.index() == cohort);
        sum
    }

    /// Net results of some agents' trades, in order of closing.
    fn results(&self, whose: impl Fn(AgentId) -> bool) -> Vec<Usd> {
        self.closed.iter().filter(|(agent, _)| whose(*agent)).map(|(_, net)| *net).collect()
    }

    /// The comparison that the plan's experiment asks for.
    pub fn comparison(&self) -> Option<Comparison> {
        let experiment = self.plan.experiment?;
        let curve = |cohort: CohortId| {
            let daily = self.cohorts[cohort.index()].daily(self.ends_on_midnight());
            (self.plan.cohorts[cohort.index()].name.as_str(), daily)
        };
        let (control, treatment) = (curve(experiment.control), curve(experiment.treatment));
        Some(compare((control.0, &control.1), (treatment.0, &treatment.1)))
    }

    /// The report as of now.
    pub fn report(
        &self,
        supervisor: &Supervisor,
        fingerprint: String,
        gaps: u64,
        partial: bool,
        load_s: f64,
        run_s: f64,
    ) -> Report {
        let plan = &self.plan;
        let samples: Vec<Sample> =
            (0..plan.agents.len()).map(|index| self.agent_sample(AgentId::at(index), supervisor)).collect();
        let agents = plan.agents.iter().zip(&samples).map(|(agent, sample)| (agent.name.clone(), Metrics::of(sample)));
        let cohorts = plan
            .cohorts
            .iter()
            .enumerate()
            .map(|(index, cohort)| (cohort.name.clone(), Metrics::of(&self.cohort_sample(index, &samples))));
        let portfolios = plan.portfolios.iter().enumerate().map(|(index, portfolio)| {
            (portfolio.name.clone(), self.portfolio_report(index, portfolio.equity, supervisor))
        });
        let agent_candles = self.agents.iter().map(|agent| agent.decisions).sum();
        Report {
            schema: REPORT_SCHEMA,
            fingerprint,
            from: self.from.unwrap_or(self.to).to_string(),
            to: self.to.to_string(),
            partial,
            market: MarketReport {
                symbols: plan.instruments.iter().map(|instrument| instrument.symbol.clone()).collect(),
                candles: self.candles,
                gaps,
            },
            cohorts: cohorts.collect(),
            agents: agents.collect(),
            portfolios: portfolios.collect(),
            comparison: self.comparison(),
            timing: Timing {
                load_s,
                run_s,
                agent_candles,
                agent_candles_per_s: if run_s > 0.0 { agent_candles as f64 / run_s } else { 0.0 },
            },
        }
    }

    fn portfolio_report(&self, index: usize, start_equity: Usd, supervisor: &Supervisor) -> PortfolioReport {
        let record = &self.portfolios[index];
        let portfolio = supervisor.portfolio(PortfolioId::at(index));
        PortfolioReport {
            start_equity,
            end_equity: portfolio.equity,
            peak_open_positions: portfolio.peak_open_positions,
            peak_leverage: portfolio.peak_leverage,
            max_drawdown: portfolio.max_drawdown,
            breaker: BreakerReport {
                tripped: record.tripped_at.is_some(),
                at: record.tripped_at.map(|at| at.to_string()),
            },
            rejections: record.rejections.iter().map(|(reason, count)| (reason.clone().into_owned(), *count)).collect(),
        }
    }
}
