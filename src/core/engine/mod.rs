//! The loop host: the whole swarm as one value, stepped by a tape. Backtests and sweeps run it; the
//! actors do the same calls in the same order over messages (`docs/architecture.md`, "The step").
//!
//! It knows no journal file, no report and no clock: facts go to a [`Sink`].

mod act;
mod calm;
mod consult;
mod crew;
mod fleet;
mod lifecycle;
mod outlook;
mod sink;
mod stretch;

pub use act::{OperatorAct, Resumed};
pub use consult::{Answer, RulePanic, Standing, consult, judge, may_act};
pub use crew::{BuildError, Crew, MakeRule};
pub use fleet::Fleet;
pub use lifecycle::{AfterPanic, LifeState, Lifecycle, RestartPolicy};
pub use sink::Sink;

use crate::exchange::{Exchange, POINTS};
use crate::features::{Hub, Reel, Wants};
use crate::model::{
    AgentChange, AgentId, AgentPlan, Fact, FundingDue, Instrument, Mark, Plan, PortfolioId, PortfolioPlan, Rate, Side,
    Step, SymbolId, Tape, Usd, VenueEvent, Verdict,
};
use crate::risk::{Command, Effects, Supervisor};
use crate::rule::{AccountView, Rule};
use calm::Calm;
use outlook::Outlook;
use std::sync::Arc;
use stretch::Stretch;

/// Bytes of features that are looked at at a time: a part of a core's first cache.
const REEL_BYTES: usize = 16 * 1024;

/// How a run is recorded.
#[derive(Clone, Copy, Debug, Default)]
pub struct EngineOptions {
    /// Record HOLD decisions in full.
    pub record_holds: bool,
    /// Give the sink a `Fact::Candle` for each candle and a `Fact::FundingDue` for each payment: needed by a
    /// journal, not by a fingerprint.
    pub record_candles: bool,
    /// How a panicking rule is treated.
    pub restart: RestartPolicy,
}

/// The whole swarm.
pub struct Engine<M> {
    plan: Arc<Plan>,
    options: EngineOptions,
    make: M,
    /// Computes the features, where nobody else does.
    hub: Option<Hub>,
    /// Shows them, of this step and of some around it.
    reel: Arc<Reel>,
    at: usize,
    /// By symbol; of many engines the same.
    wants: Arc<Vec<Wants>>,
    rules: Vec<Box<dyn Rule>>,
    lives: Vec<Lifecycle>,
    supervisor: Supervisor,
    exchanges: Vec<Exchange>,
    funding_rates: Vec<Option<Rate>>,
    calm: Calm,
    stretch: Stretch,
    outlook: Outlook,
    walks_always: bool,
    // Buffers that live as long as the engine, so that a step does not allocate.
    effects: Effects,
    events: Vec<VenueEvent>,
    marks: Vec<Mark>,
    step: Step,
}

impl<M: MakeRule> Engine<M> {
    /// A swarm at rest, before its first step.
    pub fn new(plan: Arc<Plan>, make: M, options: EngineOptions) -> Result<Self, BuildError> {
        let crew = Crew::build(&plan, &make)?;
        let hub = Hub::new(plan.base, plan.gaps, &crew.wants)?;
        let reel = Arc::new(Reel::new(&hub));
        Ok(Self::with(plan, make, options, crew.rules, Arc::new(crew.wants), Some(hub), reel))
    }

    #[allow(clippy::too_many_arguments)] // What a swarm is put together from; a struct would be built to be taken apart.
    pub(super) fn with(
        plan: Arc<Plan>,
        make: M,
        options: EngineOptions,
        rules: Vec<Box<dyn Rule>>,
        wants: Arc<Vec<Wants>>,
        hub: Option<Hub>,
        reel: Arc<Reel>,
    ) -> Self {
        let instruments: Arc<[Instrument]> = plan.instruments.clone().into();
        let account = |portfolio: &PortfolioPlan| {
            Exchange::new(plan.exchange.clone(), Arc::clone(&instruments), portfolio.equity)
        };
        Self {
            hub,
            reel,
            at: 0,
            wants,
            lives: vec![Lifecycle::default(); rules.len()],
            outlook: Outlook::of(rules.len()),
            rules,
            supervisor: Supervisor::new(Arc::clone(&plan)),
            exchanges: plan.portfolios.iter().map(account).collect(),
            funding_rates: vec![None; plan.instruments.len()],
            calm: Calm::default(),
            stretch: Stretch::default(),
            walks_always: false,
            effects: Effects::default(),
            events: Vec::new(),
            marks: Vec::new(),
            step: Step::default(),
            plan,
            options,
            make,
        }
    }

    /// Walks every path, even where nothing can come of it: slower, and to check that it makes no difference.
    pub fn walk_always(mut self) -> Self {
        self.walks_always = true;
        self
    }

    /// What it was built from.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }
    /// Positions, equity, breakers.
    pub fn supervisor(&self) -> &Supervisor {
        &self.supervisor
    }
    /// The simulated account of a portfolio.
    pub fn exchange(&self, portfolio: PortfolioId) -> &Exchange {
        &self.exchanges[portfolio.index()]
    }
    /// The feed; none of a swarm that is [shown](Self::show) its features.
    pub const fn hub(&self) -> Option<&Hub> {
        self.hub.as_ref()
    }

    /// Runs a tape to its end, or until `keep_going` says no. That is asked after some steps at a time, with what was
    /// played; a swarm that was stopped so does not go on, since its feed is ahead of it.
    pub fn run(
        &mut self,
        tape: &mut dyn Tape,
        sink: &mut impl Sink,
        mut keep_going: impl FnMut(&Reel) -> bool,
    ) -> bool {
        let most = self.reel.steps_in(REEL_BYTES);
        let mut is_complete = true;
        while is_complete && self.record(|reel, hub| reel.record(hub, tape, most)) {
            self.play(sink);
            is_complete = keep_going(&self.reel);
        }
        self.settle();
        is_complete
    }

    /// Shows the next steps with their features. Call [`settle`](Self::settle) after the last.
    pub fn show(&mut self, reel: &Arc<Reel>, sink: &mut impl Sink) {
        self.reel = Arc::clone(reel);
        self.play(sink);
    }

    /// Brings supervisor and accounts to the last step taken.
    pub fn settle(&mut self) {
        self.land();
    }

    /// One step: everything that belongs to the candles which closed at `step.close_time`.
    pub fn step(&mut self, step: &Step, sink: &mut impl Sink) {
        self.record(|reel, hub| reel.record_one(hub, step));
        self.at = 0;
        self.outlook.forget();
        self.take(step, sink);
    }

    /// Lets the feed write the reel.
    ///
    /// # Panics
    /// When it has none, and is shown its features.
    fn record<T>(&mut self, write: impl FnOnce(&mut Reel, &mut Hub) -> T) -> T {
        let hub = self.hub.as_mut().expect("invariant: only a swarm with a feed of its own is stepped or run");
        write(Arc::make_mut(&mut self.reel), hub)
    }

    /// Takes all steps of the reel, one by one or many together.
    fn play(&mut self, sink: &mut impl Sink) {
        self.at = 0;
        self.outlook.forget();
        let mut step = std::mem::take(&mut self.step);
        while self.at < self.reel.len() {
            if !self.glide(&mut step, sink) {
                self.reel.steps().read(self.at, &mut step);
                self.take(&step, sink);
                self.at += 1;
            }
        }
        self.step = step;
    }

    /// One step, of which the reel shows the features.
    fn take(&mut self, step: &Step, sink: &mut impl Sink) {
        self.land();
        self.stretch.end();
        let interval = self.plan.base;
        for (index, candle) in step.candles.iter().enumerate() {
            let Some(candle) = candle else { continue };
            self.supervisor.on_candle(SymbolId::at(index), candle, step.close_time);
            if self.options.record_candles {
                sink.fact(&Fact::Candle { symbol: SymbolId::at(index), candle: *candle });
            }
        }
        if self.options.record_candles {
            for due in &step.funding {
                sink.fact(&Fact::FundingDue { symbol: due.symbol, at: due.at, rate: due.rate });
            }
        }
        for exchange in &mut self.exchanges {
            exchange.begin(interval, &step.candles);
        }
        for due in &step.funding {
            self.fund(due, sink);
        }
        if !self.walks_always && self.calm.holds(step, interval.ms(), &self.exchanges, &self.supervisor) {
            self.pass(step);
        } else {
            self.calm.end();
            self.walk_all(step, sink);
        }
        self.decide(step, sink);
        self.end_step(step, sink);
    }

    fn end_step(&mut self, step: &Step, sink: &mut impl Sink) {
        self.supervisor.end_step(step.close_time, &mut self.effects);
        self.dispatch(step.close_time, sink);
        sink.step_end(step, &self.supervisor);
    }

    fn fund(&mut self, due: &FundingDue, sink: &mut impl Sink) {
        self.funding_rates[due.symbol.index()] = Some(due.rate);
        for index in 0..self.exchanges.len() {
            self.exchanges[index].fund(due.at, due.symbol, due.rate, &mut self.events);
            self.take_events(PortfolioId::at(index), sink);
        }
    }

    /// Walks the path of all accounts. Most of what happens in a step happens at its open, where orders of the
    /// last decision arrive; so whether the rest is calm is asked once more after it.
    fn walk_all(&mut self, step: &Step, sink: &mut impl Sink) {
        for point in 0..POINTS {
            for index in 0..self.exchanges.len() {
                self.walk(PortfolioId::at(index), point, sink);
            }
            let asks = point == 0 && !self.walks_always;
            if asks && self.calm.holds(step, self.plan.base.ms(), &self.exchanges, &self.supervisor) {
                self.pass(step);
                return;
            }
        }
    }

    /// Goes to the end of a calm step at once: the same state as walking there.
    fn pass(&mut self, step: &Step) {
        self.exchanges.iter_mut().for_each(Exchange::pass);
        self.supervisor.rest_until(step.close_time);
        self.supervisor.stand_at(|symbol| step.close_of(symbol));
    }

    /// Moves one account to a point of the candle, letting the supervisor react to each instant.
    fn walk(&mut self, portfolio: PortfolioId, point: usize, sink: &mut impl Sink) {
        let index = portfolio.index();
        if self.exchanges[index].is_idle() && !self.supervisor.has_exposure(portfolio) {
            self.exchanges[index].advance(point, &mut self.events);
            return;
        }
        loop {
            self.exchanges[index].advance(point, &mut self.events);
            if self.events.is_empty() {
                break;
            }
            self.take_events(portfolio, sink);
        }
        if self.supervisor.has_exposure(portfolio) {
            self.marks.clear();
            self.exchanges[index].marks(&mut self.marks);
            let at = self.exchanges[index].now();
            self.supervisor.on_marks(portfolio, at, &self.marks, &mut self.effects);
            self.dispatch(at, sink);
        }
    }

    /// The supervisor takes the events of one instant as a batch; its commands go to the exchange.
    fn take_events(&mut self, portfolio: PortfolioId, sink: &mut impl Sink) {
        let Some(at) = self.events.last().map(VenueEvent::at) else { return };
        for event in self.events.drain(..) {
            self.supervisor.on_venue(portfolio, &event, &mut self.effects);
        }
        self.dispatch(at, sink);
    }

    fn decide(&mut self, step: &Step, sink: &mut impl Sink) {
        // Of the last agent's portfolio: agents of one are mostly declared together.
        let mut account = AccountView { equity: Usd::ZERO, max_positions: 0, max_leverage: Rate::ZERO };
        let mut account_of = None;
        for index in 0..self.rules.len() {
            let agent = AgentId::at(index);
            if self.lives[index].restart_if_due(step.close_time) {
                self.restart(agent, step, sink);
            }
            let AgentPlan { symbol, portfolio, .. } = self.plan.agents[index];
            let Some(Some(candle)) = step.candles.get(symbol.index()) else { continue };
            if !self.lives[index].runs() {
                continue;
            }
            let Some(frame) = self.reel.frame(symbol, self.at) else { continue };
            let (position, entry_pending) = self.supervisor.position_and_pending(agent);
            let held = position.map(|position| Side::of(position.qty));
            let is_known_to_hold = self.outlook.holds(agent, held, self.at);
            if !self.options.record_holds && (is_known_to_hold || !may_act(self.rules[index].as_ref(), &frame, held)) {
                sink.decided(agent);
                continue;
            }
            if account_of != Some(portfolio) {
                account = self.supervisor.account_view(portfolio);
                account_of = Some(portfolio);
            }
            let (stats, funding_rate) = (self.supervisor.stats(agent), self.funding_rates[symbol.index()]);
            let standing = Standing { position, entry_pending, account, stats, funding_rate };
            let rule = self.rules[index].as_mut();
            match consult(rule, &self.plan, symbol, frame, &standing, self.options.record_holds) {
                Ok(answer) => {
                    sink.decided(agent);
                    if answer.explanation.is_some() {
                        let (open, close) = (candle.open_time, candle.close);
                        let (supervisor, effects) = (&mut self.supervisor, &mut self.effects);
                        let now = step.close_time;
                        judge(&self.plan, supervisor, agent, open, now, now, close, answer, effects);
                        self.dispatch(step.close_time, sink);
                    }
                }
                Err(panic) => self.panicked(agent, panic, step, sink),
            }
        }
    }

    fn panicked(&mut self, agent: AgentId, panic: RulePanic, step: &Step, sink: &mut impl Sink) {
        let after = self.lives[agent.index()].panicked(step.close_time, &self.options.restart);
        let change = AgentChange::Panicked { message: panic.0 };
        self.supervisor.on_agent(step.close_time, agent, change, &mut self.effects);
        if after == AfterPanic::Fail {
            self.supervisor.on_agent(step.close_time, agent, AgentChange::Failed, &mut self.effects);
        }
        self.dispatch(step.close_time, sink);
    }

    fn restart(&mut self, agent: AgentId, step: &Step, sink: &mut impl Sink) {
        self.renew_rule(agent);
        self.supervisor.on_agent(step.close_time, agent, AgentChange::Started, &mut self.effects);
        self.dispatch(step.close_time, sink);
    }

    /// Gives facts and trades to the sink and commands to the exchanges.
    fn dispatch(&mut self, now: crate::model::Time, sink: &mut impl Sink) {
        for fact in self.effects.facts.drain(..) {
            if disturbs(&fact) {
                self.calm.end();
                self.stretch.end();
            }
            sink.fact(&fact);
        }
        for trade in self.effects.trades.drain(..) {
            sink.trade(&trade);
        }
        for command in self.effects.commands.drain(..) {
            obey(&mut self.exchanges, now, &command);
        }
    }
}

/// Whether something may have to be done after this fact that had not to be done before. A wish that is refused
/// changes neither position nor order.
const fn disturbs(fact: &Fact) -> bool {
    !matches!(
        fact,
        Fact::StepEnd { .. }
            | Fact::Signal(_)
            | Fact::Hold(_)
            | Fact::Intent { .. }
            | Fact::Verdict { verdict: Verdict::Refused(_), .. }
    )
}

/// Hands one command to the exchange of its portfolio.
fn obey(exchanges: &mut [Exchange], now: crate::model::Time, command: &Command) {
    match command {
        Command::Place(order) => exchanges[order.get().portfolio.index()].submit(now, order.get()),
        // There are no strategies here: a stop with nothing to reduce yet is refused.
        Command::Enter { entry, stop } => {
            let exchange = &mut exchanges[entry.get().portfolio.index()];
            exchange.submit(now, entry.get());
            exchange.submit(now, stop.get());
        }
        Command::Cancel(cancel) => {
            let cancel = cancel.get();
            exchanges[cancel.portfolio.index()].cancel(now, cancel.id, cancel.symbol);
        }
    }
}
