//! Invariant 25: nothing is done on account of a price that the market never had. A position is never valued at one,
//! no stop stands where only one would have brought it, and no breaker trips on an equity that only one could give.
//! What the market had is the [`truth`](super::truth), and what was told of it is not asked.

use super::audit::Audit;
use super::truth::{Span, Truth};
use crate::model::{
    AgentId, BreakerChange, BreakerScope, Fact, Intent, IntentId, IntentKind, ONE, Order, OrderKind, Plan, PortfolioId,
    Price, Purpose, Rate, Round, Side, StopPlan, SymbolId, Time, Usd,
};
use crate::orders::{better, moved_stop, stop_price};
use crate::risk::{OpenPosition, Supervisor};
use std::collections::BTreeMap;

/// Executions are that much beside the market's price at most, and a position's first mark is its execution.
const BESIDE: Rate = Rate::percent(2);

/// Roundings of a sum, in USDT.
const ROUNDING: Usd = Usd(1_000);

/// What is remembered of stops, and what the market was.
#[derive(Clone, Debug)]
pub(super) struct Marks {
    pub(super) truth: Truth,
    /// By intent that opens: what it wants of its stop.
    plans: BTreeMap<IntentId, StopPlan>,
    /// By intent: the best stop so far.
    stops: BTreeMap<IntentId, Price>,
}

impl Marks {
    pub(super) fn new(symbols: usize) -> Self {
        Self { truth: Truth::new(symbols), plans: BTreeMap::new(), stops: BTreeMap::new() }
    }

    /// An intent was numbered.
    pub(super) fn intent(&mut self, id: IntentId, intent: &Intent) {
        if let IntentKind::Open(entry) | IntentKind::Reverse(entry) = &intent.kind
            && let Some(stop) = entry.exits.stop
        {
            self.plans.insert(id, stop);
        }
    }

    /// The best stop that the market could have led to; none where it is not known what was wanted.
    fn best_stop(&self, held: &OpenPosition, tick: Price) -> Option<Price> {
        let (plan, side) = (self.plans.get(&held.intent)?, Side::of(held.qty));
        let span = self.truth.since(held.symbol, held.opened_at)?;
        let best = if side == Side::Buy { span.high.max(held.entry_price) } else { span.low.min(held.entry_price) };
        // It is reckoned from the first execution, or before any from the limit or the last price: somewhere in the span.
        let first = stop_price(side, best, plan.distance, tick);
        let moved = moved_stop(side, plan, held.entry_price, best, tick);
        let before = self.stops.get(&held.intent).copied();
        Some([moved, before].into_iter().flatten().fold(first, |best, price| better(side, best, price)))
    }

    /// Whether the market was lately near a price.
    fn knows(&self, symbol: SymbolId, price: Price) -> bool {
        let Some(Span { low, high }) = self.truth.told_lately(symbol) else { return true };
        price >= low - low.times(BESIDE, Round::Up) && price <= high + high.times(BESIDE, Round::Up)
    }

    /// The least that an account's open positions may be worth, of one agent or of all.
    fn least(&self, books: &Supervisor, portfolio: PortfolioId, agent: Option<AgentId>) -> Usd {
        let own = books.positions(portfolio).filter(|one| agent.is_none_or(|agent| one.agent == agent));
        own.map(|one| {
            let mut span = self.truth.told_lately(one.symbol).unwrap_or(Span { low: one.mark, high: one.mark });
            span.include(Span { low: one.entry_price, high: one.entry_price });
            let (low, high) =
                (span.low - span.low.times(BESIDE, Round::Up), span.high + span.high.times(BESIDE, Round::Up));
            let worst = if one.qty.0 > 0 { low } else { high };
            let moved = i128::from(one.qty.0) * i128::from((worst - one.mark).0) / i128::from(ONE);
            one.unrealized + Usd(i64::try_from(moved).unwrap_or(i64::MIN / 4)) - ROUNDING
        })
        .sum()
    }

    /// The least equity that a breaker can have seen.
    fn least_equity(&self, plan: &Plan, books: &Supervisor, scope: BreakerScope) -> Usd {
        let of = |portfolio| books.portfolio(portfolio).wallet + self.least(books, portfolio, None);
        match scope {
            BreakerScope::Swarm => (0..plan.portfolios.len()).map(|index| of(PortfolioId::at(index))).sum(),
            BreakerScope::Portfolio(portfolio) => of(portfolio),
            BreakerScope::Agent(agent) => {
                let portfolio = plan.agents[agent.index()].portfolio;
                let money = plan.portfolios[portfolio.index()].equity + books.agent_book(agent).net();
                money + self.least(books, portfolio, Some(agent))
            }
        }
    }
}

impl Audit {
    /// The price was really this.
    pub(super) fn had(&mut self, symbol: SymbolId, at: Time, price: Price) {
        self.marks.truth.note(symbol, at, price);
    }

    /// The price was this at some time, and is told so now.
    pub(super) fn had_before(&mut self, symbol: SymbolId, now: Time, price: Price) {
        self.marks.truth.note_again(symbol, now, price);
    }

    /// Where the price really was lately.
    pub(super) fn lately(&self, symbol: SymbolId) -> Option<Span> {
        self.marks.truth.lately(symbol)
    }

    /// What was done, given the books after it.
    pub(super) fn deeds(&mut self, books: &Supervisor, facts: &[Fact]) {
        for (index, fact) in facts.iter().enumerate() {
            match fact {
                Fact::Order { order, .. } if order.purpose == Purpose::Stop => self.stop(books, order),
                Fact::Breaker { scope, change: BreakerChange::Tripped { equity, .. }, .. } => {
                    // What came after it in one writing may have moved money.
                    let is_last = !facts[index..].iter().any(|fact| matches!(fact, Fact::Venue { .. }));
                    let least = self.marks.least_equity(&self.plan, books, *scope);
                    self.hold(25, !is_last || *equity >= least, || {
                        format!("{scope:?} trips at {equity}, and cannot have been worth less than {least}")
                    });
                }
                _ => {}
            }
        }
    }

    fn stop(&mut self, books: &Supervisor, order: &Order) {
        let OrderKind::StopMarket { trigger } = order.kind else { return };
        let mut held = books.positions(order.portfolio).filter(|one| !one.is_orphan);
        let Some(held) = held.find(|one| one.intent == order.id.intent && one.symbol == order.symbol) else { return };
        let side = Side::of(held.qty);
        let tick = self.plan.instrument(order.symbol).tick;
        let Some(best) = self.marks.best_stop(&held, tick) else { return };
        // An execution of several prices is entered at their average.
        let beside = best.times(Rate::bps(10), Round::Up);
        let holds = if side == Side::Buy { trigger <= best + beside } else { trigger >= best - beside };
        self.hold(25, holds, || format!("{order:?} of {held:?}, where {best} is the best the market led to"));
        self.marks.stops.insert(order.id.intent, better(side, best, trigger));
    }

    /// No position is valued at a price that the market did not have.
    pub(super) fn valued(&mut self, books: &Supervisor) {
        for index in 0..self.plan.portfolios.len() {
            for one in books.positions(PortfolioId::at(index)).filter(|one| !one.is_orphan) {
                let (holds, span) = (self.marks.knows(one.symbol, one.mark), self.marks.truth.told_lately(one.symbol));
                self.hold(25, holds, || format!("{one:?}, where the market was {span:?}"));
            }
        }
    }
}
