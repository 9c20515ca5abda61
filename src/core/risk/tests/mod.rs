//! Specifications of the supervisor. [`World`] is a supervisor with a journal and a venue played by hand.

mod agents;
mod breaker;
mod checks;
mod follow;
mod guard;
mod life;
mod marks;
mod money;
mod properties;
mod protect;
mod sizing;
mod turns;

use super::{Command, Effects, Refusal, RefusalReason, Supervisor};
use crate::ledger::Trade;
use crate::model::*;
use std::sync::Arc;

pub(super) const BTC: SymbolId = SymbolId(0);
pub(super) const P0: PortfolioId = PortfolioId(0);

pub(super) fn price(text: &str) -> Price {
    text.parse().unwrap()
}
pub(super) fn qty(text: &str) -> Qty {
    text.parse().unwrap()
}
pub(super) fn usd(text: &str) -> Usd {
    text.parse().unwrap()
}
pub(super) fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

pub(super) fn instrument(symbol: &str) -> Instrument {
    let bracket = |cap, max_leverage| LeverageBracket {
        notional_cap: Usd::whole(cap),
        max_leverage,
        maintenance_rate: Rate::percent(1),
        maintenance_amount: Usd::ZERO,
    };
    Instrument {
        symbol: symbol.into(),
        tick: price("0.1"),
        step: qty("0.001"),
        min_qty: qty("0.001"),
        max_qty: Qty::whole(10_000),
        max_market_qty: Qty::whole(500),
        min_notional: Usd::whole(5),
        price_band: Rate::percent(5),
        market_take_bound: Rate::percent(5),
        liquidation_fee: Rate::bps(100),
        max_open_orders: 200,
        brackets: vec![bracket(100_000, 20), bracket(1_000_000, 4)],
    }
}

/// Three symbols; portfolio 0 with agents 0 to 2 on one symbol each and agent 3 on the first again;
/// portfolio 1 with agent 4 on the first. No limits but a stop is not demanded either.
pub(super) fn plan() -> Plan {
    let portfolio = |name: &str| PortfolioPlan {
        name: name.into(),
        equity: Usd::whole(10_000),
        limits: Limits::default(),
        breaker_samples: 2,
        on_trip: OnTrip::Halt,
        require_stop: false,
    };
    let agent = |name: &str, portfolio: u16, symbol: u16| AgentPlan {
        name: name.into(),
        cohort: CohortId(portfolio),
        portfolio: PortfolioId(portfolio),
        symbol: SymbolId(symbol),
        rule: "test".into(),
        params: std::sync::Arc::new(serde_json::Value::Null),
        limits: Limits::default(),
    };
    let cohort = |name: &str, portfolio: u16| CohortPlan { name: name.into(), portfolio: PortfolioId(portfolio) };
    Plan {
        name: "test".into(),
        mode: Mode::Backtest,
        base: Interval::M5,
        intervals: vec![Interval::M5],
        gaps: GapPolicy::Reset,
        instruments: vec![instrument("BTCUSDT"), instrument("ETHUSDT"), instrument("SOLUSDT")],
        exchange: ExchangeParams { taker_fee: Rate::bps(10), ..ExchangeParams::default() },
        limits: Limits::default(),
        portfolios: vec![portfolio("one"), portfolio("two")],
        cohorts: vec![cohort("one", 0), cohort("two", 1)],
        agents: vec![agent("a", 0, 0), agent("b", 0, 1), agent("c", 0, 2), agent("d", 0, 0), agent("e", 1, 0)],
        experiment: None,
        entry_protection: EntryProtection::Single,
        max_mark_jump: None,
        naked_timeout_ms: crate::model::NAKED_TIMEOUT_MS,
    }
}

pub(super) fn stop(distance: &str) -> ExitPlan {
    ExitPlan {
        stop: Some(StopPlan { distance: price(distance), break_even: None, trail: None }),
        ..ExitPlan::default()
    }
}

pub(super) fn with_targets(mut plan: ExitPlan, targets: &[(&str, &str)]) -> ExitPlan {
    plan.targets = targets.iter().map(|(at, fraction)| TargetPlan { at: rate(at), fraction: rate(fraction) }).collect();
    plan
}

pub(super) fn buy(quantity: &str) -> Entry {
    Entry {
        side: Side::Buy,
        size: Size::Qty(qty(quantity)),
        leverage: Rate::whole(2),
        order: EntryOrder::Market,
        exits: ExitPlan::default(),
    }
}

pub(super) fn sell(quantity: &str) -> Entry {
    Entry { side: Side::Sell, ..buy(quantity) }
}

pub(super) fn limit(entry: Entry, at: &str) -> Entry {
    Entry { order: EntryOrder::Limit { price: price(at), post_only: false, expire_after_ms: 10 * MINUTE_MS }, ..entry }
}

/// Post-only, and what is left after ten minutes at the market.
pub(super) fn then_market(entry: Entry, at: &str) -> Entry {
    let order = EntryOrder::LimitThenMarket { price: price(at), post_only: true, expire_after_ms: 10 * MINUTE_MS };
    Entry { order, ..entry }
}

/// A supervisor, its journal, and what it sent.
pub(super) struct World {
    pub(super) supervisor: Supervisor,
    pub(super) plan: Arc<Plan>,
    pub(super) now: Time,
    pub(super) journal: Vec<Fact>,
    pub(super) trades: Vec<Trade>,
    out: Effects,
    sent: Vec<Command>,
    trade: u64,
}

impl World {
    /// All agents run and all symbols closed at 100.
    pub(super) fn new(plan: Plan) -> Self {
        let mut world = Self::silent(plan);
        for agent in 0..world.plan.agents.len() {
            world.agent(agent as u32, AgentChange::Started);
        }
        world.step("100");
        world
    }

    pub(super) fn with(change: impl FnOnce(&mut Plan)) -> Self {
        let mut plan = plan();
        change(&mut plan);
        Self::new(plan)
    }

    /// Nobody runs and no price is known.
    pub(super) fn silent(plan: Plan) -> Self {
        let plan = Arc::new(plan);
        Self {
            supervisor: Supervisor::new(Arc::clone(&plan)),
            plan,
            now: Time(DAY_MS),
            journal: Vec::new(),
            trades: Vec::new(),
            out: Effects::default(),
            sent: Vec::new(),
            trade: 0,
        }
    }

    pub(super) fn drain(&mut self) {
        self.journal.append(&mut self.out.facts);
        self.sent.append(&mut self.out.commands);
        self.trades.append(&mut self.out.trades);
    }

    /// What was sent since the last call, as text.
    pub(super) fn sent(&mut self) -> Vec<String> {
        self.sent.drain(..).map(|command| describe(&command)).collect()
    }

    pub(super) fn commands(&mut self) -> Vec<Command> {
        std::mem::take(&mut self.sent)
    }

    pub(super) fn wish(&mut self, agent: u32, kind: IntentKind) -> Verdict {
        let plan = &self.plan.agents[agent as usize];
        let reference = self.supervisor.market.price(plan.symbol, self.now).unwrap_or(Price::whole(100));
        let intent = Intent {
            agent: AgentId(agent),
            portfolio: plan.portfolio,
            symbol: plan.symbol,
            decided_at: self.now,
            reference,
            kind,
        };
        self.intent(&intent)
    }

    pub(super) fn intent(&mut self, intent: &Intent) -> Verdict {
        let verdict = self.supervisor.on_intent(self.now, intent, &mut self.out);
        self.drain();
        verdict
    }

    pub(super) fn open(&mut self, agent: u32, entry: Entry) -> Verdict {
        self.wish(agent, IntentKind::Open(entry))
    }

    pub(super) fn close(&mut self, agent: u32) -> Verdict {
        self.wish(agent, IntentKind::Close { reason: ExitReason::Signal })
    }

    pub(super) fn agent(&mut self, agent: u32, change: AgentChange) {
        self.supervisor.on_agent(self.now, AgentId(agent), change, &mut self.out);
        self.drain();
    }

    pub(super) fn venue(&mut self, portfolio: PortfolioId, event: VenueEvent) {
        self.supervisor.on_venue(portfolio, &event, &mut self.out);
        self.drain();
        crate::invariants::check(&self.supervisor).unwrap();
    }

    /// A report on order `agent-intent-leg`.
    pub(super) fn report(&mut self, id: &str, kind: ReportKind) {
        let id = order_id(id);
        let agent = &self.plan.agents[id.intent.agent.index()];
        let (portfolio, symbol) = (agent.portfolio, agent.symbol);
        self.venue(portfolio, VenueEvent::Order { id, symbol, at: self.now, kind });
    }

    pub(super) fn accept(&mut self, id: &str) {
        self.report(id, ReportKind::Accepted);
    }

    /// `side qty at price, leaves`; a fee of 0.1 %.
    pub(super) fn fill(&mut self, id: &str, side: Side, quantity: &str, at: &str, leaves: &str) {
        self.trade += 1;
        let (quantity, at) = (qty(quantity), price(at));
        let fee = Usd::notional(at, quantity, Round::Up).times(Rate::bps(10), Round::Up);
        let fill = Fill { trade: self.trade, side, price: at, qty: quantity, fee, maker: false, slippage: Usd::ZERO };
        self.report(id, ReportKind::Filled { fill, leaves: qty(leaves) });
    }

    /// Opens a long at 100 for agent 0 with this plan and accepts its first stop.
    pub(super) fn long(&mut self, quantity: &str, exits: ExitPlan) {
        self.open(0, Entry { exits, ..buy(quantity) });
        let id = format!("0-{}-0", self.supervisor.agent(AgentId(0)).intents);
        self.fill(&id, Side::Buy, quantity, "100", "0");
    }

    /// Marks of one symbol.
    pub(super) fn mark(&mut self, portfolio: PortfolioId, symbol: SymbolId, at: &str) {
        self.now = self.now.plus(1);
        let marks = [Mark { symbol, price: price(at) }];
        self.supervisor.on_marks(portfolio, self.now, &marks, &mut self.out);
        self.drain();
        crate::invariants::check(&self.supervisor).unwrap();
    }

    /// A candle of all symbols that closes at `close`, the marks of its close, and the end of its step.
    pub(super) fn step(&mut self, close: &str) {
        let close_time = self.now.floor(5 * MINUTE_MS).plus(5 * MINUTE_MS);
        self.begin_step(close_time, close);
        self.end_step();
    }

    pub(super) fn begin_step(&mut self, close_time: Time, close: &str) {
        let close = price(close);
        for index in 0..self.plan.instruments.len() {
            let symbol = SymbolId(index as u16);
            let candle = Candle {
                open_time: close_time.plus(-5 * MINUTE_MS),
                open: close,
                high: close,
                low: close,
                close,
                volume: 1.0,
            };
            self.supervisor.on_candle(symbol, &candle, close_time);
            self.journal.push(Fact::Candle { symbol, candle });
        }
        self.now = close_time;
        let marks: Vec<_> = (0..self.plan.instruments.len())
            .map(|index| Mark { symbol: SymbolId(index as u16), price: close })
            .collect();
        for portfolio in 0..self.plan.portfolios.len() {
            self.supervisor.on_marks(PortfolioId(portfolio as u16), self.now, &marks, &mut self.out);
        }
        self.drain();
    }

    /// Ends the step, checks the clocks, and that a fold of the journal is this very supervisor.
    pub(super) fn end_step(&mut self) {
        self.supervisor.end_step(self.now, &mut self.out);
        self.drain();
        crate::invariants::clocks(&self.supervisor, self.now).unwrap();
        self.assert_folds();
    }

    pub(super) fn assert_folds(&self) {
        let mut folded = Supervisor::new(Arc::clone(&self.plan));
        self.journal.iter().for_each(|fact| folded.apply(fact));
        if folded != self.supervisor {
            let (folded, live) = (format!("{folded:#?}"), format!("{:#?}", self.supervisor));
            let differences: Vec<_> = folded.lines().zip(live.lines()).filter(|(a, b)| a != b).take(8).collect();
            panic!("the fold differs from the live supervisor: {differences:#?}");
        }
    }

    pub(super) fn flatten(&mut self, portfolio: PortfolioId) {
        self.supervisor.flatten(self.now, portfolio, &mut self.out);
        self.drain();
    }

    pub(super) fn gate(&mut self, gated: bool) {
        self.supervisor.set_gate(self.now, P0, gated, &mut self.out);
        self.drain();
    }

    pub(super) fn reset(&mut self, scope: BreakerScope, reason: &str) -> Result<(), super::ResetError> {
        let result = self.supervisor.reset_breaker(self.now, scope, reason, &mut self.out);
        self.drain();
        result
    }

    pub(super) fn breaker_facts(&self) -> Vec<&BreakerChange> {
        let changes = self.journal.iter().filter_map(|fact| match fact {
            Fact::Breaker { change, .. } => Some(change),
            _ => None,
        });
        changes.collect()
    }
}

pub(super) fn order_id(text: &str) -> OrderId {
    let parts: Vec<u32> = text.split('-').map(|part| part.parse().unwrap()).collect();
    OrderId { intent: IntentId { agent: AgentId(parts[0]), number: parts[1] }, leg: parts[2] as u16 }
}

pub(super) fn describe(command: &Command) -> String {
    match command {
        Command::Cancel(cancel) => format!("cancel {}", cancel.get().id),
        Command::Enter { entry, stop } => {
            format!("{} with {}", describe_order(entry.get()), describe_order(stop.get()))
        }
        Command::Place(order) => describe_order(order.get()),
    }
}

pub(super) fn describe_order(order: &Order) -> String {
    let side = if order.side == Side::Buy { "buy" } else { "sell" };
    let kind = match order.kind {
        OrderKind::Market => "market".to_owned(),
        OrderKind::Limit { price, .. } => format!("limit {price}"),
        OrderKind::StopMarket { trigger } => format!("stop {trigger}"),
        OrderKind::TakeProfitMarket { trigger } => format!("target {trigger}"),
        OrderKind::TrailingStopMarket { callback, .. } => format!("trailing {callback}"),
    };
    let size = if order.close_position { "all".to_owned() } else { order.qty.to_string() };
    let reduce = if order.reduce_only || order.close_position { " reduce" } else { "" };
    format!("{} {:?} {side} {size} {kind}{reduce}", order.id, order.purpose)
}

pub(super) fn refused(verdict: &Verdict) -> Refusal {
    match verdict {
        Verdict::Refused(refusal) => *refusal,
        other => panic!("{other:?} is not a refusal"),
    }
}

pub(super) fn resized(verdict: &Verdict) -> Refusal {
    match verdict {
        Verdict::Resized(refusal) => *refusal,
        other => panic!("{other:?} is not cut"),
    }
}

pub(super) fn assert_refused(verdict: &Verdict, reason: RefusalReason, level: super::Level) {
    let refusal = refused(verdict);
    assert_eq!((refusal.reason, refusal.level), (reason, level), "{refusal}");
}
